//! Putting a gateway together, and the handle to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_agents::jobs::Jobs;
use openclaw_agents::{Agent, Bus, Doors, Engine, TaskScope, ToolRegistry, World};
use openclaw_config::{BudgetSettings, LimitSettings, LockoutSettings};
use openclaw_core::access::devices::{DeviceFileError, Devices};
use openclaw_core::access::tokens::{TokenFileError, Tokens};
use openclaw_core::access::{Admitted, SharedSecret};
use openclaw_core::events::AuditEntry;
use openclaw_core::{Clock, EventStore, work};
use openclaw_ipc::{Handle, Method, RpcError};
use openclaw_providers::Health;
use tokio::sync::OnceCell;
use tokio::time;
use tracing::Instrument as _;

use crate::access::{Access, Pass, Presented, Refusal, Rules};
use crate::arrivals::Arrivals;
use crate::audit::{Door, Trail};
use crate::budget::{Budget, Rules as Caps};
use crate::compose;
use crate::containment::Exits;
use crate::doors::OpenDoors;
use crate::error::GatewayError;
use crate::home::{Current, Home};
use crate::http::{self, Edge, EdgeSettings, Listening, Places};
use crate::limits::Limits;
use crate::live::Live;
use crate::openclaw::Floor;
use crate::ready::Ready;
use crate::rpc::{Agents, CallCx, Following, Rpc};
use crate::takeover::Takeover;
use crate::telemetry::Telemetry;
use crate::told::Told;
use crate::webhooks::{Open, Webhooks};

/// Collects the parts of a gateway.
///
/// A gateway cannot be built without an event log, and nobody is let in without a token.
///
/// ```
/// # use std::time::Duration;
/// # use openclaw_agents::{Agent, ToolRegistry};
/// # use openclaw_core::EventStore;
/// use openclaw_gateway::GatewayBuilder;
///
/// # async fn sample(event_store: EventStore, my_agent: Agent, tools: ToolRegistry) -> Result<(), openclaw_gateway::GatewayError> {
/// let gateway = GatewayBuilder::new()
///     .with_event_store(event_store)
///     .with_agent(my_agent)
///     .with_tool_registry(tools)
///     .with_rate_limit(60, Duration::from_secs(60))
///     .build();
///
/// gateway.serve("127.0.0.1:18789").await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct GatewayBuilder<S = ()> {
    store: S,
    agents: Vec<Agent>,
    tools: ToolRegistry,
    rules: Rules,
    tokens: Option<Result<Tokens, TokenFileError>>,
    devices: Result<Devices, DeviceFileError>,
    limits: Limits,
    edge: EdgeSettings,
    takeover: Takeover,
    /// The secrets that were read for all this, as the audit stream will have it.
    secrets: Vec<AuditEntry>,
    /// What is known of the health of models and keys.
    health: Arc<Health>,
    /// What models may cost.
    caps: Caps,
    /// The way out of the agents' sandboxes.
    exits: Arc<Exits>,
    /// What programs of others may hand in.
    webhooks: Webhooks,
    /// How many turns go on at the same time, where somebody says so.
    most_turns: Option<usize>,
    /// What the config was read from.
    home: Option<Home>,
}

impl GatewayBuilder {
    /// Starts with nothing.
    pub fn new() -> Self {
        Self {
            store: (),
            agents: Vec::new(),
            tools: ToolRegistry::new(),
            rules: Rules::Shut,
            tokens: None,
            devices: Ok(Devices::nowhere(Clock::system())),
            limits: Limits::new(LimitSettings::default(), &LockoutSettings::default()),
            edge: EdgeSettings::default(),
            takeover: Takeover::nowhere(),
            secrets: Vec::new(),
            health: Arc::new(Health::new(Clock::system())),
            caps: Caps::new(BudgetSettings::default(), None),
            exits: Arc::default(),
            webhooks: Webhooks::default(),
            most_turns: None,
            home: None,
        }
    }

