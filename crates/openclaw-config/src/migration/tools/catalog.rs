//! The tools that OpenClaw has built in, and the names under which several of them are allowed.

use openclaw_core::tool_rules::list_name;

use crate::migration::tree::unique;

/// A built-in tool: its name, its group, and the profiles that allow it.
type Tool = (&'static str, &'static str, &'static [&'static str]);

const ALL: &[&str] = &["minimal", "coding", "messaging"];
const BOTH: &[&str] = &["coding", "messaging"];
const CODING: &[&str] = &["coding"];
const MESSAGING: &[&str] = &["messaging"];
const NONE: &[&str] = &[];

const TOOLS: [Tool; 61] = [
    ("ls", "fs", CODING),
    ("read", "fs", CODING),
    ("write", "fs", CODING),
    ("edit", "fs", CODING),
    ("apply_patch", "fs", CODING),
    ("exec", "runtime", CODING),
    ("process", "runtime", CODING),
    ("code_execution", "runtime", CODING),
    ("secrets", "runtime", BOTH),
    ("web_search", "web", CODING),
    ("web_fetch", "web", CODING),
    ("x_search", "web", CODING),
    ("memory_search", "memory", CODING),
    ("memory_get", "memory", CODING),
    ("sessions", "sessions", BOTH),
    ("sessions_list", "sessions", BOTH),
    ("sessions_history", "sessions", BOTH),
    ("sessions_search", "sessions", BOTH),
    ("conversations_list", "sessions", BOTH),
    ("conversations_send", "sessions", BOTH),
    ("conversations_turn", "sessions", BOTH),
    ("sessions_send", "sessions", BOTH),
    ("sessions_spawn", "sessions", BOTH),
    ("github_identity_status", "sessions", CODING),
    ("github_publish", "sessions", CODING),
    ("agents_wait", "sessions", CODING),
    ("sessions_yield", "sessions", BOTH),
    ("subagents", "sessions", BOTH),
    ("session_status", "sessions", ALL),
    ("suggest_task", "sessions", CODING),
    ("dismiss_task", "sessions", CODING),
    ("browser", "ui", NONE),
    ("screen", "ui", CODING),
    ("theme", "ui", BOTH),
    ("dashboard", "ui", CODING),
    ("terminal", "ui", CODING),
    ("portal", "ui", CODING),
    ("canvas", "ui", NONE),
    ("show_widget", "ui", NONE),
    ("message", "messaging", MESSAGING),
    ("heartbeat_respond", "automation", NONE),
    ("automations", "automation", CODING),
    ("gateway", "automation", ALL),
    ("plugins", "automation", CODING),
    ("openclaw", "automation", NONE),
    ("nodes", "nodes", NONE),
    ("computer", "nodes", NONE),
    ("mobile_ui", "nodes", NONE),
    ("agents_list", "agents", NONE),
    ("get_goal", "agents", CODING),
    ("create_goal", "agents", CODING),
    ("update_goal", "agents", CODING),
    ("progress_card", "agents", CODING),
    ("ask_user", "agents", BOTH),
    ("skill_workshop", "agents", CODING),
    ("view_image", "media", CODING),
    ("image_generate", "media", CODING),
    ("music_generate", "media", CODING),
    ("video_generate", "media", CODING),
    ("tts", "media", NONE),
    ("pdf", "media", NONE),
];

/// The tools that are no part of `group:openclaw`.
const APART: [&str; 8] = [
    "ls",
    "read",
    "write",
    "edit",
    "apply_patch",
    "exec",
    "process",
    "canvas",
];

/// Stands for the tools of MCP servers that come with plugins.
const BUNDLED_MCP: &str = "bundle-mcp";

/// Returns the names of a list, as they are allowed or denied.
pub(super) fn policy_names(list: &[String]) -> Vec<String> {
    let names = list.iter().map(|name| list_name(name));
    names.filter(|name| !name.is_empty()).collect()
}

/// Returns the names of a list, with the tools of groups in place of the groups.
pub(crate) fn expanded(list: &[String]) -> Vec<String> {
    let mut tools = Vec::new();
    for name in policy_names(list) {
        match group(&name) {
            Some(members) => tools.extend(members),
            None => tools.push(name),
        }
    }
    unique(tools)
}

fn group(name: &str) -> Option<Vec<String>> {
    let group = name.strip_prefix("group:")?;
    let members: Vec<String> = TOOLS
        .iter()
        .filter(|(tool, own, _)| match group {
            "openclaw" => !APART.contains(tool),
            _ => *own == group,
        })
        .map(|(tool, ..)| (*tool).to_owned())
        .collect();
    (!members.is_empty()).then_some(members)
}

/// Returns what a profile allows; nothing for a profile that is not known.
pub(crate) fn profile(name: &str) -> Option<Vec<String>> {
    if name == "full" {
        return Some(vec!["*".to_owned()]);
    }
    let of_profile = TOOLS
        .iter()
        .filter(|(.., profiles)| profiles.contains(&name));
    let mut tools: Vec<String> = of_profile.map(|(tool, ..)| (*tool).to_owned()).collect();
    if BOTH.contains(&name) {
        tools.push(BUNDLED_MCP.to_owned());
    }
    (!tools.is_empty()).then_some(tools)
}

/// Tells whether a tool is built in.
pub(super) fn is_built_in(name: &str) -> bool {
    TOOLS.iter().any(|(tool, ..)| *tool == name)
}

/// Returns the group of a built-in tool, and the profiles that allow it.
pub(crate) fn entry(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    let (_, group, profiles) = TOOLS.iter().find(|(tool, ..)| *tool == name)?;
    Some((group, profiles))
}
