//! Lanes: one run per session at a time, the next message waits for its turn.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use openclaw_core::access::{Admitted, Inbound, Sender};
use openclaw_core::events::Lease;
use openclaw_core::{EventStore, RunId, SessionKey};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;
use crate::bus::Bus;
use crate::error::AgentError;
use crate::inbox::{self, Received, Seat};
use crate::meters::{Attended, Meters, Whose};
use crate::repeat::{self, ends};
use crate::run::{Reply, Run, failed};
use crate::scope::TaskScope;
use crate::tools::ToolRegistry;
use crate::world::World;

/// How many messages may wait in one lane.
const LANE: usize = 32;
/// How many locks the sessions share while a message is recorded.
const INTAKES: usize = 64;
/// How many runs go on at the same time over all sessions.
const RUNS: usize = 256;

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
    running: Semaphore,
    lanes: Mutex<HashMap<SessionKey, Lane>>,
    /// Held from recording a message until it stands in its lane, so that lanes run messages in
    /// the order of the log. Sessions share these locks by hash.
    intake: [Intake; INTAKES],
}

type Intake = tokio::sync::Mutex<()>;

/// A session with a run, and the messages that wait for it to end.
#[derive(Debug)]
struct Lane {
    run: RunId,
    waiting: VecDeque<Job>,
    stop: CancellationToken,
    /// Says that the lane is gone.
    done: CancellationToken,
}

#[derive(Debug)]
struct Job {
    admitted: Admitted,
    agent: Arc<Agent>,
    session: SessionKey,
    sender: Sender,
    attended: Attended,
    run: RunId,
    /// The message's sequence number.
    message: u64,
    /// The lease that was taken with the message.
    lease: Option<Lease>,
    reply: oneshot::Sender<Result<Reply, AgentError>>,
}

impl Engine {
    /// Makes an engine whose tasks belong to `scope`, and whose runs spend what `meters` lets them.
    pub fn new(
        world: World,
        tools: Arc<ToolRegistry>,
        bus: Bus,
        scope: TaskScope,
        meters: Arc<dyn Meters>,
    ) -> Self {
        let running = Semaphore::new(RUNS);
        let lanes = Mutex::default();
        let intake = std::array::from_fn(|_| Intake::default());
        Self {
            shared: Arc::new(Shared {
                store: world.store.clone(),
                world,
                tools,
                bus,
                scope,
                meters,
                running,
                lanes,
                intake,
            }),
        }
    }

    /// Records a message, runs it when its turn comes, and returns the answer.
    ///
    /// # Cancel safety
    /// The turn goes on when the future is dropped; its answer is then in the event log only.
    pub async fn submit(&self, turn: Turn) -> Result<Reply, AgentError> {
        let (reply, answer) = oneshot::channel();
        // In a task of its own, so that no client who hangs up leaves a message without its run.
        let intake = Arc::clone(&self.shared).take_in(turn, reply);
        self.shared
            .scope
            .spawn("intake", intake)
            .await
            .unwrap_or(Err(AgentError::Cancelled))?;
        answer.await.unwrap_or(Err(AgentError::Cancelled))
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
        let (done, dropped) = {
            let mut lanes = self.shared.lanes.lock();
            let lane = lanes.get_mut(session)?;
            lane.stop.cancel();
            (lane.done.clone(), std::mem::take(&mut lane.waiting))
        };
        for job in dropped {
            self.shared
                .record_failure(&job, &AgentError::Cancelled)
                .await;
            // Whoever asked may have gone; the end is on record.
            drop(job.reply.send(Err(AgentError::Cancelled)));
        }
        Some(done)
    }

