//! Sessions that outgrow their model's window: what the model sees then, and that no turn is lost.

mod failing;
mod handed_over;
mod hooks;
mod long;
mod manual;
mod oversized;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openclaw_agents::compaction::CompactionRules;
use openclaw_agents::context::Desk;
use openclaw_agents::{
    Agent, AgentError, AgentModel, Attended, Bus, ContextFiles, ContextLimits, Engine, Limits,
    Means, NoMeters, Rules, SandboxConfig, Skills, TaskScope, Tool, ToolCx, ToolError, ToolOutput,
    ToolRegistry, Turn, World,
};
use openclaw_core::access::{Admitted, Inbound, Sender};
use openclaw_core::events::{Change, Shortening};
use openclaw_core::hooks::{Hooks, NoHooks};
use openclaw_core::{AgentId, Clock, EventStore, SessionEvent, SessionKey, Usage};
use openclaw_providers::dispatch::{Candidate, Health, Policy};
use openclaw_providers::{ModelInfo, OpenAIProvider, Route};
use openclaw_testkit::{FakeCall, FakeProvider, Reply, SeenRequest, WireFormat};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What has to stand in every request of the conversation.
const PINNED: &str = "Never promise a date: this is pinned.";

/// What the prompt says that asks for a summary.
const SCRIBE: &str = "You keep the record of a conversation";

/// A tool that answers with as many letters as it is asked for.
struct Look;

#[async_trait::async_trait]
impl Tool for Look {
    const NAME: &'static str = "look";
    const DESCRIPTION: &'static str = "Looks.";
    type Args = serde_json::Map<String, Value>;

    async fn run(&self, args: Self::Args, _cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        let bytes = args.get("bytes").and_then(Value::as_u64).unwrap_or(10);
        Ok(ToolOutput::text(
            "seen ".repeat(usize::try_from(bytes / 5).unwrap()),
        ))
    }
}

/// An agent, its session and a model whose window has an end.
struct Stage {
    _dir: TempDir,
    provider: FakeProvider,
    store: EventStore,
    engine: Engine,
    agent: Arc<Agent>,
    tools: Arc<ToolRegistry>,
    session: SessionKey,
    seen: Arc<Seen>,
    hooks: Arc<dyn Hooks>,
}

/// What the model has seen so far.
#[derive(Debug, Default)]
struct Seen {
    summaries: AtomicU64,
    refused: AtomicU64,
    unpinned: AtomicU64,
    longest: AtomicU64,
}

/// Counts the tokens of a request as a real API would: four bytes of it are one.
fn tokens(request: &SeenRequest) -> u64 {
    u64::try_from(request.body.to_string().len()).unwrap() / 4
}

fn used(input: u64) -> Usage {
    Usage {
        input,
        output: 20,
        ..Usage::default()
    }
}

/// Answers like a model with a window of that many tokens.
fn model(window: u64, seen: &Arc<Seen>, request: &SeenRequest) -> Reply {
    let count = tokens(request);
    if count > window {
        seen.refused.fetch_add(1, Ordering::Relaxed);
        return Reply::status(400).saying(format!(
            "This model's maximum context length is {window} tokens. However, you requested {count} tokens"
        ));
    }
    let system = request.system.as_deref().unwrap_or_default();
    if system.starts_with(SCRIBE) {
        let n = seen.summaries.fetch_add(1, Ordering::Relaxed) + 1;
        return Reply::text(format!("## Asked for\nThis and that, summed up {n} times."))
            .usage(used(count));
    }
    seen.longest.fetch_max(count, Ordering::Relaxed);
    if !system.contains(PINNED) {
        seen.unpinned.fetch_add(1, Ordering::Relaxed);
    }
    let text = request.last_user_text();
    let bytes = text.rsplit_once("look:").map(|(_, bytes)| bytes.trim());
    match bytes.and_then(|bytes| bytes.parse::<u64>().ok()) {
        Some(bytes) if !request.ends_with_results() => {
            Reply::tool_calls([FakeCall::new("look", &json!({ "bytes": bytes }))])
                .usage(used(count))
        }
        _ => Reply::text(format!("Answer: {}", "word ".repeat(30))).usage(used(count)),
    }
}

impl Stage {
    /// Sets a model up with a window of that many tokens, that also knows it.
    fn new(window: u64) -> Self {
        Self::with(window, Some(window), CompactionRules::default())
    }

    fn with(window: u64, known: Option<u64>, compaction: CompactionRules) -> Self {
        Self::heard_by(window, known, compaction, Arc::new(NoHooks))
    }

