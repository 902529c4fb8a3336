//! The way from a sandbox into the network.

use std::sync::{Arc, OnceLock};

use openclaw_core::SessionKey;
use openclaw_http::egress::{Connection, Limits, Policy, Proxy, Stage, Watch};
use openclaw_http::guard::Resolver;
use openclaw_sandbox::{Egress, Reach};
use parking_lot::RwLock;

use crate::audit::{Occasion, Passage, Trail};

/// Lets the commands of one gateway's agents out, and puts on record where they went.
///
/// It is made before the parts of the gateway that it works with, and told of them when they are
/// there.
#[derive(Debug, Default)]
pub(crate) struct Exits {
    trail: OnceLock<Trail>,
    /// The ports that the gateway really has.
    ports: RwLock<Vec<u16>>,
}

impl Exits {
    /// Puts on record there what is let out and what is not; the first one counts.
    pub(crate) fn record_in(&self, trail: Trail) {
        self.trail.get_or_init(|| trail);
    }

    /// Keeps commands from this port, which is one of the gateway's own.
    pub(crate) fn keep_from(&self, port: u16) {
        self.ports.write().push(port);
    }

    /// Returns how far the commands of a session get; without one, nothing is put on record.
    pub(crate) fn reach(
        self: &Arc<Self>,
        session: Option<&SessionKey>,
        policy: Policy,
        port: u16,
    ) -> Reach {
        let own = self.ports.read().iter().copied().chain([port]).collect();
        let (exits, session) = (Arc::clone(self), session.cloned());
        let watch: Watch = Arc::new(move |connection| {
            if let (Some(trail), Some(session)) = (exits.trail.get(), &session)
                && let Some(occasion) = occasion(session, connection)
            {
                trail.count(occasion);
            }
        });
        let policy = policy.with_own_ports(own);
        let proxy = Proxy::new(policy, Resolver::system(), Limits::default(), watch);
        Reach::Proxy(Egress::new(move |listener, stop| {
            let proxy = proxy.clone();
            async move { proxy.serve(listener, stop).await }
        }))
    }
}

/// Returns what is to be on record of a connection; its end is not.
fn occasion(session: &SessionKey, connection: &Connection<'_>) -> Option<Occasion> {
    let passage = match connection.stage {
        Stage::Refused(why) => Passage::Refused(why.to_string()),
        Stage::Open { rule, .. } => Passage::Allowed(rule.to_string()),
        Stage::Closed { .. } => return None,
    };
    let host = connection.target.to_string();
    Some(Occasion::Egress(session.clone(), host, passage))
}
