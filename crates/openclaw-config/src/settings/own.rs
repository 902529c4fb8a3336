//! `openclaw-rs.json5`: the settings that only this program knows.
//!
//! They stand in a file of their own beside `openclaw.json`, because OpenClaw does not start on a
//! config with keys that it does not know.

use std::collections::BTreeMap;
use std::path::Path;

use openclaw_core::ProviderId;
use openclaw_core::env::Env;
use openclaw_core::state_dir::StateDir;
use serde_json::Value;

use super::approvals::{self, ApprovalSettings};
use super::budget::{self, BudgetSettings};
use super::diagnostics::{self, MetricsAccess};
use super::oauth::{self, OauthSettings};
use super::own_gateway::{self, OwnGateway};
use super::own_providers::{self, OwnProvider};
use super::provenance::{self, ProvenanceSettings};
use super::sandbox::{self, SandboxSettings};
use super::tools::{self, OwnRules};
use super::tools_web::{self, WebLists};
use super::{ConfigError, known_secrets, limits};
use crate::problem::{KeyPath, Problem};
use crate::source;

/// The file's name, beside the config file.
pub const OWN_FILE: &str = "openclaw-rs.json5";

/// The keys that the file may have, and what this version makes of them.
const KEYS: &[(&str, Part)] = &[
    (sandbox::KEY, Part::Judged(sandbox::problems)),
    (limits::KEY, Part::Judged(limits::problems)),
    (oauth::KEY, Part::Judged(oauth::problems)),
    (budget::KEY, Part::Judged(budget::problems)),
    (approvals::KEY, Part::Judged(approvals::problems)),
    (diagnostics::KEY, Part::Judged(diagnostics::problems)),
    (own_gateway::KEY, Part::Judged(own_gateway::problems)),
    (provenance::KEY, Part::Judged(provenance::problems)),
    (tools_web::KEY, Part::Judged(tools_web::problems)),
    (own_providers::KEY, Part::Judged(own_providers::problems)),
    (tools::KEY, Part::Judged(tools::problems)),
    ("channels", Part::NotFollowed),
];

/// What is made of a member of the file.
#[derive(Clone, Copy)]
enum Part {
    /// It is followed, unless this finds something wrong with it.
    Judged(fn(&KeyPath, &Value) -> Vec<Problem>),
    /// It is accepted, and has no effect yet.
    NotFollowed,
}

/// What the file says.
#[derive(Clone, Debug, Default)]
pub struct OwnSettings {
    /// How commands are confined (`sandbox`).
    pub sandbox: SandboxSettings,
    /// How many calls and messages a minute may bring (`rateLimit`), as it stands.
    pub(super) rate_limit: Option<Value>,
    /// How providers are signed in to by OAuth (`oauth`).
    pub oauth: BTreeMap<ProviderId, OauthSettings>,
    /// What models may cost (`budget`).
    pub budget: BudgetSettings,
    /// How somebody is asked before a tool call runs (`approvals`).
    pub approvals: ApprovalSettings,
    /// How the gateway stops, and where else it listens (`gateway`).
    pub gateway: OwnGateway,
    /// Who may read `GET /metrics` (`diagnostics.metrics`).
    pub(super) metrics: MetricsAccess,
    /// What counts as untrusted, and what that leads to (`provenance`).
    pub provenance: ProvenanceSettings,
    /// Which hosts tools may read pages from (`web`).
    pub web: WebLists,
    /// Further keys of providers, and how long they may take (`providers`).
    pub providers: BTreeMap<ProviderId, OwnProvider>,
    /// Rules about tools, the first one first (`policy.rules`).
    pub policy: OwnRules,
}

impl OwnSettings {
    /// Reads the file of a home by itself, for who needs nothing of `openclaw.json`; a missing file
    /// means all defaults.
    pub fn load(state: &StateDir, env: &Env) -> Result<Self, ConfigError> {
        let path = state.config_file().with_file_name(OWN_FILE);
        match read(&path, env) {
            Ok((settings, _not_followed)) => Ok(settings),
            Err(problems) => Err(ConfigError { path, problems }),
        }
    }
}

/// Reads the file; returns also what is accepted but not followed.
pub(super) fn read(file: &Path, env: &Env) -> Result<(OwnSettings, Vec<Problem>), Vec<Problem>> {
    let source = source::read(file, env)?;
    // Before anything is refused: also what a broken file holds is not to be shown.
    known_secrets::learn_own(&source.value);
    let mut problems = Vec::new();
    let mut not_followed = Vec::new();
    let members = source.value.as_object();
    for (key, value) in members.into_iter().flatten() {
        let path = KeyPath::root().key(key);
        match KEYS.iter().find(|(known, _)| known == key) {
            Some((_, Part::Judged(judge))) => problems.extend(judge(&path, value)),
            Some((_, Part::NotFollowed)) => not_followed.push(Problem::new(
                path,
                "is accepted, but has no effect in this version",
            )),
            None => {
                let mut problem = Problem::new(path, format!("Unrecognized key: \"{key}\""));
                problem.allowed = KEYS.iter().map(|(known, _)| (*known).to_owned()).collect();
                problems.push(problem);
            }
        }
    }
    for problem in problems.iter_mut().chain(&mut not_followed) {
        problem.place = source.place(&problem.path);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok((
        OwnSettings {
            sandbox: sandbox::read(source.value.get(sandbox::KEY), env),
            rate_limit: source.value.get(limits::KEY).cloned(),
            oauth: oauth::read(source.value.get(oauth::KEY)),
            budget: budget::read(source.value.get(budget::KEY)),
            approvals: approvals::read(source.value.get(approvals::KEY)),
            gateway: own_gateway::read(source.value.get(own_gateway::KEY), env),
            metrics: diagnostics::read(source.value.get(diagnostics::KEY)),
            provenance: provenance::read(source.value.get(provenance::KEY)),
            web: tools_web::read(source.value.get(tools_web::KEY)),
            providers: own_providers::read(source.value.get(own_providers::KEY)),
            policy: tools::read_own(source.value.get(tools::KEY), |path| {
                source.place(path).map(|place| place.in_short())
            }),
        },
        not_followed,
    ))
}
