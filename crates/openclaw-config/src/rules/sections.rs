//! Sections with a rule or two each: talk, MCP, the browser, hooks, cron, paths and durations.

use serde_json::Value;
use url::Url;

use super::ids;
use super::quantities::{as_text, bytes, duration};
use super::tools::starts_with_drive;
use super::walk::{self, Problems};
use crate::problem::KeyPath;

/// Texts that may not be empty, nor of spaces only.
const NOT_BLANK: [&str; 24] = [
    "agents.defaults.authInheritance.agentId",
    "agents.defaults.heartbeat.agentId",
    "agents.defaults.sessionStore.agentId",
    "agents.defaults.systemAgent.agentId",
    "agents.entries.*.tools.github.gitAuthor.email",
    "agents.entries.*.tools.github.gitAuthor.name",
    "cloudWorkers.profiles.*.provider",
    "desktop.host.passwordFile",
    "gateway.auth.trustedProxy.cloudflareAccessOidc.githubAccountIdClaim",
    "gateway.auth.trustedProxy.cloudflareAccessOidc.providerId",
    "gateway.controlUi.environment.label",
    "gateway.roles.default",
    "gateway.roles.definitions.*.accessPolicyPlugin",
    "gateway.tls.certPath",
    "gateway.tls.keyPath",
    "hooks.mappings.*.channel",
    "mcp.servers.*.oauth.authProfileId",
    "mcp.servers.*.oauth.scope",
    "nodeHost.workerRuns.containerImage",
    "talk.agentId",
    "tools.github.gitAuthor.email",
    "tools.github.gitAuthor.name",
    "tools.media.*.preferredModel",
    "worktreeRoot",
];

/// Durations that say how long something is kept; a number alone counts days.
const KEPT: [&str; 4] = [
    "session.maintenance.archiveDashboardAfter",
    "session.maintenance.preserveRecent",
    "session.maintenance.pruneAfter",
    "session.maintenance.resetArchiveRetention",
];

/// Sizes of files.
const SIZES: [&str; 4] = [
    "agents.defaults.compaction.maxActiveTranscriptBytes",
    "agents.defaults.compaction.memoryFlush.forceFlushTranscriptBytes",
    "session.maintenance.highWaterBytes",
    "session.maintenance.maxDiskBytes",
];

/// Where MCP servers are named.
const MCP: [&str; 2] = ["mcp.servers", "nodeHost.mcp.servers"];

/// A worker that is suspended earlier than this costs more than it saves.
const LEAST_SUSPENSION_MS: f64 = 60_000.0;

/// Judges these sections.
pub(super) fn judge(config: &Value, problems: &mut Problems) {
    problems.demand(config, &NOT_BLANK, "must not be blank", |text| {
        !text.trim().is_empty()
    });
    judge_quantities(config, problems);
    judge_heartbeats(config, problems);
    judge_talk(config, problems);
    judge_mcp(config, problems);
    judge_browser(config, problems);
    judge_hooks(config, problems);
    problems.demand(
        config,
        &["desktop.host.passwordFile"],
        "must be an absolute path",
        |path| path.trim().starts_with('/') || path.trim().is_empty(),
    );
    problems.demand(
        config,
        &["worktreeRoot"],
        "must be an absolute path, or begin with ~",
        |path| {
            let path = path.trim();
            path.is_empty() || path == "~" || path.starts_with('/') || path.starts_with("~/")
        },
    );
    problems.demand(
        config,
        &["proxy.proxyUrl"],
        "must be an http or https URL",
        is_http,
    );
}

