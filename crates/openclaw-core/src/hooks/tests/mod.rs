//! Handlers at hooks: who is called, in what order, and what comes of it.

mod gates;
mod merging;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::Barrier;

use super::*;
use crate::ids::AgentId;
use crate::session_key::SessionKey;

/// Returns the same to every event, and keeps what it got.
#[derive(Debug, Default)]
struct Says {
    result: Value,
    got: Mutex<Vec<Value>>,
}

#[async_trait]
impl Handler for Says {
    async fn handle(&self, call: HookCall<'_>) -> Result<Value, HookError> {
        self.got.lock().push(call.event.clone());
        Ok(self.result.clone())
    }
}

impl SyncHandler for Says {
    fn handle(&self, call: HookCall<'_>) -> Result<Value, HookError> {
        self.got.lock().push(call.event.clone());
        Ok(self.result.clone())
    }
}

fn says(result: Value) -> Arc<Says> {
    Arc::new(Says {
        result,
        got: Mutex::default(),
    })
}

/// Returns a handler that the test keeps, too.
fn shared<H: Handler + 'static>(handler: &Arc<H>) -> Arc<dyn Handler> {
    Arc::<H>::clone(handler)
}

/// Fails at once.
#[derive(Debug)]
struct Fails;

#[async_trait]
impl Handler for Fails {
    async fn handle(&self, _call: HookCall<'_>) -> Result<Value, HookError> {
        Err(HookError::Failed("no".to_owned()))
    }
}

/// Never answers.
#[derive(Debug)]
struct Hangs;

#[async_trait]
impl Handler for Hangs {
    async fn handle(&self, _call: HookCall<'_>) -> Result<Value, HookError> {
        std::future::pending().await
    }
}

/// Goes on when as many as it was made for have come so far.
#[derive(Debug)]
struct Meets(Barrier);

#[async_trait]
impl Handler for Meets {
    async fn handle(&self, _call: HookCall<'_>) -> Result<Value, HookError> {
        self.0.wait().await;
        Ok(json!({ "decision": "pass" }))
    }
}

fn dispatcher(registrations: impl IntoIterator<Item = Registration>) -> Dispatcher {
    let mut dispatcher = Dispatcher::default();
    for registration in registrations {
        dispatcher.register(registration).unwrap();
    }
    dispatcher
}

/// Registers handlers that say these, in this order.
fn saying(hook: Hook, results: &[Value]) -> Dispatcher {
    let one = |result: &Value| Registration::new(hook, "p", says(result.clone()));
    dispatcher(results.iter().map(one))
}

fn context() -> HookContext {
    let session = SessionKey::parse("agent:main:main").unwrap();
    HookContext::new(&AgentId::from("main"), &session)
}

async fn run(hooks: &Dispatcher, hook: Hook, event: Value) -> Outcome {
    hooks.run(hook, event, Value::Null).await
}

fn goes(said: &Value) -> Outcome {
    Outcome::Goes(said.as_object().unwrap().clone())
}

#[test]
fn every_hook_has_a_name_of_its_own_and_is_written_by_it() {
    let names: BTreeSet<&str> = Hook::ALL.into_iter().map(Hook::name).collect();
    assert_eq!(names.len(), 42);
    for hook in Hook::ALL {
        assert_eq!(serde_json::to_value(hook).unwrap(), hook.name());
    }
}

#[test]
fn the_hooks_are_of_the_kinds_that_openclaw_has() {
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for hook in Hook::ALL {
        *kinds.entry(format!("{:?}", hook.merge())).or_default() += 1;
    }
    let expected = [
        ("Claim", 4),
        ("Evaluate", 1),
        ("Gate", 1),
        ("Modify", 7),
        ("ModifyGate", 4),
        ("Observe", 23),
        ("SyncModify", 1),
        ("SyncModifyGate", 1),
    ];
    let expected = expected.map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!(kinds, BTreeMap::from(expected));
    let closed = Hook::ALL
        .into_iter()
        .filter(|hook| hook.failure() == Failure::Closed);
    let closed: Vec<Hook> = closed.collect();
    assert_eq!(
        closed,
        [
            Hook::BeforeAgentRun,
            Hook::BeforeToolCall,
            Hook::BeforeInstall
        ]
    );
    for hook in closed {
        assert_eq!(hook.timeout(), Some(Duration::from_secs(15)));
    }
}

#[tokio::test]
async fn the_higher_priority_comes_first_and_of_the_same_the_earlier() {
    let named = |name: &str, priority| {
        let text = json!({ "prependContext": name });
        Registration::new(Hook::AgentTurnPrepare, name, says(text)).priority(priority)
    };
    let hooks = dispatcher([named("c", 0), named("a", 9), named("d", 0), named("b", 5)]);
    let said = run(&hooks, Hook::AgentTurnPrepare, json!({})).await;
    assert_eq!(said, goes(&json!({ "prependContext": "a\n\nb\n\nc\n\nd" })));
}

