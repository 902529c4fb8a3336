//! The lanes of all sessions, and who waits in them.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use openclaw_core::{RunId, SessionKey};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::job::{Job, Party};
use super::rules::{Overflow, QueueMode};
use crate::error::AgentError;

/// The sessions that have a run, and the messages that wait in them.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Mutex<HashMap<SessionKey, Lane>>);

/// A session with a run, and the messages that wait for it.
#[derive(Debug)]
struct Lane {
    run: RunId,
    /// On whose behalf the run goes on.
    party: Party,
    waiting: VecDeque<Job>,
    /// How many messages are being recorded that will wait here.
    coming: usize,
    /// Whether the session's lease is being given up, since nobody waited.
    ending: bool,
    /// What messages said that got no turn.
    dropped: Vec<(Party, String)>,
    /// Ends the run.
    stop: CancellationToken,
    /// Whether it ends for the sake of a newer message.
    superseded: bool,
    /// Says that a message waits which steers the run.
    steered: CancellationToken,
    /// Says that something has changed about who waits.
    changed: Arc<Notify>,
    /// Says that the lane is gone.
    done: CancellationToken,
}

/// Whether a session's lane has room for one more message.
#[derive(Debug)]
pub(crate) enum Room {
    /// There is no lane: the message can have its turn at once.
    Free,
    /// It will wait.
    Taken(Coming),
    /// The lane is about to be gone, which the token says: it is to look again then.
    Ending(CancellationToken),
}

/// A message that is being recorded and will stand in a lane.
#[derive(Debug)]
pub(crate) struct Coming {
    lanes: Arc<Lanes>,
    session: SessionKey,
}

impl Drop for Coming {
    fn drop(&mut self) {
        if let Some(lane) = self.lanes.0.lock().get_mut(&self.session) {
            lane.coming = lane.coming.saturating_sub(1);
            lane.changed.notify_one();
        }
    }
}

/// What came of a message that entered its lane.
#[derive(Debug)]
pub(crate) enum Entered {
    /// It has a new lane, and can run until the token says otherwise.
    First(Box<Job>, CancellationToken),
    /// It waits; these wait no more, each for its reason.
    Waits(Vec<(Job, AgentError)>),
}

/// What a lane does next.
#[derive(Debug)]
pub(crate) enum Next {
    /// It runs a job, and the others in the same turn, until the token says otherwise.
    Run(Box<Job>, Vec<Job>, CancellationToken),
    /// It looks again when something has changed, or at that time.
    Look(Arc<Notify>, Option<Instant>),
    /// Nothing: it is gone.
    End,
}

impl Lanes {
    /// Makes room for a message before it is recorded.
    ///
    /// Refused here, it is not recorded, so that impatient clients do not grow the log.
    pub(crate) fn room(
        self: &Arc<Self>,
        session: &SessionKey,
        party: &Party,
    ) -> Result<Room, AgentError> {
        let mut lanes = self.0.lock();
        let Some(lane) = lanes.get_mut(session) else {
            return Ok(Room::Free);
        };
        if lane.ending {
            return Ok(Room::Ending(lane.done.clone()));
        }
        let rules = &party.agent.rules.queue;
        let waiting = lane.waiting.len().saturating_add(lane.coming);
        let gives_way = rules.overflow != Overflow::New && lane.victim(party).is_some();
        if waiting >= rules.cap.max(1) && !gives_way {
            let session = session.clone();
            return Err(AgentError::LaneFull { session, waiting });
        }
        lane.coming = lane.coming.saturating_add(1);
        Ok(Room::Taken(Coming {
            lanes: Arc::clone(self),
            session: session.clone(),
        }))
    }

