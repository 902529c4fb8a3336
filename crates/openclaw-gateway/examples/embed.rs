//! A gateway inside another program: an event log, an agent, its tools, and a bound on calls.
//!
//! `cargo run -p openclaw-gateway --example embed` answers on port 18789 until Ctrl-C, with the
//! offline model, which needs no network and no key.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::access::SharedSecret;
use openclaw_core::{ApiKey, EventStore};
use openclaw_gateway::agents::{
    Agent, AgentModel, ContextFiles, Limits, Means, Rules, Skills, ToolRegistry,
};
use openclaw_gateway::providers::{Route, ScriptedProvider, scripted};
use openclaw_gateway::{Gateway, GatewayBuilder};
use openclaw_sandbox::SandboxConfig;

/// What callers show to be let in; a real program makes one that nobody can guess.
const TOKEN: &str = "0123456789abcdef";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let gateway = gateway(folder.path())?;
    gateway.serve("127.0.0.1:18789").await?;
    Ok(())
}

/// Puts a gateway together that keeps everything in a folder.
pub(crate) fn gateway(folder: &Path) -> Result<Gateway, Box<dyn Error>> {
    let event_store = EventStore::open(&folder.join("events.sqlite"))?;
    let workspace = folder.join("workspace");
    std::fs::create_dir(&workspace)?;
    let model = Route::only(Arc::new(ScriptedProvider::new()), scripted::MODEL);
    let my_agent = Agent {
        id: "main".into(),
        name: "main".to_owned(),
        model: Ok(AgentModel {
            route: Arc::new(model),
            images: None,
        }),
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
        .with_event_store(event_store)
        .with_agent(my_agent)
        .with_tool_registry(ToolRegistry::standard())
        .with_rate_limit(60, Duration::from_mins(1))
        .with_token(SharedSecret::token(ApiKey::new(TOKEN.to_owned()))?)
        .build();
    Ok(gateway)
}
