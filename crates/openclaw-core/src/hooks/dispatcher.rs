//! Calling handlers.

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::catalog::{Failure, Hook, Merge};
use super::handler::{AnyHandler, HookCall, HookError, RegisterError, Registration};
use super::merge::{Next, evaluation, pass_on, take};
use super::{Hooks, Outcome};

/// The handlers of a process; it does not change while it is in use.
#[derive(Clone, Debug, Default)]
pub struct Dispatcher {
    /// In the order in which they are called.
    registered: Vec<Registration>,
}

impl Dispatcher {
    /// Adds a handler.
    pub fn register(&mut self, registration: Registration) -> Result<(), RegisterError> {
        registration.check()?;
        let place = self
            .registered
            .partition_point(|earlier| earlier.priority >= registration.priority);
        self.registered.insert(place, registration);
        Ok(())
    }

    /// Returns the handlers that an event is for, in the order in which they are called.
    fn handlers(&self, hook: Hook, event: &Value) -> Vec<&Registration> {
        self.registered
            .iter()
            .filter(|one| one.hook == hook && one.is_for(event))
            .collect()
    }

    async fn one_by_one(&self, hook: Hook, mut event: Value, context: &Value) -> Outcome {
        let mut merged = Map::new();
        // Whom an event is for does not depend on what others make of it.
        for one in self.handlers(hook, &event) {
            let call = HookCall {
                hook,
                event: &event,
                context,
            };
            let result = one.call(call).await;
            if let Some(outcome) = step(one, &mut merged, result) {
                return outcome;
            }
            pass_on(hook, &mut event, &merged);
        }
        Outcome::Goes(merged)
    }

    async fn all_at_once(
        &self,
        hook: Hook,
        event: &Value,
        context: &Value,
    ) -> Vec<(&Registration, Result<Value, HookError>)> {
        let call = HookCall {
            hook,
            event,
            context,
        };
        let handlers = self.handlers(hook, event).into_iter();
        join_all(handlers.map(|one| async move { (one, one.call(call).await) })).await
    }
}

#[async_trait]
impl Hooks for Dispatcher {
    fn wants(&self, hook: Hook) -> bool {
        self.registered.iter().any(|one| one.hook == hook)
    }

    async fn run(&self, hook: Hook, event: Value, context: Value) -> Outcome {
        match hook.merge() {
            Merge::Observe => {
                for (one, result) in self.all_at_once(hook, &event, &context).await {
                    if let Err(err) = result {
                        one.log(&err);
                    }
                }
                Outcome::default()
            }
            Merge::Evaluate => {
                let results = self.all_at_once(hook, &event, &context).await;
                let outcomes: Vec<Value> = results
                    .into_iter()
                    .map(|(one, result)| evaluation(&one.by, result))
                    .collect();
                let mut merged = Map::new();
                if !outcomes.is_empty() {
                    merged.insert("outcomes".to_owned(), outcomes.into());
                }
                Outcome::Goes(merged)
            }
            Merge::SyncModify | Merge::SyncModifyGate => self.run_sync(hook, event, &context),
            Merge::Modify | Merge::Gate | Merge::ModifyGate | Merge::Claim => {
                self.one_by_one(hook, event, &context).await
            }
        }
    }

    fn run_sync(&self, hook: Hook, mut event: Value, context: &Value) -> Outcome {
        let mut merged = Map::new();
        for one in self.handlers(hook, &event) {
            let AnyHandler::Sync(handler) = &one.handler else {
                continue;
            };
            let call = HookCall {
                hook,
                event: &event,
                context,
            };
            let result = handler.handle(call);
            if let Some(outcome) = step(one, &mut merged, result) {
                return outcome;
            }
            pass_on(hook, &mut event, &merged);
        }
        Outcome::Goes(merged)
    }
}

/// Takes in one handler's result; returns what all of it comes to when no other is to be called.
fn step(
    one: &Registration,
    merged: &mut Map<String, Value>,
    result: Result<Value, HookError>,
) -> Option<Outcome> {
    let next = match result {
        Ok(Value::Null) => Ok(Next::Call),
        Ok(result) => take(one.hook, merged, &one.by, result),
        Err(err) => Err(err),
    };
    let reason = match next {
        Ok(Next::Call) => return None,
        Ok(Next::Done) => return Some(Outcome::Goes(std::mem::take(merged))),
        Ok(Next::Block(reason)) => reason,
        Err(err) => {
            one.log(&err);
            if one.hook.failure() != Failure::Closed {
                return None;
            }
            err.to_string()
        }
    };
    let message = merged.remove("message");
    Some(Outcome::Blocked {
        by: one.by.clone(),
        reason,
        message: message.and_then(|message| message.as_str().map(str::to_owned)),
    })
}

impl Registration {
    async fn call(&self, call: HookCall<'_>) -> Result<Value, HookError> {
        let AnyHandler::Async(handler) = &self.handler else {
            return Ok(Value::Null);
        };
        let answer = handler.handle(call);
        match self.time() {
            Some(time) => tokio::time::timeout(time, answer)
                .await
                .map_err(|_elapsed| HookError::TimedOut(time))?,
            None => answer.await,
        }
    }

    fn log(&self, err: &HookError) {
        tracing::warn!(hook = %self.hook, by = self.by, %err, "a hook failed");
    }
}
