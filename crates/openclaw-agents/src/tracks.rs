//! What is on record of a call's marks around the call itself: before it begins what it may leave
//! behind, and when it has ended what it left, and what others did meanwhile.

use std::path::{Path, PathBuf};

use openclaw_core::events::{Change, Lease, NewEvent, StoreError};
use openclaw_core::provenance::{Mark, Trust};
use openclaw_core::redaction::masked;
use openclaw_core::{EventStore, SessionKey};
use openclaw_sandbox::Workspace;

use crate::agent::Agent;
use crate::calls::{Call, Gate, Recorded};
use crate::gatekeeper::Ready;
use crate::jobs::{Calling, Jobs};
use crate::taint::{Footprint, Leaving, Over, Still, TaintRules, WrittenFiles, overlap, settled};
use crate::tools::{Effect, ToolCx, ToolError, Touch};

/// What is known of a call that is about to begin.
#[derive(Debug)]
pub(crate) struct Tracks {
    footprint: Footprint,
    watched: Watched,
    /// Says that a command runs, as long as the call does.
    calling: Option<Calling>,
}

/// Whether what a call does to the workspace is looked for with what other commands do there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watched {
    Together,
    ByItself,
}

/// What a call finds when it has ended.
#[derive(Debug)]
pub(crate) struct Met {
    footprint: Footprint,
    watched: Watched,
    touch: Touch,
    /// The files that carried marks when it began.
    before: WrittenFiles,
    /// Those, and the ones that carry marks now.
    pub(crate) written: WrittenFiles,
    /// The files that came to carry marks since it began, by what others wrote.
    pub(crate) news: Vec<PathBuf>,
}

impl Gate<'_> {
    /// Records what a call may leave behind, before it does.
    pub(crate) async fn begin(
        &self,
        recorded: &Recorded,
        ready: &Ready,
    ) -> Result<Tracks, ToolError> {
        let Ready {
            tool,
            params,
            cx,
            view,
            written,
            ..
        } = ready;
        let unreadable = |err: StoreError| self.unreadable(&recorded.call, &err);
        let rules = &self.agent.rules.taint;
        let workspace = cx.workspace.root();
        let runs = tool.touch() == Touch::Commands && tool.effect(params) == Effect::Exec;
        let calling = runs.then(|| {
            let command = params.get("command").and_then(serde_json::Value::as_str);
            let command = command.unwrap_or_else(|| tool.kind());
            self.world.jobs.call(workspace, masked(command.to_owned()))
        });
        let confined = tool.would_run(params, cx).map(|(config, _)| config);
        let sandbox = confined.as_ref().unwrap_or(&cx.sandbox);
        let leaving = Leaving {
            kind: tool.kind(),
            touch: tool.touch(),
            writes: &tool.writes(params),
        };
        let footprint =
            Footprint::of(rules, (view, written), leaving, (&cx.workspace, sandbox)).await;
        let mut changes = footprint.intended();
        if runs || !changes.is_empty() {
            self.world.jobs.marked_in(workspace, footprint.marks());
        }
        let mut watched = Watched::ByItself;
        if let Some((changed, marks)) = footprint.watch()
            && runs
            && !marks.is_empty()
        {
            let store = &self.world.store;
            let watch = store.watch(workspace, changed.since(), marks);
            let (open, change) = watch.map_err(unreadable)?;
            changes.push(change);
            self.record_all(changes, recorded)
                .await
                .map_err(unreadable)?;
            let watches = self.world.jobs.watches();
            watches.begin(self.record.session(), changed, open).await;
            watched = Watched::Together;
        } else {
            self.record_all(changes, recorded)
                .await
                .map_err(unreadable)?;
        }
        // What is written from here on is on record before a command that begins later can see it.
        if !runs && ready.beside.is_none() && self.beside(ready).is_some() {
            return Err(ToolError::ForModel(
                "nothing was written: a command began meanwhile in this workspace, and may do what \
                 the file says; wait for its end, or call this again to have somebody asked"
                    .to_owned(),
            ));
        }
        Ok(Tracks {
            footprint,
            watched,
            calling,
        })
    }

    /// Looks around when a call has ended: what it saw may have been written while it ran.
    pub(crate) async fn met(
        &self,
        recorded: &Recorded,
        (touch, tracks): (Touch, Tracks),
        (cx, before): (&ToolCx, WrittenFiles),
    ) -> Met {
        let Tracks {
            footprint,
            watched,
            calling,
        } = tracks;
        drop(calling);
        let mut met = Met {
            footprint,
            watched,
            touch,
            written: before.clone(),
            before,
            news: Vec::new(),
        };
        if touch == Touch::Nothing {
            return met;
        }
        let workspace = cx.workspace.root();
        let now = async {
            let news = self.catch_up(&recorded.call, workspace).await?;
            let now = WrittenFiles::of(&self.world.store, workspace).await?;
            Ok::<_, StoreError>((news, now))
        };
        let (news, now) = now.await.unwrap_or_else(|err| {
            tracing::error!(%err, run = %self.run, "the marks of a workspace could not be read anew");
            (vec![PathBuf::new()], WrittenFiles::unknown())
        });
        met.news = news;
        met.written = met.written.or(now);
        met
    }

    /// Returns what is to be recorded of a call beside its result.
    pub(crate) async fn left(&self, met: Met, wrote: &[PathBuf], over: Over) -> Vec<Change> {
        let rules = &self.agent.rules.taint;
        if met.touch != Touch::Commands {
            return met.footprint.left(wrote, &met.before, over);
        }
        let Some((changed, marks)) = met.footprint.watch() else {
            return Vec::new();
        };
        let workspace = changed.workspace().to_owned();
        let jobs = &self.world.jobs;
        // What a command that goes on writes later is looked for by the calls that come then; a
        // call that is under way looks by itself when it ends.
        let still = match met.watched {
            Watched::Together => jobs.running_in(&workspace),
            Watched::ByItself => jobs.going_on_in(&workspace),
        };
        let goes_on = still.is_some() && !rules.is_off();
        let store = &self.world.store;
        if goes_on {
            self.settle_later(workspace.clone());
        }
        let mut left = Vec::new();
        if goes_on && met.watched == Watched::ByItself {
            match store.watch(&workspace, changed.since(), marks) {
                Ok((open, change)) => {
                    left.push(change);
                    let watches = jobs.watches();
                    watches.begin(self.record.session(), changed, open).await;
                }
                Err(err) => tracing::error!(%err, "a workspace could not be watched"),
            }
        }
        if met.watched == Watched::ByItself {
            left.extend(met.footprint.left_by_command(rules, wrote, store).await);
        }
        left
    }

    /// Has somebody look at a workspace once no command runs there any more, also when that is
    /// because the process ends.
    fn settle_later(&self, workspace: PathBuf) {
        let (rules, store) = (self.agent.rules.taint.clone(), self.world.store.clone());
        let session = self.record.session().clone();
        self.world
            .jobs
            .when_quiet(workspace.clone(), async move |jobs| {
                let look = settle(&jobs, (&rules, &store), (&workspace, &session));
                if let Err(err) = look.await {
                    tracing::error!(%err, %session, "what a command wrote could not be recorded");
                }
            });
    }

    /// Marks what commands have written since the last look, and returns which files that are.
    pub(crate) async fn catch_up(
        &self,
        call: &Call,
        workspace: &Path,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let by = (&self.agent.rules.taint, &self.world.store);
        let jobs = &self.world.jobs;
        let mut look = jobs.watches().look().await;
        let at = (workspace, self.record.session());
        let mut changes = look.left(by, at, |place| still(jobs, place)).await?;
        for watch in by.1.unsettled().await? {
            if overlap(&watch.0.workspace, workspace) {
                changes.extend(settled(by, &watch).await?);
            }
        }
        let mut news = Vec::new();
        let mut events = Vec::new();
        for change in changes {
            if let Change::FileWritten { path, .. } = &change {
                news.push(PathBuf::from(path));
            }
            events.push(self.place(change.to_event()?, None, call));
        }
        if !events.is_empty() {
            self.record.append(events).await?;
        }
        Ok(news)
    }

    async fn record_all(
        &self,
        changes: Vec<Change>,
        recorded: &Recorded,
    ) -> Result<(), StoreError> {
        let mut events: Vec<NewEvent> = Vec::new();
        for change in changes {
            events.push(self.place(change.to_event()?, Some(recorded.seq), &recorded.call));
        }
        if !events.is_empty() {
            self.record.append(events).await?;
        }
        Ok(())
    }
}

