//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};
use openclaw_core::state_dir::Overrides;

use crate::commands::{
    agent, approvals, audit, backup, config, configure, context, credentials, dashboard, demo,
    devices, doctor, gateway, logs, migrate, models, onboard, policy, sandbox, sessions, skills,
    status, tokens, usage,
};
use crate::output::Format;
use crate::terminal::ColorWhen;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::White.on_default().bold())
    .usage(AnsiColor::White.on_default().bold())
    .literal(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  openclaw demo                              see everything at work, without a key
  openclaw onboard --non-interactive --provider anthropic --api-key-env ANTHROPIC_API_KEY
  openclaw gateway run                       start the gateway
  openclaw agent --message \"what is new?\"    say something to the agent

Exit codes:
  0 done   1 failed   2 wrong usage   3 not found   4 gateway not reachable   5 not authorised
  6 refused   69 unavailable   78 invalid config   130 interrupted";

/// A gateway for AI agents that run tools in a sandbox and record every step.
#[derive(Debug, Parser)]
#[command(
    name = "openclaw",
    version,
    styles = STYLES,
    after_help = EXAMPLES,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// What goes for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What goes for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct Global {
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Use the state directory ~/.openclaw-NAME
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "workspace")]
    profile: Option<String>,
    /// Use this state directory; for `sandbox exec`, the folder that the command may write
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    color: ColorWhen,
    /// The same as --color never
    #[arg(long, global = true)]
    no_color: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything at work, without a key or a config
    Demo(demo::DemoArgs),
    /// Write a first config
    Onboard(onboard::OnboardArgs),
    /// Take over what TypeScript OpenClaw has in a state directory
    Migrate(migrate::MigrateArgs),
    /// Start the gateway
    Gateway(gateway::GatewayArgs),
    /// Say something to the agent and show its answer
    Agent(agent::AgentArgs),
    /// See and decide what waits for your consent
    Approvals(approvals::ApprovalsArgs),
    /// List sessions, read a conversation or its event log
    Sessions(sessions::SessionsArgs),
    /// Show what fills the model's window in a session
    Context(context::ContextArgs),
    /// Show which skills an agent has, and what the others lack
    Skills(skills::SkillsArgs),
    /// List, choose and test models
    Models(models::ModelsArgs),
    /// Say which tools may be called, by whom, and which setting says so
    Policy(policy::PolicyArgs),
    /// Read the log of the gateway
    Logs(logs::LogsArgs),
    /// Check and read what the event log says about itself
    Audit(audit::AuditArgs),
    /// Show, check and change the config
    Config(config::ConfigArgs),
    /// Set up the master password, a key or a sign-in
    Configure(configure::ConfigureArgs),
    /// Store keys encrypted, list and check them
    Credentials(credentials::CredentialsArgs),
    /// Keep a copy of the event log, or put one back
    Backup(backup::BackupArgs),
    /// Show what models cost, and the caps on it
    Usage(usage::UsageArgs),
    /// Issue, list and revoke tokens for the gateway
    Tokens(tokens::TokensArgs),
    /// Let devices in, list and revoke them
    Devices(devices::DevicesArgs),
    /// Print a link by which a browser logs in
    #[command(after_help = dashboard::EXAMPLES)]
    Dashboard,
    /// Say what is wrong and how to repair it
    Doctor(doctor::DoctorArgs),
    /// Show what is set up and what is running
    #[command(after_help = status::EXAMPLES)]
    Status,
    /// Run a command in the sandbox
    Sandbox(sandbox::SandboxArgs),
}

impl Global {
    /// Returns when to use colours.
    pub(crate) fn color(&self) -> ColorWhen {
        if self.no_color {
            ColorWhen::Never
        } else {
            self.color
        }
    }

    /// Returns what the command line says about the state directory.
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            state_dir: self.workspace.clone(),
            profile: self.profile.clone(),
        }
    }
}

/// Returns the format that a command line asks for, even one that cannot be parsed.
pub(crate) fn format_of(args: &[OsString]) -> Format {
    let asked = args
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--json");
    if asked { Format::Json } else { Format::Text }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, error::ErrorKind};
    use proptest::prelude::*;

    use super::*;

    fn parsed(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from([&["openclaw"], args].concat())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        fn check(command: &clap::Command) {
            let leaf = command.get_subcommands().next().is_none();
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                !leaf || help.contains("openclaw "),
                "{} has no example",
                command.get_name()
            );
            assert!(command.get_about().is_some(), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn global_flags_may_stand_before_and_after_the_command() {
        for args in [
            &["--workspace", "/s", "--json", "sessions", "list"][..],
            &["sessions", "list", "--workspace", "/s", "--json"],
            &["sessions", "--workspace", "/s", "list", "--json"],
        ] {
            let cli = parsed(args).unwrap();
            let state_dir = cli.global.overrides().state_dir;
            assert_eq!(
                (state_dir, cli.global.json),
                (Some("/s".into()), true),
                "{args:?}"
            );
        }
    }

    #[test]
    fn a_profile_and_a_state_directory_exclude_each_other() {
        let err = parsed(&["status", "--profile", "work", "--workspace", "/s"]).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::ArgumentConflict);
    }

    #[test]
    fn the_format_of_a_broken_command_line_is_known() {
        let args = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(format_of(&args("openclaw nonsense --json")), Format::Json);
        assert_eq!(
            format_of(&args("openclaw sandbox exec -- x --json")),
            Format::Text
        );
    }

    proptest! {
        #[test]
        fn no_command_line_makes_the_parser_panic(
            args in proptest::collection::vec(
                prop_oneof![
                    "[ -~]{0,12}",
                    "(demo|onboard|gateway|run|agent|sessions|show|events|sandbox|exec|status)",
                    "--(json|profile|workspace|color|port|message|limit|level|timeout|)(=[a-z0-9]*)?",
                ],
                0..8,
            )
        ) {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            if let Err(err) = parsed(&args) {
                prop_assert!(!err.render().to_string().is_empty());
            }
        }
    }
}
