//! An engine with one agent, on a log of its own.

use std::sync::Arc;

use futures_util::future::join_all;
use openclaw_agents::{
    Agent, AgentModel, Attended, Bus, ContextFiles, Engine, Limits, Means, NoMeters, Rules,
    SandboxConfig, Skills, TaskScope, ToolRegistry, Turn, World,
};
use openclaw_core::access::{Admitted, Inbound, Sender};
use openclaw_core::events::NewEvent;
use openclaw_core::{AgentId, EventStore, SessionEvent, SessionEventKind, SessionKey};
use openclaw_providers::Route;
use tempfile::TempDir;

use crate::instant::{Instant, Nothing};

/// What people write.
const WORDS: &str = "Please do nothing, and say when it is done.";

pub(crate) struct Stage {
    pub(crate) store: EventStore,
    engine: Engine,
    agent: Arc<Agent>,
    _dir: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let workspace = dir.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let mut tools = ToolRegistry::new();
        tools.register("nothing", Nothing).unwrap();
        let engine = Engine::new(
            World::closed(store.clone()),
            Arc::new(tools),
            Bus::default(),
            TaskScope::new(),
            Arc::new(NoMeters),
        );
        let route = Route::only(Arc::new(Instant("instant".into())), "instant-1");
        let agent = Agent {
            id: AgentId::from("main"),
            name: "main".to_owned(),
            model: Ok(AgentModel {
                route: Arc::new(route),
                images: None,
            }),
            workspace,
            sandbox: SandboxConfig::default(),
            means: Means::default(),
            limits: Limits::default(),
            rules: Rules::default(),
            skills: Skills::default(),
            context: ContextFiles::default(),
            time_zone: Some("UTC".to_owned()),
        };
        Self {
            store,
            engine,
            agent: Arc::new(agent),
            _dir: dir,
        }
    }

    /// Opens a session: only an agent's main one comes into being by being written to.
    pub(crate) async fn open(&self, name: &str) {
        let Sender { channel, peer, .. } = Sender::owner("bench");
        let start = NewEvent::from(SessionEventKind::SessionStarted {
            channel,
            peer_id: peer,
        });
        self.store.append(&key(name), vec![start]).await.unwrap();
    }

    /// Takes one turn of a session: a step with a call, and a step that answers.
    pub(crate) async fn turn(&self, name: &str) {
        let sender = Sender::owner("bench");
        let turn = Turn {
            admitted: Admitted::local_owner(),
            agent: Arc::clone(&self.agent),
            session: key(name),
            inbound: Inbound {
                channel: sender.channel.clone(),
                peer: sender.peer.clone(),
                message_id: None,
                text: WORDS.to_owned(),
                attachments: Vec::new(),
            },
            sender,
            attended: Attended::Yes,
            queue: None,
        };
        let reply = self.engine.submit(turn).await.unwrap();
        assert_eq!(reply.steps, 2);
    }

    /// Takes so many turns of each of so many sessions at once.
    pub(crate) async fn side_by_side(&self, sessions: usize, turns: usize) {
        let one = |session: usize| async move {
            for turn in 0..turns {
                let name = format!("s{session}-{}", turn / crate::IN_ONE_SESSION);
                if turn % crate::IN_ONE_SESSION == 0 {
                    self.open(&name).await;
                }
                self.turn(&name).await;
            }
        };
        join_all((0..sessions).map(one)).await;
    }

    /// Returns the events of a session's latest turn.
    pub(crate) async fn recorded(&self, name: &str) -> Vec<SessionEvent> {
        let events = self.store.read(&key(name), 1..=u64::MAX).await.unwrap();
        let run = events.last().unwrap().run_id.clone();
        events
            .into_iter()
            .filter(|event| event.run_id == run)
            .collect()
    }
}

pub(crate) fn key(name: &str) -> SessionKey {
    SessionKey::parse(&format!("agent:main:{name}")).unwrap()
}
