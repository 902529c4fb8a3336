//! Which session a response or a call belongs to, for the requests that go on from one.
//!
//! It is kept in memory and for a while: whoever comes back later has to bring the conversation
//! along, as every client of this API can.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use openclaw_core::SessionKey;
use openclaw_core::access::Principal;
use parking_lot::Mutex;
use tokio::time::Instant;

/// How many names are remembered at most; the oldest give way.
const MOST: usize = 4096;
/// For how long a name is remembered.
const FOR: Duration = Duration::from_mins(30);

/// The sessions that responses and calls belong to.
#[derive(Debug, Default)]
pub(super) struct Threads(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    sessions: HashMap<String, Thread>,
    /// Their names, oldest first.
    order: VecDeque<(String, Instant)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Thread {
    principal: Principal,
    session: SessionKey,
    since: Instant,
}

impl Threads {
    /// Remembers that what goes by this name belongs to a session.
    pub(super) fn remember(&self, name: &str, principal: &Principal, session: &SessionKey) {
        let since = Instant::now();
        let thread = Thread {
            principal: principal.clone(),
            session: session.clone(),
            since,
        };
        let mut known = self.0.lock();
        known.sessions.insert(name.to_owned(), thread);
        known.order.push_back((name.to_owned(), since));
        known.forget(since);
    }

    /// Returns the session that what goes by this name belongs to, if it is this caller's.
    pub(super) fn find(&self, name: &str, principal: &Principal) -> Option<SessionKey> {
        let mut known = self.0.lock();
        known.forget(Instant::now());
        let thread = known.sessions.get(name)?;
        (thread.principal == *principal).then(|| thread.session.clone())
    }
}

impl Known {
    fn forget(&mut self, now: Instant) {
        while let Some((name, since)) = self.order.front() {
            if self.order.len() <= MOST && now.duration_since(*since) < FOR {
                break;
            }
            // One that was named again meanwhile stays for the sake of its newer entry.
            if self
                .sessions
                .get(name)
                .is_some_and(|thread| thread.since == *since)
            {
                self.sessions.remove(name);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: usize) -> SessionKey {
        SessionKey::parse(&format!("agent:main:openai:{n}")).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_is_its_caller_s_and_only_for_a_while() {
        let threads = Threads::default();
        threads.remember("resp_1", &Principal::SecretBearer, &session(1));
        let found = |name: &str, principal| threads.find(name, principal);
        assert_eq!(found("resp_1", &Principal::SecretBearer), Some(session(1)));
        assert_eq!(found("resp_1", &Principal::LocalOwner), None);
        assert_eq!(found("resp_2", &Principal::SecretBearer), None);
        tokio::time::advance(FOR).await;
        assert_eq!(found("resp_1", &Principal::SecretBearer), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_names_give_way() {
        let threads = Threads::default();
        for n in 0..=MOST {
            threads.remember(&n.to_string(), &Principal::LocalOwner, &session(n));
        }
        assert_eq!(threads.find("0", &Principal::LocalOwner), None);
        let newest = threads.find(&MOST.to_string(), &Principal::LocalOwner);
        assert_eq!(newest, Some(session(MOST)));
    }
}
