//! Where the line is drawn: what stays as it is, what leaves the view, and how the view is made to
//! fit when no model can say what was in it.

use std::collections::HashMap;

use openclaw_core::RunId;
use openclaw_core::events::{CompactionTrigger, Shortening};
use openclaw_providers::{Message, tokens_at_most};

use super::window::Window;
use super::{CompactionRules, Space};
use crate::transcript::{Piece, Said};

/// The fewest bytes of a text that are left when everything has to be cut.
const SHORTEST: u64 = 600;

/// The least that a view is planned for, in tokens, however much the prompt and the tools take.
const LEAST: u64 = 500;

/// What stands for messages that nobody summed up.
const UNTOLD: &str = "[Some earlier messages and steps are not shown, and there is no summary of \
                      them; the record has them.]";

/// What of a view may stay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// How many tokens the conversation may have.
    pub(crate) allowance: u64,
    /// How many of them the latest part may have that stays as it is.
    pub(crate) tail: u64,
    /// How many tokens the summary may have.
    pub(crate) summary: u64,
    /// How many turns are to stay if there is room.
    turns: usize,
}

impl Budget {
    /// Plans for a model with that much space, of which `fixed` is taken by what is in every
    /// request, and for a conversation of `now` tokens.
    pub(crate) fn new(
        space: Space,
        fixed: u64,
        now: u64,
        trigger: CompactionTrigger,
        rules: &CompactionRules,
    ) -> Self {
        let whole = fixed.saturating_add(now);
        let ceiling = match (trigger, space.window) {
            // The provider counts otherwise than here, or its window is not the one that is known.
            (CompactionTrigger::Overflow, Some(_)) => space.limit.min(whole / 4 * 3),
            (CompactionTrigger::Overflow, None) => space.limit.min(whole / 2),
            _ => space.limit,
        };
        let allowance = ceiling.saturating_sub(fixed).max(LEAST);
        Self {
            allowance,
            tail: rules.keep_recent.min(allowance / 2),
            summary: (allowance / 4).clamp(200, 4_000),
            turns: rules.keep_turns,
        }
    }
}

/// A view before and after it is shortened.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The view after it, with the summary that it has so far.
    pub(crate) window: Window,
    /// What leaves it, oldest first.
    pub(crate) dropped: Vec<Piece>,
    /// What stays.
    pub(crate) kept: Vec<Piece>,
}

impl Draft {
    /// Draws the line through a conversation, without a word yet about what leaves it; none if all
    /// of it is to stay.
    pub(crate) fn drawn(
        old: &Window,
        pieces: &[Piece],
        pending: &[u64],
        budget: Budget,
    ) -> Option<Self> {
        let at = boundary(old, pieces, budget);
        (at > 0).then(|| Self::cut_at(old, pieces, pending, at))?
    }

    pub(super) fn cut_at(
        old: &Window,
        pieces: &[Piece],
        pending: &[u64],
        at: usize,
    ) -> Option<Self> {
        let (dropped, kept) = pieces.split_at_checked(at)?;
        let first = kept.first()?;
        let before = |seq: &u64| *seq < first.seq;
        let mut waiting: Vec<u64> = kept
            .iter()
            .skip(1)
            .map(|piece| piece.from)
            .chain(pending.iter().copied())
            .filter(before)
            .collect();
        waiting.sort_unstable();
        waiting.dedup();
        // A turn that is cut in its midst still shows what it was about.
        let request = dropped.iter().find(|piece| {
            piece.run.is_some() && piece.run == first.run && matches!(piece.said, Said::User(_))
        });
        let window = Window {
            compaction: None,
            first_kept: first.seq,
            summary: old.summary.clone(),
            how: Shortening {
                pinned: request.iter().map(|piece| piece.seq).collect(),
                waiting,
                longest: old.how.longest,
                results_cut_before: old.how.results_cut_before,
                ..Shortening::default()
            },
        };
        let kept = request.into_iter().chain(kept).cloned().collect();
        Some(Self {
            window,
            dropped: dropped.to_vec(),
            kept,
        })
    }

