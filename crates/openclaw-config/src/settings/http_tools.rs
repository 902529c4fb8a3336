//! `gateway.tools`: which tools `POST /tools/invoke` runs.

use openclaw_core::tool_rules::{Entry, list_name};

use super::reader::Reader;
use super::tools::entry_of;

/// The tools that it does not run unless they are allowed: those by which a program could be
/// started, other agents be set to work, or the gateway itself be changed. They are OpenClaw's.
const DENIED: [&str; 21] = [
    "exec",
    "spawn",
    "shell",
    "fs_write",
    "fs_delete",
    "fs_move",
    "apply_patch",
    "terminal",
    "portal",
    "sessions_spawn",
    "sessions_send",
    "conversations_list",
    "conversations_send",
    "conversations_turn",
    "automations",
    "gateway",
    "plugins",
    "nodes",
    "computer",
    "mobile_ui",
    "openclaw",
];

/// Which tools are run by themselves for clients over HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpToolSettings {
    /// Those that are run although they are not by default, by their names in lists (`allow`).
    allow: Vec<String>,
    /// Those that are not run (`deny`).
    deny: Vec<Entry>,
}

/// Whether a tool is run for clients over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverHttp {
    /// It is.
    Runs,
    /// It is for those who may do everything.
    RunsForAdmins,
    /// It is not.
    Denied,
}

impl HttpToolSettings {
    /// Tells whether a tool is run, by its own name.
    pub fn judge(&self, tool: &str) -> OverHttp {
        let tool = list_name(tool);
        if self.deny.iter().any(|entry| entry.names(&tool)) {
            OverHttp::Denied
        } else if !DENIED.contains(&tool.as_str()) {
            OverHttp::Runs
        } else if self.allow.contains(&tool) {
            OverHttp::RunsForAdmins
        } else {
            OverHttp::Denied
        }
    }
}

impl Reader<'_> {
    pub(super) fn http_tools(&self) -> HttpToolSettings {
        let list = |key| {
            let names = self.texts_as_written(&["gateway", "tools", key]);
            names.into_iter()
        };
        HttpToolSettings {
            allow: list("allow").map(|name| list_name(&name)).collect(),
            deny: list("deny")
                .filter_map(|name| entry_of(&name, None))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openclaw_core::env::Env;
    use serde_json::{Value, json};

    use super::*;

    fn read(tools: &Value) -> HttpToolSettings {
        let config = json!({ "gateway": { "tools": tools } });
        let env = Env::default();
        Reader::new(&config, &env, Path::new("/state")).http_tools()
    }

    #[test]
    fn what_starts_programs_is_not_run_unless_it_is_allowed() {
        let usual = HttpToolSettings::default();
        for tool in [
            "exec",
            "bash",
            "Exec",
            "apply_patch",
            "sessions_send",
            "cron",
        ] {
            assert_eq!(usual.judge(tool), OverHttp::Denied, "{tool}");
        }
        assert_eq!(usual.judge("read"), OverHttp::Runs);
        let allowed = read(&json!({ "allow": ["Bash", "cron"] }));
        assert_eq!(allowed.judge("exec"), OverHttp::RunsForAdmins);
        assert_eq!(allowed.judge("automations"), OverHttp::RunsForAdmins);
        assert_eq!(allowed.judge("apply_patch"), OverHttp::Denied);
    }

    #[test]
    fn what_is_denied_by_name_no_list_gives_back() {
        let set = read(&json!({ "allow": ["exec"], "deny": [" EXEC ", "read"] }));
        assert_eq!(set.judge("bash"), OverHttp::Denied);
        assert_eq!(set.judge("read"), OverHttp::Denied);
        assert_eq!(set.judge("ls"), OverHttp::Runs);
        let files = read(&json!({ "deny": ["group:fs"] }));
        assert_eq!(files.judge("write"), OverHttp::Denied);
    }
}