    fn heard_by(
        window: u64,
        known: Option<u64>,
        compaction: CompactionRules,
        hooks: Arc<dyn Hooks>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let workspace = dir.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        std::fs::write(workspace.join("AGENTS.md"), PINNED).unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let provider = FakeProvider::start();
        let seen = Arc::new(Seen::default());
        let told = Arc::clone(&seen);
        provider.otherwise(move |request| model(window, &told, request));
        let mut tools = ToolRegistry::new();
        tools.register("look", Look).unwrap();
        let tools = Arc::new(tools);
        let engine = Engine::new(
            World {
                hooks: Arc::clone(&hooks),
                ..World::closed(store.clone())
            },
            Arc::clone(&tools),
            Bus::default(),
            TaskScope::new(),
            Arc::new(NoMeters),
        );
        let id = AgentId::from("main");
        let agent = Agent {
            id: id.clone(),
            name: "main".to_owned(),
            model: Ok(AgentModel {
                route: route(&provider, known),
                images: None,
            }),
            workspace,
            sandbox: SandboxConfig::default(),
            means: Means::default(),
            limits: Limits::default(),
            rules: Rules {
                compaction,
                ..Rules::default()
            },
            skills: Skills::default(),
            context: ContextFiles::new(ContextLimits::default()),
            time_zone: Some("UTC".to_owned()),
        };
        Self {
            _dir: dir,
            provider,
            store,
            engine,
            agent: Arc::new(agent),
            tools,
            session: SessionKey::main(&id).unwrap(),
            seen,
            hooks,
        }
    }

    async fn say(&self, text: &str) -> Result<openclaw_agents::Reply, AgentError> {
        self.say_to(&self.agent, text).await
    }

    async fn say_to(
        &self,
        agent: &Arc<Agent>,
        text: &str,
    ) -> Result<openclaw_agents::Reply, AgentError> {
        let sender = Sender::owner("test");
        self.engine
            .submit(Turn {
                admitted: Admitted::local_owner(),
                agent: Arc::clone(agent),
                session: self.session.clone(),
                inbound: Inbound {
                    channel: sender.channel.clone(),
                    peer: sender.peer.clone(),
                    message_id: None,
                    text: text.to_owned(),
                    attachments: Vec::new(),
                },
                sender,
                attended: Attended::Yes,
                queue: None,
            })
            .await
    }

    /// Returns the agent with a model whose window nobody knows.
    fn without_window(&self) -> Arc<Agent> {
        Arc::new(Agent {
            model: Ok(AgentModel {
                route: route(&self.provider, None),
                images: None,
            }),
            ..Agent::clone(&self.agent)
        })
    }

    fn desk(&self) -> Desk {
        Desk {
            store: self.store.clone(),
            agent: Arc::clone(&self.agent),
            tools: Arc::clone(&self.tools),
            session: self.session.clone(),
            sender: Sender::owner("test"),
            hooks: Arc::clone(&self.hooks),
        }
    }

    async fn events(&self) -> Vec<SessionEvent> {
        self.store.read(&self.session, 1..=u64::MAX).await.unwrap()
    }

    /// Returns the compactions on record: each event with its summary and how it was done.
    async fn compactions(&self) -> Vec<(u64, String, Shortening)> {
        self.events()
            .await
            .iter()
            .filter_map(|event| match Change::of(event) {
                Some(Change::ContextCompacted { summary, how, .. }) => {
                    Some((event.seq, summary, how))
                }
                _ => None,
            })
            .collect()
    }

    /// Returns the conversation of the latest request, as it went over the wire.
    fn conversation(&self) -> Vec<String> {
        conversation(&self.provider.last_request())
    }
}

fn conversation(request: &SeenRequest) -> Vec<String> {
    let messages = request.body.get("messages").and_then(Value::as_array);
    let is_said = |message: &&Value| {
        let role = message.get("role").and_then(Value::as_str);
        !matches!(role, Some("system" | "developer"))
    };
    let said = messages.unwrap().iter().filter(is_said);
    said.map(Value::to_string).collect()
}

fn route(provider: &FakeProvider, window: Option<u64>) -> Arc<Route> {
    let api = OpenAIProvider::without_key(provider.base_url(WireFormat::OpenAi));
    let mut candidate = Candidate::new(Arc::new(api), "fake");
    candidate.info = window.map(|window| ModelInfo {
        context_window: Some(window),
        ..ModelInfo::unknown("fake")
    });
    Arc::new(Route::new(
        vec![candidate],
        Arc::new(Health::new(Clock::system())),
        Policy::default(),
    ))
}