/// Records in a session what commands in a workspace have written since the last look.
async fn settle(
    jobs: &Jobs,
    by: (&TaintRules, &EventStore),
    at: (&Path, &SessionKey),
) -> Result<(), StoreError> {
    let mut look = jobs.watches().look().await;
    let changes = look.left(by, at, |place| still(jobs, place)).await?;
    let events: Result<Vec<NewEvent>, StoreError> = changes.iter().map(Change::to_event).collect();
    let events = events?;
    if !events.is_empty() {
        by.1.append(at.1, events).await?;
    }
    Ok(())
}

/// Records, in their sessions, what processes left behind that died while commands ran.
pub(crate) async fn settle_left_behind(by: (&TaintRules, &EventStore)) -> Result<(), StoreError> {
    let store = by.1;
    for watch in store.unsettled().await? {
        // Where the session is gone, the next call in the workspace records it in its own.
        let Some(session) = &watch.1 else { continue };
        let changes = settled(by, &watch).await?;
        let events: Result<Vec<NewEvent>, StoreError> =
            changes.iter().map(Change::to_event).collect();
        store.append(session, events?).await?;
    }
    Ok(())
}

/// Returns the marks of what a model is given of the workspace without asking for it.
pub(crate) async fn given(agent: &Agent, lease: &Lease) -> Result<Vec<Mark>, StoreError> {
    let rules = &agent.rules.taint;
    // One that is not there gives nothing.
    let Ok(workspace) = Workspace::open(&agent.workspace).await else {
        return Ok(Vec::new());
    };
    if rules.is_off() {
        return Ok(Vec::new());
    }
    let by = (rules, lease.store());
    let mut events = Vec::new();
    for watch in by.1.unsettled().await? {
        if overlap(&watch.0.workspace, workspace.root()) {
            for change in settled(by, &watch).await? {
                events.push(change.to_event()?);
            }
        }
    }
    if !events.is_empty() {
        lease.append(events).await?;
    }
    let written = WrittenFiles::of(by.1, workspace.root()).await?;
    let marks = written.given().map(|source| rules.mark(source));
    Ok(marks
        .filter(|mark| mark.trust == Trust::Untrusted)
        .collect())
}

fn still(jobs: &Jobs, workspace: &Path) -> Still {
    match jobs.running_in(workspace) {
        Some(_) => Still::Runs,
        None => Still::Ended,
    }
}
