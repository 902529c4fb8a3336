//! From the forms of earlier releases to the current one.
//!
//! Three forms of OpenClaw's config are in the field: that of February 2026, those of May to July,
//! and that of 2026.9. [`migrate_in`] brings the first two into the last, and changes nothing in a
//! config that has it. It makes the changes that OpenClaw 2026.9.6 makes itself, in the same order:
//! `STEPS` is the whole list, and each step is a table of facts or a rule about one subject.
//! A step leaves alone what it does not understand; judging is for [`crate::rules`].
//!
//! [`seed_forms`] comes before all that: it understands what is this program's own.

mod address;
mod agents;
mod channels;
mod consolidated;
mod extensions;
mod gateway;
mod knobs;
mod layout;
mod log;
mod mcp;
mod media;
mod memory;
mod models;
mod plugins;
mod qqbot;
mod queue;
mod retired;
mod roster;
mod scope;
mod secrets;
mod seed;
mod session;
mod table;
pub(crate) mod tools;
mod tree;
mod tts;

use std::path::Path;

use serde_json::Value;

use crate::problem::KeyPath;
use log::Log;
use table::{Merge, Move, Retired, apply_merges, apply_moves, apply_retired};
use tree::Record;

/// A config in the current form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migrated {
    /// The config.
    pub value: Value,
    /// What only this program knows, destined for `openclaw-rs.json5`; null when there is nothing.
    pub own: Value,
    /// What was changed, in order.
    pub changes: Vec<Change>,
}

/// One change of a migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What was moved, changed or removed.
    pub from: KeyPath,
    /// Where it went, if it went anywhere.
    pub to: Option<KeyPath>,
    /// What was done, in a sentence. Never holds a secret.
    pub text: String,
}

/// Where a config belongs.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// The user's home, which `~` stands for.
    pub user: &'a Path,
    /// The directory that OpenClaw keeps its state in.
    pub state_dir: &'a Path,
}

/// Brings a config into the current form, as if it stood in `~/.openclaw`.
pub fn migrate(value: Value) -> Migrated {
    bring(value, "~/.openclaw/workspace".to_owned(), |_| true)
}

/// Brings a config of a home into the current form.
///
/// The home says where the first agent of a list had its workspace, which no list says itself, and
/// whether the plugins that the config names can be looked at.
pub fn migrate_in(value: Value, home: Home<'_>) -> Migrated {
    let workspace = home.state_dir.join("workspace").display().to_string();
    bring(value, workspace, |path| match path.strip_prefix('~') {
        Some(rest) => home.user.join(rest.trim_start_matches('/')).exists(),
        None => Path::new(path).exists(),
    })
}

fn bring(value: Value, default_workspace: String, exists: impl Fn(&str) -> bool) -> Migrated {
    let Migrated {
        value,
        own,
        mut changes,
    } = seed_forms(value);
    let Value::Object(mut root) = value else {
        return Migrated {
            value,
            own,
            changes,
        };
    };
    let mut ground = Ground {
        original: Record::new(),
        default_workspace,
        can_look: can_look_at_plugins(&root, exists),
    };
    for _ in 0..MOST_ROUNDS {
        ground.original.clone_from(&root);
        let mut log = Log::default();
        for step in STEPS {
            step.take(&mut root, &ground, &mut log);
        }
        let more = log.into_changes();
        if more.is_empty() {
            // Without a change worth telling, what was tidied on the way stays as it was.
            root = ground.original;
            break;
        }
        changes.extend(more);
    }
    Migrated {
        value: Value::Object(root),
        own,
        changes,
    }
}

/// Understands the forms that are this program's own, and changes nothing else.
pub fn seed_forms(value: Value) -> Migrated {
    let Value::Object(mut root) = value else {
        return Migrated {
            value,
            ..Migrated::default()
        };
    };
    let mut log = Log::default();
    let own = seed::lower(&mut root, &mut log);
    Migrated {
        value: Value::Object(root),
        own,
        changes: log.into_changes(),
    }
}

/// What a step may have to know besides the config as it stands.
struct Ground {
    /// The config before the first step.
    original: Record,
    /// Where the agent works that no workspace was named for.
    default_workspace: String,
    /// Whether the plugins that the config names are there, so that channels can be understood.
    can_look: bool,
}

/// How often the steps are taken at most.
///
/// Once is enough for any config that a release has written. A few that were put together by hand
/// have something left for a second round, because a late step moved it to where an early one
/// looks.
const MOST_ROUNDS: usize = 4;

