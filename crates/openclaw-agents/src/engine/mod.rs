//! Lanes: one run per session at a time, and what becomes of messages that arrive meanwhile.
//!
//! `intake` records messages and puts them into their lanes; here the lanes run them.

mod intake;

use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt as _;
use openclaw_core::access::{Admitted, Inbound, Sender};
use openclaw_core::events::{Lease, StoreError};
use openclaw_core::{EventStore, RunId, SessionKey};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio::{task, time};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::agent::Agent;
use crate::approvals::Waits;
use crate::bus::Bus;
use crate::ending::failed;
use crate::error::AgentError;
use crate::lanes::{self, Job, Lanes, Next, Place, QueueMode};
use crate::meters::{Attended, Meters, Whose};
use crate::run::{Reply, Run};
use crate::scope::TaskScope;
use crate::taint::TaintRules;
use crate::terms::Terms;
use crate::tools::ToolRegistry;
use crate::tracks;
use crate::world::World;

/// How many locks the sessions share while a message is recorded.
const INTAKES: usize = 64;
/// How many runs go on at the same time over all sessions, unless somebody says otherwise.
const RUNS: usize = 256;
/// How often a session that was left behind is tried to be closed while others append to it.
const CLOSINGS: usize = 3;

/// A message that wants an answer.
#[derive(Debug)]
pub struct Turn {
    /// Proof that its sender may give the agent work.
    pub admitted: Admitted,
    /// Who is to answer.
    pub agent: Arc<Agent>,
    /// The session that it is for.
    pub session: SessionKey,
    /// Who wrote it.
    pub sender: Sender,
    /// The message itself.
    pub inbound: Inbound,
    /// Whether anybody waits for the answer.
    pub attended: Attended,
    /// What is to become of it if the session has a run; what the agent's rules say without it.
    pub queue: Option<QueueMode>,
}

/// Runs turns, each session's in order, different sessions' side by side.
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: EventStore,
    world: World,
    tools: Arc<ToolRegistry>,
    bus: Bus,
    scope: TaskScope,
    meters: Arc<dyn Meters>,
    running: Arc<Semaphore>,
    lanes: Arc<Lanes>,
    /// Held from recording a message until it stands in its lane, so that lanes run messages in
    /// the order of the log. Sessions share these locks by hash.
    intake: [Intake; INTAKES],
}

type Intake = tokio::sync::Mutex<()>;
type Answer = oneshot::Sender<Result<Reply, AgentError>>;