    /// Puts a recorded message into its lane, and makes the lane if there is none.
    pub(crate) fn enter(&self, mut job: Job, stop: &CancellationToken) -> Entered {
        let mut lanes = self.0.lock();
        let Some(lane) = lanes.get_mut(&job.session) else {
            let lane = Lane::of(&job, stop.child_token());
            let stop = lane.stop.clone();
            lanes.insert(job.session.clone(), lane);
            return Entered::First(Box::new(job), stop);
        };
        let mut out = Vec::new();
        if job.mode == QueueMode::Interrupt && !job.party.may_end(&lane.party) {
            job.mode = QueueMode::Followup;
        }
        if job.mode == QueueMode::Interrupt {
            out.extend(lane.superseded_by(&job.party));
        }
        let rules = &job.party.agent.rules.queue;
        while lane.waiting.len() >= rules.cap.max(1) {
            let Some(oldest) = lane.victim(&job.party) else {
                break;
            };
            let Some(dropped) = lane.waiting.remove(oldest) else {
                break;
            };
            if rules.overflow == Overflow::Summarize {
                let told = (dropped.party.clone(), dropped.excerpt.clone());
                lane.dropped.push(told);
            }
            out.push((dropped, AgentError::Displaced));
        }
        lane.waiting.push_back(job);
        lane.point_out_steering();
        lane.changed.notify_one();
        Entered::Waits(out)
    }

    /// Takes the next turn of a lane, or the lane away when nothing waits.
    pub(crate) fn next(&self, session: &SessionKey, stop: &CancellationToken) -> Next {
        let mut lanes = self.0.lock();
        let Some(lane) = lanes.get_mut(session) else {
            return Next::End;
        };
        if let Some(until) = lane.quiet_until()
            && until > Instant::now()
            && !stop.is_cancelled()
        {
            return Next::Look(Arc::clone(&lane.changed), Some(until));
        }
        let Some(job) = lane.waiting.pop_front() else {
            if lane.coming > 0 {
                return Next::Look(Arc::clone(&lane.changed), None);
            }
            lane.done.cancel();
            lanes.remove(session);
            return Next::End;
        };
        let together = lane.collected_with(&job);
        lane.begin(&job, stop.child_token());
        Next::Run(Box::new(job), together, lane.stop.clone())
    }

    /// Ends a session's run and takes what waits; returns what says that the lane is gone.
    pub(crate) fn halt(&self, session: &SessionKey) -> Option<(CancellationToken, Vec<Job>)> {
        let mut lanes = self.0.lock();
        let lane = lanes.get_mut(session)?;
        lane.stop.cancel();
        lane.dropped.clear();
        lane.changed.notify_one();
        Some((lane.done.clone(), lane.waiting.drain(..).collect()))
    }

    /// Tells whether a run goes on or waits in a session.
    pub(crate) fn has(&self, session: &SessionKey, run: &RunId) -> bool {
        let lanes = self.0.lock();
        lanes
            .get(session)
            .is_some_and(|lane| lane.run == *run || lane.waiting.iter().any(|job| job.run == *run))
    }

    /// Tells whether a session has a run.
    pub(crate) fn is_busy(&self, session: &SessionKey) -> bool {
        self.0.lock().contains_key(session)
    }

    /// Returns how many messages wait for the end of a run.
    pub(crate) fn waiting(&self) -> usize {
        let lanes = self.0.lock();
        lanes.values().map(|lane| lane.waiting.len()).sum()
    }

    /// Returns the sessions that have a run now, and the run.
    pub(crate) fn active(&self) -> Vec<(SessionKey, RunId)> {
        let lanes = self.0.lock();
        lanes
            .iter()
            .map(|(session, lane)| (session.clone(), lane.run.clone()))
            .collect()
    }

    /// Takes the messages that steer the run which goes on.
    pub(super) fn steering(&self, session: &SessionKey) -> Vec<Job> {
        let mut lanes = self.0.lock();
        let Some(lane) = lanes.get_mut(session) else {
            return Vec::new();
        };
        let party = lane.party.clone();
        let taken = lane.take(|job| job.mode == QueueMode::Steer && job.party.is_same(&party));
        lane.steered = CancellationToken::new();
        taken
    }

    /// Puts messages back that a run could not take after all.
    pub(super) fn put_back(&self, session: &SessionKey, jobs: Vec<Job>) {
        if let Some(lane) = self.0.lock().get_mut(session) {
            for job in jobs.into_iter().rev() {
                lane.waiting.push_front(job);
            }
        }
    }

    /// Takes what messages said whose sender the run answers, and which got no turn.
    pub(super) fn dropped(&self, session: &SessionKey) -> Vec<String> {
        let mut lanes = self.0.lock();
        let Some(lane) = lanes.get_mut(session) else {
            return Vec::new();
        };
        let party = lane.party.clone();
        let (told, others) = std::mem::take(&mut lane.dropped)
            .into_iter()
            .partition(|(of, _)| of.is_same(&party));
        lane.dropped = others;
        let told: Vec<(Party, String)> = told;
        told.into_iter().map(|(_, text)| text).collect()
    }