fn judge_quantities(config: &Value, problems: &mut Problems) {
    for (path, value) in KEPT.iter().flat_map(|path| walk::every(config, path)) {
        let zero_means_never = path
            .segments()
            .last()
            .is_some_and(|key| key == "archiveDashboardAfter");
        let Some(text) =
            as_text(value).filter(|text| !(zero_means_never && value.is_number() && text == "0"))
        else {
            continue;
        };
        if duration(&text, "d").is_none_or(|kept| kept <= 0.0) {
            problems.add(path, "must be a duration above zero, such as 30d");
        }
    }
    for (path, value) in SIZES.iter().flat_map(|path| walk::every(config, path)) {
        if as_text(value).is_some_and(|text| bytes(&text).is_none()) {
            problems.add(path, "must be a size such as 20mb");
        }
    }
    problems.demand(
        config,
        &["cron.sessionRetention"],
        "must be a duration such as 24h",
        |text| duration(text, "h").is_some(),
    );
    problems.demand(
        config,
        &["cloudWorkers.profiles.*.suspendAfter"],
        "must be a duration of at least 1m",
        |text| {
            text.ends_with(|unit: char| unit.is_ascii_alphabetic())
                && duration(text, "ms").is_some_and(|least| least >= LEAST_SUSPENSION_MS)
        },
    );
}

fn judge_heartbeats(config: &Value, problems: &mut Problems) {
    for place in ["agents.defaults.heartbeat", "agents.entries.*.heartbeat"] {
        let every = format!("{place}.every");
        problems.demand(
            config,
            &[&every],
            "must be a duration such as 30m",
            |text| text.is_empty() || duration(text, "m").is_some(),
        );
        let start = format!("{place}.activeHours.start");
        problems.demand(config, &[&start], "must be a time as HH:MM", |text| {
            text.is_empty() || is_time(text)
        });
        // A day can end at midnight, but none begins there.
        let end = format!("{place}.activeHours.end");
        problems.demand(config, &[&end], "must be a time as HH:MM", |text| {
            text.is_empty() || text == "24:00" || is_time(text)
        });
    }
}

/// Tells whether a text is a time of day.
fn is_time(text: &str) -> bool {
    let number = |digits: &str| {
        let two = digits.len() == 2;
        two.then(|| digits.parse::<u8>().ok()).flatten()
    };
    text.split_once(':').is_some_and(|(hour, minute)| {
        number(hour).is_some_and(|hour| hour < 24)
            && number(minute).is_some_and(|minute| minute < 60)
    })
}

fn judge_talk(config: &Value, problems: &mut Problems) {
    for place in [["talk"].as_slice(), &["talk", "realtime"]] {
        let Some(talk) = walk::at(config, place) else {
            continue;
        };
        let named = ids::lower(walk::text(talk, &["provider"]).unwrap_or_default());
        let providers: Vec<&str> = walk::members(talk, &["providers"])
            .map(|(id, _)| id)
            .collect();
        let path = walk::path(&place.join(".")).key("provider");
        if named.is_empty() && providers.len() > 1 {
            problems.add(path, "one of several providers has to be named");
        } else if !named.is_empty() && !providers.is_empty() && !providers.contains(&named.as_str())
        {
            problems.add(path, "the provider that is named is none of `providers`");
        }
    }
}

fn judge_mcp(config: &Value, problems: &mut Problems) {
    /// Other programs' words for keys of a server.
    const FOREIGN: [&str; 8] = [
        "connectTimeout",
        "connect_timeout",
        "timeout",
        "workingDirectory",
        "supports_parallel_tool_calls",
        "ssl_verify",
        "client_cert",
        "client_key",
    ];
    for place in MCP {
        for (path, server) in walk::every(config, &format!("{place}.*")) {
            for key in FOREIGN.iter().filter(|key| server.get(**key).is_some()) {
                problems.add(path.clone(), format!("Unrecognized key: \"{key}\""));
            }
            let foreign = "default_tools_approval_mode";
            if walk::at(server, &["codex", foreign]).is_some() {
                let message = format!("Unrecognized key: \"{foreign}\"");
                problems.add(path.key("codex").key(foreign), message);
            }
            if server.get("disabled").is_some() {
                problems.add(path.key("disabled"), "use \"enabled\" instead");
            }
            let stdio = walk::text(server, &["transport"]) == Some("stdio");
            let command = walk::text(server, &["command"]);
            if stdio && command.unwrap_or_default().trim().is_empty() {
                problems.add(path.key("transport"), "\"stdio\" needs a command");
            }
            judge_oauth(&path, server, problems);
        }
        let urls = format!("{place}.*.url");
        let redirects = format!("{place}.*.oauth.redirectUrl");
        problems.demand(
            config,
            &[&urls, &redirects],
            "must be an http or https URL",
            is_http,
        );
        let metadata = format!("{place}.*.oauth.clientMetadataUrl");
        problems.demand(
            config,
            &[&metadata],
            "must be an https URL with a path",
            |url| Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.path() != "/"),
        );
        for list in ["include", "exclude"] {
            let tools = format!("{place}.*.toolFilter.{list}.*");
            problems.demand(config, &[&tools], "must not be blank", |name| {
                !name.trim().is_empty()
            });
        }
        for (name, _) in walk::members(config, &place.split('.').collect::<Vec<_>>()) {
            let blank = place.starts_with("nodeHost") && (name.is_empty() || name.trim() != name);
            if name == "__proto__" || blank {
                problems.add(
                    walk::path(place).key(name),
                    "a server cannot have this name",
                );
            }
        }
    }
    problems.demand(
        config,
        &["mcp.apps.sandboxOrigin"],
        "must be an origin: http or https, host and port, nothing else",
        super::gateway::is_origin,
    );
}

