//! Compaction on somebody's order: what it would do, doing it, and undoing it.

use openclaw_core::RunId;
use openclaw_core::events::{CallPayload, Change, CompactionTrigger, Lease, Payload};
use openclaw_core::hooks::HookContext;
use openclaw_providers::Meter;
use tokio_util::sync::CancellationToken;

use super::plan::{self, Draft};
use super::room::{Shortener, View};
use super::summary::{self, Scribe, Written};
use super::{Window, cut};
use crate::context::Desk;
use crate::error::AgentError;
use crate::step::Brief;

/// How much of a piece is shown of what leaves the view, in bytes.
const SHOWN: usize = 160;

/// What a compaction does to the view of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// The first event that stays as it is.
    pub first_kept: u64,
    /// What leaves the view, oldest first.
    pub leaving: Vec<Leaving>,
    /// What stands before the conversation now; empty if nothing does.
    pub summary_before: String,
    /// What is to stand there; none if no model was asked for it.
    pub summary: Option<String>,
    /// The model that wrote that.
    pub model: Option<String>,
    /// How many tokens a request has now, at most.
    pub tokens_before: u64,
    /// How many it has then, without a summary that is not written yet.
    pub tokens_after: u64,
    /// What the model was asked for it.
    pub calls: Vec<CallPayload>,
    /// The event that puts it into force; none if nothing did.
    pub recorded: Option<u64>,
}

/// Something that leaves the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Its event.
    pub seq: u64,
    /// How many tokens it has, at most.
    pub tokens: u64,
    /// How it begins, a line for each part.
    pub text: String,
}

/// What becomes of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is shown, and stands nowhere.
    Preview,
    /// It takes its place in the view.
    Compact,
}

impl Desk {
    /// Returns what a compaction would take out of the view, without asking a model; none if there
    /// is nothing that it would take out.
    pub async fn outline(&self) -> Result<Option<Outline>, AgentError> {
        let events = self.events().await?;
        let brief = self.brief().await?;
        let view = View::of(&events, &RunId::generate());
        let stop = CancellationToken::new();
        let (meter, cx) = (openclaw_providers::Unmetered, self.hook_context());
        let drawn = self.shortener(&brief, &meter, &stop, &cx).drawn(&view);
        Ok(drawn.map(|draft| outline(&view, &draft, &brief)))
    }

    /// Has the earlier part of the session summed up, under the session's lease; what it took is on
    /// record either way.
    pub async fn compact(
        &self,
        purpose: Purpose,
        run: &RunId,
        meter: &dyn Meter,
        stop: &CancellationToken,
    ) -> Result<Option<Outline>, AgentError> {
        let lease = self.store.lease(&self.session).await?;
        let events = self.events().await?;
        let brief = self.brief().await?;
        let view = View::of(&events, &RunId::generate());
        let cx = self.hook_context();
        let shortener = self.shortener(&brief, meter, stop, &cx);
        let Some(draft) = shortener.drawn(&view) else {
            return Ok(None);
        };
        if purpose == Purpose::Compact {
            shortener.tell_before(&view, Some(&draft)).await;
        }
        let budget = shortener.budget(&view, CompactionTrigger::Manual);
        let scribe = Scribe {
            rules: &self.agent.rules.compaction,
            route: brief.route(),
            meter,
            stop,
        };
        let Written { outcome, calls } = scribe
            .sum_up(&view.window.summary, &draft.dropped, budget)
            .await;
        let (summary, model) = match outcome {
            Ok(written) => written,
            Err(why) => {
                let asked = Change::SummaryAsked {
                    failure: Some(why.to_string()),
                };
                record(&lease, &asked, run, &calls).await?;
                return Err(AgentError::NoSummary {
                    kind: why.kind(),
                    message: why.to_string(),
                });
            }
        };
        let draft = draft.summed_up(summary, model);
        let mut made = outline(&view, &draft, &brief);
        let change = match purpose {
            Purpose::Preview => Change::SummaryAsked { failure: None },
            Purpose::Compact => {
                draft.change(view.tokens(&brief), &brief, CompactionTrigger::Manual)
            }
        };
        let seq = record(&lease, &change, run, &calls).await?;
        made.recorded = seq.filter(|_| purpose == Purpose::Compact);
        if made.recorded.is_some() {
            shortener.tell_after(&draft).await;
        }
        made.summary = Some(draft.window.summary);
        made.model = draft.window.how.model;
        made.calls = calls;
        Ok(Some(made))
    }

    /// Undoes the latest compaction, or `compaction` and all that came after it, under the session's
    /// lease, and returns those that were undone.
    pub async fn undo(&self, compaction: Option<u64>) -> Result<Vec<u64>, AgentError> {
        let lease = self.store.lease(&self.session).await?;
        let standing = Window::standing(&self.events().await?);
        let undone: Vec<u64> = match compaction {
            None => standing.into_iter().take(1).collect(),
            Some(seq) if standing.contains(&seq) => {
                standing.into_iter().filter(|of| *of >= seq).collect()
            }
            Some(_) => Vec::new(),
        };
        let events = undone
            .iter()
            .map(|seq| Change::ContextRestored { compaction: *seq }.to_event())
            .collect::<Result<Vec<_>, _>>()?;
        if !events.is_empty() {
            lease.append_last(events).await?;
        }
        Ok(undone)
    }

    fn shortener<'a>(
        &'a self,
        brief: &'a Brief,
        meter: &'a dyn Meter,
        stop: &'a CancellationToken,
        cx: &'a HookContext,
    ) -> Shortener<'a> {
        Shortener {
            brief,
            rules: &self.agent.rules.compaction,
            meter,
            stop,
            hooks: self.hooks.as_ref(),
            cx,
        }
    }

    fn hook_context(&self) -> HookContext {
        HookContext::new(&self.agent.id, &self.session)
    }
}

impl Shortener<'_> {
    /// Draws the line for somebody who wants a view shortened that may still fit.
    fn drawn(&self, view: &View) -> Option<Draft> {
        let budget = self.budget(view, CompactionTrigger::Manual);
        Draft::drawn(&view.window, &view.pieces, &view.pending, budget)
    }
}

fn outline(view: &View, draft: &Draft, brief: &Brief) -> Outline {
    let leaving = draft.dropped.iter().map(|piece| Leaving {
        seq: piece.seq,
        tokens: plan::size(&view.window, piece),
        text: summary::told(piece)
            .lines()
            .map(|line| cut::head(line, SHOWN))
            .filter(|line| !line.is_empty())
            .take(4)
            .collect::<Vec<_>>()
            .join("\n"),
    });
    Outline {
        first_kept: draft.window.first_kept,
        leaving: leaving.collect(),
        summary_before: view.window.summary.clone(),
        summary: None,
        model: None,
        tokens_before: view.tokens(brief),
        tokens_after: draft.tokens().saturating_add(brief.overhead()),
        calls: Vec::new(),
        recorded: None,
    }
}

async fn record(
    lease: &Lease,
    change: &Change,
    run: &RunId,
    calls: &[CallPayload],
) -> Result<Option<u64>, AgentError> {
    let event = change.to_event()?.in_run(run, None).with_payload(Payload {
        calls: calls.to_vec(),
        ..Payload::default()
    });
    let recorded = lease.append_last(vec![event]).await?;
    Ok(recorded.first().map(|event| event.seq))
}
