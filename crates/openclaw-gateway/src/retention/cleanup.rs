//! Which sessions are due, by their age and by the size of the log, and what is done about them.

use std::cmp::Reverse;
use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use openclaw_config::Maintenance;
use openclaw_core::events::SessionSummary;
use openclaw_core::session_key::Scope;
use openclaw_core::{Clock, EventStore, Kind, SessionKey};

use super::RetentionError;
use super::delete::{CopyTo, Deleted, delete};
use super::export::Export;

/// How many sessions are listed at a time.
const PAGE: u32 = 1000;

/// What is to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Sessions whose last event is older go.
    pub older_than: Option<Duration>,
    /// The oldest sessions go until the log uses no more bytes than this.
    pub max_size: Option<u64>,
    /// Sessions whose last event is younger stay, whatever the other limits say.
    pub preserve_recent: Option<Duration>,
}

/// Why a session is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is too old.
    Age,
    /// The log is too large, and of all sessions this is the oldest.
    Size,
}

/// A session that has to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The session.
    pub session: SessionSummary,
    /// Why.
    pub why: Why,
}

/// What became of a session that was due.
#[derive(Debug)]
pub enum Step {
    /// It was archived and deleted.
    Deleted(Due, Box<Deleted>),
    /// It is not due any more, or somebody works on it.
    Kept(Due, RetentionError),
}

impl Limits {
    /// Returns the limits that a config sets.
    pub const fn of(maintenance: &Maintenance) -> Self {
        Self {
            older_than: maintenance.prune_after,
            max_size: maintenance.max_disk_bytes,
            preserve_recent: maintenance.preserve_recent,
        }
    }

    /// Tells whether nothing ever goes.
    pub const fn keep_everything(&self) -> bool {
        self.older_than.is_none() && self.max_size.is_none()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Age => "age",
            Self::Size => "size",
        })
    }
}

/// Archives and deletes what is due, the sessions with the oldest last event first.
///
/// `tell` hears of each session and may end the work. A session that cannot be archived ends it
/// too: it is better to keep too much than to lose something.
pub async fn clean(
    store: &EventStore,
    limits: Limits,
    folder: &Path,
    clock: &Clock,
    mut tell: impl FnMut(Step) -> ControlFlow<()>,
) -> Result<(), RetentionError> {
    let mut queue = Queue::of(store, limits, clock).await?;
    let copy_to = CopyTo::Folder(folder.to_owned());
    let (mut size, mut freed) = (store.size().await?, 0_u64);
    loop {
        let Some(due) = queue.next(size.saturating_sub(freed)) else {
            // What is gone was about as large as its copy. If the log gave back much less than
            // that, more of the same would take every session and help nobody.
            let left = store.size().await?;
            if freed == 0 || size.saturating_sub(left) < freed / 2 {
                return Ok(());
            }
            (size, freed) = (left, 0);
            continue;
        };
        let reason = format!("retention: {}", due.why);
        let step = match delete(store, &due.session, &copy_to, &reason, clock).await {
            Ok(deleted) => {
                let bytes = deleted.copy.as_ref().map_or(0, |copy| copy.bytes);
                freed = freed.saturating_add(bytes);
                Step::Deleted(due, Box::new(deleted))
            }
            Err(err) if is_passing(&err) => Step::Kept(due, err),
            Err(err) => return Err(err),
        };
        if tell(step).is_break() {
            return Ok(());
        }
    }
}

/// Tells what [`clean`] would do, with the size of the copy that it would make of each session.
///
/// What the log would shrink by is not known before; it is taken to be the size of the copy.
pub async fn plan(
    store: &EventStore,
    limits: Limits,
    clock: &Clock,
    mut tell: impl FnMut(Due, u64),
) -> Result<(), RetentionError> {
    let mut queue = Queue::of(store, limits, clock).await?;
    let mut size = store.size().await?;
    while let Some(due) = queue.next(size) {
        let bytes = copy_size(store, &due.session).await?;
        size = size.saturating_sub(bytes);
        tell(due, bytes);
    }
    Ok(())
}

async fn copy_size(store: &EventStore, session: &SessionSummary) -> Result<u64, RetentionError> {
    let mut export = Export::begin(store, &session.key).await?;
    let mut bytes = 0_u64;
    while let Some(text) = export.next().await? {
        bytes = bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
    }
    Ok(bytes)
}

/// Tells whether a failure is about one session now, and no reason to stop.
const fn is_passing(err: &RetentionError) -> bool {
    matches!(err.kind(), Kind::Busy | Kind::Conflict | Kind::NotFound)
}

