//! Handlers that have a say in runs, and those that are told of them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_agents::{AgentError, Rules};
use openclaw_core::approvals::Answer;
use openclaw_core::events::Change;
use openclaw_core::hooks::{Dispatcher, Handler, Hook, HookCall, HookError, Registration};
use openclaw_core::tool_rules::Decision;
use openclaw_testkit::{FakeCall, Reply};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::lanes::{Arena, deciding};

/// How often a handler is called in a test, at most.
const MOST_HEARD: usize = 256;

/// A handler that hands on what it is told, and says what the test wants it to.
struct Ear<F> {
    heard: mpsc::Sender<Value>,
    says: F,
}

impl<F> fmt::Debug for Ear<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ear").finish_non_exhaustive()
    }
}

#[async_trait]
impl<F: Fn(&Value) -> Value + Send + Sync> Handler for Ear<F> {
    async fn handle(&self, call: HookCall<'_>) -> Result<Value, HookError> {
        let said = (self.says)(call.event);
        let event = json!({ "event": call.event, "context": call.context });
        self.heard.try_send(event).unwrap();
        Ok(said)
    }
}

/// What handlers were told, in order.
pub(super) type Heard = mpsc::Receiver<Value>;

/// Registers one handler, of the plugin `p`.
pub(super) fn with(
    hook: Hook,
    says: impl Fn(&Value) -> Value + Send + Sync + 'static,
) -> (Dispatcher, Heard) {
    let (heard, told) = mpsc::channel(MOST_HEARD);
    let mut hooks = Dispatcher::default();
    let ear = Arc::new(Ear { heard, says });
    hooks.register(Registration::new(hook, "p", ear)).unwrap();
    (hooks, told)
}

/// Registers one handler that always says the same.
fn saying(hook: Hook, said: Value) -> (Dispatcher, Heard) {
    with(hook, move |_event| said.clone())
}

/// A handler that says that it has begun, and ends when it is let go.
#[derive(Debug)]
struct Holds(Arc<Semaphore>, Arc<Semaphore>);

#[async_trait]
impl Handler for Holds {
    async fn handle(&self, _call: HookCall<'_>) -> Result<Value, HookError> {
        self.0.add_permits(1);
        self.1.acquire().await.unwrap().forget();
        Ok(Value::Null)
    }
}

/// Holds every call up before it is judged.
pub(super) fn holding(begun: &Arc<Semaphore>, open: &Arc<Semaphore>) -> Dispatcher {
    let mut hooks = Dispatcher::default();
    let holds = Arc::new(Holds(Arc::clone(begun), Arc::clone(open)));
    let registration = Registration::new(Hook::BeforeToolCall, "p", holds);
    hooks.register(registration).unwrap();
    hooks
}

fn writing(path: &str) -> Reply {
    let arguments = json!({ "path": path, "content": "b" });
    Reply::tool_calls([FakeCall::new("write", &arguments)])
}

fn is_there(arena: &Arena, path: &str) -> bool {
    arena.dir.path().join("workspace").join(path).exists()
}

#[tokio::test]
async fn policy_judges_the_arguments_that_a_handler_has_rewritten() {
    let rewritten = |path: &str| json!({ "params": { "path": path, "content": "c" } });
    for (asked, made, runs) in [("open.md", "shut.md", false), ("shut.md", "open.md", true)] {
        let (hooks, mut heard) = saying(Hook::BeforeToolCall, rewritten(made));
        let rules = deciding("write", Some("shut.md"), Decision::Deny);
        let arena = Arena::hooked([writing(asked), Reply::text("done")], rules, hooks);
        arena.send("go").await.unwrap().unwrap();
        let told = heard.recv().await.unwrap();
        assert_eq!(told["event"]["toolName"], "write");
        assert_eq!(told["event"]["params"]["path"], asked);
        assert_eq!(told["context"]["agentId"], "main");
        assert!(!is_there(&arena, "shut.md"));
        assert_eq!(is_there(&arena, "open.md"), runs);
        arena.assert_clean();
    }
}

#[tokio::test]
async fn rewritten_arguments_have_to_fit_the_tool() {
    let nonsense = json!({ "params": { "path": 7 } });
    let (hooks, _heard) = saying(Hook::BeforeToolCall, nonsense);
    let replies = [writing("a"), Reply::text("done")];
    let arena = Arena::hooked(replies, Rules::default(), hooks);
    arena.send("go").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    assert!(
        seen.results()[0].content.contains("path"),
        "{:?}",
        seen.results()
    );
    assert!(!is_there(&arena, "a"));
}

#[tokio::test]
async fn a_handler_blocks_a_call_and_the_model_is_told_why() {
    let no = json!({ "block": true, "blockReason": "not on Sundays" });
    let (hooks, _heard) = saying(Hook::BeforeToolCall, no);
    let replies = [writing("a"), Reply::text("done")];
    let arena = Arena::hooked(replies, Rules::default(), hooks);
    arena.send("go").await.unwrap().unwrap();
    let seen = arena.provider.last_request();
    let told = &seen.results()[0].content;
    assert!(told.contains("not on Sundays"), "{told}");
    assert!(!is_there(&arena, "a"));
    arena.assert_clean();
}

#[tokio::test]
async fn a_handler_has_somebody_asked() {
    let ask = json!({ "requireApproval": { "title": "Careful", "description": "it writes" } });
    for (answer, runs) in [(Answer::AllowOnce, true), (Answer::Deny, false)] {
        let (hooks, _heard) = saying(Hook::BeforeToolCall, ask.clone());
        let replies = [writing("a"), Reply::text("done")];
        let arena = Arena::hooked(replies, Rules::default(), hooks);
        let turn = arena.send("go");
        let question = arena.question().await;
        assert_eq!(question.reasons, ["p: Careful: it writes"]);
        let decided = arena.store.decide(&question.id, answer, "owner");
        decided.await.unwrap();
        turn.await.unwrap().unwrap();
        assert_eq!(is_there(&arena, "a"), runs);
    }
}

