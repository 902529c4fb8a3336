//! The moments of a compaction at which other code is called: see [`openclaw_core::hooks`].

use openclaw_core::hooks::{AfterCompaction, BeforeCompaction, Observed};

use super::plan::Draft;
use super::room::{Shortener, View};

impl Shortener<'_> {
    /// Tells that a view is about to be made shorter by what `draft` takes out of it.
    pub(super) async fn tell_before(&self, view: &View, draft: Option<&Draft>) {
        self.tell(|| BeforeCompaction {
            message_count: count(view.pieces.len()),
            compacting_count: count(draft.map_or(0, |draft| draft.dropped.len())),
            token_count: view.tokens(self.brief),
        })
        .await;
    }

    /// Tells that a shorter view is in force.
    pub(super) async fn tell_after(&self, draft: &Draft) {
        self.tell(|| AfterCompaction {
            message_count: count(draft.kept.len()),
            token_count: draft.tokens().saturating_add(self.brief.overhead()),
            compacted_count: count(draft.dropped.len()),
        })
        .await;
    }

    async fn tell<E: Observed>(&self, event: impl FnOnce() -> E) {
        if !self.hooks.wants(E::HOOK) {
            return;
        }
        let event = event();
        tokio::select! {
            () = self.hooks.observe(&event, self.cx) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

fn count(pieces: usize) -> u64 {
    u64::try_from(pieces).unwrap_or(u64::MAX)
}
