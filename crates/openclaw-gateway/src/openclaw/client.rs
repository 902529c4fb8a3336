//! Somebody who was let in over OpenClaw's protocol.

use std::collections::BTreeSet;
use std::net::IpAddr;

use openclaw_core::access::Admitted;
use openclaw_core::access::devices::DeviceId;
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::RpcError;
use openclaw_ipc::openclaw::connect::ConnectClient;
use openclaw_ipc::openclaw::{Protocol, Rights};
use parking_lot::Mutex;

use crate::rpc::CallCx;

/// How many sessions a client may follow the messages of.
const MOST_FOLLOWED: usize = 1000;

/// A connected client: who it is, and what it may do.
#[derive(Debug)]
pub(crate) struct Client {
    /// The connection's name.
    pub(crate) conn_id: String,
    /// Proof that it was admitted, with no more scopes than it asked for.
    pub(crate) admitted: Admitted,
    /// The address that it came from.
    pub(crate) from: Option<IpAddr>,
    /// What it may do.
    pub(crate) rights: Rights,
    /// The version that it speaks.
    pub(crate) protocol: Protocol,
    /// What it says it is.
    pub(crate) says: ConnectClient,
    /// What it can do beyond the base.
    pub(crate) caps: Vec<String>,
    /// Its device, if it showed one.
    pub(crate) device: Option<DeviceId>,
    /// What it asked to be told.
    pub(crate) follows: Mutex<Follows>,
}

/// What a client asked to be told.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    /// Whether it wants to hear that sessions have changed.
    pub(crate) sessions: bool,
    /// The sessions whose messages it wants to see.
    messages: BTreeSet<SessionKey>,
}

impl Client {
    /// Returns the context of a call that this client makes.
    pub(crate) fn cx(&self) -> CallCx {
        CallCx::of(self.admitted.clone(), self.from)
    }

    /// Tells whether it can do something beyond the base.
    pub(crate) fn can(&self, cap: &str) -> bool {
        self.caps.iter().any(|known| known == cap)
    }
}

impl Follows {
    /// Follows the messages of one more session.
    pub(super) fn follow(&mut self, key: SessionKey) -> Result<(), RpcError> {
        if self.messages.len() >= MOST_FOLLOWED && !self.messages.contains(&key) {
            let message = format!("a client follows at most {MOST_FOLLOWED} sessions");
            return Err(RpcError::new(Kind::Limited, message));
        }
        self.messages.insert(key);
        Ok(())
    }

    /// Follows a session's messages no more.
    pub(super) fn leave(&mut self, key: &SessionKey) {
        self.messages.remove(key);
    }

    /// Tells whether a session's messages are followed.
    pub(super) fn messages_of(&self, key: &SessionKey) -> bool {
        self.messages.contains(key)
    }
}
