//! The verdict of OpenClaw 2026.9.6 on a config: its shape, and what a shape cannot say.
//!
//! The tool judges in turns, and each turn happens only if the one before found nothing: its own
//! settings, what follows from them together, channels and plugins, and at last what secrets come
//! from. The turns decide which warnings are heard, so they are kept; but problems of channels and
//! plugins are reported even where the tool would stop earlier, because the author has to solve
//! them anyway.

mod channels;
mod codex;
mod facts;
mod gateway;
mod ids;
mod installed;
mod inventory;
mod models;
mod ownership;
mod places;
mod plugins;
mod quantities;
mod roster;
mod search;
mod secrets;
mod sections;
mod settle;
mod surroundings;
mod tools;
mod walk;
mod workers;

use serde_json::Value;

pub(crate) use self::facts::names::{CHANNEL_ALIASES, CHANNELS};
pub(crate) use self::gateway::is_origin;
pub use self::installed::Installed;
pub use self::inventory::{NamedChannel, NamedPlugin};
pub(crate) use self::inventory::{channels, plugins};
use self::plugins::Plugins;
use self::settle::{Settled, settle};
pub use self::surroundings::{Standing, Surroundings};
use self::walk::Problems;
use crate::problem::Problem;
use crate::schema;

/// What OpenClaw says to a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; empty for a config that is accepted.
    pub problems: Vec<Problem>,
    /// What its author should know, whether it is accepted or not.
    pub warnings: Vec<Problem>,
}

impl Verdict {
    /// Tells whether OpenClaw would start with the config.
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Returns a config as OpenClaw reads it: its agents by id, and without settings that it drops.
#[must_use]
pub fn as_read(config: &Value) -> Value {
    settle(config).config
}

/// Tells whether a model provider of this name comes with OpenClaw.
pub fn is_bundled_provider(name: &str) -> bool {
    facts::names::PROVIDERS.contains(&ids::lower(name).as_str())
}

/// Judges a config whose includes are merged and whose variables are filled in.
pub fn judge(value: &Value, home: &Surroundings) -> Verdict {
    let settled = settle(value);
    let config = &settled.config;
    let mut verdict = Verdict {
        problems: judge_own(&settled),
        warnings: settled.warnings.clone(),
    };
    if verdict.is_valid() {
        verdict.problems = judge_whole(&settled, home);
    }
    let plugins = Plugins::read(config, home);
    let mut rest = Verdict::default();
    warn_of_idle_hearts(config, &mut rest.warnings);
    channels::warn_of_closed_doors(config, &mut rest.warnings);
    channels::judge(config, &plugins, &mut rest);
    search::judge(config, &plugins, &mut rest);
    let mut retired = Problems::default();
    models::judge_retired(config, &mut retired);
    rest.problems.extend(retired.0);
    if value.get("plugins").is_some() {
        plugins.judge(&mut rest);
    }
    if verdict.is_valid() {
        verdict.warnings.extend(rest.warnings);
    }
    verdict.problems.extend(rest.problems);
    if verdict.is_valid() {
        verdict.problems = judge_secrets(config, home);
    }
    verdict
}

/// Judges what belongs to neither a channel nor a plugin.
fn judge_own(settled: &Settled) -> Vec<Problem> {
    let config = &settled.config;
    let mut problems = Problems(schema::validate_core(config));
    roster::judge(config, settled.former_default.as_deref(), &mut problems);
    models::judge(config, &mut problems);
    tools::judge(config, &mut problems);
    gateway::judge(config, &mut problems);
    sections::judge(config, &mut problems);
    workers::judge(config, &mut problems);
    secrets::judge(config, &mut problems);
    channels::judge_own_bindings(config, &mut problems);
    problems.0
}

/// Judges what follows from several settings together; the first rule that is broken ends it.
fn judge_whole(settled: &Settled, home: &Surroundings) -> Vec<Problem> {
    let config = &settled.config;
    let former_default = settled.former_default.as_deref();
    let rules: [&dyn Fn(&mut Problems); 5] = [
        &|problems| places::judge_variables(config, problems),
        &|problems| places::judge_folders(config, home, problems),
        &|problems| places::judge_avatars(config, former_default, home, problems),
        &|problems| gateway::judge_tailscale(config, problems),
        &|problems| models::judge_policies(config, problems),
    ];
    let mut problems = Problems::default();
    for rule in rules {
        rule(&mut problems);
        if !problems.0.is_empty() {
            break;
        }
    }
    problems.0
}

/// Judges references to secrets, and then the programs that give them out.
fn judge_secrets(config: &Value, home: &Surroundings) -> Vec<Problem> {
    let mut problems = Problems::default();
    if walk::members(config, &["secrets", "providers"])
        .next()
        .is_some()
    {
        secrets::judge_references(config, &mut problems);
    }
    if problems.0.is_empty() {
        secrets::judge_programs(config, home, &mut problems);
    }
    problems.0
}

/// Warns of several agents of which none does what happens at intervals.
fn warn_of_idle_hearts(config: &Value, warnings: &mut Vec<Problem>) {
    let agents = roster::agents(config);
    let beats = |agent: &Value| agent.get("heartbeat").is_some();
    let defaults = config
        .get("agents")
        .and_then(|agents| agents.get("defaults"));
    let owner = walk::text(config, &["agents", "defaults", "systemAgent", "agentId"]);
    let idle = agents.len() > 1
        && !agents.iter().any(|(_, agent)| beats(agent))
        && !defaults.is_some_and(beats)
        && owner.is_none_or(|owner| owner.trim().is_empty());
    if idle {
        let path = walk::path("agents.defaults.heartbeat.agentId");
        let message = "no heartbeat runs: there are several agents, and neither \
                       agents.defaults.heartbeat.agentId nor agents.defaults.systemAgent.agentId \
                       names one";
        warnings.push(Problem::new(path, message));
    }
}

#[cfg(test)]
mod tests;
