//! How turns go: `messages.queue`, `tools.loopDetection`, the times in `tools.exec`,
//! `agents.defaults.timeoutSeconds` and `agents.defaults.maxConcurrent`.

use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_core::{AgentId, ChannelId};
use serde_json::Value;

use super::reader::{Reader, whole_number};

/// Where the settings of the queue stand.
const AT: [&str; 2] = ["messages", "queue"];

/// How turns go; what is not set is as this program has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnSettings {
    /// What becomes of messages that arrive during a turn (`messages.queue`).
    pub queue: QueueSettings,
    /// Whether turns that go round in circles are looked for (`tools.loopDetection.enabled`).
    pub loop_detection: Option<LoopDetection>,
    /// The same of single agents (`agents.entries.*.tools.loopDetection.enabled`).
    pub loop_detection_of: BTreeMap<AgentId, LoopDetection>,
    /// How long commands may take (`tools.exec`).
    pub commands: CommandTimes,
    /// The same of single agents (`agents.entries.*.tools.exec`).
    pub commands_of: BTreeMap<AgentId, CommandTimes>,
    /// How long a turn may take (`agents.defaults.timeoutSeconds`); zero is for ever.
    pub timeout: Option<Duration>,
    /// How many turns go on at the same time (`agents.defaults.maxConcurrent`).
    pub most: Option<usize>,
}

/// How long commands may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandTimes {
    /// Until a command goes on in the background (`backgroundMs`).
    pub patience: Option<Duration>,
    /// Until a command is stopped that does not say how long it takes (`timeoutSeconds`); zero is
    /// as long as a command may take at all.
    pub timeout: Option<Duration>,
}

/// What becomes of messages that arrive during a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// What becomes of them (`mode`).
    pub mode: Option<QueueMode>,
    /// The same for single channels (`byChannel`).
    pub by_channel: BTreeMap<ChannelId, QueueMode>,
    /// How long it must be quiet before messages of a channel are collected
    /// (`debounceMsByChannel`).
    pub quiet_by_channel: BTreeMap<ChannelId, Duration>,
    /// How many may wait (`cap`).
    pub cap: Option<usize>,
    /// What becomes of one that is too many (`drop`).
    pub overflow: Option<QueueOverflow>,
}

/// What becomes of a message that arrives during a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueMode {
    /// The turn takes it in.
    Steer,
    /// It has the next turn.
    Followup,
    /// It has the next turn together with others.
    Collect,
    /// The turn ends, and it has the next one.
    Interrupt,
}

/// What becomes of a message that is too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOverflow {
    /// The oldest one gets no turn, but is told of.
    Summarize,
    /// The oldest one gets no turn.
    Old,
    /// The new one is refused.
    New,
}

/// Whether turns that go round in circles are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopDetection {
    /// They are.
    On,
    /// They are not.
    Off,
}

impl TurnSettings {
    /// Returns whether an agent's turns are looked at for circles.
    pub fn loop_detection_of(&self, agent: &AgentId) -> Option<LoopDetection> {
        let own = self.loop_detection_of.get(agent).copied();
        own.or(self.loop_detection)
    }

    /// Returns how long an agent's commands may take.
    pub fn command_times_of(&self, agent: &AgentId) -> CommandTimes {
        let own = self.commands_of.get(agent).copied().unwrap_or_default();
        CommandTimes {
            patience: own.patience.or(self.commands.patience),
            timeout: own.timeout.or(self.commands.timeout),
        }
    }
}

