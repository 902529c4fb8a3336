//! What several handlers say, as one.

use super::*;

#[tokio::test]
async fn the_parts_of_a_prompt_come_together_and_tools_only_get_fewer() {
    let hooks = saying(
        Hook::BeforePromptBuild,
        &[
            json!({ "systemPrompt": "a", "prependContext": "b", "toolsAllow": ["read", "exec"] }),
            json!({ "systemPrompt": "x", "prependContext": "c", "appendSystemContext": "d" }),
            json!({ "toolsAllow": ["exec", "write"], "appendContext": "e", "unknown": 1 }),
        ],
    );
    let hooks: &dyn Hooks = &hooks;
    let prompt = BeforePromptBuild {
        prompt: "hi".to_owned(),
        messages: Vec::new(),
    };
    assert_eq!(
        hooks.before_prompt_build(&prompt, &context()).await,
        PromptParts {
            system_prompt: Some("a".to_owned()),
            prepend_system_context: None,
            append_system_context: Some("d".to_owned()),
            prepend_context: Some("b\n\nc".to_owned()),
            append_context: Some("e".to_owned()),
            tools_allow: Some(vec!["exec".to_owned()]),
        }
    );
}

#[tokio::test]
async fn the_first_model_that_is_named_counts() {
    let hooks = saying(
        Hook::BeforeModelResolve,
        &[
            json!({ "modelOverride": 7 }),
            json!({ "modelOverride": "a" }),
            json!({ "modelOverride": "b", "providerOverride": "p" }),
        ],
    );
    let said = hooks
        .run(
            Hook::BeforeModelResolve,
            json!({ "prompt": "hi" }),
            json!({}),
        )
        .await;
    let choice = json!({ "providerOverride": "p", "modelOverride": "a" });
    assert_eq!(said, Outcome::Goes(choice.as_object().unwrap().clone()));
}

#[tokio::test]
async fn the_first_who_deals_with_a_message_answers_it() {
    let never = says(Value::Null);
    let hook = Hook::BeforeAgentReply;
    let claims = json!({ "handled": true, "reply": { "text": "mine" } });
    let hooks = dispatcher([
        Registration::new(hook, "p", says(json!({ "handled": false, "reply": {} }))),
        Registration::new(hook, "p", Arc::new(Fails)),
        Registration::new(hook, "p", says(claims)),
        Registration::new(hook, "p", shared(&never)),
    ]);
    let hooks: &dyn Hooks = &hooks;
    let reply = hooks.before_agent_reply("hi", &context()).await;
    assert_eq!(reply, AgentReply::Text("mine".to_owned()));
    assert!(never.got.lock().is_empty());
    let silent = saying(hook, &[json!({ "handled": true })]);
    let silent: &dyn Hooks = &silent;
    let reply = silent.before_agent_reply("hi", &context()).await;
    assert_eq!(reply, AgentReply::Text(String::new()));
    let nobody: &dyn Hooks = &NoHooks;
    let reply = nobody.before_agent_reply("hi", &context()).await;
    assert_eq!(reply, AgentReply::None);
}

#[tokio::test]
async fn another_pass_is_asked_for_unless_somebody_accepts() {
    let answer = BeforeAgentFinalize {
        run_id: "r".into(),
        session_id: SessionKey::parse("agent:main:main").unwrap(),
        session_key: SessionKey::parse("agent:main:main").unwrap(),
        stop_hook_active: false,
        last_assistant_message: "done".to_owned(),
    };
    let revise = |reason: &str| json!({ "action": "revise", "reason": reason });
    let told = json!({
        "action": "revise",
        "reason": "c",
        "retry": { "instruction": "say it again" },
    });
    let asked = |text: &str| Finalize::Revise(text.to_owned());
    for (results, expected) in [
        (vec![revise("a"), revise("b")], asked("a\n\nb")),
        (vec![revise("a"), told.clone()], asked("say it again")),
        (
            vec![told, json!({ "action": "finalize" }), revise("a")],
            Finalize::Accept,
        ),
        (vec![json!({ "action": "other" })], Finalize::Accept),
        (vec![], Finalize::Accept),
    ] {
        let hooks = saying(Hook::BeforeAgentFinalize, &results);
        let hooks: &dyn Hooks = &hooks;
        let said = hooks.before_agent_finalize(&answer, &context()).await;
        assert_eq!(said, expected, "{results:?}");
    }
}