    /// Returns the sessions that have a run now, and the run, oldest first.
    pub fn active(&self) -> Vec<(SessionKey, RunId)> {
        let lanes = self.shared.lanes.lock();
        let mut active: Vec<_> = lanes
            .iter()
            .map(|(session, lane)| (session.clone(), lane.run.clone()))
            .collect();
        active.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        active
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

    async fn take_in(
        self: Arc<Self>,
        turn: Turn,
        reply: oneshot::Sender<Result<Reply, AgentError>>,
    ) -> Result<(), AgentError> {
        let Turn {
            admitted,
            agent,
            session,
            sender,
            inbound,
            attended,
        } = turn;
        let run = RunId::generate();
        let _in_order = self.intake(&session).lock().await;
        let waiting = self
            .lanes
            .lock()
            .get(&session)
            .map(|lane| lane.waiting.len());
        let seat = match waiting {
            // Refused before it is recorded, so that impatient clients do not grow the log.
            Some(waiting) if waiting >= LANE => {
                return Err(AgentError::LaneFull { session, waiting });
            }
            Some(_) => Seat::Taken,
            None => Seat::Free,
        };
        let Received { event, lease } =
            inbox::receive(&self.store, &session, inbound, &run, seat).await?;
        // A message that comes again has the run that it had the first time.
        let repeated = event.run_id.as_ref() != Some(&run);
        let run = event.run_id.clone().unwrap_or(run);
        if repeated && (self.is_in_lane(&session, &run) || ends(&self.store, &event).await?) {
            let store = self.store.clone();
            let wait = async move {
                // Whoever asked may have gone.
                drop(reply.send(repeat::outcome(&store, &event, &agent).await));
            };
            drop(self.scope.spawn("repeat", wait));
            return Ok(());
        }
        let job = Job {
            admitted,
            agent,
            session,
            sender,
            attended,
            run,
            message: event.seq,
            lease,
            reply,
        };
        Arc::clone(&self).enqueue(job);
        Ok(())
    }

    fn is_in_lane(&self, session: &SessionKey, run: &RunId) -> bool {
        let lanes = self.lanes.lock();
        lanes
            .get(session)
            .is_some_and(|lane| lane.run == *run || lane.waiting.iter().any(|job| job.run == *run))
    }

    /// Puts a job into its lane, and starts the lane if there is none.
    fn enqueue(self: Arc<Self>, job: Job) {
        let session = job.session.clone();
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.get_mut(&session) {
            lane.waiting.push_back(job);
            return;
        }
        let stop = self.scope.stop().child_token();
        let lane = Lane {
            run: job.run.clone(),
            waiting: VecDeque::new(),
            stop: stop.clone(),
            done: CancellationToken::new(),
        };
        lanes.insert(session.clone(), lane);
        let task = Arc::clone(&self).drain(session, job, stop);
        drop(self.scope.spawn("lane", task));
    }

    /// Runs the jobs of one lane until none waits.
    async fn drain(self: Arc<Self>, session: SessionKey, first: Job, stop: CancellationToken) {
        let mut next = Some((first, stop));
        while let Some((mut job, stop)) = next.take() {
            // One panic must not end a session, nor leave its lane taken for ever.
            let outcome = match AssertUnwindSafe(self.run(&mut job, stop))
                .catch_unwind()
                .await
            {
                Ok(outcome) => outcome,
                Err(_reported) => {
                    self.record_failure(&job, &AgentError::Defect).await;
                    Err(AgentError::Defect)
                }
            };
            // Whoever asked may have gone; the answer is on record.
            drop(job.reply.send(outcome));
            next = self.next(&session);
        }
    }

    /// Takes the next job of a lane, or the lane away when nothing waits.
    fn next(&self, session: &SessionKey) -> Option<(Job, CancellationToken)> {
        let mut lanes = self.lanes.lock();
        let lane = lanes.get_mut(session)?;
        let Some(job) = lane.waiting.pop_front() else {
            lane.done.cancel();
            lanes.remove(session);
            return None;
        };
        lane.run = job.run.clone();
        lane.stop = self.scope.stop().child_token();
        Some((job, lane.stop.clone()))
    }

    async fn run(&self, job: &mut Job, stop: CancellationToken) -> Result<Reply, AgentError> {
        let run = async {
            if stop.is_cancelled() {
                return Err(AgentError::Cancelled);
            }
            let permit = self
                .running
                .acquire()
                .await
                .map_err(|_closed| AgentError::Cancelled)?;
            let lease = match job.lease.take() {
                Some(lease) => lease,
                None => self.store.lease(&job.session).await?,
            };
            Ok((lease, permit))
        };
        let (lease, _permit) = match run.await {
            Ok(ready) => ready,
            Err(err) => {
                self.record_failure(job, &err).await;
                return Err(err);
            }
        };
        tracing::debug!(
            run = %job.run, session = %job.session, principal = %job.admitted.principal(), "a run starts"
        );
        let meter = self.meters.of_run(Whose {
            agent: job.agent.id.clone(),
            session: job.session.clone(),
            run: job.run.clone(),
            channel: job.sender.channel.clone(),
            attended: job.attended,
        });
        let run = Run {
            agent: Arc::clone(&job.agent),
            meter,
            tools: Arc::clone(&self.tools),
            lease,
            sender: job.sender.clone(),
            world: self.world.clone(),
            bus: self.bus.clone(),
            id: job.run.clone(),
            cause: job.message,
            stop,
            unrecorded: Mutex::default(),
        };
        run.turn().await
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
