//! From files to settings: read, bring into the current form, judge, and say what it means.

use std::path::Path;

use openclaw_core::env::{Env, HOME};
use openclaw_core::state_dir::StateDir;

use super::known_secrets;
use super::limits;
use super::model_choice::aliases;
use super::own::{self, OWN_FILE};
use super::reader::Reader;
use super::{Config, ConfigError, OwnSettings, ToolSettings};
use crate::migration::{self, Migrated};
use crate::problem::{KeyPath, Problem};
use crate::rules::{self, Surroundings, Verdict};
use crate::schema;
use crate::source::{self, Source};

/// How a config is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// As it stands, like OpenClaw 2026.9.6 judges it; only the forms that are this program's own
    /// are understood.
    AsItStands,
    /// After the forms of earlier releases were brought into the current one.
    AfterMigration,
}

impl Config {
    /// Reads the config of a home; a missing file means all defaults.
    ///
    /// Forms of earlier releases are understood; the file is not changed.
    pub fn load(state: &StateDir, env: &Env) -> Result<Self, ConfigError> {
        let file = state.config_file();
        let invalid = |problems| ConfigError {
            path: file.to_owned(),
            problems,
        };
        let source = source::read(file, env).map_err(invalid)?;
        let (migrated, verdict) = judged(&source, state, Judged::AfterMigration);
        let env = source.env();
        // Before anything is refused: also what a broken config holds is not to be shown.
        known_secrets::learn(&migrated.value, env);
        if !verdict.is_valid() {
            return Err(invalid(verdict.problems));
        }
        let own_file = file.with_file_name(OWN_FILE);
        let (own, own_not_followed) =
            own::read(&own_file, env).map_err(|problems| ConfigError {
                path: own_file.clone(),
                problems,
            })?;
        let mut config = settings(&migrated, env, state.root());
        for problem in &mut config.not_followed {
            problem.place = source.place(&problem.path);
        }
        config.tools = ToolSettings::read(&migrated.value, &|path| {
            source.place(path).map(|place| place.in_short())
        });
        config.gateway.limits = config.gateway.limits.overlaid(own.rate_limit.as_ref());
        config.diagnostics.metrics = own.metrics;
        config.not_followed.extend(strangers(&own, &config));
        config.own = own;
        config.not_followed.extend(own_not_followed);
        config.warnings = verdict.warnings;
        config.files = source.files;
        config.files.push(own_file);
        Ok(config)
    }
}

/// Judges a config; every problem and warning has its place.
pub fn judge(source: &Source, state: &StateDir, judged_how: Judged) -> Verdict {
    judged(source, state, judged_how).1
}

/// Returns a config in the form in which it is judged.
pub(super) fn migrated(source: &Source, state: &StateDir, how: Judged) -> Migrated {
    match how {
        Judged::AsItStands => migration::seed_forms(source.value.clone()),
        Judged::AfterMigration => {
            let home = source.env().get_os(HOME.name).unwrap_or_default();
            let home = migration::Home {
                user: Path::new(home),
                state_dir: state.root(),
            };
            migration::migrate_in(source.value.clone(), home)
        }
    }
}

fn judged(source: &Source, state: &StateDir, how: Judged) -> (Migrated, Verdict) {
    let home = source.env().get_os(HOME.name).unwrap_or_default();
    let migrated = migrated(source, state, how);
    let surroundings = Surroundings::new(Path::new(home), state.root());
    let mut verdict = rules::judge(&migrated.value, &surroundings);
    let rate_limit = KeyPath::from_iter(["gateway", limits::KEY]);
    let left = migrated.value.pointer("/gateway/rateLimit");
    if let Some(broken) = left.filter(|left| limits::is_ours(left)) {
        let problems = limits::problems(&rate_limit, broken);
        verdict.problems.extend(problems);
    }
    verdict
        .problems
        .extend(source.non_finite().iter().map(|found| {
            let message = format!(
                "Invalid input: expected number, received {}",
                name(found.number)
            );
            Problem::new(found.path.clone(), message)
        }));
    verdict
        .warnings
        .splice(0..0, source.warnings.iter().cloned());
    for problem in verdict.problems.iter_mut().chain(&mut verdict.warnings) {
        *problem = source.locate(problem.clone());
        // Of an unknown member, its own place says more than that of the object around it.
        let member = schema::unknown_member(&source.value, problem);
        if let Some(place) = member.and_then(|member| source.place(&member)) {
            problem.place = Some(place);
        }
    }
    // As they stand in the file; what has no place comes last.
    verdict.problems.sort_by_key(|problem| {
        let place = problem.place.clone();
        (place.is_none(), place)
    });
    (migrated, verdict)
}

/// Names the agents that the sandbox has settings for and that there are not.
fn strangers(own: &OwnSettings, config: &Config) -> Vec<Problem> {
    let unknown = own.sandbox.agents().filter(|id| config.agent(id).is_none());
    unknown
        .map(|id| {
            let path = KeyPath::from_iter(["sandbox", "agents", id.as_str()]);
            Problem::new(path, "has no effect: there is no agent of this id")
        })
        .collect()
}

/// JavaScript's name of a number that JSON cannot hold.
fn name(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number.is_sign_negative() {
        "-Infinity"
    } else {
        "Infinity"
    }
}

pub(super) fn settings(migrated: &Migrated, env: &Env, state_dir: &Path) -> Config {
    let mut reader = Reader::new(&migrated.value, env, state_dir);
    reader.areas();
    reader.senders_not_followed();
    let mut config = Config {
        agents: reader.agents(),
        providers: reader.providers(),
        aliases: aliases(&migrated.value).into_iter().collect(),
        sign_in_order: reader.sign_in_order(),
        gateway: reader.gateway(),
        http_api: reader.http_api(),
        http_tools: reader.http_tools(),
        webhooks: reader.webhooks(),
        maintenance: reader.maintenance(),
        logging: reader.logging(),
        diagnostics: reader.diagnostics(),
        secrets: reader.secrets(),
        skills: reader.skills(),
        compaction: reader.compaction(),
        turns: reader.turns(),
        tools: ToolSettings::read(&migrated.value, &|_| None),
        web: reader.web(),
        session_tools: reader.session_tools(),
        image_models: reader.image_models(),
        own: OwnSettings::default(),
        env: env.clone(),
        files: Vec::new(),
        warnings: Vec::new(),
        not_followed: Vec::new(),
    };
    config.not_followed = reader.finish();
    config.gateway.limits = config
        .gateway
        .limits
        .overlaid(migrated.own.get(limits::KEY));
    if migrated.own.get("channels").is_some() {
        config.not_followed.push(Problem::new(
            KeyPath::from_iter(["channels", "telegram"]),
            "is accepted, but has no effect in this version",
        ));
    }
    config
}