impl Engine {
    /// Makes an engine whose tasks belong to `scope`, and whose runs spend what `meters` lets them.
    pub fn new(
        world: World,
        tools: Arc<ToolRegistry>,
        bus: Bus,
        scope: TaskScope,
        meters: Arc<dyn Meters>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                store: world.store.clone(),
                world,
                tools,
                bus,
                scope,
                meters,
                running: Arc::new(Semaphore::new(RUNS)),
                lanes: Arc::default(),
                intake: std::array::from_fn(|_| Intake::default()),
            }),
        }
    }

    /// Lets so many runs go on at the same time, at least one; those that wait for people do not
    /// count.
    #[must_use]
    pub fn at_most(self, runs: usize) -> Self {
        let (runs, running) = (runs.clamp(1, Semaphore::MAX_PERMITS), &self.shared.running);
        if runs < RUNS {
            running.forget_permits(RUNS.saturating_sub(runs));
        } else {
            running.add_permits(runs.saturating_sub(RUNS));
        }
        self
    }

    /// Records a message, runs it when its turn comes, and returns the answer.
    ///
    /// # Cancel safety
    /// The turn goes on when the future is dropped; its answer is then in the event log only.
    pub async fn submit(&self, turn: Turn) -> Result<Reply, AgentError> {
        self.submit_on(turn, None).await
    }

    /// As [`Engine::submit`], on a program's terms.
    pub async fn submit_on(
        &self,
        turn: Turn,
        terms: Option<Arc<Terms>>,
    ) -> Result<Reply, AgentError> {
        let (reply, answer) = oneshot::channel();
        let mut intake = Box::pin(Arc::clone(&self.shared).take_in(turn, terms, reply));
        // The first step is made here, where the message gets its place in the order: of several
        // tasks nobody knows which begins first.
        let begun = poll_fn(|cx| Poll::Ready(intake.as_mut().poll(cx)));
        match task::unconstrained(begun).await {
            Poll::Ready(taken_in) => taken_in?,
            // In a task of its own, so that no client who hangs up leaves a message without its run.
            Poll::Pending => self
                .shared
                .scope
                .spawn("intake", intake)
                .await
                .unwrap_or(Err(AgentError::Cancelled))?,
        }
        answer.await.unwrap_or(Err(AgentError::Cancelled))
    }

    /// Closes what a process that died left open in the log: its runs, their calls and the
    /// messages that waited. Returns how many sessions that were.
    ///
    /// Nothing of it runs again. What another process is running is left alone, and so is what
    /// this one has begun meanwhile.
    pub async fn recover(&self) -> Result<usize, AgentError> {
        let rules = TaintRules::default();
        if let Err(err) = tracks::settle_left_behind((&rules, &self.shared.store)).await {
            tracing::error!(%err, "what commands wrote that a crash cut off could not be recorded");
        }
        let mut closed: usize = 0;
        for session in self.shared.store.left_behind().await? {
            match self.shared.close(&session).await {
                Ok(()) => closed = closed.saturating_add(1),
                // Somebody was faster; what the session has is theirs to close.
                Err(AgentError::Store(StoreError::Leased(_))) => {}
                Err(err) => {
                    tracing::error!(%err, %session, "what a crash cut off could not be closed");
                }
            }
        }
        if closed > 0 {
            tracing::warn!(
                closed,
                "sessions were cut off by the end of a process; the log says what is not known"
            );
        }
        Ok(closed)
    }

    /// Stops the run of a session and drops the messages that wait behind it.
    ///
    /// Returns whether anything was running.
    pub async fn cancel(&self, session: &SessionKey) -> bool {
        self.halt(session).await.is_some()
    }

    /// As [`Engine::cancel`], but returns only when the end of the run is on record.
    pub async fn stop(&self, session: &SessionKey) {
        if let Some(done) = self.halt(session).await {
            done.cancelled().await;
        }
    }

    async fn halt(&self, session: &SessionKey) -> Option<CancellationToken> {
        let (done, dropped) = self.shared.lanes.halt(session)?;
        for job in dropped {
            self.shared.refuse(job, AgentError::Cancelled).await;
        }
        Some(done)
    }

    /// Returns the sessions that have a run now, and the run, oldest first.
    pub fn active(&self) -> Vec<(SessionKey, RunId)> {
        let mut active = self.shared.lanes.active();
        active.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        active
    }

    /// Returns how many messages wait for the end of a run.
    pub fn waiting(&self) -> usize {
        self.shared.lanes.waiting()
    }
}

impl Shared {
    #[expect(clippy::indexing_slicing, reason = "a remainder is below its divisor")]
    fn intake(&self, session: &SessionKey) -> &Intake {
        let mut hasher = DefaultHasher::new();
        session.hash(&mut hasher);
        let hash = usize::try_from(hasher.finish() >> 32).unwrap_or_default();
        &self.intake[hash % INTAKES]
    }

    /// Runs the jobs of one lane until none waits.
    async fn drain(self: Arc<Self>, first: Job, lease: Option<Lease>, stop: CancellationToken) {
        let session = first.session.clone();
        let mut lease = lease;
        let mut next = Some((Box::new(first), Vec::new(), stop));
        while let Some((job, together, stop)) = next.take() {
            let place = Place::new(Arc::clone(&self.lanes), session.clone(), together);
            // One panic must not end a session, nor leave its lane taken for ever.
            // The lane may have been made by another message, whose request is not this one's.
            let run = self.run(&job, &place, lease.take(), stop);
            let run = AssertUnwindSafe(run.instrument(job.span.clone()));
            let outcome = match run.catch_unwind().await {
                Ok((outcome, kept)) => {
                    lease = kept;
                    outcome
                }
                Err(_reported) => {
                    self.record_failure(&job, &AgentError::Defect).await;
                    Err(AgentError::Defect)
                }
            };
            place.answer(&outcome);
            // Whoever asked may have gone; the answer is on record.
            drop(job.reply.send(outcome));
            next = self.next(&session).await;
        }
    }

