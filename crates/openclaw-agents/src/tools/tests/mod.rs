//! The file tools, each called by itself in a workspace of its own.

mod arguments;
mod files;
mod provenance;
mod search;

use std::fs;
use std::path::PathBuf;

use openclaw_core::access::{Sender, Standing};
use openclaw_core::{AgentId, EventStore, PeerId, RunId, SessionEventKind, SessionKey};
use openclaw_sandbox::{SandboxConfig, Workspace};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{LiveOutput, MAX_RESULT_BYTES, ToolCx, ToolError, ToolOutput, ToolRegistry};
use crate::means::Means;
use crate::world::{Caller, World};

/// A workspace with a folder beside it that may be read, and the tools.
struct Bench {
    dir: TempDir,
    cx: ToolCx,
    tools: ToolRegistry,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (workspace, skill) = (root.join("workspace"), root.join("skills/greet"));
        fs::create_dir_all(&workspace).unwrap();
        fs::create_dir_all(&skill).unwrap();
        let store = EventStore::open(&root.join("events.sqlite")).unwrap();
        let started = SessionEventKind::SessionStarted {
            channel: "test".into(),
            peer_id: "me".into(),
        };
        store
            .append(&session(), vec![started.into()])
            .await
            .unwrap();
        let cx = ToolCx {
            workspace: Workspace::open(&workspace).await.unwrap(),
            readable: vec![skill],
            sandbox: SandboxConfig::default(),
            means: Means::default(),
            caller: Caller {
                agent: AgentId::from("main"),
                session: session(),
                run: RunId::generate(),
                sender: Sender {
                    channel: "test".into(),
                    peer: PeerId::from("me"),
                    standing: Standing::Principal,
                },
            },
            world: World::closed(store),
            stop: CancellationToken::new(),
            in_view: Vec::new(),
            live: LiveOutput::new(MAX_RESULT_BYTES, |_, _| {}),
        };
        let tools = ToolRegistry::standard();
        Self { dir, cx, tools }
    }

    /// Returns where something in the workspace is.
    fn path(&self, name: &str) -> PathBuf {
        self.cx.workspace.root().join(name)
    }

    /// Writes files of the workspace.
    fn put(&self, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<ToolOutput, ToolError> {
        self.tools.validate(tool, &arguments)?;
        self.tools
            .get(tool)
            .unwrap()
            .call(arguments, &self.cx)
            .await
    }

    /// Calls a tool that does what is asked, and returns its text.
    async fn said(&self, tool: &str, arguments: Value) -> String {
        let output = self.call(tool, arguments).await.unwrap();
        output.result.as_str().unwrap().to_owned()
    }

    /// Calls a tool that does not do what is asked, and returns what a model is told.
    async fn refused(&self, tool: &str, arguments: Value) -> String {
        self.call(tool, arguments).await.unwrap_err().model_text()
    }
}

fn session() -> SessionKey {
    SessionKey::parse("agent:main:main").unwrap()
}