/// One step of the migration.
enum Step {
    Moved(&'static [Move]),
    Merged(&'static [Merge]),
    Retired(&'static [Retired]),
    Rule(fn(&mut Record, &mut Log)),
    RuleOn(fn(&mut Record, &Ground, &mut Log)),
}

impl Step {
    fn take(&self, root: &mut Record, ground: &Ground, log: &mut Log) {
        match self {
            Self::Moved(facts) => apply_moves(facts, root, log),
            Self::Merged(facts) => apply_merges(facts, root, log),
            Self::Retired(facts) => apply_retired(facts, root, log),
            Self::Rule(rule) => rule(root, log),
            Self::RuleOn(rule) => rule(root, ground, log),
        }
    }
}

use Step::{Merged, Moved, Retired as Gone, Rule, RuleOn};

/// Every step, in order: later ones build on what earlier ones have moved.
const STEPS: &[Step] = &[
    Gone(channels::routing::RETIRED),
    Rule(channels::routing::routing),
    Moved(channels::routing::MOVED),
    Rule(channels::routing::thread_bindings),
    Rule(qqbot::second_edition),
    Rule(media::transcription),
    Rule(queue::modes),
    // Agents and what they run on.
    Rule(agents::direct_peers),
    Rule(tools::grants::all),
    Gone(agents::RETIRED),
    Merged(agents::MERGED),
    Rule(agents::runtimes),
    Rule(agents::sandbox_scope),
    Rule(agents::sandbox_browser),
    Merged(memory::MERGED),
    Rule(memory::grouped),
    Rule(memory::provider),
    Gone(memory::RETIRED),
    Rule(agents::typing_mode),
    Rule(agents::heartbeat),
    Gone(agents::RETIRED_BACKENDS),
    Gone(tools::code_mode::RETIRED),
    Rule(tools::code_mode::executor),
    Gone(retired::EARLY),
    Rule(retired::grpc),
    // The gateway and the servers it talks to.
    Gone(gateway::RETIRED),
    Rule(gateway::tailscale_service),
    Rule(gateway::port),
    Rule(gateway::allowed_origins),
    Rule(gateway::bind),
    Rule(mcp::servers),
    // Models and plugins.
    Rule(models::primary::default_model),
    RuleOn(|root, ground, log| models::primary::implicit(root, &ground.original, log)),
    Gone(retired::PRICING),
    Rule(models::catalog::abilities),
    Rule(models::codex::providers),
    Rule(models::rewrite::all),
    Rule(models::policy::allowed),
    Rule(models::vllm::thinking),
    Rule(models::catalog::dialects),
    Rule(models::catalog::windows),
    Rule(plugins::codex_supervisor),
    Rule(plugins::openai_codex),
    Rule(tools::web::x_search),
    // Speech and media.
    Rule(tts::top_level),
    Rule(tts::providers),
    Rule(tts::voices),
    Rule(tts::auto),
    Rule(memory::qmd),
    Rule(retired::lean_models),
    Gone(retired::TOOL_ERRORS),
    Rule(retired::hook_handlers),
    Rule(consolidated::all),
    Rule(layout::all),
    Rule(layout::overlays),
    Rule(layout::switches),
    Gone(retired::DETAILS),
    Moved(retired::DETAILS_MOVED),
    Merged(retired::DETAILS_MERGED),
    Rule(layout::values),
    Rule(media::deepgram),
    Rule(media::one_list),
    Gone(retired::PREFERENCES),
    Rule(layout::empty_groups),
    Rule(channels::whatsapp::debounce),
    Rule(knobs::runtime),
    Gone(retired::ASSISTANT),
    Rule(retired::truncation),
    Gone(retired::LATE),
    Moved(consolidated::MOVED),
    Rule(tools::messages::cross_context),
    Rule(retired::experiments),
    Moved(retired::LATE_MOVED),
    Rule(secrets::egress_hosts),
    // Sessions, skills and tools.
    Moved(session::MOVED),
    Gone(session::RETIRED),
    Rule(session::retention),
    Rule(retired::autonomy),
    Gone(retired::WORKSHOP),
    Rule(tools::names::all),
    Rule(tools::conflicts::all),
    // The roster.
    RuleOn(|root, ground, log| roster::keyed(root, &ground.default_workspace, log)),
    Rule(roster::ownership),
    Gone(retired::RESCUER),
    Rule(roster::system_agent),
    Rule(tools::web::search),
    // What channels and plugins bring themselves.
    RuleOn(|root, ground, log| {
        if ground.can_look {
            channels::routing::heartbeat_visibility(root, log);
            channels::all(root, log);
            extensions::all(root, log);
        }
    }),
    RuleOn(|root, ground, log| {
        let first = roster::first_of_list(&ground.original);
        roster::bindings(root, first.as_deref(), log);
    }),
];

/// Tells whether every folder of plugins that a config names is there.
///
/// Without one of them nobody knows which plugin a channel belongs to.
fn can_look_at_plugins(root: &Record, exists: impl Fn(&str) -> bool) -> bool {
    let paths = tree::array_at(root, &["plugins", "load", "paths"]);
    let paths = paths.into_iter().flatten().filter_map(Value::as_str);
    let mut paths = paths.map(str::trim).filter(|path| !path.is_empty());
    paths.all(exists)
}
