//! Messages that arrive during a turn, turns that go nowhere, and what a crash leaves behind.

mod asking;
mod bounds;
mod full;
mod modes;
mod places;
mod recovery;
mod steering;
mod terms;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use openclaw_agents::lanes::QueueMode;
use openclaw_agents::policy::Policy;
use openclaw_agents::{
    Agent, AgentError, AgentModel, Attended, Bus, ContextFiles, Engine, Limits, Means, NoMeters,
    Rules, SandboxConfig, Skills, TaskScope, Tool, ToolCx, ToolError, ToolOutput, ToolRegistry,
    Turn, World,
};
use openclaw_core::access::{Admitted, Inbound, Sender, Standing};
use openclaw_core::approvals::Pending;
use openclaw_core::events::Change;
use openclaw_core::hooks::{Dispatcher, Hooks, NoHooks};
use openclaw_core::tool_rules::{Argument, Decision, Entry, Pattern, Place, Rule, ToolRules};
use openclaw_core::{AgentId, EventStore, SessionEvent, SessionEventKind, SessionKey};
use openclaw_providers::{OpenAIProvider, Route};
use openclaw_testkit::{FakeCall, FakeProvider, Reply, WireFormat};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub(super) type Answer = JoinHandle<Result<openclaw_agents::Reply, AgentError>>;

/// An engine with one agent, one session and a tool that waits until the test lets it go.
pub(super) struct Arena {
    pub(super) dir: TempDir,
    pub(super) provider: Arc<FakeProvider>,
    pub(super) store: EventStore,
    engine: Engine,
    agent: Arc<Agent>,
    session: SessionKey,
    doors: Doors,
}

/// What the tool `wait` waits for.
#[derive(Clone)]
pub(super) struct Doors {
    begun: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

/// A tool that says that it has begun, and ends when it is let go.
struct Wait(Doors);

#[async_trait::async_trait]
impl Tool for Wait {
    const NAME: &'static str = "wait";
    const DESCRIPTION: &'static str = "Waits.";
    type Args = serde_json::Map<String, serde_json::Value>;

    async fn run(&self, _args: Self::Args, _cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        self.0.begun.add_permits(1);
        self.0.open.acquire().await.unwrap().forget();
        Ok(ToolOutput::text("waited"))
    }
}

/// Decides about a tool, or about calls of it for one path.
pub(super) fn deciding(tool: &str, path: Option<&str>, decision: Decision) -> Rules {
    let argument = |path: &str| Argument {
        pointer: "/path".to_owned(),
        like: Pattern::exact(path),
    };
    let rule = Rule {
        place: Place::default(),
        agent: None,
        channel: None,
        sender: None,
        standing: None,
        tools: vec![Entry {
            written: tool.to_owned(),
            file: None,
            tools: vec![Pattern::exact(tool)],
        }],
        arguments: path.map(argument).into_iter().collect(),
        decision,
        because: None,
    };
    let said = ToolRules {
        rules: vec![rule],
        ..ToolRules::default()
    };
    Rules {
        policy: Arc::new(Policy::new(said)),
        ..Rules::default()
    }
}

fn waiting() -> Reply {
    Reply::tool_calls([FakeCall::new("wait", &json!({}))])
}

impl Arena {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::with(replies, Rules::default(), Limits::default())
    }