#[tokio::test]
async fn handlers_are_told_how_a_call_ended_and_with_which_arguments() {
    let (hooks, mut heard) = saying(Hook::AfterToolCall, Value::Null);
    let replies = [
        writing("a"),
        Reply::tool_calls([FakeCall::new("read", &json!({ "path": "gone" }))]),
        Reply::text("done"),
    ];
    let arena = Arena::hooked(replies, Rules::default(), hooks);
    arena.send("go").await.unwrap().unwrap();
    let (wrote, read) = (heard.recv().await.unwrap(), heard.recv().await.unwrap());
    let (wrote, read) = (&wrote["event"], &read["event"]);
    assert_eq!(
        (&wrote["toolName"], &wrote["params"]["path"]),
        (&json!("write"), &json!("a"))
    );
    assert!(
        wrote["result"].is_string() && wrote.get("error").is_none(),
        "{wrote}"
    );
    assert!(
        read["error"].is_string() && read.get("result").is_none(),
        "{read}"
    );
    assert!(heard.try_recv().is_err());
}

#[tokio::test]
async fn a_run_that_a_handler_blocks_asks_no_model_and_the_person_is_told_what_may_be_said() {
    let no = json!({ "outcome": "block", "reason": "a secret one", "message": "Not now." });
    let (hooks, mut heard) = saying(Hook::BeforeAgentRun, no);
    let arena = Arena::hooked([], Rules::default(), hooks);
    let err = arena.send("go").await.unwrap().unwrap_err();
    assert!(
        matches!(&err, AgentError::Blocked { by, .. } if by == "p"),
        "{err}"
    );
    assert_eq!(err.to_string(), "Not now.");
    let told = heard.recv().await.unwrap();
    assert_eq!(told["event"]["prompt"], "go");
    assert_eq!(told["event"]["senderIsOwner"], true);
    assert!(arena.provider.requests().is_empty());
    let failed = arena.changes().await;
    assert!(matches!(&failed[..], [Change::RunFailed { message, .. }] if message == "Not now."));
}

#[tokio::test]
async fn an_answer_that_a_handler_does_not_take_is_written_again() {
    let revise = |event: &Value| {
        if event["stopHookActive"] == true {
            return Value::Null;
        }
        json!({ "action": "revise", "reason": "long", "retry": { "instruction": "be short" } })
    };
    let (hooks, mut heard) = with(Hook::BeforeAgentFinalize, revise);
    let replies = [
        Reply::text("a long answer"),
        Reply::text("short"),
        Reply::text("also long"),
        Reply::text("later"),
    ];
    let arena = Arena::hooked(replies, Rules::default(), hooks);
    let reply = arena.send("go").await.unwrap().unwrap();
    assert_eq!((reply.content.as_str(), reply.steps), ("short", 2));
    let told = heard.recv().await.unwrap();
    assert_eq!(told["event"]["lastAssistantMessage"], "a long answer");
    let seen = arena.provider.last_request();
    assert!(
        seen.last_user_text().contains("be short"),
        "{:?}",
        seen.user_texts()
    );
    arena.send("and then?").await.unwrap().unwrap();
    arena.assert_clean();
}

#[tokio::test]
async fn handlers_are_told_of_every_message() {
    let (hooks, mut heard) = saying(Hook::MessageReceived, Value::Null);
    let arena = Arena::hooked([Reply::text("done")], Rules::default(), hooks);
    let reply = arena.send("hello there").await.unwrap().unwrap();
    let told = heard.recv().await.unwrap();
    let event = &told["event"];
    assert_eq!(
        (&event["content"], &event["from"]),
        (&json!("hello there"), &json!("owner"))
    );
    assert_eq!(event["runId"], reply.run_id.to_string());
    assert_eq!(told["context"]["requester"]["senderIsOwner"], true);
}

#[tokio::test]
async fn a_handler_adds_to_the_prompt_and_takes_tools_away() {
    let parts = json!({
        "prependSystemContext": "First of all.", "appendSystemContext": "Last of all.",
        "prependContext": "It rains.", "appendContext": "It is late.",
        "toolsAllow": ["read", "ls", "no_such_tool"],
    });
    let (hooks, mut heard) = saying(Hook::BeforePromptBuild, parts);
    let replies = [writing("a"), Reply::text("done"), Reply::text("later")];
    let arena = Arena::hooked(replies, Rules::default(), hooks);
    arena.send("go").await.unwrap().unwrap();
    assert_eq!(heard.recv().await.unwrap()["event"]["prompt"], "go");
    let requests = arena.provider.requests();
    let system = requests[0].system.clone().unwrap();
    assert!(system.starts_with("First of all.\n\n"), "{system}");
    assert!(system.ends_with("\n\nLast of all."), "{system}");
    assert_eq!(requests[0].user_texts(), ["go\nIt rains.\nIt is late."]);
    let mut tools = requests[0].tools();
    tools.sort_unstable();
    assert_eq!(tools, ["ls", "read"]);
    // What the model was not told of does not run either.
    let results = requests[1].results();
    assert!(results[0].content.contains("no tool"), "{results:?}");
    assert!(!is_there(&arena, "a"));
    // What was said in a turn is said in the same place ever after.
    arena.send("and then?").await.unwrap().unwrap();
    let texts = arena.provider.last_request();
    assert_eq!(texts.user_texts()[0], "go\nIt rains.\nIt is late.");
    arena.assert_clean();
}
