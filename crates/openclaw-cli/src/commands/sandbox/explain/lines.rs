//! An effective policy line by line, each with the setting that decided it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_config::{AgentSettings, SandboxNetwork, Set};
use openclaw_gateway::agents::tools::Touch;
use openclaw_gateway::containment::Containment;
use openclaw_sandbox::{self as sandbox, SandboxLevel};
use serde::Serialize;

/// What is so for everybody, whatever is set.
const ALWAYS: &str = "always";

/// From how many letters on a row of names is full.
const ROW: usize = 64;

/// One line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Line {
    /// What it is about.
    pub(super) name: &'static str,
    /// What is so.
    pub(super) value: String,
    /// What decided that.
    pub(super) decided_by: String,
}

/// A policy that is being written down.
pub(super) struct Policy<'a> {
    pub(super) agent: &'a AgentSettings,
    pub(super) containment: &'a Containment,
    /// Folders beside the workspace that may be read.
    pub(super) readable: Vec<PathBuf>,
    lines: Vec<Line>,
}

impl<'a> Policy<'a> {
    pub(super) const fn new(
        agent: &'a AgentSettings,
        containment: &'a Containment,
        readable: Vec<PathBuf>,
    ) -> Self {
        Self {
            agent,
            containment,
            readable,
            lines: Vec::new(),
        }
    }

    /// Returns what holds for a tool that touches the machine in this way.
    pub(super) fn lines(mut self, touch: Touch) -> Vec<Line> {
        match touch {
            Touch::Commands => self.commands(),
            Touch::Reads | Touch::Writes => self.files(touch),
            Touch::Nothing => self.always("touches", "nothing that the sandbox has a say in"),
        }
        self.lines
    }

    fn commands(&mut self) {
        let level = self.containment.level();
        self.set(
            "level",
            &self.containment.policy.level,
            format!("{level}: {}", meaning(level)),
        );
        self.workspace(&format!("{}, read and write", shown(&self.agent.workspace)));
        self.visible(level);
        if level == SandboxLevel::None {
            self.always(
                "network",
                "that of this machine: this level keeps nothing apart",
            );
        } else {
            self.protected();
            self.off_limits();
            self.network();
        }
        self.variables(level);
        self.bounds();
        self.degraded(level);
    }

    /// File tools run in the gateway, so that no level takes anything from them or adds to them.
    fn files(&mut self, touch: Touch) {
        self.always(
            "runs",
            "in the gateway itself, at every level: no process is started",
        );
        let access = match touch {
            Touch::Writes => "read and write",
            Touch::Commands | Touch::Reads | Touch::Nothing => "read",
        };
        self.workspace(&format!("{}, {access}", shown(&self.agent.workspace)));
        if touch == Touch::Reads {
            self.skills();
        }
        self.always(
            "files",
            "regular ones; no link that leads out is followed, and no device or pipe opened",
        );
        if touch == Touch::Writes {
            self.protected();
        }
        self.off_limits();
    }

    fn workspace(&mut self, value: &str) {
        let decided_by = self.agent.workspace_set_by.to_string();
        self.line("workspace", value, decided_by);
    }

    fn visible(&mut self, level: SandboxLevel) {
        if level == SandboxLevel::None {
            return self.always("readable", "everything that this user may read");
        }
        self.always(
            "readable",
            "programs and libraries of the system (/usr), and the files of /etc that they need",
        );
        self.skills();
        let toolchains = self.containment.policy.toolchains.clone();
        for folder in &toolchains {
            self.set("toolchain", folder, shown(&folder.value));
        }
        self.always(
            "private",
            "/tmp, /dev/shm and the home folder: empty, and gone with the command",
        );
    }

    fn skills(&mut self) {
        for folder in std::mem::take(&mut self.readable) {
            self.always("readable", &format!("{}, a skill", shown(&folder)));
        }
    }

    fn protected(&mut self) {
        let names: Vec<&str> = sandbox::protected_names().collect();
        for row in rows(&names) {
            self.always("protected", &row);
        }
        let own = self.containment.policy.protect.clone();
        for path in &own {
            self.set("protected", path, shown(&path.value));
        }
        // A workspace that cannot be looked at has a line of its own.
        #[cfg(target_os = "linux")]
        for path in sandbox::protection_left_out(std::slice::from_ref(&self.agent.workspace))
            .unwrap_or_default()
        {
            self.always(
                "not protected",
                &format!("{}: too deep, or too many", shown(&path)),
            );
        }
    }

    fn off_limits(&mut self) {
        for place in &self.containment.off_limits {
            self.always("off limits", &shown(place));
        }
    }