fn judge_oauth(path: &KeyPath, server: &Value, problems: &mut Problems) {
    if walk::text(server, &["oauth", "identity"]) != Some("per-requester") {
        return;
    }
    let identity = path.key("oauth").key("identity");
    let each = "an identity per requester";
    if walk::text(server, &["auth"]) != Some("oauth") {
        problems.add(identity.clone(), format!("{each} needs auth: \"oauth\""));
    }
    if walk::at(server, &["oauth", "authProfileId"]).is_some() {
        let path = path.key("oauth").key("authProfileId");
        problems.add(path, format!("{each} takes no profile"));
    }
    if server.get("url").is_none() {
        problems.add(
            identity.clone(),
            format!("{each} needs the URL of a server"),
        );
    }
    let stdio = walk::text(server, &["transport"]) == Some("stdio");
    if stdio || server.get("command").is_some() {
        problems.add(identity, format!("{each} cannot be had of a command"));
    }
}

fn judge_browser(config: &Value, problems: &mut Problems) {
    for (path, profile) in walk::every(config, "browser.profiles.*") {
        let driver = walk::text(profile, &["driver"]).unwrap_or_default();
        let has = |key: &str| {
            profile
                .get(key)
                .is_some_and(|value| value.as_str() != Some(""))
        };
        if !matches!(driver, "existing-session" | "extension") && !has("cdpPort") && !has("cdpUrl")
        {
            problems.add(path.clone(), "a profile needs cdpPort or cdpUrl");
        }
        if driver != "existing-session" && has("userDataDir") {
            problems.add(
                path.clone(),
                "userDataDir needs driver=\"existing-session\"",
            );
        }
        if driver == "extension" && has("cdpUrl") {
            problems.add(path, "driver=\"extension\" takes no cdpUrl");
        }
    }
}

fn judge_hooks(config: &Value, problems: &mut Problems) {
    let shared = walk::text(config, &["hooks", "defaultSessionKey"]).unwrap_or_default();
    for (path, mapping) in walk::every(config, "hooks.mappings.*") {
        let own = walk::text(mapping, &["sessionKey"]).unwrap_or_default();
        let persistent = walk::text(mapping, &["sessionMode"]) == Some("persistent")
            && walk::text(mapping, &["action"]).unwrap_or("agent") == "agent";
        let keyless = own.trim().is_empty() && shared.trim().is_empty();
        if persistent && keyless && mapping.get("transform").is_none() {
            let message =
                "a persistent session needs sessionKey, hooks.defaultSessionKey or a transform";
            problems.add(path.key("sessionKey"), message);
        }
    }
    problems.demand(
        config,
        &["hooks.mappings.*.transform.module"],
        "must be a path below the folder of transforms",
        |module| {
            let module = module.trim();
            let climbs = module.split(['/', '\\']).any(|part| part == "..");
            !module.is_empty()
                && !module.starts_with(['/', '~'])
                && !module.contains(':')
                && !climbs
        },
    );
}

/// Tells whether a path is absolute, here or on Windows.
pub(super) fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || starts_with_drive(path) || path.starts_with("\\\\")
}

fn is_http(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}
