//! `openclaw status`: what is set up and what is running, with or without a gateway.

mod document;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use openclaw_config::{AgentSettings, Confinement, SandboxNetwork};
use openclaw_core::Kind;
use openclaw_core::events::UsageQuery;
use openclaw_core::state_dir::StateDir;
use openclaw_core::usage::UsageSum;
use openclaw_gateway::containment::machine::Machine;
use openclaw_gateway::models::not_followed;
use openclaw_gateway::{GatewayError, Home, Running, Vault};
use openclaw_ipc::methods::{FailingModel, ModelsStatus, NoParams};
use serde::Serialize;
use tokio::time;

use super::Cx;
use super::sessions::existing_log;
use crate::error::CliError;
use crate::remote;
use crate::runtime::{self, Threads};

/// How long a gateway that is said to be running may take to answer.
const PATIENCE: Duration = Duration::from_millis(800);

/// The end of the help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  openclaw status
  openclaw status --json

The exit code is 0 when the gateway answers, 4 when it does not, 5 when it does not accept the
token, 78 when the config is broken.";

/// Everything that is known.
#[derive(Debug)]
struct Facts {
    state: StateDir,
    config: ConfigFacts,
    gateway: GatewayFacts,
    sandbox: SandboxFacts,
    sessions: Result<u64, CliError>,
    /// What models cost today; none where that cannot be told.
    today: Option<UsageSum>,
    credentials: CredentialFacts,
}

/// The sandbox as this machine has it, and where the owner has let go of something.
#[derive(Debug)]
struct SandboxFacts {
    machine: Machine,
    /// Whether commands run without guards that are missing.
    degradable: bool,
    warnings: Vec<String>,
}

/// The credential store, as far as it shows without opening it, which would take long.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialFacts {
    path: PathBuf,
    exists: bool,
    /// How many records have a file.
    records: usize,
    /// Where the master password would be taken from.
    password_source: Option<String>,
    /// Why it would be taken from nowhere.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigFacts {
    path: PathBuf,
    exists: bool,
    valid: bool,
    problems: Vec<String>,
    warnings: Vec<String>,
    agents: Vec<AgentFacts>,
}

/// One agent of the config; the first is the default one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentFacts {
    id: String,
    name: String,
    model: Option<String>,
    workspace_dir: PathBuf,
}

/// How the gateway was looked for, and what came of it.
#[derive(Debug, Default)]
struct GatewayFacts {
    url: Option<String>,
    running: Option<Running>,
    latency: Option<Duration>,
    failure: Option<(Kind, String)>,
    /// The models and keys that fail for it.
    failing: Vec<FailingModel>,
}

pub(crate) fn run(cx: Cx<'_>) -> Result<ExitCode, CliError> {
    let facts = runtime::block_on(Threads::One, collect(cx))?;
    if cx.out.is_json() {
        cx.out.document(&document::of(&facts))?;
    } else {
        text::print(cx, &facts)?;
    }
    Ok(ExitCode::from(exit_code(&facts)))
}

/// Returns everything that is known, as scripts read it.
pub(super) async fn report(cx: Cx<'_>) -> Result<serde_json::Value, CliError> {
    Ok(document::of(&Box::pin(collect(cx)).await?))
}

async fn collect(cx: Cx<'_>) -> Result<Facts, CliError> {
    let state = StateDir::locate(cx.env, cx.overrides)?;
    let (reachable, home) = match Home::open_to_call(cx.env.clone(), cx.overrides) {
        Ok((home, None)) => (Some(home.clone()), Ok(home)),
        Ok((home, Some(broken))) => (Some(home), Err(CliError::Config(broken))),
        Err(GatewayError::Config(broken)) => (None, Err(CliError::Config(broken))),
        Err(err) => return Err(err.into()),
    };
    let today = reachable.as_ref().map(Home::calls_of_today);
    let (gateway, machine, logged) = tokio::join!(
        gateway(reachable.as_ref()),
        Machine::look(),
        logged(&state, today)
    );
    let (sessions, today) = match logged {
        Ok((sessions, today)) => (Ok(sessions), today),
        Err(err) => (Err(err), None),
    };
    let sandbox = SandboxFacts::of(machine, reachable.as_ref());
    let config = config(&state, home);
    let credentials = CredentialFacts::of(&Vault::new(&state, cx.env.clone()));
    Ok(Facts {
        state,
        config,
        gateway,
        sandbox,
        sessions,
        today,
        credentials,
    })
}

