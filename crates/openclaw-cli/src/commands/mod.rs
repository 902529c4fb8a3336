//! The commands, one file for each.

pub(crate) mod agent;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod configure;
pub(crate) mod context;
pub(crate) mod credentials;
pub(crate) mod dashboard;
pub(crate) mod demo;
pub(crate) mod devices;
pub(crate) mod diagnostics;
pub(crate) mod doctor;
pub(crate) mod gateway;
pub(crate) mod logs;
pub(crate) mod migrate;
pub(crate) mod models;
pub(crate) mod onboard;
pub(crate) mod policy;
pub(crate) mod sandbox;
pub(crate) mod sessions;
pub(crate) mod skills;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod usage;

use std::process::ExitCode;

use openclaw_config::Config;
use openclaw_core::env::Env;
use openclaw_core::state_dir::{Overrides, StateDir};
use openclaw_gateway::Home;

use crate::cli::{Cli, Command};
use crate::error::CliError;
use crate::output::Output;

/// What every command works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cx<'a> {
    /// The environment.
    pub(crate) env: &'a Env,
    /// What the command line says about the state directory.
    pub(crate) overrides: &'a Overrides,
    /// Where answers go.
    pub(crate) out: &'a Output,
}

impl Cx<'_> {
    /// Opens the home for a call of its gateway; one that runs goes on with the last good config.
    pub(crate) fn home_to_call(&self) -> Result<Home, CliError> {
        let (home, broken) = Home::open_to_call(self.env.clone(), self.overrides)?;
        if let Some(broken) = broken {
            self.out.warning(format_args!(
                "{broken}; the gateway goes on with the last good one"
            ));
        }
        Ok(home)
    }

    /// Returns the flags by which another command finds the same state directory.
    pub(crate) fn state_flags(&self) -> String {
        self.overrides.flags()
    }

    /// Makes the config's secrets known to the masks, for a command that has no other use for it:
    /// what it shows may be older than they are, and was not masked when it was recorded.
    fn learn_secrets(&self) {
        if let Ok(state) = StateDir::locate(self.env, self.overrides) {
            // What is wrong with a config is for the commands to tell that need it.
            drop(Config::load(&state, self.env));
        }
    }
}

/// Runs the command that was typed.
pub(crate) fn run(cli: Cli, env: &Env, out: &Output) -> Result<ExitCode, CliError> {
    let overrides = cli.global.overrides();
    let cx = Cx {
        env,
        overrides: &overrides,
        out,
    };
    if matches!(
        cli.command,
        Command::Sessions(_) | Command::Audit(_) | Command::Backup(_)
    ) {
        cx.learn_secrets();
    }
    match cli.command {
        Command::Dashboard => dashboard::run(cx),
        Command::Demo(args) => demo::run(cx, &args),
        Command::Onboard(args) => onboard::run(cx, args),
        Command::Migrate(args) => migrate::run(cx, args),
        Command::Gateway(args) => gateway::run(cx, &args),
        Command::Agent(args) => agent::run(cx, args),
        Command::Approvals(args) => approvals::run(cx, args),
        Command::Sessions(args) => sessions::run(cx, args),
        Command::Skills(args) => skills::run(cx, &args),
        Command::Logs(args) => logs::run(cx, &args),
        Command::Models(args) => models::run(cx, args),
        Command::Policy(args) => policy::run(cx, args),
        Command::Audit(args) => audit::run(cx, args),
        Command::Backup(args) => backup::run(cx, args),
        Command::Config(args) => config::run(cx, &args),
        Command::Configure(args) => configure::run(cx, &args),
        Command::Credentials(args) => credentials::run(cx, args),
        Command::Doctor(args) => doctor::run(cx, &args),
        Command::Devices(args) => devices::run(cx, args),
        Command::Tokens(args) => tokens::run(cx, args),
        Command::Context(args) => context::run(cx, args),
        Command::Usage(args) => usage::run(cx, args),
        Command::Status => status::run(cx),
        Command::Sandbox(args) => sandbox::run(cx, args),
    }
}
