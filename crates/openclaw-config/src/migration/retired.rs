//! Settings that have no successor, in the order in which they are removed.

use serde_json::Value;

use super::log::{Log, at, below};
use super::scope::Scope;
use super::table::{Merge, Move, Retired};
use super::tree::{Record, made, record_at, record_at_mut, take, text_at, value_at};

const BUILT_IN: &str = "the built-in value applies";

/// What goes before anything else of its kind.
pub(super) const EARLY: &[Retired] = &[
    Retired::at(
        Scope::Root,
        &["cron", "webhook"],
        "each job says where its results go",
    ),
    Retired::pruned(
        Scope::Root,
        &["cron", "runLog"],
        "how many runs are kept is fixed",
    ),
];

/// Where models are priced.
pub(super) const PRICING: &[Retired] = &[Retired::at(
    Scope::Root,
    &["models", "pricing"],
    "prices come with the catalog of models",
)];

/// Warnings of tools cannot be hidden.
pub(super) const TOOL_ERRORS: &[Retired] = &[Retired::at(
    Scope::Root,
    &["messages", "suppressToolErrors"],
    "a tool's failure is said only when a run ends without an answer",
)];

/// Details of the layout.
pub(super) const DETAILS: &[Retired] = &[
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "envelopeTimestamp"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "envelopeElapsed"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "envelopeTimezone"],
        BUILT_IN,
    ),
    Retired::at(Scope::Root, &["agents", "defaults", "timeFormat"], BUILT_IN),
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "bootstrapPromptTruncationWarning"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["agents", "defaults", "mediaGenerationAutoProviderFallback"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["attachments", "preserveFilenames"],
        "attachments always get a safe name",
    ),
    Retired::at(Scope::Root, &["browser", "color"], BUILT_IN),
    Retired::at(
        Scope::Root,
        &["browser", "profiles", "*", "color"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Channel("discord"),
        &["autoPresence", "healthyText"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Channel("discord"),
        &["autoPresence", "degradedText"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Channel("discord"),
        &["autoPresence", "exhaustedText"],
        BUILT_IN,
    ),
    Retired::pruned(
        Scope::Channel("discord"),
        &["ui", "components", "accentColor"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["messages", "statusReactions", "emojis"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["messages", "removeAckAfterReply"],
        "an acknowledgement stays",
    ),
    Retired::at(
        Scope::Channel("slack"),
        &["socketMode", "clientPingTimeout"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Channel("slack"),
        &["socketMode", "serverPingTimeout"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Channel("slack"),
        &["socketMode", "pingPongLoggingEnabled"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Channel("imessage"),
        &["coalesceSameSenderDms"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Root,
        &["commands", "ownerDisplay"],
        "owners are named by their ids",
    ),
    Retired::at(
        Scope::Root,
        &["commands", "ownerDisplaySecret"],
        "owners are named by their ids",
    ),
    Retired::at(
        Scope::Root,
        &["gateway", "controlUi", "chatMessageMaxWidth"],
        "each browser keeps it for itself",
    ),
];

/// What belongs to `WhatsApp`'s answers.
pub(super) const DETAILS_MOVED: &[Move] = &[Move {
    scope: Scope::Channel("whatsapp"),
    from: &["messagePrefix"],
    to: &["responsePrefix"],
}];

/// What says where failures go.
pub(super) const DETAILS_MERGED: &[Merge] = &[Merge {
    scope: Scope::Root,
    from: &["cron", "failureDestination"],
    to: &["cron", "failureAlert"],
}];

const OF_THE_BROWSER: &str = "each browser keeps it for itself";

/// Preferences of one browser, and what says the same as another setting.
pub(super) const PREFERENCES: &[Retired] = &[
    Retired::pruned(
        Scope::Root,
        &["ui", "prefs", "chatMessageMaxWidth"],
        OF_THE_BROWSER,
    ),
    Retired::pruned(Scope::Root, &["ui", "prefs", "textScale"], OF_THE_BROWSER),
    Retired::pruned(
        Scope::Root,
        &["ui", "prefs", "sidebarLiveActivity"],
        OF_THE_BROWSER,
    ),
    Retired::pruned(
        Scope::Root,
        &["ui", "prefs", "showAdvancedSettings"],
        OF_THE_BROWSER,
    ),
    Retired::pruned(
        Scope::Root,
        &["skills", "load", "watchDebounceMs"],
        BUILT_IN,
    ),
    Retired::pruned(
        Scope::AgentsAndDefaults,
        &["contextLimits", "memoryGetDefaultLines"],
        BUILT_IN,
    ),
    Retired::pruned(
        Scope::AgentsAndDefaults,
        &["contextLimits", "toolResultMaxChars"],
        BUILT_IN,
    ),
    Retired::at(
        Scope::Agents,
        &["typingIntervalSeconds"],
        "the default of all agents applies",
    ),
];

/// The name that the page gave its one agent.
pub(super) const ASSISTANT: &[Retired] = &[Retired::pruned(
    Scope::Root,
    &["ui", "assistant"],
    "each agent has an `identity`",
)];

/// What is left of the root's and the tools' settings.
pub(super) const LATE: &[Retired] = &[
    Retired::at(Scope::Root, &["tui"], BUILT_IN),
    Retired::at(Scope::Root, &["commands", "modelsWrite"], BUILT_IN),
    Retired::at(
        Scope::Root,
        &["tools", "media", "asyncCompletion"],
        BUILT_IN,
    ),
];

/// Voices of conversations that are spoken.
pub(super) const LATE_MOVED: &[Move] = &[
    Move {
        scope: Scope::Root,
        from: &["talk", "realtime", "voice"],
        to: &["talk", "realtime", "speakerVoice"],
    },
    Move {
        scope: Scope::Channel("discord"),
        from: &["voice", "realtime", "voice"],
        to: &["voice", "realtime", "speakerVoice"],
    },
];

/// What the skill workshop no longer has.
pub(super) const WORKSHOP: &[Retired] = &[Retired::pruned(
    Scope::Root,
    &["skills", "workshop", "allowSymlinkTargetWrites"],
    "the workshop writes in its own folder only",
)];

/// What the rescuer of broken setups had.
pub(super) const RESCUER: &[Retired] = &[Retired::at(
    Scope::Root,
    &["crestodian"],
    "the system agent follows built-in rules",
)];

/// Telemetry is not sent by gRPC.
pub(super) fn grpc(root: &mut Record, log: &mut Log) {
    let Some(otel) = record_at_mut(root, &["diagnostics", "otel"]) else {
        return;
    };
    if text_at(otel, &["protocol"]) != Some("grpc") {
        return;
    }
    take(otel, "protocol");
    let path = at(&["diagnostics", "otel"]);
    let why = "telemetry is sent by HTTP only; name a collector that takes it";
    log.removed(&path.key("protocol"), why);
    let says = |key: &str, value: bool| otel.get(key) == Some(&Value::Bool(value));
    let sends_logs = says("logs", true) && text_at(otel, &["logsExporter"]) != Some("stdout");
    let sends = !says("traces", false) || !says("metrics", false) || sends_logs;
    if says("enabled", true) && sends {
        otel.insert("enabled".to_owned(), Value::Bool(false));
        log.set(&path.key("enabled"), "off until a collector is named");
    }
}

/// What the set-up wizard had turned on for small local models.
pub(super) fn lean_models(root: &mut Record, log: &mut Log) {
    let wizard = record_at_mut(root, &["wizard"]);
    let Some(chosen) = wizard.and_then(|wizard| take(wizard, "localModelLeanAutoModel")) else {
        return;
    };
    log.removed(
        &at(&["wizard", "localModelLeanAutoModel"]),
        "local models search their tools",
    );
    let Some(defaults) = record_at_mut(root, &["agents", "defaults"]) else {
        return;
    };
    let model = defaults.get("model");
    let primary = model.and_then(Value::as_object);
    let primary = primary.and_then(|model| model.get("primary")).or(model);
    let is_owned = chosen.is_string() && primary == Some(&chosen);
    let lean = value_at(defaults, &["experimental", "localModelLean"]);
    if lean == Some(&Value::Bool(true)) && is_owned {
        take(made(defaults, &["experimental"]), "localModelLean");
        let path = below(
            &at(&["agents", "defaults"]),
            &["experimental", "localModelLean"],
        );
        log.removed(&path, "it came from the wizard, not from you");
    }
}

/// Hooks are folders; a list of modules is not read.
pub(super) fn hook_handlers(root: &mut Record, log: &mut Log) {
    let Some(internal) = record_at_mut(root, &["hooks", "internal"]) else {
        return;
    };
    let path = at(&["hooks", "internal"]);
    if take(internal, "handlers").is_none() {
        return;
    }
    let why = "hooks are folders with a HOOK.md; move each module into one";
    log.removed(&path.key("handlers"), why);
    let entries = record_at(internal, &["entries"]).is_some_and(|entries| !entries.is_empty());
    let dirs = value_at(internal, &["load", "extraDirs"]).and_then(Value::as_array);
    let mut dirs = dirs.into_iter().flatten().filter_map(Value::as_str);
    let names_hooks = entries || dirs.any(|dir| !dir.trim().is_empty());
    if internal.get("enabled") == Some(&Value::Bool(true)) && !names_hooks {
        take(internal, "enabled");
        let why = "it was on for these modules, and would turn every hook on now";
        log.removed(&path.key("enabled"), why);
    }
}

/// A compaction by size is on when a size is named.
pub(super) fn truncation(root: &mut Record, log: &mut Log) {
    let path = at(&["agents", "defaults", "compaction"]);
    let Some(compaction) = record_at_mut(root, &["agents", "defaults", "compaction"]) else {
        return;
    };
    let Some(truncates) = take(compaction, "truncateAfterCompaction") else {
        return;
    };
    let size = "maxActiveTranscriptBytes";
    if truncates == Value::Bool(false) && take(compaction, size).is_some() {
        log.removed(&path.key(size), "it was off");
    }
    log.removed(
        &path.key("truncateAfterCompaction"),
        "naming a size turns it on",
    );
}

/// The planning tool has a switch of its own.
pub(super) fn experiments(root: &mut Record, log: &mut Log) {
    let Some(tools) = record_at_mut(root, &["tools"]) else {
        return;
    };
    let path = at(&["tools"]);
    let Some(mut experiments) = super::tree::take_record(tools, "experimental") else {
        return;
    };
    let from = below(&path, &["experimental", "planTool"]);
    match take(&mut experiments, "planTool") {
        Some(plan) if !tools.contains_key("updatePlan") => {
            tools.insert("updatePlan".to_owned(), plan);
            log.moved(&from, &path.key("updatePlan"));
        }
        Some(_) => log.superseded(&from, &path.key("updatePlan")),
        None => log.removed(&path.key("experimental"), "it holds nothing any more"),
    }
}

/// What the workshop may do by itself has three positions.
pub(super) fn autonomy(root: &mut Record, log: &mut Log) {
    let place = ["skills", "workshop", "autonomous"];
    let Some(autonomous) = record_at_mut(root, &place) else {
        return;
    };
    let Some(enabled) = take(autonomous, "enabled") else {
        return;
    };
    let (from, to) = (at(&place).key("enabled"), at(&place).key("mode"));
    if autonomous.contains_key("mode") {
        log.superseded(&from, &to);
    } else {
        let is_off = enabled == Value::Bool(false);
        let mode = if is_off { "off" } else { "propose" };
        autonomous.insert("mode".to_owned(), Value::from(mode));
        log.turned(&from, &to, "in words");
    }
}
