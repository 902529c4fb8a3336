//! What connections see of each other: who is there, and what is said to all of them.
//!
//! What is recorded goes by the event log; this is for what is not: who comes and goes, devices that
//! wait, and how a message ended of which the log has no run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openclaw_core::SessionKey;
use openclaw_core::events::Position;
use openclaw_ipc::openclaw::frames::StateVersion;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::time::Instant;
use uuid::Uuid;

use super::Client;

/// How many shouts a slow connection may lag behind before it misses some.
const BACKLOG: usize = 1024;

/// How often all connections are told how the gateway is.
const HEALTH: Duration = Duration::from_mins(1);

/// How many messages that came to their end are known by name.
const DONE: usize = 1000;

/// Something that is said to every connection.
#[derive(Clone, Debug)]
pub(crate) enum Shout {
    /// Who is connected has changed.
    Presence,
    /// How the gateway is.
    Health(Arc<Value>),
    /// Something about devices, for those who decide about them.
    Device(&'static str, Value),
    /// A message of `chat.send` has come to its end.
    Settled(Arc<Settled>),
}

/// How a message ended, for those who wait for it under the client's own name.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    /// The client's name for the run.
    pub(crate) run: String,
    /// The session.
    pub(crate) session: SessionKey,
    /// How far the log was then: what it says itself comes first.
    pub(crate) after: Position,
    /// What went wrong; none if it was answered as part of another run.
    pub(crate) failure: Option<String>,
}

/// What became of a message that a client sent under a name of its own.
#[derive(Debug)]
pub(super) enum Entered {
    /// It is the first of that name.
    First(UnderWay),
    /// Another one of that name has no answer yet.
    UnderWay,
    /// Another one of that name came to its end.
    Done,
}

/// A message that has no answer yet; it has come to its end when this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    names: Arc<Mutex<Names>>,
    name: (SessionKey, String),
}

/// The names that clients gave their messages.
#[derive(Debug, Default)]
struct Names {
    under_way: BTreeSet<(SessionKey, String)>,
    done: VecDeque<(SessionKey, String)>,
}

/// The floor that all connections of OpenClaw's protocol stand on.
#[derive(Debug)]
pub(crate) struct Floor {
    /// This run of the gateway.
    boot: String,
    shouts: broadcast::Sender<Shout>,
    present: Mutex<BTreeMap<String, Value>>,
    presence: AtomicU64,
    health: AtomicU64,
    /// When it was looked last how the gateway is.
    examined: Mutex<Option<Instant>>,
    names: Arc<Mutex<Names>>,
}

/// A place on the floor; it is given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    floor: &'a Floor,
    conn: String,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            boot: Uuid::new_v4().to_string(),
            shouts: broadcast::Sender::new(BACKLOG),
            present: Mutex::default(),
            presence: AtomicU64::new(1),
            health: AtomicU64::new(1),
            examined: Mutex::default(),
            names: Arc::default(),
        }
    }
}

impl Floor {
    /// Returns the name of this run of the gateway.
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// Says something to everybody.
    pub(crate) fn shout(&self, shout: Shout) {
        // With nobody there, nobody misses it.
        drop(self.shouts.send(shout));
    }

