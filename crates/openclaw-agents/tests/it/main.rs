//! The loop as an embedding program uses it: a real provider over loopback, a real sandbox, a real log.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod approvals;
mod bounds;
mod calls;
mod compaction;
mod front_matter;
mod hooks;
mod jobs;
mod lanes;
mod prefix;
mod replay;
mod runtime;
mod tools;

use std::path::PathBuf;

use openclaw_agents::{AgentRuntime, Context, SandboxConfig, ToolRegistry};
use openclaw_core::{EventStore, SessionEvent};
use openclaw_providers::OpenAIProvider;
use openclaw_testkit::{FakeProvider, WireFormat};
use tempfile::TempDir;

/// A runtime with the standard tools, a workspace and an event log.
struct Fixture {
    dir: TempDir,
    provider: FakeProvider,
    context: Context,
}

impl Fixture {
    fn new(provider: FakeProvider) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("workspace")).unwrap();
        let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
        Self {
            dir,
            provider,
            context: Context::new(store).unwrap(),
        }
    }

    fn workspace(&self) -> PathBuf {
        self.dir.path().join("workspace")
    }

    fn runtime(&self) -> AgentRuntime {
        let sandbox = SandboxConfig {
            allowed_paths: vec![self.workspace()],
            ..SandboxConfig::default()
        };
        let provider = OpenAIProvider::without_key(self.provider.base_url(WireFormat::OpenAi));
        AgentRuntime::new(provider)
            .with_model("fake")
            .with_tools(ToolRegistry::standard())
            .with_sandbox(sandbox)
    }

    async fn events(&self) -> Vec<SessionEvent> {
        self.context
            .store()
            .read(self.context.session(), 1..=u64::MAX)
            .await
            .unwrap()
    }

    async fn kinds(&self) -> Vec<&'static str> {
        self.events()
            .await
            .iter()
            .map(|event| event.kind.name())
            .collect()
    }
}
