//! What becomes of a message that arrives while its session has a run, as it is configured.

use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_core::ChannelId;

/// What becomes of a message that arrives during a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRules {
    /// What becomes of it.
    pub mode: QueueMode,
    /// The same for messages of one channel.
    pub by_channel: BTreeMap<ChannelId, QueueMode>,
    /// How long it must be quiet before messages are collected into one turn.
    pub quiet: Duration,
    /// The same for messages of one channel.
    pub quiet_by_channel: BTreeMap<ChannelId, Duration>,
    /// How many messages may wait in a session.
    pub cap: usize,
    /// What becomes of the message that is one too many.
    pub overflow: Overflow,
}

/// What becomes of a message that arrives during a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QueueMode {
    /// The turn takes it in before the model decides again.
    #[default]
    Steer,
    /// It has a turn of its own afterwards.
    Followup,
    /// It has one turn afterwards, together with others of its sender.
    Collect,
    /// The turn ends, and it has the next one.
    Interrupt,
}

/// What becomes of messages when too many wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest one gets no turn; the next turn of its sender is told what it said, in short.
    #[default]
    Summarize,
    /// The oldest one gets no turn.
    Old,
    /// The new one is refused.
    New,
}

impl Default for QueueRules {
    fn default() -> Self {
        Self {
            mode: QueueMode::default(),
            by_channel: BTreeMap::new(),
            quiet: Duration::from_millis(500),
            quiet_by_channel: BTreeMap::new(),
            cap: 20,
            overflow: Overflow::default(),
        }
    }
}

impl QueueRules {
    /// Returns what becomes of a message of this channel.
    pub(crate) fn mode_on(&self, channel: &ChannelId) -> QueueMode {
        self.by_channel.get(channel).copied().unwrap_or(self.mode)
    }

    /// Returns how long it must be quiet before messages of this channel are collected.
    pub(crate) fn quiet_on(&self, channel: &ChannelId) -> Duration {
        let quiet = self.quiet_by_channel.get(channel);
        quiet.copied().unwrap_or(self.quiet)
    }
}