    fn network(&mut self) {
        let policy = self.containment.policy.clone();
        let network = &policy.network;
        match self.containment.network() {
            SandboxNetwork::None if network.value != SandboxNetwork::None => {
                let value = "none: level strict has no network, whatever is set for others";
                self.set("network", &policy.level, value);
            }
            SandboxNetwork::None => self.set("network", network, "none"),
            SandboxNetwork::Host => {
                let value = "host: the network of this machine, with everything that listens on it";
                self.set("network", network, value);
            }
            SandboxNetwork::Proxy => {
                let value = "proxy: HTTP and HTTPS through the gateway, and nothing else";
                self.set("network", network, value);
                if policy.allow.is_empty() {
                    let value = "every public host".to_owned();
                    self.set("egress allow", &Set::default(()), value);
                }
                for (name, list) in [
                    ("egress allow", &policy.allow),
                    ("egress deny", &policy.deny),
                    ("egress private", &policy.private),
                ] {
                    for host in list {
                        self.set(name, host, host.value.clone());
                    }
                }
                self.always(
                    "egress deny",
                    "this machine, private and link-local addresses, the gateway's own port",
                );
            }
        }
    }

    fn variables(&mut self, level: SandboxLevel) {
        self.always("variables", &sandbox::variable_names(level).join(", "));
        if self.containment.network() == SandboxNetwork::Proxy {
            let network = self.containment.policy.network.clone();
            let names = sandbox::proxy_variable_names().join(", ");
            self.set("variables", &network, names);
        }
        let own = self.containment.policy.env.clone();
        for (name, set) in &own {
            self.set("variables", set, name.clone());
        }
    }

    fn bounds(&mut self) {
        let bounds = self.containment.bounds.clone();
        let or_none = |limit: Option<String>| limit.unwrap_or_else(|| "none".to_owned());
        let count = |limit: Option<u64>| or_none(limit.map(|limit| limit.to_string()));
        let wall = seconds(bounds.wall.value);
        self.set("wall time", &bounds.wall, wall);
        let cpu = bounds.cpu.value.map(seconds);
        self.set("cpu time", &bounds.cpu, or_none(cpu));
        self.set("memory", &bounds.memory, bytes(bounds.memory.value));
        self.set(
            "processes",
            &bounds.processes,
            count(bounds.processes.value),
        );
        let size = bounds.file_size.value.map(bytes);
        self.set("file size", &bounds.file_size, or_none(size));
        self.set(
            "open files",
            &bounds.open_files,
            count(bounds.open_files.value),
        );
        let output = u64::try_from(bounds.output.value).unwrap_or(u64::MAX);
        let output = format!("{} of each stream in a result", bytes(output));
        self.set("output", &bounds.output, output);
    }

    fn degraded(&mut self, level: SandboxLevel) {
        let allowed = self.containment.policy.allow_degraded.clone();
        let value = match (level, allowed.value) {
            (SandboxLevel::None, _) => return,
            (_, true) => "run with the guards that this machine has",
            (_, false) => "refused: a command runs with every guard or not at all",
        };
        self.set("degraded", &allowed, value);
    }

    fn set<T>(&mut self, name: &'static str, set: &Set<T>, value: impl AsRef<str>) {
        self.line(name, value.as_ref(), set.source.to_string());
    }

    fn always(&mut self, name: &'static str, value: &str) {
        self.line(name, value, ALWAYS.to_owned());
    }

    fn line(&mut self, name: &'static str, value: &str, decided_by: String) {
        self.lines.push(Line {
            name,
            value: value.to_owned(),
            decided_by,
        });
    }
}

const fn meaning(level: SandboxLevel) -> &'static str {
    match level {
        SandboxLevel::None => "no sandbox, only limits",
        SandboxLevel::Relaxed => "writes to the workspace, and the network that is set",
        SandboxLevel::Strict => "writes to the workspace, and no network",
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Returns names in rows that fit beside the other columns.
fn rows(names: &[&str]) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for name in names {
        match rows.last_mut() {
            Some(row) if row.len() < ROW => row.extend([", ", name]),
            _ => rows.push((*name).to_owned()),
        }
    }
    rows
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs())
}

/// Returns a number of bytes in the largest unit that it is a whole number of.
fn bytes(number: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = units
        .iter()
        .find(|(shift, _)| number > 0 && number.trailing_zeros() >= *shift);
    whole.map_or_else(
        || format!("{number} B"),
        |(shift, unit)| format!("{} {unit}", number >> shift),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_loses_nothing() {
        let told = [0, 1023, 3 << 10, 1536 << 20, 4 << 30].map(bytes);
        assert_eq!(told, ["0 B", "1023 B", "3 KiB", "1536 MiB", "4 GiB"]);
    }
}
