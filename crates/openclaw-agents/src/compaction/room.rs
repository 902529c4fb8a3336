//! Keeping a run's requests within the model's window.

use openclaw_core::events::{CallPayload, Change, CompactionTrigger, Lease, Payload, StoreError};
use openclaw_core::hooks::{HookContext, Hooks};
use openclaw_core::{RunId, SessionEvent, Usage};
use openclaw_providers::{Completion, Message, Meter};
use tokio_util::sync::CancellationToken;

use super::plan::{self, Budget, Draft};
use super::summary::{Scribe, Written};
use super::{CompactionRules, Space, Window, read};
use crate::bus::Part;
use crate::error::AgentError;
use crate::step::{Asked, Brief};
use crate::terms::hands_over;
use crate::transcript;

/// What a run asks its model through: whatever does not fit is made to fit first.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    pub(crate) lease: &'a Lease,
    pub(crate) brief: &'a Brief,
    pub(crate) rules: &'a CompactionRules,
    pub(crate) run: &'a RunId,
    /// The message that set the run off.
    pub(crate) cause: u64,
    pub(crate) meter: &'a dyn Meter,
    pub(crate) stop: &'a CancellationToken,
    /// Who else is told of it.
    pub(crate) hooks: &'a dyn Hooks,
    /// In what conversation.
    pub(crate) cx: HookContext,
    /// What the provider counted last, and what it does not know of yet.
    pub(crate) gauge: Gauge,
}

/// How full the window is.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// How many messages the last answer was to, itself included, and how many tokens its provider
    /// counted.
    reported: Option<(usize, u64)>,
    /// How many tokens there were when nothing could be left out any more.
    futile: Option<u64>,
}

/// How much a count may lie below its estimate before it is taken for one of something else.
const ODD: u64 = 4;

impl Gauge {
    /// Returns how many tokens a request has: as many as were counted, and an estimate of what came
    /// since then.
    fn tokens(&self, brief: &Brief, messages: &[Message]) -> u64 {
        let (known, counted) = self.reported.unwrap_or((0, brief.overhead()));
        messages
            .iter()
            .skip(known)
            .map(Message::tokens_at_most)
            .fold(counted, u64::saturating_add)
    }

    fn heard(&mut self, brief: &Brief, messages: &[Message], answer: &Completion) {
        self.note(brief, messages, answer.usage, 1);
    }

    /// Notes what was counted of a request of these messages, and of an answer that makes `more`.
    fn note(&mut self, brief: &Brief, messages: &[Message], usage: Usage, more: usize) {
        let counted = usage.total();
        let estimated = Self::default().tokens(brief, messages);
        self.reported = (counted.saturating_mul(ODD) >= estimated)
            .then(|| (messages.len().saturating_add(more), counted));
    }
}