#[tokio::test]
async fn observers_run_at_the_same_time_and_what_they_return_does_not_count() {
    let meets = Arc::new(Meets(Barrier::new(2)));
    let hooks = dispatcher([
        Registration::new(Hook::AgentEnd, "a", shared(&meets)),
        Registration::new(Hook::AgentEnd, "b", meets),
        Registration::new(Hook::AgentEnd, "c", Arc::new(Fails)),
        Registration::new(Hook::AgentEnd, "d", Arc::new(Hangs)).timeout(Duration::from_millis(1)),
        Registration::new(Hook::AgentEnd, "e", says(json!({ "block": true }))),
    ]);
    let said = run(&hooks, Hook::AgentEnd, json!({})).await;
    assert_eq!(said, Outcome::default());
}

#[tokio::test]
async fn evaluators_run_at_the_same_time_and_each_has_its_own_outcome() {
    let meets = Arc::new(Meets(Barrier::new(2)));
    let hook = Hook::SkillProposalEvaluate;
    let hooks = dispatcher([
        Registration::new(hook, "a", shared(&meets)),
        Registration::new(hook, "b", Arc::new(Fails)),
        Registration::new(hook, "c", meets),
    ]);
    let passed = |name: &str| {
        let result = json!({ "decision": "pass" });
        json!({ "evaluatorId": name, "status": "completed", "result": result })
    };
    let failed =
        json!({ "evaluatorId": "b", "status": "error", "error": "the handler failed: no" });
    assert_eq!(
        run(&hooks, hook, json!({})).await,
        goes(&json!({ "outcomes": [passed("a"), failed, passed("c")] }))
    );
}

#[tokio::test]
async fn the_eight_hear_of_what_they_are_named_after() {
    let mut heard: BTreeMap<&str, Arc<Says>> = BTreeMap::new();
    let mut hooks = Dispatcher::default();
    for moment in Lifecycle::ALL {
        let handler = says(Value::Null);
        heard.insert(moment.name(), Arc::clone(&handler));
        hooks
            .register(Registration::at(moment, "p", handler))
            .unwrap();
    }
    for (hook, event) in [
        (Hook::BeforeAgentRun, json!({})),
        (Hook::BeforeToolCall, json!({})),
        (Hook::AfterToolCall, json!({})),
        (Hook::SessionStart, json!({})),
        (Hook::AgentEnd, json!({ "success": true })),
        (Hook::AgentEnd, json!({ "success": false })),
        (Hook::AgentEnd, json!({ "success": false })),
    ] {
        run(&hooks, hook, event).await;
    }
    let counts: BTreeMap<&str, usize> = heard
        .into_iter()
        .map(|(name, handler)| (name, handler.got.lock().len()))
        .collect();
    let expected = [
        ("AfterMessage", 3),
        ("AfterToolCall", 1),
        ("AgentResponse", 1),
        ("BeforeMessage", 1),
        ("BeforeToolCall", 1),
        ("Error", 2),
        ("SessionEnd", 0),
        ("SessionStart", 1),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}

#[test]
fn what_cannot_be_called_cannot_be_registered() {
    let handler = || says(Value::Null);
    let refused = [
        Registration::new(Hook::ToolResultPersist, "p", handler()),
        Registration::sync(Hook::AgentEnd, "p", handler()),
        Registration::new(Hook::AgentEnd, "p", handler()).tools(&["exec"]),
        Registration::new(Hook::BeforeToolCall, "p", handler()).tools(&[]),
        Registration::new(Hook::BeforeToolCall, "p", handler()).tools(&["exec", "*"]),
        Registration::new(Hook::BeforeToolCall, "p", handler()).tools(&[" "]),
        Registration::new(Hook::AgentEnd, "p", handler()).timeout(Duration::ZERO),
        Registration::new(Hook::AgentEnd, "p", handler()).timeout(Duration::from_secs(601)),
    ];
    let refused = refused.map(|one| {
        let refused = Dispatcher::default().register(one);
        refused.unwrap_err().to_string()
    });
    assert_eq!(
        refused,
        [
            "`tool_result_persist` is a hook that does not wait",
            "`agent_end` is a hook that waits",
            "`agent_end` is not about tools and takes none by name",
            "the tools of a handler for `before_tool_call` have to be named one by one",
            "the tools of a handler for `before_tool_call` have to be named one by one",
            "the tools of a handler for `before_tool_call` have to be named one by one",
            "a handler for `agent_end` cannot have 0ns; at most 600s are allowed",
            "a handler for `agent_end` cannot have 601s; at most 600s are allowed",
        ]
    );
}

#[tokio::test]
async fn events_are_told_in_the_words_that_plugins_know() {
    let handler = says(Value::Null);
    let hooks = dispatcher([Registration::new(
        Hook::AfterToolCall,
        "p",
        shared(&handler),
    )]);
    let hooks: &dyn Hooks = &hooks;
    let event = AfterToolCall {
        tool_name: "exec".to_owned(),
        params: json!({ "command": "ls" }),
        run_id: "r".into(),
        tool_call_id: "c".into(),
        result: None,
        error: Some("no".to_owned()),
        duration_ms: 3,
    };
    hooks.observe(&event, &context()).await;
    assert_eq!(
        *handler.got.lock(),
        [json!({
            "toolName": "exec",
            "params": { "command": "ls" },
            "runId": "r",
            "toolCallId": "c",
            "error": "no",
            "durationMs": 3,
        })]
    );
}
