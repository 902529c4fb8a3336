//! Hooks that can stop something.

use super::*;

fn call() -> BeforeToolCall {
    BeforeToolCall {
        tool_name: "exec".to_owned(),
        params: json!({ "command": "ls" }),
        run_id: "r".into(),
        tool_call_id: "c".into(),
        derived_paths: Vec::new(),
    }
}

async fn gate(hooks: &Dispatcher) -> ToolGate {
    let hooks: &dyn Hooks = hooks;
    hooks.before_tool_call(&call(), &context()).await
}

fn blocked(reason: &str) -> ToolGate {
    ToolGate::Block {
        by: "p".to_owned(),
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn without_handlers_a_call_goes_on_as_it_is() {
    let hooks: &dyn Hooks = &NoHooks;
    let gate = hooks.before_tool_call(&call(), &context()).await;
    assert_eq!(gate, ToolGate::Go(call().params));
}

#[tokio::test]
async fn the_last_arguments_win_and_every_handler_sees_the_models_own() {
    let (first, second) = (
        says(json!({ "params": { "command": "a" } })),
        says(json!({ "params": { "command": "b" }, "block": false })),
    );
    let one = |handler| Registration::new(Hook::BeforeToolCall, "p", handler);
    let hooks = dispatcher([one(shared(&first)), one(shared(&second))]);
    assert_eq!(gate(&hooks).await, ToolGate::Go(json!({ "command": "b" })));
    for handler in [first, second] {
        assert_eq!(handler.got.lock()[0]["params"], call().params);
    }
}

#[tokio::test]
async fn a_block_ends_it_and_the_others_are_not_called() {
    let never = says(Value::Null);
    let hooks = dispatcher([
        Registration::new(Hook::BeforeToolCall, "q", shared(&never)),
        Registration::new(
            Hook::BeforeToolCall,
            "p",
            says(json!({ "block": true, "blockReason": "not here" })),
        )
        .priority(1),
    ]);
    assert_eq!(gate(&hooks).await, blocked("not here"));
    assert!(never.got.lock().is_empty());
}

#[tokio::test]
async fn what_somebody_is_asked_about_changes_no_more_but_can_be_blocked() {
    let asks = json!({
        "params": { "command": "b" },
        "requireApproval": { "title": "Run", "description": "Really?" },
    });
    let late = json!({
        "params": { "command": "c" },
        "requireApproval": { "title": "Other" },
    });
    let asked = ToolGate::Ask {
        params: json!({ "command": "b" }),
        reason: "p: Run: Really?".to_owned(),
    };
    let said = saying(Hook::BeforeToolCall, &[asks.clone(), late]);
    assert_eq!(gate(&said).await, asked);
    let block = json!({ "block": true });
    let said = saying(Hook::BeforeToolCall, &[asks, block]);
    assert_eq!(gate(&said).await, blocked("no reason was given"));
}

#[tokio::test]
async fn a_gate_that_fails_hangs_or_babbles_is_shut() {
    let event = || json!({ "toolName": "exec" });
    for hook in [
        Hook::BeforeToolCall,
        Hook::BeforeAgentRun,
        Hook::BeforeInstall,
    ] {
        let handlers: [Arc<dyn Handler>; 4] = [
            Arc::new(Fails),
            Arc::new(Hangs),
            says(json!("yes")),
            says(json!({ "block": "yes", "outcome": "maybe" })),
        ];
        for handler in handlers {
            let registration = Registration::new(hook, "p", handler);
            let hooks = dispatcher([registration.timeout(Duration::from_millis(1))]);
            let outcome = run(&hooks, hook, event()).await;
            assert!(
                matches!(outcome, Outcome::Blocked { ref by, .. } if by == "p"),
                "{hook}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn arguments_that_are_no_object_shut_the_gate() {
    for result in [
        json!({ "params": "rm" }),
        json!({ "params": {}, "requireApproval": true }),
    ] {
        let said = gate(&saying(Hook::BeforeToolCall, &[result])).await;
        assert!(matches!(said, ToolGate::Block { .. }), "{said:?}");
    }
}

#[tokio::test]
async fn a_handler_for_some_tools_hears_of_no_other() {
    let block = || says(json!({ "block": true }));
    for (tool, blocks) in [("exec", true), (" Exec ", true), ("write", false)] {
        let registration = Registration::new(Hook::BeforeToolCall, "p", block());
        let hooks = dispatcher([registration.tools(&[tool])]);
        let said = gate(&hooks).await;
        assert_eq!(matches!(said, ToolGate::Block { .. }), blocks, "{tool}");
    }
}

#[tokio::test]
async fn a_run_is_stopped_by_exactly_the_word_for_it() {
    let run = BeforeAgentRun {
        prompt: "hi".to_owned(),
        messages: Vec::new(),
        system_prompt: String::new(),
        channel_id: "cli".into(),
        sender_id: "me".into(),
        sender_is_owner: true,
    };
    let block = |message: Option<&str>| RunGate::Block {
        by: "p".to_owned(),
        message: message.map(str::to_owned),
    };
    for (result, gate) in [
        (Value::Null, RunGate::Go),
        (json!({ "outcome": "pass" }), RunGate::Go),
        (
            json!({ "outcome": "block", "reason": "secret" }),
            block(None),
        ),
        (
            json!({ "outcome": "block", "reason": "secret", "message": "not today" }),
            block(Some("not today")),
        ),
        (json!({ "outcome": "pass", "reason": "x" }), block(None)),
        (json!({}), block(None)),
    ] {
        let hooks = saying(Hook::BeforeAgentRun, std::slice::from_ref(&result));
        let hooks: &dyn Hooks = &hooks;
        let said = hooks.before_agent_run(&run, &context()).await;
        assert_eq!(said, gate, "{result}");
    }
}

#[tokio::test]
async fn a_text_that_goes_out_is_rewritten_by_the_last_and_stopped_by_any() {
    let (a, b) = (
        json!({ "content": "a" }),
        json!({ "content": "b", "cancel": false }),
    );
    let hooks = saying(Hook::MessageSending, &[a.clone(), b]);
    let said = run(&hooks, Hook::MessageSending, json!({ "content": "x" })).await;
    assert_eq!(said, goes(&json!({ "content": "b" })));
    let stop = json!({ "cancel": true, "cancelReason": "late" });
    let stops = saying(Hook::MessageSending, &[a, stop]);
    let said = run(&stops, Hook::MessageSending, json!({ "content": "x" })).await;
    let Outcome::Blocked { reason, .. } = said else {
        panic!("it went out");
    };
    assert_eq!(reason, "late");
}

#[tokio::test]
async fn a_delivery_hook_that_fails_is_skipped() {
    let hooks = dispatcher([
        Registration::new(Hook::MessageSending, "p", Arc::new(Fails)),
        Registration::new(Hook::MessageSending, "p", says(json!({ "content": "b" }))),
    ]);
    let said = run(&hooks, Hook::MessageSending, json!({ "content": "x" })).await;
    assert_eq!(said, goes(&json!({ "content": "b" })));
}