impl Room<'_> {
    /// Asks the model, after the view was shortened if need be, and once more if the provider says
    /// that the request is too long all the same.
    pub(crate) async fn ask(
        &mut self,
        messages: &mut Vec<Message>,
        mut hear: impl FnMut(Part, String),
    ) -> Asked {
        let mut recorded = Vec::new();
        if self.is_full(messages) {
            match self.shorten(CompactionTrigger::Threshold, messages).await {
                Ok(calls) => recorded.extend(calls),
                Err(Halted { error, calls }) => {
                    return Asked {
                        calls,
                        ..Asked::not(error)
                    };
                }
            }
        }
        let mut asked = self.asked(messages, &mut hear).await;
        for _ in 0..2 {
            let is_too_long =
                matches!(&asked.answer, Err(AgentError::Provider(err)) if err.is_too_long());
            if !is_too_long {
                break;
            }
            let before = messages.len();
            let size = Gauge::default().tokens(self.brief, messages);
            match self.shorten(CompactionTrigger::Overflow, messages).await {
                Ok(calls) => recorded.extend(calls),
                Err(Halted { error, calls }) => {
                    asked.answer = Err(error);
                    asked.calls.extend(calls);
                    break;
                }
            }
            if messages.len() == before && Gauge::default().tokens(self.brief, messages) >= size {
                break;
            }
            let mut refused = std::mem::take(&mut asked.calls);
            asked = self.asked(messages, &mut hear).await;
            refused.append(&mut asked.calls);
            asked.calls = refused;
        }
        asked.recorded.append(&mut recorded);
        asked
    }

    async fn asked(&mut self, messages: &[Message], hear: &mut impl FnMut(Part, String)) -> Asked {
        let asked = self.brief.ask(messages, self.meter, self.stop, hear).await;
        if let Ok(answer) = &asked.answer {
            self.gauge.heard(self.brief, messages, answer);
        }
        asked
    }

    fn is_full(&self, messages: &[Message]) -> bool {
        if !self.rules.ahead {
            return false;
        }
        let limit = self.space().limit;
        let now = self.gauge.tokens(self.brief, messages);
        let grown = |then: u64| now > then.saturating_add(then / 4);
        now > limit && self.gauge.futile.is_none_or(grown)
    }

    fn space(&self) -> Space {
        Space::of(self.brief.route())
    }

    /// Shortens the view, and returns the calls that were made and recorded for it.
    async fn shorten(
        &mut self,
        trigger: CompactionTrigger,
        messages: &mut Vec<Message>,
    ) -> Result<Vec<CallPayload>, Halted> {
        let store = self.lease.store();
        let mut events = read(store, self.lease.session(), self.cause).await?;
        if trigger == CompactionTrigger::Threshold && self.is_less(&events, messages) {
            return Ok(Vec::new());
        }
        let view = View::of(&events, self.run);
        let shortener = Shortener {
            brief: self.brief,
            rules: self.rules,
            meter: self.meter,
            stop: self.stop,
            hooks: self.hooks,
            cx: &self.cx,
        };
        let Shortened { draft, calls } = shortener.shortened(&view, trigger).await;
        if self.stop.is_cancelled() {
            return Err(Halted {
                error: AgentError::Cancelled,
                calls,
            });
        }
        let Some(draft) = draft else {
            self.gauge.futile = Some(self.gauge.tokens(self.brief, messages));
            return Ok(Vec::new());
        };
        let event = draft
            .change(view.tokens(self.brief), self.brief, trigger)
            .to_event()?
            .in_run(self.run, Some(self.cause))
            .with_payload(Payload {
                calls: calls.clone(),
                ..Payload::default()
            });
        events.extend(self.lease.append(vec![event]).await?);
        shortener.tell_after(&draft).await;
        *messages = transcript::fold(&events, self.run);
        self.gauge = Gauge::default();
        Ok(calls)
    }

    /// Looks up what the provider counted in the session's last step: the estimate alone is on the
    /// safe side by as much as a half.
    fn is_less(&mut self, events: &[SessionEvent], messages: &[Message]) -> bool {
        if self.gauge.reported.is_some() {
            return false;
        }
        let Some(usage) = reported(events) else {
            return false;
        };
        let answer = |message: &Message| matches!(message, Message::Assistant(_));
        let Some(last) = messages.iter().rposition(answer) else {
            return false;
        };
        let asked = messages.get(..last).unwrap_or_default();
        self.gauge.note(self.brief, asked, usage, 1);
        self.gauge.reported.is_some() && !self.is_full(messages)
    }
}

/// How many tokens a summary has at least; what would have a shorter one needs none.
const LEAST_SUMMARY: u64 = 60;

/// Returns what the provider counted of the last step since the view was last changed.
pub(crate) fn reported(events: &[SessionEvent]) -> Option<Usage> {
    // The end of a run that handed calls over has no request of its own.
    for event in events.iter().rev().filter(|event| !hands_over(event)) {
        if let Some(step) = event.payload.as_ref().and_then(|of| of.step.as_ref()) {
            return Some(step.usage);
        }
        if matches!(
            Change::of(event),
            Some(Change::ContextCompacted { .. } | Change::ContextRestored { .. })
        ) {
            return None;
        }
    }
    None
}

/// What the model sees of a session now.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) window: Window,
    pub(crate) pieces: Vec<transcript::Piece>,
    /// Messages whose turn comes later.
    pub(crate) pending: Vec<u64>,
}

impl View {
    pub(crate) fn of(events: &[SessionEvent], run: &RunId) -> Self {
        let window = Window::of(events);
        let pieces = transcript::pieces(events, &window, run);
        let pending = transcript::pending(events, &window, run);
        Self {
            window,
            pieces,
            pending,
        }
    }

