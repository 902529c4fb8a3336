//! Taking in what another system recorded, with the times that it had there.

use jiff::Timestamp;

use super::NewEvent;
use super::error::StoreError;
use super::read::SessionSummary;
use super::store::EventStore;
use super::transaction::{History, Work};
use crate::session_key::SessionKey;

impl EventStore {
    /// Records events that happened elsewhere and earlier, all of them or none.
    ///
    /// `head` is the number of the session's last event as the caller knows it, 0 for a session
    /// that is to be made; when it is another, or somebody runs the session, nothing is recorded.
    /// The audit stream says that this happened, but not what the tools in it did: they did not
    /// run here.
    ///
    /// ```
    /// # use openclaw_core::{EventStore, SessionEventKind, SessionKey};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
    /// # let session = SessionKey::parse("agent:main:main")?;
    /// let then = "2026-02-09T10:00:00Z".parse()?;
    /// let start = SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() };
    /// let made = store.take_in(&session, 0, vec![(then, start.into())]).await?;
    /// assert_eq!((made.head, made.started), (1, then));
    /// # Ok(()) }
    /// ```
    pub async fn take_in(
        &self,
        session: &SessionKey,
        head: u64,
        events: Vec<(Timestamp, NewEvent)>,
    ) -> Result<SessionSummary, StoreError> {
        let history = History {
            session: session.clone(),
            head,
            events,
        };
        self.submit(Work::History(history)).await?;
        let made = self.session(session).await?;
        made.ok_or_else(|| StoreError::NoSession(session.clone()))
    }
}
