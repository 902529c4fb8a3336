//! The key-value engines, and the writer that each of them gets: one thread that commits what has
//! queued up, together.

mod fjall;
mod redb;
mod sled;

use std::collections::HashMap;

use openclaw_core::events::NewEvent;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::fjall::Fjall;
pub(crate) use self::redb::Redb;
pub(crate) use self::sled::Sled;

/// How many appends wait for the writer, as in our store.
const QUEUE: usize = 1024;
/// The most appends that one commit takes, as in our store.
const BATCH: usize = 256;

/// A key-value engine that holds events under their session and sequence number.
pub(crate) trait Engine: Send + 'static {
    /// Returns the sequence number of a session's last event, 0 when it has none.
    fn head(&self, session: u64) -> u64;

    /// Returns an event as it was stored.
    fn event(&self, session: u64, seq: u64) -> Option<Vec<u8>>;

    /// Stores events and heads, all or nothing; they are durable when it returns.
    fn commit(&mut self, commit: &Commit);
}

/// What one commit stores.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    /// Session, sequence number, and the event.
    pub(crate) events: Vec<(u64, u64, Vec<u8>)>,
    /// Session and the sequence number of its last event.
    pub(crate) heads: HashMap<u64, u64>,
}

/// Returns the key of an event; keys sort by session and then by sequence number.
pub(crate) fn key(session: u64, seq: u64) -> [u8; 16] {
    ((u128::from(session) << 64) | u128::from(seq)).to_be_bytes()
}

/// Reads the head that an engine stored as bytes.
pub(crate) fn head_of(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

/// An append on its way to the writer.
#[derive(Debug)]
struct Append {
    session: u64,
    events: Vec<NewEvent>,
    done: oneshot::Sender<()>,
}

/// A running writer.
#[derive(Debug)]
pub(crate) struct Queue {
    appends: mpsc::Sender<Append>,
    writer: std::thread::JoinHandle<()>,
}

impl Queue {
    /// Starts the writer of an engine.
    pub(crate) fn start(engine: impl Engine) -> Self {
        let (appends, waiting) = mpsc::channel(QUEUE);
        let writer = std::thread::spawn(move || write(engine, waiting));
        Self { appends, writer }
    }

    /// Appends events to a session; returns when they are durable.
    pub(crate) async fn append(&self, session: u64, events: Vec<NewEvent>) {
        let (done, durable) = oneshot::channel();
        let append = Append {
            session,
            events,
            done,
        };
        self.appends.send(append).await.expect("the writer runs");
        durable.await.expect("the writer answers");
    }

    /// Ends the writer, which closes the engine.
    pub(crate) fn close(self) {
        drop(self.appends);
        self.writer.join().expect("the writer ends in order");
    }
}

fn write(mut engine: impl Engine, mut waiting: mpsc::Receiver<Append>) {
    // Nobody else writes, so every head has to be read only once.
    let mut heads: HashMap<u64, u64> = HashMap::new();
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            batch.push(next);
        }
        let (mut commit, mut answers) = (Commit::default(), Vec::new());
        for append in batch {
            let session = append.session;
            let head = heads.entry(session).or_insert_with(|| engine.head(session));
            for event in append.events {
                *head += 1;
                commit.events.push((session, *head, encoded(&event)));
            }
            commit.heads.insert(session, *head);
            answers.push(append.done);
        }
        engine.commit(&commit);
        for done in answers {
            done.send(()).expect("somebody waits");
        }
    }
}

/// The fields that our store keeps in columns, as JSON.
fn encoded(event: &NewEvent) -> Vec<u8> {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time after 1970")
        .as_millis();
    let fields = (
        u64::try_from(time).expect("a time that fits"),
        event.cause,
        &event.run_id,
        event.step,
        &event.call_id,
        &event.kind,
    );
    serde_json::to_vec(&fields).expect("events have a JSON form")
}