    /// Hears what is said from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Shout> {
        self.shouts.subscribe()
    }

    /// Puts a client on the floor.
    pub(super) fn enter(&self, client: &Client, now: i64) -> Standing<'_> {
        let conn = client.conn_id.clone();
        self.present.lock().insert(conn.clone(), entry(client, now));
        self.changed();
        Standing { floor: self, conn }
    }

    /// Returns who is connected, and the gateway itself.
    pub(crate) fn presence(&self, now: i64) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        let own = json!({
            "version": version,
            "platform": std::env::consts::OS,
            "mode": "gateway",
            "reason": "self",
            "text": format!("Gateway · app {version} · mode gateway · reason self"),
            "ts": now,
        });
        let mut all = vec![own];
        all.extend(self.present.lock().values().cloned());
        Value::Array(all)
    }

    /// Returns how often what everybody sees has changed.
    pub(super) fn version(&self) -> StateVersion {
        StateVersion {
            presence: self.presence.load(Ordering::Relaxed),
            health: self.health.load(Ordering::Relaxed),
        }
    }

    /// Tells whether it is time to look how the gateway is; of several who ask, one has to.
    pub(super) fn is_health_due(&self) -> bool {
        let mut examined = self.examined.lock();
        let is_due = examined.is_none_or(|at| at.elapsed() >= HEALTH);
        if is_due {
            *examined = Some(Instant::now());
        }
        is_due
    }

    /// Tells everybody how the gateway is.
    pub(super) fn tell_health(&self, health: Value) {
        self.health.fetch_add(1, Ordering::Relaxed);
        self.shout(Shout::Health(Arc::new(health)));
    }

    /// Notes that a message is under way, unless one of its name was.
    pub(super) fn submit(&self, session: &SessionKey, name: &str) -> Entered {
        let name = (session.clone(), name.to_owned());
        let mut names = self.names.lock();
        if names.done.contains(&name) {
            return Entered::Done;
        }
        if !names.under_way.insert(name.clone()) {
            return Entered::UnderWay;
        }
        drop(names);
        let names = Arc::clone(&self.names);
        Entered::First(UnderWay { names, name })
    }

    /// Notes that the end of a message's run was told: whoever heard of it finds it at its end,
    /// even if those who gave the work have not been answered yet.
    pub(super) fn told(&self, session: &SessionKey, name: &str) {
        self.names.lock().end(&(session.clone(), name.to_owned()));
    }

    /// Returns the names of a session's messages that have no answer yet.
    pub(super) fn under_way(&self, session: &SessionKey) -> Vec<String> {
        let names = self.names.lock();
        let of_session = names.under_way.iter().filter(|(of, _)| of == session);
        of_session.map(|(_, name)| name.clone()).collect()
    }

    /// Returns the session in which a message of that name has come to its end.
    pub(super) fn done_in(&self, name: &str) -> Option<SessionKey> {
        let names = self.names.lock();
        let done = names.done.iter().rev().find(|(_, done)| done == name);
        done.map(|(session, _)| session.clone())
    }

    fn changed(&self) {
        self.presence.fetch_add(1, Ordering::Relaxed);
        self.shout(Shout::Presence);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.names.lock().end(&self.name);
    }
}

impl Names {
    /// Notes that a message has come to its end, once.
    fn end(&mut self, name: &(SessionKey, String)) {
        if !self.under_way.remove(name) {
            return;
        }
        if self.done.len() >= DONE {
            self.done.pop_front();
        }
        self.done.push_back(name.clone());
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        drop(self.floor.present.lock().remove(&self.conn));
        self.floor.changed();
    }
}

/// Returns what others see of a client.
fn entry(client: &Client, now: i64) -> Value {
    let says = &client.says;
    let scopes: Vec<&str> = client
        .rights
        .iter()
        .map(openclaw_ipc::openclaw::Right::as_str)
        .collect();
    let mut entry = json!({
        "host": says.display_name.as_ref().unwrap_or(&says.id),
        "version": says.version,
        "platform": says.platform,
        "mode": says.mode,
        "reason": "connect",
        "roles": ["operator"],
        "scopes": scopes,
        "text": format!("Node: {} · mode {}", says.id, says.mode),
        "onlineSince": now,
        "ts": now,
    });
    if let Some(entry) = entry.as_object_mut() {
        for (name, value) in [
            ("deviceFamily", says.device_family.as_deref()),
            ("modelIdentifier", says.model_identifier.as_deref()),
            ("timeZone", says.time_zone.as_deref()),
            ("instanceId", says.instance_id.as_deref()),
            (
                "deviceId",
                client
                    .device
                    .as_ref()
                    .map(openclaw_core::access::devices::DeviceId::as_str),
            ),
        ] {
            if let Some(value) = value {
                entry.insert(name.to_owned(), value.into());
            }
        }
    }
    entry
}