    fn with(replies: impl IntoIterator<Item = Reply>, rules: Rules, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("workspace")).unwrap();
        let provider = Arc::new(FakeProvider::scripted(replies));
        Self::on(dir, provider, rules, limits)
    }

    /// Works on what is in a folder.
    fn on(dir: TempDir, provider: Arc<FakeProvider>, rules: Rules, limits: Limits) -> Self {
        Self::heard_by(dir, provider, (rules, limits), Arc::new(NoHooks))
    }

    /// Tells these handlers what happens.
    pub(super) fn hooked(
        replies: impl IntoIterator<Item = Reply>,
        rules: Rules,
        hooks: Dispatcher,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("workspace")).unwrap();
        let provider = Arc::new(FakeProvider::scripted(replies));
        Self::heard_by(dir, provider, (rules, Limits::default()), Arc::new(hooks))
    }

    fn heard_by(
        dir: TempDir,
        provider: Arc<FakeProvider>,
        (rules, limits): (Rules, Limits),
        hooks: Arc<dyn Hooks>,
    ) -> Self {
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let doors = Doors {
            begun: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        };
        let mut tools = ToolRegistry::standard();
        tools.register("wait", Wait(doors.clone())).unwrap();
        let engine = Engine::new(
            World {
                hooks,
                ..World::closed(store.clone())
            },
            Arc::new(tools),
            Bus::default(),
            TaskScope::new(),
            Arc::new(NoMeters),
        );
        let id = AgentId::from("main");
        Self {
            agent: Arc::new(agent(
                &id,
                &provider,
                &dir.path().join("workspace"),
                rules,
                limits,
            )),
            session: SessionKey::main(&id).unwrap(),
            dir,
            provider,
            store,
            engine,
            doors,
        }
    }

    fn owner() -> Sender {
        Sender::owner("test")
    }

    fn guest(name: &str) -> Sender {
        Sender {
            channel: "test".into(),
            peer: name.into(),
            standing: Standing::Guest,
        }
    }

    fn turn(&self, sender: Sender, text: &str, queue: Option<QueueMode>) -> Turn {
        Turn {
            admitted: Admitted::local_owner(),
            agent: Arc::clone(&self.agent),
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
            queue,
        }
    }

    /// Sends a message of the owner without waiting for anything.
    pub(super) fn send(&self, text: &str) -> Answer {
        self.submit(self.turn(Self::owner(), text, None))
    }

    fn submit(&self, turn: Turn) -> Answer {
        let engine = self.engine.clone();
        TaskScope::new().spawn("client", async move { engine.submit(turn).await })
    }

    /// Sends a message and waits until it stands in its lane.
    async fn queue(&self, sender: Sender, text: &str, mode: QueueMode) -> Answer {
        let answer = self.submit(self.turn(sender, text, Some(mode)));
        let mut log = self.store.subscribe(0);
        loop {
            let event = log.next().await.unwrap();
            if matches!(&event.kind, SessionEventKind::MessageReceived { content, .. } if content == text)
            {
                break;
            }
        }
        // Whoever comes next is let in when this one stands in its lane.
        let refused = self
            .engine
            .submit(self.turn(Self::owner(), "a\0b", None))
            .await;
        assert!(matches!(refused, Err(AgentError::Invalid(_))));
        answer
    }

    /// Waits until somebody is asked about a call, and returns what they are asked.
    pub(super) async fn question(&self) -> Pending {
        self.questions(1).await.remove(0)
    }

    /// Waits until so many questions are open.
    async fn questions(&self, count: usize) -> Vec<Pending> {
        let mut log = self.store.subscribe(0);
        loop {
            let asked = Change::of(&log.next().await.unwrap());
            if !matches!(asked, Some(Change::ApprovalRequested { .. })) {
                continue;
            }
            let pending = self.store.pending_approvals(Timestamp::now()).await;
            let pending = pending.unwrap();
            if pending.len() == count {
                return pending;
            }
        }
    }

    async fn tool_has_begun(&self) {
        self.doors.begun.acquire().await.unwrap().forget();
    }

    fn let_tool_go(&self) {
        self.doors.open.add_permits(1);
    }

    async fn events(&self) -> Vec<SessionEvent> {
        self.store.read(&self.session, 1..=u64::MAX).await.unwrap()
    }

    pub(super) async fn changes(&self) -> Vec<Change> {
        self.events().await.iter().filter_map(Change::of).collect()
    }

    /// Holds that each request begins with all that the one before said, and that nothing else is
    /// wrong with them.
    pub(super) fn assert_clean(&self) {
        self.provider.assert_clean();
        let requests = self.provider.requests();
        for pair in requests.windows(2) {
            let [before, after] = pair else { continue };
            let (before, after) = (
                before.user_texts().join("\n"),
                after.user_texts().join("\n"),
            );
            assert!(after.starts_with(&before), "{before:?} {after:?}");
        }
    }

    /// Returns a folder with the files of this one as they are now, as a crash leaves them.
    fn crashed(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.dir.path(), copy.path());
        std::fs::create_dir_all(copy.path().join("workspace")).unwrap();
        copy
    }
}

/// Copies a log but for the locks of those who have it open.
fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn agent(
    id: &AgentId,
    provider: &FakeProvider,
    workspace: &Path,
    rules: Rules,
    limits: Limits,
) -> Agent {
    let provider = OpenAIProvider::without_key(provider.base_url(WireFormat::OpenAi));
    Agent {
        id: id.clone(),
        name: "Main".to_owned(),
        model: Ok(AgentModel {
            route: Arc::new(Route::only(Arc::new(provider), "fake")),
            images: None,
        }),
        workspace: workspace.to_owned(),
        sandbox: SandboxConfig {
            allowed_paths: vec![PathBuf::from(workspace)],
            ..SandboxConfig::default()
        },
        means: Means::default(),
        limits,
        rules,
        skills: Skills::default(),
        context: ContextFiles::default(),
        time_zone: None,
    }
}
