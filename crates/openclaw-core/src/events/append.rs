//! Appending to the event store: on no condition, on the expected head, or once; with or without the lease.

use super::error::StoreError;
use super::lease::Lease;
use super::store::EventStore;
use super::transaction::{Append, Claim, Guard, Work};
use super::{NewEvent, SessionEvent};
use crate::session_key::SessionKey;

impl EventStore {
    /// Records events of one session in one transaction and returns them as recorded.
    ///
    /// It returns after they are on disk. A session begins with `SessionStarted`; anything else
    /// on an unknown session is refused, and so is a message to one that has ended.
    ///
    /// # Cancel safety
    /// When the future is dropped, the events may or may not have been recorded.
    pub async fn append(
        &self,
        session: &SessionKey,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::None,
            guard: Guard::None,
        };
        Ok(self.submit(Work::Append(append)).await?.events)
    }

    /// Records events as [`EventStore::append`] does, unless somebody else has appended meanwhile.
    ///
    /// `head` is the number of the session's last event as the caller knows it, 0 for a session
    /// that is to be made; when it is another, nothing is recorded.
    ///
    /// ```
    /// # use openclaw_core::{EventStore, SessionEventKind, SessionKey};
    /// # use openclaw_core::events::StoreError;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
    /// # let session = SessionKey::parse("agent:main:main")?;
    /// let start = || SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() };
    /// store.append_expecting(&session, 0, vec![start().into()]).await?;
    /// let late = store.append_expecting(&session, 0, vec![start().into()]).await;
    /// assert!(matches!(late, Err(StoreError::HeadMoved { expected: 0, found: 1, .. })));
    /// # Ok(()) }
    /// ```
    pub async fn append_expecting(
        &self,
        session: &SessionKey,
        head: u64,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::None,
            guard: Guard::Head(head),
        };
        Ok(self.submit(Work::Append(append)).await?.events)
    }

    /// Records events as [`EventStore::append`] does, but only once under a key.
    ///
    /// A repeated call returns the events that the first one recorded. The session remembers its
    /// keys for as long as it lives; the same key with other events is refused.
    ///
    /// ```
    /// # use openclaw_core::{EventStore, SessionEventKind, SessionKey};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let store = EventStore::open(&dir.path().join("events.sqlite"))?;
    /// # let session = SessionKey::parse("agent:main:main")?;
    /// # store.append(&session, vec![SessionEventKind::SessionStarted { channel: "cli".into(), peer_id: "local".into() }.into()]).await?;
    /// let message = || vec![SessionEventKind::MessageReceived { content: "hi".into(), attachments: vec![] }.into()];
    /// let first = store.append_once(&session, "telegram:4711", message()).await?;
    /// let again = store.append_once(&session, "telegram:4711", message()).await?;
    /// assert_eq!(first, again);
    /// # Ok(()) }
    /// ```
    pub async fn append_once(
        &self,
        session: &SessionKey,
        key: &str,
        events: Vec<NewEvent>,
    ) -> Result<Vec<SessionEvent>, StoreError> {
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::None,
            guard: Guard::Once(key.to_owned()),
        };
        Ok(self.submit(Work::Append(append)).await?.events)
    }

    /// Records events as [`EventStore::append`] does, and takes the lease on the session with them.
    ///
    /// Nothing is recorded when somebody else has the lease.
    pub async fn append_and_lease(
        &self,
        session: &SessionKey,
        events: Vec<NewEvent>,
    ) -> Result<(Vec<SessionEvent>, Lease), StoreError> {
        self.register()?;
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::Take,
            guard: Guard::None,
        };
        let outcome = self.submit(Work::Append(append)).await?;
        let fence = outcome
            .fence
            .ok_or_else(|| StoreError::Leased(session.clone()))?;
        Ok((
            outcome.events,
            Lease::new(self.clone(), session.clone(), fence).taken_over(outcome.left_behind),
        ))
    }

    /// Records events as [`EventStore::append_once`] does, and takes the lease as
    /// [`EventStore::append_and_lease`] does; there is no lease when the key was used before.
    pub async fn append_once_and_lease(
        &self,
        session: &SessionKey,
        key: &str,
        events: Vec<NewEvent>,
    ) -> Result<(Vec<SessionEvent>, Option<Lease>), StoreError> {
        self.register()?;
        let append = Append {
            session: session.clone(),
            events,
            claim: Claim::Take,
            guard: Guard::Once(key.to_owned()),
        };
        let outcome = self.submit(Work::Append(append)).await?;
        let lease = outcome
            .fence
            .map(|fence| Lease::new(self.clone(), session.clone(), fence))
            .map(|lease| lease.taken_over(outcome.left_behind));
        Ok((outcome.events, lease))
    }

    /// Takes the lease on a session: until it is dropped, nobody else may run that session.
    ///
    /// A lease that a dead process left behind is taken over at once.
    pub async fn lease(&self, session: &SessionKey) -> Result<Lease, StoreError> {
        Ok(self.append_and_lease(session, Vec::new()).await?.1)
    }
}
