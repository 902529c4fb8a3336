//! What is told about every connection that is asked for.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::Refusal;
use super::meter::Meter;
use super::policy::Rule;
use crate::guard::Target;

/// Who is told: at once when a connection is refused, and at its beginning and its end when it is not.
///
/// It is called from the task that serves the connection, so it must not block.
pub type Watch = Arc<dyn Fn(&Connection<'_>) + Send + Sync>;

/// A connection that somebody asked for.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// Which one of this proxy: the same at its beginning and its end.
    pub number: u64,
    /// What was asked for.
    pub target: &'a Target,
    /// In which way.
    pub way: Way,
    /// What became of it.
    pub stage: Stage<'a>,
}

/// In which way something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A tunnel (`CONNECT`).
    Tunnel,
    /// A request for an `http://` URL.
    Request,
}

/// What became of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Stage<'a> {
    /// It is not made.
    Refused(&'a Refusal),
    /// It was made.
    Open {
        /// The address, which was judged.
        address: SocketAddr,
        /// What lets it through.
        rule: &'a Rule,
    },
    /// It is over.
    Closed {
        /// The address.
        address: SocketAddr,
        /// What let it through.
        rule: &'a Rule,
        /// How many bytes went to the host.
        sent: u64,
        /// How many bytes came from it.
        received: u64,
        /// How long it lasted.
        lasted: Duration,
    },
}

/// A connection that is made: its end is told however it comes.
pub(super) struct Open {
    asked: Asked,
    address: SocketAddr,
    rule: Rule,
    meter: Arc<Meter>,
    since: Instant,
}

/// What is asked for, and who is told about it.
pub(super) struct Asked {
    pub(super) number: u64,
    pub(super) target: Target,
    pub(super) way: Way,
    pub(super) watch: Watch,
}

impl Asked {
    pub(super) fn refused(&self, refusal: &Refusal) {
        self.tell(Stage::Refused(refusal));
    }

    pub(super) fn open(self, address: SocketAddr, rule: Rule) -> Open {
        self.tell(Stage::Open {
            address,
            rule: &rule,
        });
        Open {
            asked: self,
            address,
            rule,
            meter: Arc::new(Meter::new()),
            since: Instant::now(),
        }
    }

    fn tell(&self, stage: Stage<'_>) {
        (self.watch)(&Connection {
            number: self.number,
            target: &self.target,
            way: self.way,
            stage,
        });
    }
}

impl Open {
    pub(super) const fn target(&self) -> &Target {
        &self.asked.target
    }

    pub(super) const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let count = self.meter.count();
        self.asked.tell(Stage::Closed {
            address: self.address,
            rule: &self.rule,
            sent: count.sent,
            received: count.received,
            lasted: self.since.elapsed(),
        });
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tunnel => "tunnel",
            Self::Request => "request",
        })
    }
}
