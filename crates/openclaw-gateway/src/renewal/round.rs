//! Looking after all sign-ins, again and again while the gateway runs.

use std::collections::BTreeSet;
use std::time::Duration;

use openclaw_agents::TaskScope;
use openclaw_core::{Clock, ProviderId};
use tokio::task::JoinHandle;
use tokio::time;

use super::{Renewed, read, renew};
use crate::home::Home;

/// How often the sign-ins are looked at. It is the clock on the wall that counts, and a machine that
/// slept has missed time, so there is no longer wait to the moment when one is due.
const LOOK: Duration = Duration::from_mins(1);

/// What came of looking at all sign-ins.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) renewed: BTreeSet<ProviderId>,
    /// Those that are good for nothing until the user signs in again.
    pub(super) run_out: BTreeSet<ProviderId>,
}

/// Looks after the sign-ins of a running gateway.
#[derive(Debug)]
pub(crate) struct Renewals {
    scope: TaskScope,
    /// A round goes on when nobody waits for it: its answers must be stored.
    under_way: Option<JoinHandle<Round>>,
    run_out: BTreeSet<ProviderId>,
}

impl Renewals {
    /// Starts with nothing; the rounds are tasks of this scope.
    pub(crate) const fn new(scope: TaskScope) -> Self {
        Self {
            scope,
            under_way: None,
            run_out: BTreeSet::new(),
        }
    }

    /// Waits until the agents need other keys: a sign-in was renewed, or has run out. Returns those
    /// that were renewed.
    ///
    /// # Cancel safety
    /// A renewal that has begun goes on, and the next call learns of it.
    pub(crate) async fn next(&mut self, home: &Home) -> BTreeSet<ProviderId> {
        if home.config.own.oauth.is_empty() {
            return std::future::pending().await;
        }
        loop {
            if self.under_way.is_none() {
                time::sleep(LOOK).await;
            }
            let round = self.under_way.get_or_insert_with(|| {
                let home = home.clone();
                let round = async move { round(&home, &Clock::system()).await };
                self.scope.spawn("sign-ins", round)
            });
            // One that panicked has said so; the next one may fare better.
            let done = round.await.unwrap_or_default();
            self.under_way = None;
            let changed = !done.renewed.is_empty() || done.run_out != self.run_out;
            self.run_out = done.run_out;
            if changed {
                return done.renewed;
            }
        }
    }
}

/// Renews every sign-in that is about to run out.
pub(super) async fn round(home: &Home, clock: &Clock) -> Round {
    let mut done = Round::default();
    for provider in home.config.own.oauth.keys() {
        match renew(home, provider, clock).await {
            Ok(Renewed::Yes) => drop(done.renewed.insert(provider.clone())),
            Ok(Renewed::No) => {}
            Err(err) => {
                let hint = err.hint().unwrap_or_default();
                tracing::warn!(%provider, %err, hint, "the sign-in is not renewed");
            }
        }
        let kept = read(home, provider).await;
        let has_run_out = kept.is_ok_and(|kept| {
            kept.is_some_and(|sign_in| sign_in.tokens.run_out(clock.now(), Duration::ZERO))
        });
        if has_run_out {
            done.run_out.insert(provider.clone());
        }
    }
    done
}