impl SandboxFacts {
    fn of(machine: Machine, home: Option<&Home>) -> Self {
        let settings = home.map(|home| &home.config.own.sandbox);
        let degradable = settings.is_some_and(|set| set.policy(None).allow_degraded.value);
        let mut warnings = Vec::new();
        if degradable {
            warnings.push("commands may run without guards (sandbox.allowDegraded)".to_owned());
        }
        if machine.is_root_without_groups() {
            warnings.push("root without control groups: processes are not limited".to_owned());
        }
        for agent in home.into_iter().flat_map(|home| &home.config.agents) {
            let Some(policy) = settings.map(|set| set.policy(Some(&agent.id))) else {
                break;
            };
            let level = match policy.level.value {
                Confinement::Strict => continue,
                Confinement::Relaxed => "relaxed",
                Confinement::None => "none",
            };
            warnings.push(format!("the commands of {} run at level {level}", agent.id));
            if policy.network.value == SandboxNetwork::Host {
                let agent = &agent.id;
                warnings.push(format!(
                    "the commands of {agent} have this machine's network"
                ));
            }
        }
        Self {
            machine,
            degradable,
            warnings,
        }
    }

    /// Returns what commands run without, where something is missing and may be done without.
    fn degraded_by(&self) -> Option<String> {
        let missing = self.machine.missing.as_ref().filter(|_| self.degradable)?;
        let names: Vec<&str> = missing.iter().map(|guard| guard.as_str()).collect();
        Some(names.join(", "))
    }
}

impl CredentialFacts {
    fn of(vault: &Vault) -> Self {
        let mut facts = Self {
            path: vault.path().to_owned(),
            exists: vault.exists(),
            records: vault.record_files(),
            ..Self::default()
        };
        if facts.exists {
            match vault.password() {
                Ok(Some(password)) => facts.password_source = Some(password.source.to_string()),
                Ok(None) => {
                    facts.problem = Some("nothing says what its master password is".to_owned());
                }
                Err(err) => facts.problem = Some(err.to_string()),
            }
        }
        facts
    }
}

impl AgentFacts {
    fn of(agent: &AgentSettings) -> Self {
        Self {
            id: agent.id.to_string(),
            name: agent.name.clone(),
            model: agent.model.as_ref().map(ToString::to_string),
            workspace_dir: agent.workspace.clone(),
        }
    }
}

fn config(state: &StateDir, home: Result<Home, CliError>) -> ConfigFacts {
    let path = state.config_file().to_owned();
    let mut facts = ConfigFacts {
        exists: path.exists(),
        path,
        valid: home.is_ok(),
        problems: Vec::new(),
        warnings: Vec::new(),
        agents: Vec::new(),
    };
    match home {
        Ok(home) => {
            facts.agents = home.config.agents.iter().map(AgentFacts::of).collect();
            let warnings = home.config.warnings.iter();
            facts.warnings = warnings
                .chain(&not_followed(&home.config))
                .map(ToString::to_string)
                .collect();
        }
        Err(err) => {
            let problems = err.config_problems().map(|(_, problems)| problems);
            facts.problems = match problems {
                Some(problems) => problems.iter().map(ToString::to_string).collect(),
                None => vec![err.to_string()],
            };
        }
    }
    facts
}

/// Returns how many sessions the log has, and what its calls cost since the day began.
async fn logged(
    state: &StateDir,
    today: Option<UsageQuery>,
) -> Result<(u64, Option<UsageSum>), CliError> {
    let Some(store) = existing_log(state)? else {
        return Ok((0, today.map(|_| UsageSum::default())));
    };
    let sessions = store.session_count().await?;
    let Some(query) = today else {
        return Ok((sessions, None));
    };
    let sums = store.usage(query, |_| String::new()).await?;
    let sum = sums.into_values().next().unwrap_or_default();
    Ok((sessions, Some(sum)))
}