    /// Collects everything that a home's config describes.
    pub fn from_home(home: &Home) -> Result<GatewayBuilder<EventStore>, GatewayError> {
        home.state.create()?;
        let health = Arc::new(Health::new(Clock::system()));
        let exits = Arc::default();
        let cast = compose::cast(home, &health, &exits)?;
        let store = EventStore::open(&home.state.event_log())?;
        let (rules, secret_read) = home.rules()?;
        let mut builder = Self::new()
            .with_event_store(store)
            .with_tool_registry(compose::tools(home)?);
        let gateway = &home.config.gateway;
        builder.health = health;
        builder.exits = exits;
        builder.caps = home.caps();
        builder.most_turns = home.config.turns.most;
        builder.home = Some(home.clone());
        builder.rules = rules;
        builder.tokens = Some(home.tokens()?);
        builder.devices = Devices::open(&home.state.devices_file(), Clock::system());
        builder.limits = Limits::new(gateway.limits, &gateway.auth.rate);
        builder.edge = EdgeSettings::of(gateway);
        builder.agents.extend(cast.agents);
        builder.takeover = Takeover::of(&home.state);
        builder.secrets.extend(cast.keys_read);
        let (webhooks, token_read) = Open::of(home);
        builder.webhooks.replace(webhooks);
        builder.secrets.extend(token_read);
        builder.secrets.push(secret_read);
        Ok(builder)
    }
}

impl Default for GatewayBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> GatewayBuilder<S> {
    /// Records everything in this event log.
    pub fn with_event_store(self, store: EventStore) -> GatewayBuilder<EventStore> {
        let Self {
            store: _,
            agents,
            tools,
            rules,
            tokens,
            devices,
            limits,
            edge,
            takeover,
            secrets,
            health,
            caps,
            exits,
            webhooks,
            most_turns,
            home,
        } = self;
        GatewayBuilder {
            store,
            agents,
            tools,
            rules,
            tokens,
            devices,
            limits,
            edge,
            takeover,
            secrets,
            health,
            caps,
            exits,
            webhooks,
            most_turns,
            home,
        }
    }

    /// Adds an agent; the first one is the default.
    #[must_use]
    pub fn with_agent(mut self, agent: Agent) -> Self {
        self.agents.push(agent);
        self
    }

    /// Lets agents and clients call these tools.
    #[must_use]
    pub fn with_tool_registry(mut self, tools: ToolRegistry) -> Self {
        self.tools = tools;
        self
    }

    /// Lets whoever presents this bearer token in; without one, nobody is.
    #[must_use]
    pub fn with_token(mut self, token: SharedSecret) -> Self {
        self.rules = Rules::Secret(token);
        self
    }

    /// Answers `calls` calls of a client at once, and gives them back evenly over `per`; a zero in
    /// either means no calls but the first. What a config says about it does not count any more.
    ///
    /// Without this, a client has 60 calls a minute.
    #[must_use]
    pub fn with_rate_limit(mut self, calls: u32, per: Duration) -> Self {
        self.limits = self.limits.with_calls(calls, per);
        self
    }
}

impl GatewayBuilder<EventStore> {
    /// Puts the gateway together; it does not listen yet.
    pub fn build(self) -> Gateway {
        let (scope, bus, tools) = (TaskScope::new(), Bus::default(), Arc::new(self.tools));
        let budget = Budget::new(self.store.clone(), Clock::system(), self.caps);
        let doors = Arc::new(OpenDoors::default());
        let ways_out: Arc<dyn Doors> = Arc::<OpenDoors>::clone(&doors);
        let world = World {
            doors: ways_out,
            jobs: Jobs::new(scope.clone()),
            ..World::closed(self.store.clone())
        };
        let engine = Engine::new(
            world.clone(),
            Arc::clone(&tools),
            bus.clone(),
            scope.clone(),
            Arc::new(budget.clone()),
        );
        let engine = match self.most_turns {
            Some(most) => engine.at_most(most),
            None => engine,
        };
        let audit = Trail::new(self.store.clone(), self.secrets);
        let measured = self.home.as_ref().map(|home| &home.config.diagnostics);
        let telemetry = Telemetry::of(measured.cloned().unwrap_or_default(), &self.store);
        self.exits.record_in(audit.clone());
        let started = Clock::system().now();
        let ready = Arc::new(Ready::since(started));
        let rpc = Rpc {
            ready: Arc::clone(&ready),
            store: self.store,
            arrivals: Arrivals::default(),
            floor: Floor::default(),
            agents: Agents::new(self.agents),
            tools,
            engine,
            bus,
            scope,
            access: Arc::new(Access::new(self.rules, self.tokens, self.devices)),
            limits: self.limits,
            audit,
            takeover: self.takeover,
            budget,
            world,
            health: self.health,
            exits: self.exits,
            home: Current::of(self.home),
        };
        let shared = Arc::new(Shared {
            rpc,
            edge: Edge::new(self.edge),
            started,
            connections: TaskScope::new(),
            telemetry,
            webhooks: self.webhooks,
            recovered: OnceCell::new(),
            ready,
            told: Told::default(),
        });
        doors.lead_to(&shared);
        Gateway { shared }
    }
}