    /// Returns what says that a message waits which steers the run that goes on.
    pub(super) fn steered(&self, session: &SessionKey) -> CancellationToken {
        let lanes = self.0.lock();
        lanes
            .get(session)
            .map(|lane| lane.steered.clone())
            .unwrap_or_default()
    }

    /// Tells whether the run ends for the sake of a newer message.
    pub(super) fn is_superseded(&self, session: &SessionKey) -> bool {
        let lanes = self.0.lock();
        lanes.get(session).is_some_and(|lane| lane.superseded)
    }

    /// Tells whether another message waits, or will; if none does, none can until the lane is gone.
    ///
    /// A message that waits is recorded under the lease of the run before it, so that it is found
    /// when this process dies: the lease must not be given up while one is on its way.
    pub(super) fn is_wanted(&self, session: &SessionKey) -> bool {
        let mut lanes = self.0.lock();
        let Some(lane) = lanes.get_mut(session) else {
            return false;
        };
        lane.ending = lane.waiting.is_empty() && lane.coming == 0;
        !lane.ending
    }
}

impl Lane {
    fn of(job: &Job, stop: CancellationToken) -> Self {
        Self {
            run: job.run.clone(),
            party: job.party.clone(),
            waiting: VecDeque::new(),
            coming: 0,
            ending: false,
            dropped: Vec::new(),
            stop,
            superseded: false,
            steered: CancellationToken::new(),
            changed: Arc::default(),
            done: CancellationToken::new(),
        }
    }

    fn begin(&mut self, job: &Job, stop: CancellationToken) {
        self.run = job.run.clone();
        self.party = job.party.clone();
        self.stop = stop;
        self.superseded = false;
        self.ending = false;
        self.steered = CancellationToken::new();
        self.point_out_steering();
    }

    fn point_out_steering(&self) {
        let steers = |job: &Job| job.mode == QueueMode::Steer && job.party.is_same(&self.party);
        if self.waiting.iter().any(steers) {
            self.steered.cancel();
        }
    }

    /// Ends the run for the sake of a newer message, and takes what would come before that.
    fn superseded_by(&mut self, party: &Party) -> Vec<(Job, AgentError)> {
        self.superseded = true;
        self.stop.cancel();
        self.take(|job| party.may_end(&job.party))
            .into_iter()
            .map(|job| (job, AgentError::Superseded))
            .collect()
    }

    /// Returns the place of the message that gives way to one more of this sender.
    ///
    /// # Security
    /// It is a guest's, for a principal, or else one of the sender's own: nobody floods others out,
    /// and guests who fill the queue do not have a principal lose their own messages.
    fn victim(&self, party: &Party) -> Option<usize> {
        let of = |wanted: &dyn Fn(&Job) -> bool| self.waiting.iter().position(wanted);
        of(&|job| party.may_end(&job.party) && !job.party.may_end(party))
            .or_else(|| of(&|job| job.party.sender == party.sender))
    }

    /// Returns when the messages at the front are collected into one turn, if they are.
    fn quiet_until(&self) -> Option<Instant> {
        let first = self.waiting.front()?;
        if first.mode != QueueMode::Collect {
            return None;
        }
        let rules = &first.party.agent.rules.queue;
        // Somebody who does not stop writing is answered all the same.
        if self.waiting.len() >= rules.cap.max(1) {
            return None;
        }
        let last = self
            .waiting
            .iter()
            .rfind(|job| is_collected(first, job))
            .unwrap_or(first);
        last.arrived
            .checked_add(rules.quiet_on(&first.party.sender.channel))
    }

    fn collected_with(&mut self, first: &Job) -> Vec<Job> {
        if first.mode != QueueMode::Collect {
            return Vec::new();
        }
        self.take(|job| is_collected(first, job))
    }

    fn take(&mut self, wanted: impl Fn(&Job) -> bool) -> Vec<Job> {
        let (taken, left) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|job| wanted(job));
        self.waiting = left;
        let taken: VecDeque<Job> = taken;
        taken.into()
    }
}

fn is_collected(first: &Job, job: &Job) -> bool {
    job.mode == QueueMode::Collect && job.party.is_same(&first.party)
}