    /// Returns the pieces as they are seen.
    pub(crate) fn seen_pieces(&self) -> Vec<transcript::Piece> {
        let seen = |piece: &transcript::Piece| transcript::Piece {
            said: self.window.cut(piece.clone()),
            ..piece.clone()
        };
        self.pieces.iter().map(seen).collect()
    }

    /// Returns how many tokens a request has with this view.
    pub(crate) fn tokens(&self, brief: &Brief) -> u64 {
        plan::tokens(&self.window, &self.pieces).saturating_add(brief.overhead())
    }
}

/// Why a run could not go on, and the calls that are not on record yet.
#[derive(Debug)]
struct Halted {
    error: AgentError,
    calls: Vec<CallPayload>,
}

impl From<StoreError> for Halted {
    fn from(error: StoreError) -> Self {
        Self {
            error: error.into(),
            calls: Vec::new(),
        }
    }
}

/// Makes shorter views.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortener<'a> {
    pub(crate) brief: &'a Brief,
    pub(crate) rules: &'a CompactionRules,
    pub(crate) meter: &'a dyn Meter,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) hooks: &'a dyn Hooks,
    pub(crate) cx: &'a HookContext,
}

/// A shorter view, if there is one, and the calls that were made for it.
#[derive(Debug)]
pub(crate) struct Shortened {
    pub(crate) draft: Option<Draft>,
    pub(crate) calls: Vec<CallPayload>,
}

impl Shortener<'_> {
    /// Returns what may stay of a view.
    pub(crate) fn budget(&self, view: &View, trigger: CompactionTrigger) -> Budget {
        let space = Space::of(self.brief.route());
        let now = plan::tokens(&view.window, &view.pieces);
        Budget::new(space, self.brief.overhead(), now, trigger, self.rules)
    }

    /// Makes a view shorter: by a summary, or without one where none can be had.
    pub(crate) async fn shortened(&self, view: &View, trigger: CompactionTrigger) -> Shortened {
        let mut budget = self.budget(view, trigger);
        let now = plan::tokens(&view.window, &view.pieces);
        let drawn = Draft::drawn(&view.window, &view.pieces, &view.pending, budget);
        self.tell_before(view, drawn.as_ref()).await;
        let leaving = drawn
            .as_ref()
            .map_or(0, |draft| plan::tokens(&Window::default(), &draft.dropped));
        budget.summary = budget.summary.min(leaving / 3);
        // A summary that is as long as what it stands for is not worth its price.
        let worth = drawn.filter(|_| budget.summary >= LEAST_SUMMARY);
        let mut calls = Vec::new();
        let mut failure = None;
        if let Some(draft) = worth {
            let scribe = Scribe {
                rules: self.rules,
                route: self.brief.route(),
                meter: self.meter,
                stop: self.stop,
            };
            let Written {
                outcome,
                calls: made,
            } = scribe
                .sum_up(&view.window.summary, &draft.dropped, budget)
                .await;
            calls = made;
            match outcome {
                Ok((summary, model)) => {
                    let draft = draft.summed_up(summary, model).tightened(budget);
                    if draft.tokens() < now {
                        return Shortened {
                            draft: Some(draft),
                            calls,
                        };
                    }
                    failure = Some("the summary was longer than what it stood for".to_owned());
                }
                Err(_) if self.stop.is_cancelled() => return Shortened { draft: None, calls },
                Err(err) => failure = Some(err.to_string()),
            }
        }
        let mut draft = Draft::without_model(&view.window, &view.pieces, &view.pending, budget)
            .tightened(budget);
        if let Some(why) = &failure {
            tracing::warn!(why, "a session's earlier part could not be summed up");
        }
        draft.window.how.failure = failure;
        // What has cost something is put on record, whatever came of it.
        let is_shorter = draft.tokens() < now || !calls.is_empty();
        Shortened {
            draft: is_shorter.then_some(draft),
            calls,
        }
    }
}

impl Draft {
    /// Returns the change that records it.
    pub(crate) fn change(&self, before: u64, brief: &Brief, trigger: CompactionTrigger) -> Change {
        let mut how = self.window.how.clone();
        how.trigger = Some(trigger);
        how.tokens_after = Some(self.tokens().saturating_add(brief.overhead()));
        Change::ContextCompacted {
            summary: self.window.summary.clone(),
            first_kept: self.window.first_kept,
            tokens_before: before,
            how,
        }
    }
}
