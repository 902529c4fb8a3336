//! How many connections there is room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many connections are open at the same time at most.
const CONNECTIONS: u64 = 4096;
/// File handles that are kept for everything else: the event log, tools, providers.
const OTHERS: u64 = 512;
/// The fewest connections that a gateway is of use with.
const FEWEST: u64 = 64;
/// How many connections may be open at which nothing is under way.
const WAITING: usize = 1024;

/// How many connections may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// All of them.
    pub(super) connections: usize,
    /// Those at which nothing is under way.
    pub(super) waiting: usize,
}

impl Room {
    /// Asks the system for as many file handles as a full gateway needs, and makes do with what
    /// there is.
    pub(super) fn make() -> Self {
        let wanted = CONNECTIONS.saturating_add(OTHERS);
        let limit = getrlimit(Resource::Nofile);
        let had = limit.current.unwrap_or(u64::MAX);
        if had >= wanted {
            return Self::with_handles(had);
        }
        let more = limit.maximum.unwrap_or(u64::MAX).min(wanted);
        let raised = Rlimit {
            current: Some(more),
            maximum: limit.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => Self::with_handles(more),
            Err(err) => {
                tracing::warn!(%err, handles = had, "the limit of file handles stays low");
                Self::with_handles(had)
            }
        }
    }

    fn with_handles(handles: u64) -> Self {
        // A gateway with few handles keeps half of them for the rest.
        let kept = OTHERS.min(handles / 2);
        let connections = handles.saturating_sub(kept).clamp(FEWEST, CONNECTIONS);
        let connections = usize::try_from(connections).unwrap_or(WAITING);
        Self {
            connections,
            waiting: WAITING.min(connections / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_what_the_handles_allow() {
        let room = |handles| {
            let room = Room::with_handles(handles);
            (room.connections, room.waiting)
        };
        assert_eq!(room(u64::MAX), (4096, 1024));
        assert_eq!(room(4608), (4096, 1024));
        assert_eq!(room(1024), (512, 256));
        assert_eq!(room(256), (128, 64));
        assert_eq!(room(16), (64, 32));
    }
}
