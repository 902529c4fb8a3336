//! Recording messages and putting them into their lanes.

use std::sync::Arc;

use openclaw_core::events::Lease;
use openclaw_core::hooks::{Hook, HookContext, MessageReceived, SessionStart};
use openclaw_core::{RunId, SessionEventKind, work};
use tokio::time::Instant;

use super::{Answer, Shared, Turn};
use crate::error::AgentError;
use crate::inbox::{self, Delivery, Seat};
use crate::lanes::{self, Coming, Entered, Job, Party, Room};
use crate::repeat::{self, Fate};
use crate::taint;
use crate::terms::Terms;

/// A message that is on record and stands in no lane yet.
struct Received {
    job: Job,
    /// The lease that was taken with it.
    lease: Option<Lease>,
    /// Its place in a lane, until it stands there.
    coming: Option<Coming>,
}

impl Shared {
    /// Records a message and puts it into its lane, which it may start.
    pub(super) async fn take_in(
        self: Arc<Self>,
        turn: Turn,
        terms: Option<Arc<Terms>>,
        reply: Answer,
    ) -> Result<(), AgentError> {
        let intake = self.intake(&turn.session).lock().await;
        let Some(Received { job, lease, coming }) = self.receive(turn, terms, reply).await? else {
            return Ok(());
        };
        let entered = self.lanes.enter(job, self.scope.stop());
        drop((coming, intake));
        match entered {
            Entered::First(job, stop) => {
                let task = Arc::clone(&self).drain(*job, lease, stop);
                drop(self.scope.spawn("lane", task));
            }
            Entered::Waits(out) => {
                for (job, why) in out {
                    self.refuse(job, why).await;
                }
            }
        }
        Ok(())
    }

    /// Records a message; none comes of one that was sent before and has its answer, or will.
    async fn receive(
        self: &Arc<Self>,
        turn: Turn,
        terms: Option<Arc<Terms>>,
        reply: Answer,
    ) -> Result<Option<Received>, AgentError> {
        let rules = &turn.agent.rules;
        let mode = rules.queue.mode_on(&turn.inbound.channel);
        let run = RunId::generate();
        let mut job = Job {
            mode: turn.queue.unwrap_or(mode),
            span: work::run(&turn.session, &run),
            run,
            message: 0,
            excerpt: lanes::excerpt(&turn.inbound.text),
            arrived: Instant::now(),
            reply,
            session: turn.session,
            party: Party {
                admitted: turn.admitted,
                agent: Arc::clone(&turn.agent),
                sender: turn.sender,
                attended: turn.attended,
                terms,
            },
        };
        let marks = taint::of_message(&rules.taint, &job.party.sender, &turn.inbound.attachments);
        let mut delivery = Delivery::new(turn.inbound, marks)?;
        if let Some(terms) = &job.party.terms {
            delivery.comes_with(terms);
        }
        loop {
            let coming = self.room(&job).await?;
            let seat = if coming.is_some() {
                Seat::Taken
            } else {
                Seat::Free
            };
            let received =
                inbox::receive(&self.store, &job.session, &delivery, &job.run, seat).await?;
            job.message = received.event.seq;
            // A message that comes again has the run that it had the first time.
            let again = received.event.run_id.clone().filter(|run| *run != job.run);
            let Some(run) = again else {
                self.tell_received(&job, &received);
                let lease = received.lease;
                return Ok(Some(Received { job, lease, coming }));
            };
            let (event, lease) = (received.event, received.lease);
            let fate = if self.lanes.has(&job.session, &run) {
                Fate::Known
            } else {
                repeat::fate(&self.store, &event).await?
            };
            match fate {
                // Nothing was done about it: this time it is recorded anew.
                Fate::Unheard => delivery.is_sent_again_after(event.seq),
                Fate::Unknown => {
                    job.span = work::run(&job.session, &run);
                    job.run = run;
                    return Ok(Some(Received { job, lease, coming }));
                }
                Fate::Known => {
                    if let Some(terms) = &job.party.terms {
                        terms.line.starts(&run);
                    }
                    let (store, Job { party, reply, .. }) = (self.store.clone(), job);
                    let wait = async move {
                        let outcome = repeat::outcome(&store, &event, &party.agent).await;
                        // Whoever asked may have gone.
                        drop(reply.send(outcome));
                    };
                    drop(self.scope.spawn("repeat", wait));
                    return Ok(None);
                }
            }
        }
    }

    /// Tells whoever wants to know of a message, and of the session if it began with it; nobody
    /// waits for them.
    fn tell_received(&self, job: &Job, received: &inbox::Received) {
        let hooks = Arc::clone(&self.world.hooks);
        if ![Hook::MessageReceived, Hook::SessionStart]
            .into_iter()
            .any(|hook| hooks.wants(hook))
        {
            return;
        }
        let SessionEventKind::MessageReceived { content, .. } = &received.event.kind else {
            return;
        };
        let sender = &job.party.sender;
        let cx = HookContext::new(&job.party.agent.id, &job.session).in_run(&job.run, sender);
        let start = received.start.as_ref().map(|_| SessionStart {
            session_id: job.session.clone(),
            session_key: job.session.clone(),
            resumed_from: None,
        });
        let message = MessageReceived {
            from: sender.peer.clone(),
            content: content.clone(),
            sender_id: sender.peer.clone(),
            session_key: job.session.clone(),
            run_id: Some(job.run.clone()),
        };
        let tell = async move {
            if let Some(start) = start {
                hooks.observe(&start, &cx).await;
            }
            hooks.observe(&message, &cx).await;
        };
        drop(self.scope.spawn("hooks", tell));
    }

    /// Makes room for a message in its lane; without a lane there is nothing to make room in.
    async fn room(&self, job: &Job) -> Result<Option<Coming>, AgentError> {
        loop {
            match self.lanes.room(&job.session, &job.party)? {
                Room::Free => return Ok(None),
                Room::Taken(coming) => return Ok(Some(coming)),
                Room::Ending(gone) => gone.cancelled().await,
            }
        }
    }
}