async fn gateway(home: Option<&Home>) -> GatewayFacts {
    let Some(home) = home else {
        return GatewayFacts {
            failure: Some((
                Kind::Config,
                "not looked for: the config is broken".to_owned(),
            )),
            ..GatewayFacts::default()
        };
    };
    let running = match home.running() {
        Ok(Some(running)) => running,
        Ok(None) => {
            let url = format!("ws://127.0.0.1:{}", home.config.gateway.port);
            let failure = Some((Kind::Unreachable, "not running".to_owned()));
            return GatewayFacts {
                url: Some(url),
                failure,
                ..GatewayFacts::default()
            };
        }
        Err(err) => {
            let failure = Some((Kind::Unreachable, err.to_string()));
            return GatewayFacts {
                failure,
                ..GatewayFacts::default()
            };
        }
    };
    let began = Instant::now();
    let mut outcome = match time::timeout(PATIENCE, ask(home, &running)).await {
        Ok(outcome) => outcome.map_err(|err| (err.kind(), err.to_string())),
        Err(_elapsed) => Err((
            Kind::Unreachable,
            format!("no answer within {} ms", PATIENCE.as_millis()),
        )),
    };
    let failing = outcome.as_mut().map(std::mem::take).unwrap_or_default();
    GatewayFacts {
        url: Some(running.url().replacen("http", "ws", 1)),
        failing,
        latency: outcome.is_ok().then(|| began.elapsed()),
        failure: outcome.err(),
        running: Some(running),
    }
}

/// Makes the gateway do something, which tells more than an open port does; returns what fails.
async fn ask(home: &Home, running: &Running) -> Result<Vec<FailingModel>, CliError> {
    let mut client = remote::connect(home, running).await?;
    Ok(client.call::<ModelsStatus>(&NoParams {}).await?.failing)
}

fn exit_code(facts: &Facts) -> u8 {
    match &facts.gateway.failure {
        _ if !facts.config.valid => Kind::Config.exit_code(),
        Some((Kind::Unauthenticated, _)) => Kind::Unauthenticated.exit_code(),
        Some(_) => Kind::Unreachable.exit_code(),
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::env::Env;
    use openclaw_core::state_dir::Overrides;
    use openclaw_sandbox::{Availability, SandboxError};

    use super::*;

    /// What is known when the gateway fails in this way; a broken config is one of the ways.
    fn facts(failure: Option<Kind>) -> Facts {
        let overrides = Overrides {
            state_dir: Some("/nowhere".into()),
            profile: None,
        };
        let gateway = GatewayFacts {
            failure: failure.map(|kind| (kind, "x".to_owned())),
            ..GatewayFacts::default()
        };
        Facts {
            state: StateDir::locate(&Env::default(), &overrides).unwrap(),
            config: ConfigFacts {
                path: "/nowhere/openclaw.json".into(),
                exists: false,
                valid: failure != Some(Kind::Config),
                problems: Vec::new(),
                warnings: Vec::new(),
                agents: Vec::new(),
            },
            gateway,
            sandbox: SandboxFacts {
                machine: Machine {
                    probe: Err(SandboxError::NetworkAtStrict),
                    missing: None,
                    groups: Availability::V2,
                    is_root: false,
                },
                degradable: false,
                warnings: Vec::new(),
            },
            sessions: Ok(2),
            today: None,
            credentials: CredentialFacts::default(),
        }
    }

    #[test]
    fn the_exit_code_names_the_worst_of_it() {
        let code = |failure| exit_code(&facts(failure));
        assert_eq!(code(None), 0);
        assert_eq!(code(Some(Kind::Unreachable)), 4);
        assert_eq!(code(Some(Kind::Internal)), 4);
        assert_eq!(code(Some(Kind::Unauthenticated)), 5);
        assert_eq!(code(Some(Kind::Config)), 78);
    }

    #[test]
    fn the_document_has_the_recorded_keys() {
        let document = document::of(&facts(Some(Kind::Unreachable)));
        assert_eq!(document["sessions"]["count"], 2);
        assert_eq!(document["agents"]["totalSessions"], 2);
        assert_eq!(document["gateway"]["reachable"], false);
        assert_eq!(document["runtimeVersion"], env!("CARGO_PKG_VERSION"));
        assert!(document["os"]["platform"].is_string() && document.get("pid").is_none());
    }
}