    /// Takes the next turn of a lane, once it can begin; none when nothing waits.
    async fn next(&self, session: &SessionKey) -> Option<(Box<Job>, Vec<Job>, CancellationToken)> {
        loop {
            match self.lanes.next(session, self.scope.stop()) {
                Next::Run(job, together, stop) => return Some((job, together, stop)),
                Next::End => return None,
                Next::Look(changed, Some(until)) => {
                    tokio::select! {
                        () = changed.notified() => {}
                        () = time::sleep_until(until) => {}
                        () = self.scope.stop().cancelled() => {}
                    }
                }
                Next::Look(changed, None) => changed.notified().await,
            }
        }
    }

    /// Runs one job and returns, beside its outcome, the lease if another one waits for it.
    async fn run(
        &self,
        job: &Job,
        place: &Place,
        lease: Option<Lease>,
        stop: CancellationToken,
    ) -> (Result<Reply, AgentError>, Option<Lease>) {
        if stop.is_cancelled() {
            self.record_failure(job, &AgentError::Cancelled).await;
            return (Err(AgentError::Cancelled), lease);
        }
        let ready = async {
            let permit = Arc::clone(&self.running)
                .acquire_owned()
                .await
                .map_err(|_closed| AgentError::Cancelled)?;
            let lease = match lease {
                Some(lease) => lease,
                None => self.store.lease(&job.session).await?,
            };
            Ok((lease, permit))
        };
        let (lease, permit) = match ready.await {
            Ok(ready) => ready,
            Err(err) => {
                self.record_failure(job, &err).await;
                return (Err(err), None);
            }
        };
        let party = &job.party;
        tracing::info!(principal = %party.admitted.principal(), "a run starts");
        let meter = self.meters.of_run(Whose {
            agent: party.agent.id.clone(),
            session: job.session.clone(),
            run: job.run.clone(),
            channel: party.sender.channel.clone(),
            attended: party.attended,
        });
        if let Some(terms) = &party.terms {
            terms.line.starts(&job.run);
        }
        let run = Run {
            agent: Arc::clone(&party.agent),
            meter: Arc::clone(&meter),
            tools: Arc::clone(&self.tools),
            lease,
            sender: party.sender.clone(),
            world: World {
                meter: Some(meter),
                ..self.world.clone()
            },
            bus: self.bus.clone(),
            id: job.run.clone(),
            cause: job.message,
            attended: party.attended,
            terms: party.terms.clone(),
            waits: Waits::at(permit),
            place: place.clone(),
            stop,
            unrecorded: Mutex::default(),
            given: Mutex::default(),
        };
        run.turn().await
    }

    /// Closes what is open in a session whose process died.
    async fn close(&self, session: &SessionKey) -> Result<(), AgentError> {
        let _nothing_comes = self.intake(session).lock().await;
        if self.lanes.is_busy(session) {
            return Ok(());
        }
        let lease = self.store.lease(session).await?;
        self.store.record_lost_calls().await?;
        for _ in 0..CLOSINGS {
            let events = self.store.read(session, 1..=u64::MAX).await?;
            let closing = lanes::closing(&events, u64::MAX)?;
            match lease.append(closing).await {
                // Somebody decided about an approval meanwhile.
                Err(StoreError::AlreadyDecided { .. }) => {}
                closed => {
                    closed?;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Closes a message that gets no turn, and tells whoever sent it.
    async fn refuse(&self, job: Job, why: AgentError) {
        self.record_failure(&job, &why).await;
        // Whoever asked may have gone; the end is on record.
        drop(job.reply.send(Err(why)));
    }

    /// Records that a message which is on record will not be answered.
    async fn record_failure(&self, job: &Job, err: &AgentError) {
        let recorded = match failed(&job.run, job.message, err, Vec::new()) {
            Ok(event) => self.store.append(&job.session, vec![event]).await,
            Err(err) => Err(err),
        };
        if let Err(err) = recorded {
            tracing::error!(%err, run = %job.run, "a failed run could not be recorded");
        }
    }
}