impl Reader<'_> {
    pub(super) fn turns(&self) -> TurnSettings {
        let agents = self.members(&["agents", "entries"]).filter_map(|(id, _)| {
            let own = ["agents", "entries", id, "tools", "loopDetection", "enabled"];
            Some((AgentId::from(id), loop_detection(self.raw(&own)?)?))
        });
        TurnSettings {
            queue: self.queue(),
            loop_detection: self
                .raw(&["tools", "loopDetection", "enabled"])
                .and_then(loop_detection),
            loop_detection_of: agents.collect(),
            commands: self.command_times(&["tools", "exec"]),
            commands_of: self
                .members(&["agents", "entries"])
                .map(|(id, _)| {
                    let own = self.command_times(&["agents", "entries", id, "tools", "exec"]);
                    (AgentId::from(id), own)
                })
                .filter(|(_, own)| *own != CommandTimes::default())
                .collect(),
            timeout: self
                .number(&["agents", "defaults", "timeoutSeconds"])
                .map(Duration::from_secs),
            most: self
                .number(&["agents", "defaults", "maxConcurrent"])
                .map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        }
    }

    fn command_times(&self, at: &[&str]) -> CommandTimes {
        let number = |key| self.number(&[at, &[key]].concat());
        CommandTimes {
            patience: number("backgroundMs").map(Duration::from_millis),
            timeout: number("timeoutSeconds").map(Duration::from_secs),
        }
    }

    fn queue(&self) -> QueueSettings {
        let (by_channel, quiet) = (at("byChannel"), at("debounceMsByChannel"));
        let (by_channel, quiet) = (self.members(&by_channel), self.members(&quiet));
        QueueSettings {
            mode: self.raw(&at("mode")).and_then(mode),
            by_channel: by_channel
                .filter_map(|(channel, value)| Some((channel.into(), mode(value)?)))
                .collect(),
            quiet_by_channel: quiet
                .filter_map(|(channel, value)| {
                    let quiet = Duration::from_millis(whole_number(value)?);
                    Some((channel.into(), quiet))
                })
                .collect(),
            cap: self
                .number(&at("cap"))
                .map(|cap| usize::try_from(cap).unwrap_or(usize::MAX)),
            overflow: match self.string(&at("drop")).as_deref() {
                Some("summarize") => Some(QueueOverflow::Summarize),
                Some("old") => Some(QueueOverflow::Old),
                Some("new") => Some(QueueOverflow::New),
                _ => None,
            },
        }
    }
}

fn at(key: &str) -> [&str; 3] {
    let [messages, queue] = AT;
    [messages, queue, key]
}

fn mode(value: &Value) -> Option<QueueMode> {
    match value.as_str()? {
        "steer" => Some(QueueMode::Steer),
        "followup" => Some(QueueMode::Followup),
        "collect" => Some(QueueMode::Collect),
        "interrupt" => Some(QueueMode::Interrupt),
        _ => None,
    }
}

fn loop_detection(enabled: &Value) -> Option<LoopDetection> {
    Some(if enabled.as_bool()? {
        LoopDetection::On
    } else {
        LoopDetection::Off
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use openclaw_core::env::Env;
    use serde_json::json;

    use super::*;

    fn read(config: &Value) -> TurnSettings {
        Reader::new(config, &Env::default(), Path::new("/nowhere")).turns()
    }

    #[test]
    fn what_is_said_about_turns_is_read_and_the_rest_left_open() {
        let config = json!({
            "messages": { "queue": {
                "mode": "collect", "cap": 5, "drop": "old",
                "byChannel": { "telegram": "interrupt" },
                "debounceMsByChannel": { "telegram": 0, "rpc": 1500 },
            } },
            "tools": {
                "loopDetection": { "enabled": false },
                "exec": { "backgroundMs": 500, "timeoutSeconds": 60 },
            },
            "agents": {
                "defaults": { "timeoutSeconds": 0, "maxConcurrent": 4 },
                "entries": {
                    "careful": { "tools": {
                        "loopDetection": { "enabled": true },
                        "exec": { "timeoutSeconds": 5 },
                    } },
                    "main": {},
                },
            },
        });
        let read = read(&config);
        assert_eq!(
            read.queue,
            QueueSettings {
                mode: Some(QueueMode::Collect),
                by_channel: [("telegram".into(), QueueMode::Interrupt)].into(),
                quiet_by_channel: [
                    ("telegram".into(), Duration::ZERO),
                    ("rpc".into(), Duration::from_millis(1500)),
                ]
                .into(),
                cap: Some(5),
                overflow: Some(QueueOverflow::Old),
            }
        );
        assert_eq!((read.timeout, read.most), (Some(Duration::ZERO), Some(4)));
        let of = |agent: &str| read.loop_detection_of(&AgentId::from(agent));
        assert_eq!(
            (of("careful"), of("main")),
            (Some(LoopDetection::On), Some(LoopDetection::Off))
        );
        let times = |agent: &str| {
            let times = read.command_times_of(&AgentId::from(agent));
            (times.patience.unwrap(), times.timeout.unwrap())
        };
        let half = Duration::from_millis(500);
        assert_eq!(times("main"), (half, Duration::from_mins(1)));
        assert_eq!(times("careful"), (half, Duration::from_secs(5)));
    }

    #[test]
    fn a_config_that_says_nothing_leaves_everything_open() {
        assert_eq!(read(&json!({})), TurnSettings::default());
    }
}
