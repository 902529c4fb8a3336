//! Counting what happens again and again, so that it is written as few entries.
//!
//! The first occasion of a sort is due at once; what follows is counted for a stretch of time and
//! due at its end. The sorts that are counted apart are bounded: when there are too many of them,
//! as when somebody comes from ever new addresses or a command asks for ever new hosts, the address
//! or the host is left out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use openclaw_core::SessionKey;
use openclaw_core::access::Principal;
use openclaw_core::events::AuditEntry;

/// The shortest time between two entries of the same sort about refusals.
const REFUSALS: Duration = Duration::from_secs(10);
/// The shortest time between two entries of the same sort about what was allowed.
const ALLOWED: Duration = Duration::from_mins(1);
/// How many sorts are counted apart, with their addresses: of callers, and of commands.
const SORTS: usize = 256;
/// What stands for hosts that are too many, and for why they were let through or not.
const OTHER_HOSTS: &str = "further hosts";
const OTHER_RULES: &str = "too many to be named";

/// By which door somebody comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    /// `POST /rpc`.
    Rpc,
    /// `GET /ws`.
    Ws,
    /// `GET /`, as OpenClaw's clients upgrade it.
    Openclaw,
    /// `GET /status`.
    Status,
    /// `/auth/…`: logging in, and exchanging tokens.
    Auth,
    /// The addresses of the webhooks.
    Webhook,
    /// Anything else on the same port.
    Http,
}

impl Transport {
    /// Returns the transport that a path of the edge stands for.
    pub(crate) fn of_path(path: &str) -> Self {
        match path {
            "/rpc" => Self::Rpc,
            "/ws" => Self::Ws,
            "/status" => Self::Status,
            path if path.starts_with("/auth/") => Self::Auth,
            _ => Self::Http,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Ws => "ws",
            Self::Openclaw => "openclaw",
            Self::Status => "status",
            Self::Auth => "auth",
            Self::Webhook => "webhook",
            Self::Http => "http",
        }
    }
}

/// Where somebody comes in, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Door {
    /// The door.
    pub(crate) transport: Transport,
    /// The address; without the port, which is another one with every connection.
    pub(crate) peer: Option<IpAddr>,
    /// Whether it came from this machine, by no proxy.
    pub(crate) local: bool,
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// No credential came, or more than one.
    NoCredential,
    /// It is not a good one.
    WrongCredential,
    /// It was good once.
    RunOut,
    /// It came from where too many wrong ones came from.
    LockedOut,
    /// The trusted proxy named somebody who is not on the list.
    ForeignUser,
    /// The gateway has none, so that nobody is let in.
    Shut,
    /// It came in the address of a request.
    InAddress,
    /// Where the request ends can be read in more than one way.
    Ambiguous,
    /// A page of another origin asked.
    ForeignOrigin,
    /// The `Host` header is a name.
    ForeignHost,
}

impl Reason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NoCredential => "no credential",
            Self::WrongCredential => "wrong credential",
            Self::RunOut => "a token that has run out",
            Self::LockedOut => "locked out",
            Self::ForeignUser => "a proxy user who is not listed",
            Self::Shut => "the gateway has no token",
            Self::InAddress => "credential in an address",
            Self::Ambiguous => "ambiguous request",
            Self::ForeignOrigin => "foreign Origin",
            Self::ForeignHost => "foreign Host",
        }
    }
}

/// What became of a command's way to a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Passage {
    /// This rule let it through.
    Allowed(String),
    /// It was not let through, because of this.
    Refused(String),
}

/// Something that happens often.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Occasion {
    /// Somebody was let in.
    Allowed(Principal, Door),
    /// Somebody was not.
    Denied(Reason, Door),
    /// Somebody may not call this method.
    Forbidden(Principal, &'static str),
    /// Somebody asked for this too often, from there.
    Limited(Principal, &'static str, Option<IpAddr>),
    /// A command of a session asked for this host.
    Egress(SessionKey, String, Passage),
}

impl Occasion {
    const fn period(&self) -> Duration {
        match self {
            Self::Allowed(..) | Self::Egress(_, _, Passage::Allowed(_)) => ALLOWED,
            Self::Egress(_, _, Passage::Refused(_))
            | Self::Denied(..)
            | Self::Forbidden(..)
            | Self::Limited(..) => REFUSALS,
        }
    }

    /// Tells apart what callers do and what commands do: the one must not push the other out.
    const fn is_of_a_command(&self) -> bool {
        matches!(self, Self::Egress(..))
    }

    fn without_peer(self) -> Self {
        match self {
            Self::Allowed(principal, door) => Self::Allowed(principal, Door { peer: None, ..door }),
            Self::Denied(reason, door) => Self::Denied(reason, Door { peer: None, ..door }),
            Self::Limited(principal, what, _) => Self::Limited(principal, what, None),
            Self::Egress(session, _, Passage::Allowed(_)) => Self::Egress(
                session,
                OTHER_HOSTS.to_owned(),
                Passage::Allowed(OTHER_RULES.to_owned()),
            ),
            Self::Egress(session, _, Passage::Refused(_)) => Self::Egress(
                session,
                OTHER_HOSTS.to_owned(),
                Passage::Refused(OTHER_RULES.to_owned()),
            ),
            Self::Forbidden(..) => self,
        }
    }
}

/// Something to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Due {
    /// An occasion, so often.
    Counted(Occasion, u64),
    /// An entry as it stands.
    Whole(AuditEntry),
}

