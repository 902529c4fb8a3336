//! Crowds with a bound: when somebody joins one that is full, whoever has been in it longest goes.
//!
//! It is how strangers are kept from taking all the room: a connection that sends nothing costs
//! them as little as us, so refusing newcomers would keep everybody else out.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// At most so many members.
#[derive(Debug)]
pub(crate) struct Crowd {
    limit: usize,
    members: Mutex<Members>,
}

#[derive(Debug, Default)]
struct Members {
    /// In the order in which they came.
    by_ticket: BTreeMap<u64, CancellationToken>,
    next_ticket: u64,
}

/// A place in a crowd; it is given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Member {
    crowd: Arc<Crowd>,
    ticket: u64,
}

impl Crowd {
    /// Makes an empty crowd.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            members: Mutex::default(),
        }
    }

    /// Joins the crowd; `go` is cancelled when the member has to go.
    pub(crate) fn join(self: &Arc<Self>, go: CancellationToken) -> Member {
        let mut members = self.members.lock();
        let ticket = members.next_ticket;
        members.next_ticket = ticket.saturating_add(1);
        members.by_ticket.insert(ticket, go);
        let over = members.by_ticket.len() > self.limit;
        let oldest = over.then(|| members.by_ticket.pop_first()).flatten();
        drop(members);
        if let Some((_, go)) = oldest {
            go.cancel();
        }
        Member {
            crowd: Arc::clone(self),
            ticket,
        }
    }

    /// Tells whoever has been here longest to go; returns whether there was somebody.
    pub(crate) fn push_out(&self) -> bool {
        let oldest = self.members.lock().by_ticket.pop_first();
        oldest.is_some_and(|(_, go)| {
            go.cancel();
            true
        })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Whoever was told to go is no longer in it.
        drop(self.crowd.members.lock().by_ticket.remove(&self.ticket));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_are_too_many() {
        let crowd = Arc::new(Crowd::new(2));
        let tokens: Vec<_> = (0..4).map(|_| CancellationToken::new()).collect();
        let gone = || {
            tokens
                .iter()
                .map(CancellationToken::is_cancelled)
                .collect::<Vec<_>>()
        };
        let first = crowd.join(tokens[0].clone());
        let second = crowd.join(tokens[1].clone());
        let _third = crowd.join(tokens[2].clone());
        assert_eq!(gone(), [true, false, false, false]);
        drop((first, second));
        let _fourth = crowd.join(tokens[3].clone());
        assert_eq!(gone(), [true, false, false, false], "there is room again");
        assert!(crowd.push_out());
        assert_eq!(gone(), [true, false, true, false]);
        assert!(crowd.push_out());
        assert!(!crowd.push_out(), "nobody is left");
    }
}