#[tokio::test]
async fn variables_that_choose_programs_or_trust_are_not_added() {
    let hooks = saying(
        Hook::ResolveExecEnv,
        &[
            json!({ "A": "1", "B": "1", "PATH": "/evil", "ld_preload": "x", "NODE_OPTIONS": "-r x" }),
            json!({ "B": "2", "C": 3, "bad name": "x", "https_proxy": "x", "GIT_SSH": "x" }),
        ],
    );
    let hooks: &dyn Hooks = &hooks;
    let expected = [("A", "1"), ("B", "2")].map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(
        hooks.resolve_exec_env("sandbox", &context()).await,
        BTreeMap::from(expected)
    );
}

#[test]
fn each_that_rewrites_a_result_gets_what_the_one_before_made() {
    let (first, second) = (
        says(json!({ "message": { "text": "a" } })),
        says(json!({ "message": { "text": "b" } })),
    );
    let one = |handler: &Arc<Says>| {
        let handler = Arc::clone(handler);
        Registration::sync(Hook::ToolResultPersist, "p", handler)
    };
    let hooks = dispatcher([one(&first), one(&second)]);
    let hooks: &dyn Hooks = &hooks;
    let made = hooks.tool_result_persist("exec", &"c".into(), json!("x"), &context());
    assert_eq!(made, json!({ "text": "b" }));
    assert_eq!(first.got.lock()[0]["message"], "x");
    assert_eq!(second.got.lock()[0]["message"], json!({ "text": "a" }));
}

#[test]
fn a_message_is_kept_out_of_the_log_by_any() {
    let handlers = [json!({ "message": 1 }), json!({ "block": true })].map(says);
    let hook = Hook::BeforeMessageWrite;
    let hooks = dispatcher(handlers.map(|handler| Registration::sync(hook, "p", handler)));
    let said = hooks.run_sync(hook, json!({ "message": 0 }), &Value::Null);
    assert!(matches!(said, Outcome::Blocked { .. }), "{said:?}");
}

#[tokio::test]
async fn a_reply_goes_from_hand_to_hand_and_the_first_target_counts() {
    let (first, second) = (
        says(json!({ "payload": { "text": "a" } })),
        says(Value::Null),
    );
    let handlers = [first, Arc::clone(&second)];
    let hook = Hook::ReplyPayloadSending;
    let hooks = dispatcher(handlers.map(|handler| Registration::new(hook, "p", handler)));
    let said = run(&hooks, hook, json!({ "payload": { "text": "x" } })).await;
    assert_eq!(said, goes(&json!({ "payload": { "text": "a" } })));
    assert_eq!(second.got.lock()[0]["payload"], json!({ "text": "a" }));
    let origins = [
        json!({ "origin": { "to": "a" } }),
        json!({ "origin": { "to": "b" } }),
    ];
    let hook = Hook::SubagentDeliveryTarget;
    let said = run(&saying(hook, &origins), hook, json!({})).await;
    assert_eq!(said, goes(&json!({ "origin": { "to": "a" } })));
}

#[tokio::test]
async fn findings_of_an_installation_add_up() {
    let found = [json!({ "findings": [1] }), json!({ "findings": [2, 3] })];
    let hooks = saying(Hook::BeforeInstall, &found);
    let said = run(&hooks, Hook::BeforeInstall, json!({})).await;
    let mut all = Map::new();
    all.insert("findings".to_owned(), json!([1, 2, 3]));
    assert_eq!(said, Outcome::Goes(all));
}
