//! The tools of the web, called through a gateway as a client calls them.

mod pages;
mod searches;

use openclaw_core::access::Admitted;
use openclaw_core::{EventStore, SessionEvent};
use openclaw_gateway::agents::tools::{Tool, WebFetchTool};
use openclaw_gateway::agents::{
    Agent, ContextFiles, Limits, Means, NoModel, Rules, SandboxConfig, Skills, ToolRegistry,
};
use openclaw_gateway::{Gateway, GatewayBuilder};
use openclaw_ipc::methods::{ToolsExecute, ToolsExecuteOutput, ToolsExecuteParams};
use serde_json::Value;
use tempfile::TempDir;

/// A gateway with one agent, which has no model, and one tool.
struct Site {
    gateway: Gateway,
    store: EventStore,
    _dir: TempDir,
}

impl Site {
    fn with<T: Tool>(tool: T) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        let workspace = dir.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        let agent = Agent {
            id: "main".into(),
            name: "main".to_owned(),
            model: Err(NoModel::NotConfigured),
            workspace,
            sandbox: SandboxConfig::default(),
            means: Means::default(),
            limits: Limits::default(),
            rules: Rules::default(),
            skills: Skills::default(),
            context: ContextFiles::default(),
            time_zone: None,
        };
        let gateway = GatewayBuilder::new()
            .with_event_store(store.clone())
            .with_agent(agent)
            .with_tool_registry(ToolRegistry::standard().with(tool))
            .build();
        Self {
            gateway,
            store,
            _dir: dir,
        }
    }

    async fn call(&self, tool: &str, params: Value) -> ToolsExecuteOutput {
        let Value::Object(params) = params else {
            panic!("no object");
        };
        let params = ToolsExecuteParams {
            tool: tool.to_owned(),
            params,
            session_key: None,
        };
        let admitted = Admitted::local_owner();
        let output = self.gateway.call::<ToolsExecute>(admitted, params).await;
        output.unwrap()
    }

    async fn fetch(&self, params: Value) -> ToolsExecuteOutput {
        self.call(WebFetchTool::NAME, params).await
    }

    /// Returns the event of a call's result.
    async fn recorded(&self, output: &ToolsExecuteOutput) -> SessionEvent {
        let events = self.store.read(&output.session_key, 1..=u64::MAX).await;
        events.unwrap().pop().unwrap()
    }
}