impl Due {
    /// Returns what is to be written.
    pub(super) fn entry(&self) -> AuditEntry {
        match self {
            Self::Counted(Occasion::Allowed(principal, door), count) => AuditEntry::AuthAllowed {
                principal: principal.to_string(),
                transport: door.transport.as_str().to_owned(),
                peer: door.peer.map(|peer| peer.to_string()),
                count: *count,
            },
            Self::Counted(Occasion::Denied(reason, door), count) => AuditEntry::AuthDenied {
                reason: reason.as_str().to_owned(),
                transport: door.transport.as_str().to_owned(),
                peer: door.peer.map(|peer| peer.to_string()),
                count: *count,
            },
            Self::Counted(Occasion::Forbidden(principal, method), count) => {
                AuditEntry::AuthForbidden {
                    principal: principal.to_string(),
                    method: (*method).to_owned(),
                    count: *count,
                }
            }
            Self::Counted(Occasion::Limited(principal, what, peer), count) => {
                AuditEntry::RateLimited {
                    principal: principal.to_string(),
                    what: (*what).to_owned(),
                    peer: peer.map(|peer| peer.to_string()),
                    count: *count,
                }
            }
            Self::Counted(Occasion::Egress(session, host, passage), count) => {
                let (session, host, count) = (session.clone(), host.clone(), *count);
                match passage.clone() {
                    Passage::Allowed(rule) => AuditEntry::EgressAllowed {
                        session,
                        host,
                        rule,
                        count,
                    },
                    Passage::Refused(reason) => AuditEntry::EgressRefused {
                        session,
                        host,
                        reason,
                        count,
                    },
                }
            }
            Self::Whole(entry) => entry.clone(),
        }
    }
}

/// What has been counted of one sort since its last entry, and when the next one is due.
#[derive(Clone, Copy, Debug)]
struct Tally {
    count: u64,
    due: Instant,
}

/// Everything that is to be written.
#[derive(Debug)]
pub(super) struct Ledger {
    entries: Vec<AuditEntry>,
    /// When an entry could not be written: not before this.
    entries_due: Option<Instant>,
    tallies: HashMap<Occasion, Tally>,
}

impl Ledger {
    pub(super) fn new(entries: Vec<AuditEntry>) -> Self {
        Self {
            entries,
            entries_due: None,
            tallies: HashMap::new(),
        }
    }

    /// Adds entries as they stand.
    pub(super) fn enter(&mut self, entries: impl IntoIterator<Item = AuditEntry>) {
        self.entries.extend(entries);
    }

    /// Counts an occasion; returns whether it is the first of its sort, which is due now.
    pub(super) fn count(&mut self, occasion: Occasion, now: Instant) -> bool {
        let known = self.tallies.contains_key(&occasion);
        let of_a_command = occasion.is_of_a_command();
        let alike = |known: &&Occasion| known.is_of_a_command() == of_a_command;
        let occasion = if known || self.tallies.keys().filter(alike).count() < SORTS {
            occasion
        } else {
            occasion.without_peer()
        };
        let mut first = false;
        let tally = self.tallies.entry(occasion).or_insert_with(|| {
            first = true;
            Tally { count: 0, due: now }
        });
        tally.count = tally.count.saturating_add(1);
        first
    }

    /// Takes what is due; what has not happened again for a whole stretch is forgotten.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Due> {
        self.take(now, |due| due <= now)
    }

    /// Takes everything, due or not.
    pub(super) fn rest(&mut self, now: Instant) -> Vec<Due> {
        self.take(now, |_| true)
    }

    fn take(&mut self, now: Instant, is_due: impl Fn(Instant) -> bool) -> Vec<Due> {
        let mut due = Vec::new();
        if self.entries_due.is_none_or(&is_due) {
            self.entries_due = None;
            due.extend(self.entries.drain(..).map(Due::Whole));
        }
        self.tallies.retain(|occasion, tally| {
            if !is_due(tally.due) {
                return true;
            }
            let happened = tally.count > 0;
            if happened {
                due.push(Due::Counted(
                    occasion.clone(),
                    std::mem::take(&mut tally.count),
                ));
                tally.due = later(now, occasion.period());
            }
            happened
        });
        due
    }

    /// Takes back what could not be written, for the end of the next stretch.
    pub(super) fn put_back(&mut self, due: Due, now: Instant) {
        match due {
            Due::Counted(occasion, count) => {
                let due = later(now, occasion.period());
                let tally = self
                    .tallies
                    .entry(occasion)
                    .or_insert(Tally { count: 0, due });
                tally.count = tally.count.saturating_add(count);
            }
            Due::Whole(entry) => {
                self.entries.push(entry);
                self.entries_due = Some(later(now, REFUSALS));
            }
        }
    }

    /// Returns when there is something to do again.
    pub(super) fn next(&self) -> Option<Instant> {
        let tallies = self.tallies.values().map(|tally| tally.due);
        tallies.chain(self.entries_due).min()
    }
}

fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(last: u8) -> Occasion {
        let peer = Some(IpAddr::from([127, 0, 0, last]));
        Occasion::Denied(
            Reason::WrongCredential,
            Door {
                transport: Transport::Rpc,
                peer,
                local: true,
            },
        )
    }

    fn allowed() -> Occasion {
        Occasion::Allowed(
            Principal::SecretBearer,
            Door {
                transport: Transport::Ws,
                peer: None,
                local: true,
            },
        )
    }

    #[test]
    fn the_first_is_written_at_once_and_the_rest_as_one_entry() {
        let (mut ledger, start) = (Ledger::new(Vec::new()), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(ledger.count(denied(1), at(0)));
        assert_eq!(ledger.due(at(0)), [Due::Counted(denied(1), 1)]);
        for second in 1..10 {
            assert!(!ledger.count(denied(1), at(second)));
            assert_eq!(ledger.due(at(second)), []);
        }
        assert_eq!(ledger.next(), Some(at(10)));
        assert_eq!(ledger.due(at(10)), [Due::Counted(denied(1), 9)]);
        // Nothing happened in the next stretch, so the sort is forgotten.
        assert_eq!((ledger.due(at(20)), ledger.next()), (vec![], None));
        assert!(ledger.count(denied(1), at(21)));
    }

    #[test]
    fn what_is_allowed_is_told_less_often_than_what_is_refused() {
        let (mut ledger, start) = (Ledger::new(Vec::new()), Instant::now());
        ledger.count(allowed(), start);
        ledger.count(denied(1), start);
        assert_eq!(ledger.due(start).len(), 2);
        ledger.count(allowed(), start);
        ledger.count(denied(1), start);
        assert_eq!(
            ledger.due(start + REFUSALS),
            [Due::Counted(denied(1), 1)],
            "only the refusal is due"
        );
        assert_eq!(
            ledger.due(start + ALLOWED),
            [Due::Counted(allowed(), 1)],
            "nothing was lost"
        );
    }

    #[test]
    fn ever_new_addresses_take_no_more_than_their_room() {
        let (mut ledger, now) = (Ledger::new(Vec::new()), Instant::now());
        let from = |n: u32| {
            let peer = Some(IpAddr::from(n.to_be_bytes()));
            Occasion::Denied(
                Reason::NoCredential,
                Door {
                    transport: Transport::Ws,
                    peer,
                    local: false,
                },
            )
        };
        for n in 0..10_000 {
            ledger.count(from(n), now);
        }
        let due = ledger.due(now);
        assert_eq!(due.len(), SORTS + 1);
        let total: u64 = due
            .iter()
            .map(|due| match due {
                Due::Counted(_, count) => *count,
                Due::Whole(_) => 0,
            })
            .sum();
        assert_eq!(total, 10_000);
        assert!(due.contains(&Due::Counted(from(0).without_peer(), 10_000 - 256)));
    }

    #[test]
    fn what_could_not_be_written_is_due_again_later() {
        let entry = AuditEntry::SecretAccessed {
            name: "KEY".to_owned(),
            purpose: "provider x".to_owned(),
        };
        let (mut ledger, start) = (Ledger::new(vec![entry.clone()]), Instant::now());
        ledger.count(denied(1), start);
        for due in ledger.due(start) {
            ledger.put_back(due, start);
        }
        ledger.count(denied(1), start);
        assert_eq!(ledger.due(start), []);
        assert_eq!(ledger.next(), Some(start + REFUSALS));
        assert_eq!(
            ledger.due(start + REFUSALS),
            [Due::Whole(entry), Due::Counted(denied(1), 2)]
        );
    }

    #[test]
    fn at_the_end_nothing_is_left() {
        let (mut ledger, now) = (Ledger::new(Vec::new()), Instant::now());
        ledger.count(denied(1), now);
        ledger.due(now);
        ledger.count(denied(1), now);
        ledger.count(allowed(), now);
        assert_eq!(ledger.rest(now).len(), 2);
        assert_eq!(ledger.rest(now), []);
    }
}