/// Tells whether a session stays however old it is: an agent's main session and the conversations
/// of groups do in OpenClaw, too, because they are found again by their place and not by their age.
fn is_protected(session: &SessionKey) -> bool {
    matches!(session.scope(), Scope::Main | Scope::Group { .. })
}

/// All sessions, to be asked one after the other whether they are due.
#[derive(Debug)]
struct Queue {
    limits: Limits,
    now_ms: i64,
    /// The one with the oldest last event stands last.
    sessions: Vec<SessionSummary>,
}

impl Queue {
    async fn of(store: &EventStore, limits: Limits, clock: &Clock) -> Result<Self, RetentionError> {
        let mut sessions = Vec::new();
        loop {
            let skip = u64::try_from(sessions.len()).unwrap_or(u64::MAX);
            let page = store.sessions(skip, PAGE).await?;
            if page.is_empty() {
                break;
            }
            sessions.extend(page);
        }
        sessions.retain(|session| !is_protected(&session.key));
        // Between two pages a session may have moved to the front, and one been listed twice.
        sessions.sort_by_key(|session| Reverse(session.updated));
        sessions.dedup_by(|one, other| one.key == other.key);
        Ok(Self {
            limits,
            now_ms: clock.now().as_millisecond(),
            sessions,
        })
    }

    /// Returns the next session that has to go, when the log uses `size` bytes.
    fn next(&mut self, size: u64) -> Option<Due> {
        let oldest = self.sessions.last()?;
        let age = self
            .now_ms
            .saturating_sub(oldest.updated.as_millisecond())
            .max(0);
        let age = Duration::from_millis(u64::try_from(age).unwrap_or_default());
        let Limits {
            older_than,
            max_size,
            preserve_recent,
        } = self.limits;
        let why = if preserve_recent.is_some_and(|recent| age < recent) {
            return None;
        } else if older_than.is_some_and(|limit| age >= limit) {
            Why::Age
        } else if max_size.is_some_and(|limit| size > limit) {
            Why::Size
        } else {
            return None;
        };
        let session = self.sessions.pop()?;
        Some(Due { session, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn session(days_old: i64) -> SessionSummary {
        let updated = jiff::Timestamp::from_millisecond((100 - days_old) * DAY_MS).unwrap();
        SessionSummary {
            key: SessionKey::parse(&format!("agent:main:{days_old}-days")).unwrap(),
            head: 1,
            started: updated,
            updated,
            ended: false,
            parent: None,
        }
    }

    fn days(n: u64) -> Duration {
        Duration::from_hours(24 * n)
    }

    /// Returns the ages of what goes, when each session has 10 of the 50 bytes.
    fn gone(limits: Limits) -> Vec<String> {
        let mut queue = Queue {
            limits,
            now_ms: 100 * DAY_MS,
            sessions: [0, 3, 10, 40, 90].map(session).into(),
        };
        let (mut size, mut gone) = (50, Vec::new());
        while let Some(due) = queue.next(size) {
            size -= 10;
            gone.push(format!("{} {}", due.session.key.as_str(), due.why));
        }
        gone
    }

    #[test]
    fn the_oldest_go_first_and_only_as_many_as_needed() {
        let by = |older_than, max_size, preserve_recent| {
            gone(Limits {
                older_than,
                max_size,
                preserve_recent,
            })
        };
        assert_eq!(by(None, None, None), [""; 0]);
        assert_eq!(
            by(Some(days(40)), None, None),
            ["agent:main:90-days age", "agent:main:40-days age"]
        );
        assert_eq!(by(None, Some(45), None), ["agent:main:90-days size"]);
        assert_eq!(
            by(Some(days(60)), Some(30), None),
            ["agent:main:90-days age", "agent:main:40-days size"]
        );
        assert_eq!(
            by(None, Some(0), Some(days(5))),
            [
                "agent:main:90-days size",
                "agent:main:40-days size",
                "agent:main:10-days size"
            ]
        );
        assert_eq!(
            by(Some(days(1)), None, Some(days(50))),
            ["agent:main:90-days age"]
        );
    }
    #[test]
    fn main_sessions_and_groups_stay() {
        let protected = |key: &str| is_protected(&SessionKey::parse(key).unwrap());
        assert!(protected("agent:main:main"));
        assert!(protected("agent:work:telegram:group:-100:topic:7"));
        assert!(!protected("agent:main:telegram:direct:4711"));
        assert!(!protected("agent:main:openai:1"));
    }
}