    /// Shortens a view without a word from a model: old results first, then the oldest turns.
    pub(crate) fn without_model(
        old: &Window,
        pieces: &[Piece],
        pending: &[u64],
        budget: Budget,
    ) -> Self {
        let latest = pieces
            .iter()
            .rposition(|piece| matches!(piece.said, Said::User(_)))
            .unwrap_or_default()
            .max(pieces.len().saturating_sub(3));
        let before = pieces.get(latest).map(|piece| piece.seq);
        let mut window = Window {
            compaction: None,
            ..old.clone()
        };
        window.how = Shortening {
            pinned: old.how.pinned.clone(),
            waiting: old.how.waiting.clone(),
            longest: old.how.longest,
            results_cut_before: before.max(old.how.results_cut_before),
            ..Shortening::default()
        };
        let mut draft = Self {
            window,
            dropped: Vec::new(),
            kept: pieces.to_vec(),
        };
        if draft.tokens() > budget.allowance / 4 * 3 {
            let lines = draft.window.clone();
            if let Some(cut) = Self::drawn(&lines, pieces, pending, budget) {
                draft = cut;
                let summary = &mut draft.window.summary;
                if !summary.contains(UNTOLD) {
                    if !summary.is_empty() {
                        summary.push_str("\n\n");
                    }
                    summary.push_str(UNTOLD);
                }
            }
        }
        draft
    }

    /// Puts a summary in the place of what leaves the view.
    pub(crate) fn summed_up(mut self, summary: String, model: String) -> Self {
        self.window.summary = summary;
        self.window.how.model = Some(model);
        self
    }

    /// Cuts the longest texts until everything fits.
    pub(crate) fn tightened(mut self, budget: Budget) -> Self {
        let mut longest = budget.allowance.saturating_mul(2).max(SHORTEST);
        while self.tokens() > budget.allowance && longest > SHORTEST {
            longest = (longest / 2).max(SHORTEST);
            self.window.how.longest = Some(longest.min(self.window.how.longest.unwrap_or(longest)));
        }
        self
    }

    /// Returns how many tokens the conversation has in this view.
    pub(crate) fn tokens(&self) -> u64 {
        tokens(&self.window, &self.kept)
    }
}

/// Returns how many tokens a conversation has in a view.
pub(crate) fn tokens(window: &Window, pieces: &[Piece]) -> u64 {
    let introduction = window.introduction();
    let first = introduction.map_or(0, |text| tokens_at_most(&text));
    pieces
        .iter()
        .map(|piece| size(window, piece))
        .fold(first, u64::saturating_add)
}

/// Returns how many tokens a piece has in a view.
pub(crate) fn size(window: &Window, piece: &Piece) -> u64 {
    match window.cut(piece.clone()) {
        Said::User(blocks) => Message::User(blocks).tokens_at_most(),
        Said::Step(step) => Message::Assistant(step.blocks)
            .tokens_at_most()
            .saturating_add(Message::ToolResults(step.answers).tokens_at_most()),
    }
}

/// Returns the first piece that stays.
///
/// A step and its results are one piece, so that no line is ever drawn between a call and its
/// result.
fn boundary(window: &Window, pieces: &[Piece], budget: Budget) -> usize {
    let last = pieces.len().saturating_sub(1);
    let mut sums: HashMap<usize, u64> = HashMap::new();
    let (mut from, mut sum) = (last, 0_u64);
    for (index, piece) in pieces.iter().enumerate().rev() {
        sum = sum.saturating_add(size(window, piece));
        sums.insert(index, sum);
        if sum <= budget.tail {
            from = index;
        }
        if sum > budget.allowance {
            break;
        }
    }
    let starts: Vec<usize> = (0..pieces.len())
        .filter(|index| begins_turn(pieces, *index))
        .collect();
    let whole = starts.iter().copied().find(|start| *start >= from);
    let drawn = whole.unwrap_or(from);
    // The latest turns stay, unless they are what is too long.
    let turns = starts
        .len()
        .checked_sub(budget.turns.max(1))
        .and_then(|nth| starts.get(nth).copied());
    match turns {
        Some(start)
            if start < drawn
                && sums.get(&start).is_some_and(|sum| {
                    *sum <= budget.allowance / 4 * 3 - budget.summary.min(budget.allowance / 4)
                }) =>
        {
            start
        }
        _ => drawn,
    }
}

fn begins_turn(pieces: &[Piece], index: usize) -> bool {
    let run_of = |at: Option<usize>| -> Option<&Option<RunId>> { Some(&pieces.get(at?)?.run) };
    let before = run_of(index.checked_sub(1));
    pieces
        .get(index)
        .is_some_and(|piece| matches!(piece.said, Said::User(_)))
        && (before.is_none() || before == Some(&None) || before != run_of(Some(index)))
}