/// A gateway: agents, tools and an event log behind one table of methods.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) rpc: Rpc,
    pub(crate) edge: Edge,
    pub(crate) started: Timestamp,
    /// The tasks of clients; when they are told to stop, they finish what is under way.
    pub(crate) connections: TaskScope,
    /// What is measured.
    pub(crate) telemetry: Telemetry,
    /// What programs of others may hand in.
    pub(crate) webhooks: Webhooks,
    /// Set once what a crash cut off was closed.
    recovered: OnceCell<()>,
    /// What the parts say about themselves.
    pub(crate) ready: Arc<Ready>,
    /// What listeners were told last.
    pub(crate) told: Told,
}

impl Gateway {
    /// Listens on an address such as `127.0.0.1:18789` until the process is told to stop
    /// (SIGTERM or SIGINT), then finishes what it can within two seconds.
    pub async fn serve(&self, addr: &str) -> Result<(), GatewayError> {
        let addr: SocketAddr = addr.parse().map_err(|_unreadable| GatewayError::Listen {
            addr: addr.to_owned(),
            source: std::io::ErrorKind::InvalidInput.into(),
        })?;
        let signals = http::StopSignals::listen();
        self.clone()
            .listen(None, addr)
            .await?
            .run_told(signals.told())
            .await
    }

    /// Takes the address, and the home if one is given, without answering anybody yet.
    pub async fn listen(
        self,
        home: Option<&Home>,
        places: impl Into<Places>,
    ) -> Result<Listening, GatewayError> {
        Listening::bind(self, home, places.into()).await
    }

    /// Calls a method from inside the process: the same handlers, without a socket.
    pub async fn call<M: Method>(
        &self,
        admitted: Admitted,
        params: M::Params,
    ) -> Result<M::Output, RpcError>
    where
        Rpc: Handle<M>,
    {
        self.shared.start_audit();
        self.shared.recover().await;
        Handle::<M>::handle(&self.shared.rpc, &CallCx::of(admitted, None), params)
            .instrument(work::request())
            .await
    }

    /// Follows what happens from now on.
    pub fn live(&self) -> Live {
        Live::new(&self.shared.rpc.store, &self.shared.rpc.bus)
    }

    /// Follows what a listener asks for.
    pub(crate) fn follow(&self, following: Following) -> Live {
        let rpc = &self.shared.rpc;
        Live::after(&rpc.store, &rpc.bus, following.after, following.sessions)
    }

    /// Stops what is running and waits for it to be on record.
    pub async fn close(self) {
        let left = self.shared.rpc.scope.close(http::STOP_GRACE).await;
        if left > 0 {
            tracing::warn!(left, "tasks did not stop in time");
        }
        let flush = self.shared.rpc.audit.flush();
        if time::timeout(http::LAST_ENTRIES, flush).await.is_err() {
            tracing::warn!("the last entries of the audit stream were not written in time");
        }
    }
}

impl Shared {
    /// Admits whoever shows a good credential; either way, it goes on record.
    pub(crate) fn admit(&self, presented: Presented<'_>, door: Door) -> Result<Pass, Refusal> {
        let rpc = &self.rpc;
        rpc.access.admit(presented, door, &rpc.limits, &rpc.audit)
    }

    /// Closes, once, what processes left open that died.
    ///
    /// It comes before the first answer, so that whoever asks sees how things stand.
    pub(crate) async fn recover(&self) {
        let recover = async {
            if let Err(err) = self.rpc.engine.recover().await {
                tracing::error!(%err, "what a crash cut off could not be closed");
            }
        };
        self.recovered.get_or_init(|| recover).await;
        self.ready.recovered();
    }

    /// Starts to write the audit entries, once somebody can come in.
    pub(crate) fn start_audit(&self) {
        self.rpc.audit.start(&self.rpc.scope);
    }
}
