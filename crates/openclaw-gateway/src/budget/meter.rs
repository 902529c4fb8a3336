//! The meter of one run: asks before each call whether there is money left.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_agents::Whose;
use openclaw_core::events::{self, Call, Limit, Spender, Spent, Verdict};
use openclaw_core::{Cost, Usage};
use openclaw_providers::{Meter, Planned, Reservation, Unreserved};
use parking_lot::Mutex;
use tokio::time::{self, Instant};

use super::Budget;
use super::refusal;
use super::rules::Rule;

/// The least that a call has to be able to write: with less, an answer is cut off before it says
/// anything, and the money is gone all the same.
const LEAST_OUTPUT: u64 = 1024;

/// How long a call waits for others to end that have set aside what it needs.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often it looks whether other processes have given something back.
const LOOK: Duration = Duration::from_millis(200);

/// Counts what one run spends, and what everybody does.
#[derive(Debug)]
pub(super) struct RunMeter {
    budget: Budget,
    whose: Whose,
    spent: Arc<Mutex<Spent>>,
}

impl RunMeter {
    pub(super) fn new(budget: Budget, whose: Whose) -> Self {
        Self {
            budget,
            whose,
            spent: Arc::default(),
        }
    }

    fn spender(&self) -> Spender {
        let Whose {
            agent,
            session,
            run,
            channel,
            attended,
        } = self.whose.clone();
        Spender {
            agent,
            session,
            run,
            channel,
            attended,
        }
    }

    fn limits(&self) -> (Vec<Rule>, Vec<Limit>) {
        let spent = *self.spent.lock();
        let rules = self.budget.rules();
        let day = self.budget.today();
        rules.of_call(&self.whose, spent, &day).into_iter().unzip()
    }
}

#[async_trait]
impl Meter for RunMeter {
    async fn reserve(&self, planned: Planned<'_>) -> Result<Box<dyn Reservation>, Unreserved> {
        let spender = self.spender();
        let call = Call {
            provider: planned.provider.clone(),
            model: planned.model.to_owned(),
            price: planned.price.cloned(),
            input: planned.input_tokens,
            least_output: LEAST_OUTPUT.min(planned.output_tokens),
            most_output: planned.output_tokens,
        };
        let give_up = Instant::now() + PATIENCE;
        loop {
            // Asked for before looking, so that what is freed meanwhile is not missed.
            let freed = self.budget.shared.freed.notified();
            let (rules, limits) = self.limits();
            if call.price.is_none()
                && let Some(rule) = rules.iter().find(|rule| rule.cap.usd.is_some())
            {
                return Err(refusal::no_price(rule, &planned).into());
            }
            let store = &self.budget.shared.store;
            let verdict = store.reserve(&spender, &call, &limits).await;
            match verdict? {
                Verdict::Granted(reservation) => {
                    return Ok(Box::new(Held {
                        planned: planned.output_tokens,
                        budget: self.budget.clone(),
                        run: Arc::clone(&self.spent),
                        reservation: Some(reservation),
                    }));
                }
                // What others have set aside is usually more than they take in the end.
                Verdict::Short(shortage) if shortage.passing && Instant::now() < give_up => {
                    drop(time::timeout(LOOK, freed).await);
                }
                Verdict::Short(shortage) => {
                    let rule = rules
                        .into_iter()
                        .find(|rule| rule.name.as_str() == shortage.limit.cap);
                    return Err(refusal::capped(rule.as_ref(), &shortage).into());
                }
            }
        }
    }

    fn count(&self, usage: &Usage, cost: Option<Cost>) {
        *self.spent.lock() += spent(usage, cost);
    }
}

fn spent(usage: &Usage, cost: Option<Cost>) -> Spent {
    Spent {
        cost: cost.unwrap_or_default(),
        tokens: usage.total(),
    }
}

/// What is set aside for a call of a run.
#[derive(Debug)]
struct Held {
    planned: u64,
    budget: Budget,
    run: Arc<Mutex<Spent>>,
    reservation: Option<events::Reservation>,
}

impl Reservation for Held {
    fn output_tokens(&self) -> Option<u64> {
        let allowed = self.reservation.as_ref()?.output();
        (allowed < self.planned).then_some(allowed)
    }

    fn settle(mut self: Box<Self>, usage: &Usage, cost: Option<Cost>) {
        if let Some(reservation) = self.reservation.take() {
            *self.run.lock() += spent(usage, cost);
            reservation.settle(usage, cost);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.reservation.take());
        self.budget.free();
    }
}
