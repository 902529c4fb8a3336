//! The agent loop for programs that embed it without a gateway.

use std::path::PathBuf;
use std::sync::Arc;

use openclaw_core::access::{Admitted, Inbound, Sender};
use openclaw_core::{AgentId, EventStore, SessionKey};
use openclaw_providers::{Provider, Route, WELL_KNOWN};
use openclaw_sandbox::SandboxConfig;

use crate::agent::{Agent, AgentModel, Limits};
use crate::bus::Bus;
use crate::engine::{Engine, Turn};
use crate::error::AgentError;
use crate::jobs::Jobs;
use crate::means::Means;
use crate::meters::{Attended, NoMeters};
use crate::rules::Rules;
use crate::run::Reply;
use crate::scope::TaskScope;
use crate::skills::Skills;
use crate::taint::TaintRules;
use crate::tools::ToolRegistry;
use crate::workspace::ContextFiles;
use crate::world::World;

/// An agent with its provider, tools and sandbox.
///
/// ```
/// # use std::path::PathBuf;
/// use openclaw_agents::{AgentRuntime, SandboxConfig, SandboxLevel};
/// use openclaw_providers::AnthropicProvider;
/// use openclaw_core::secrets::ApiKey;
/// # use openclaw_agents::{Context, ToolRegistry};
/// # use openclaw_core::{EventStore, SessionKey};
///
/// # async fn sample(mut context: Context, tools: ToolRegistry) -> Result<(), Box<dyn std::error::Error>> {
/// let provider = AnthropicProvider::new(ApiKey::new("sk-ant-...".into()));
/// let sandbox = SandboxConfig {
///     level: SandboxLevel::Strict,
///     allowed_paths: vec![PathBuf::from("./workspace")],
///     network_access: false,
///     ..Default::default()
/// };
///
/// let runtime = AgentRuntime::new(provider)
///     .with_tools(tools)
///     .with_sandbox(sandbox);
///
/// let response = runtime.process_message(&mut context, "Hello!").await?;
/// # let _content: String = response.content;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct AgentRuntime {
    provider: Arc<dyn Provider>,
    route: Arc<Route>,
    tools: ToolRegistry,
    sandbox: SandboxConfig,
    workspace: Option<PathBuf>,
    limits: Limits,
    rules: Rules,
    jobs: Jobs,
}

/// A conversation: a session in an event log.
#[derive(Debug)]
pub struct Context {
    store: EventStore,
    session: SessionKey,
}

impl Context {
    /// Opens the main session of the agent `main` in an event log.
    pub fn new(store: EventStore) -> Result<Self, openclaw_core::session_key::SessionKeyError> {
        Ok(Self {
            session: SessionKey::main(&AgentId::from("main"))?,
            store,
        })
    }

    /// Returns the event log.
    pub const fn store(&self) -> &EventStore {
        &self.store
    }

    /// Returns the session.
    pub const fn session(&self) -> &SessionKey {
        &self.session
    }
}

impl AgentRuntime {
    /// Makes a runtime with the provider's usual model, no tools and a Strict sandbox.
    ///
    /// A provider that is not well known has no usual model: name one with
    /// [`AgentRuntime::with_model`].
    pub fn new(provider: impl Provider) -> Self {
        let known = WELL_KNOWN
            .iter()
            .find(|known| known.id == provider.id().as_str());
        let model = known
            .map(|known| known.default_model.to_owned())
            .unwrap_or_default();
        let provider: Arc<dyn Provider> = Arc::new(provider);
        Self {
            route: Arc::new(Route::only(Arc::clone(&provider), &model)),
            provider,
            tools: ToolRegistry::new(),
            sandbox: SandboxConfig::default(),
            workspace: None,
            limits: Limits::default(),
            // An embedding program has no door yet by which somebody could be asked.
            rules: Rules {
                taint: TaintRules::off(),
                ..Rules::default()
            },
            jobs: Jobs::default(),
        }
    }

    /// Uses another model of the provider.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.route = Arc::new(Route::only(Arc::clone(&self.provider), &model.into()));
        self
    }

    /// Lets the agent call these tools.
    #[must_use]
    pub fn with_tools(mut self, tools: ToolRegistry) -> Self {
        self.tools = tools;
        self
    }

    /// Confines commands like this; the first allowed path is the workspace of the file tools.
    #[must_use]
    pub fn with_sandbox(mut self, sandbox: SandboxConfig) -> Self {
        self.workspace = sandbox.allowed_paths.first().cloned();
        self.sandbox = sandbox;
        self
    }

    /// Bounds what one turn may take.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the rules that its tools work under; without this, whatever is registered may be
    /// called, and nothing is asked for.
    ///
    /// With rules that ask, decide by
    /// [`EventStore::decide`](openclaw_core::EventStore::decide) what waits.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Answers a message, running tools as the model asks for them.
    ///
    /// The message, every step and the answer are in the context's event log when this returns.
    pub async fn process_message(
        &self,
        context: &mut Context,
        message: &str,
    ) -> Result<Reply, AgentError> {
        let inbound = Inbound {
            channel: "embedded".into(),
            peer: "owner".into(),
            message_id: None,
            text: message.to_owned(),
            attachments: Vec::new(),
        };
        let agent = Agent {
            id: context.session.agent(),
            name: context.session.agent().to_string(),
            model: Ok(AgentModel {
                route: Arc::clone(&self.route),
                images: None,
            }),
            workspace: self.workspace.clone().unwrap_or_else(|| PathBuf::from(".")),
            sandbox: self.sandbox.clone(),
            means: Means::default(),
            limits: self.limits,
            rules: self.rules.clone(),
            skills: Skills::default(),
            context: ContextFiles::default(),
            time_zone: None,
        };
        let tools = Arc::new(self.tools.clone());
        let engine = Engine::new(
            World {
                jobs: self.jobs.clone(),
                ..World::closed(context.store.clone())
            },
            tools,
            Bus::default(),
            TaskScope::new(),
            Arc::new(NoMeters),
        );
        engine
            .submit(Turn {
                admitted: Admitted::local_owner(),
                agent: Arc::new(agent),
                session: context.session.clone(),
                sender: Sender::owner("embedded"),
                inbound,
                attended: Attended::Yes,
                queue: None,
            })
            .await
    }
}
