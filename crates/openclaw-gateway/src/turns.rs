//! How turns go, from what the config says to the rules of an agent.

use std::time::Duration;

use openclaw_agents::lanes::{Overflow, QueueMode, QueueRules};
use openclaw_agents::loops::{LoopRules, Watch};
use openclaw_agents::{Limits, Means};
use openclaw_config::{LoopDetection, QueueMode as Mode, QueueOverflow, TurnSettings};
use openclaw_core::AgentId;
use openclaw_ipc::methods::QueueMode as Asked;

/// As long as a turn without a bound may take: longer than any process lives.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 10);

/// Returns what becomes of messages that arrive during a turn.
pub(crate) fn queue(turns: &TurnSettings) -> QueueRules {
    let (said, usual) = (&turns.queue, QueueRules::default());
    QueueRules {
        mode: said.mode.map_or(usual.mode, mode),
        by_channel: said
            .by_channel
            .iter()
            .map(|(channel, said)| (channel.clone(), mode(*said)))
            .collect(),
        quiet_by_channel: said.quiet_by_channel.clone(),
        cap: said.cap.unwrap_or(usual.cap),
        overflow: said.overflow.map_or(usual.overflow, overflow),
        ..usual
    }
}

/// Returns the means of an agent's commands with the times that the config says.
pub(crate) fn command_times(turns: &TurnSettings, agent: &AgentId, means: Means) -> Means {
    let times = turns.command_times_of(agent);
    Means {
        patience: times.patience.unwrap_or(means.patience),
        usual: times.timeout.filter(|timeout| !timeout.is_zero()),
        ..means
    }
}

/// Returns when an agent's turns go round in circles.
pub(crate) fn loops(turns: &TurnSettings, agent: &AgentId) -> LoopRules {
    let watch = match turns.loop_detection_of(agent) {
        Some(LoopDetection::Off) => Watch::Off,
        Some(LoopDetection::On) | None => Watch::On,
    };
    LoopRules {
        watch,
        ..LoopRules::default()
    }
}

/// Returns what one turn may take.
pub(crate) fn limits(turns: &TurnSettings) -> Limits {
    let usual = Limits::default();
    Limits {
        max_wall_time: match turns.timeout {
            Some(Duration::ZERO) => FOR_EVER,
            Some(timeout) => timeout.min(FOR_EVER),
            None => usual.max_wall_time,
        },
        ..usual
    }
}

/// Returns what a client asks for.
pub(crate) const fn asked_for(said: Asked) -> QueueMode {
    match said {
        Asked::Steer => QueueMode::Steer,
        Asked::Followup => QueueMode::Followup,
        Asked::Collect => QueueMode::Collect,
        Asked::Interrupt => QueueMode::Interrupt,
    }
}

const fn mode(said: Mode) -> QueueMode {
    match said {
        Mode::Steer => QueueMode::Steer,
        Mode::Followup => QueueMode::Followup,
        Mode::Collect => QueueMode::Collect,
        Mode::Interrupt => QueueMode::Interrupt,
    }
}

const fn overflow(said: QueueOverflow) -> Overflow {
    match said {
        QueueOverflow::Summarize => Overflow::Summarize,
        QueueOverflow::Old => Overflow::Old,
        QueueOverflow::New => Overflow::New,
    }
}
