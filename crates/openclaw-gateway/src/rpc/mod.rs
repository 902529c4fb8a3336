//! The handlers of the method table.
//!
//! A handler does one method for a caller who has been admitted. What a caller gets to see of a
//! failure is decided in one place, `public`.

mod agent;
mod agents;
mod approvals;
mod audit;
mod config;
mod context;
mod credentials;
mod devices;
mod discover;
mod doctor;
mod events;
mod extensions;
mod health;
mod logs;
mod models;
mod policy;
mod session;
mod skills;
mod tokens;
mod tools;
mod usage;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use openclaw_agents::{Agent, AgentError, Bus, Engine, TaskScope, ToolRegistry, World};
use openclaw_core::access::{Admitted, Principal, Scope};
use openclaw_core::events::StoreError;
use openclaw_core::session_key::SessionKeyError;
use openclaw_core::{AgentId, EventStore, Kind};
use openclaw_ipc::{Handlers, MethodInfo, RpcError};
use openclaw_providers::Health;
use uuid::Uuid;

pub(crate) use self::agents::Agents;
pub(crate) use self::events::{Ear, Following};
pub(crate) use self::session::message_id;
pub(crate) use self::tools::OwnCall;
use crate::access::Access;
use crate::arrivals::Arrivals;
use crate::audit::{Occasion, Trail};
use crate::budget::Budget;
use crate::containment::Exits;
use crate::home::{Current, Home};
use crate::limits::{Limits, Wait};
use crate::openclaw::Floor;
use crate::ready::Ready;
use crate::takeover::Takeover;

/// Everything that the handlers work with.
#[derive(Debug)]
pub struct Rpc {
    /// What the parts of the gateway say about themselves.
    pub(crate) ready: Arc<Ready>,
    pub(crate) store: EventStore,
    pub(crate) arrivals: Arrivals,
    /// What those who speak OpenClaw's protocol see of each other.
    pub(crate) floor: Floor,
    pub(crate) agents: Agents,
    pub(crate) tools: Arc<ToolRegistry>,
    pub(crate) engine: Engine,
    pub(crate) bus: Bus,
    pub(crate) scope: TaskScope,
    pub(crate) access: Arc<Access>,
    pub(crate) limits: Limits,
    pub(crate) audit: Trail,
    pub(crate) takeover: Takeover,
    pub(crate) budget: Budget,
    /// What is known of the health of models and keys; it outlives changes of the config.
    pub(crate) health: Arc<Health>,
    /// The way out of the agents' sandboxes; it outlives changes of the config, too.
    pub(crate) exits: Arc<Exits>,
    /// What tool calls reach beyond the workspace.
    pub(crate) world: World,
    /// The home that all this comes from, as its config is now.
    pub(crate) home: Current,
}

/// What a handler knows about a call beyond its params.
#[derive(Clone, Debug)]
pub struct CallCx {
    /// Proof that the caller was admitted.
    pub(crate) admitted: Admitted,
    /// The address that the call came from, if it came from one.
    pub(crate) from: Option<IpAddr>,
    /// Hears what the caller's socket is to follow; none where there is no socket.
    pub(crate) ear: Option<Ear>,
}

impl CallCx {
    /// Makes the context of a call that comes over no socket that follows the log.
    pub(crate) const fn of(admitted: Admitted, from: Option<IpAddr>) -> Self {
        Self {
            admitted,
            from,
            ear: None,
        }
    }
}

impl Handlers for Rpc {
    type Cx = CallCx;
    type Error = RpcError;

    /// What the scope does not allow counts as a call, so that it cannot be tried without end.
    fn authorize(&self, cx: &CallCx, method: &MethodInfo) -> Result<(), RpcError> {
        self.allow(cx, method.scope, method.name)
    }

    /// Looking for a method is a call like any other, but not one that a page has to make.
    fn authorize_unknown(&self, cx: &CallCx) -> Result<(), RpcError> {
        self.count_call(cx, Scope::Admin)
    }
}

impl Rpc {
    /// Lets a caller do what needs a scope, if they have it and have not asked too often.
    pub(crate) fn allow(
        &self,
        cx: &CallCx,
        scope: Scope,
        what: &'static str,
    ) -> Result<(), RpcError> {
        self.count_call(cx, scope)?;
        if cx.admitted.may(scope) {
            return Ok(());
        }
        self.forbidden(cx, what);
        let message = format!("this needs the scope `{scope}`");
        Err(RpcError::new(Kind::Denied, message))
    }

    /// Puts on record that somebody may not do what they asked for.
    pub(crate) fn forbidden(&self, cx: &CallCx, what: &'static str) {
        let principal = cx.admitted.principal().clone();
        self.audit.count(Occasion::Forbidden(principal, what));
    }

    pub(crate) fn count_call(&self, cx: &CallCx, scope: Scope) -> Result<(), RpcError> {
        let principal = cx.admitted.principal();
        self.limits.call(principal, cx.from, scope).map_err(|wait| {
            self.limited(principal, "calls", cx.from, wait)
                .refusal("calls")
        })
    }

    /// Puts on record that somebody has to wait.
    pub(crate) fn limited(
        &self,
        principal: &Principal,
        what: &'static str,
        from: Option<IpAddr>,
        wait: Wait,
    ) -> Wait {
        self.audit
            .count(Occasion::Limited(principal.clone(), what, from));
        wait
    }

    /// Returns the home, without which there is nothing of `what`.
    pub(crate) fn home_with(&self, what: &str) -> Result<Arc<Home>, RpcError> {
        self.home.get().ok_or_else(|| {
            let message = format!("this gateway has no {what}: a program composed it");
            RpcError::new(Kind::Unavailable, message)
        })
    }

    pub(crate) fn find_agent(&self, id: &AgentId) -> Option<Arc<Agent>> {
        self.agents.find(id)
    }

    /// Returns the agent of that id, or the default agent.
    pub(crate) fn agent(&self, id: Option<&AgentId>) -> Result<Arc<Agent>, RpcError> {
        match id {
            Some(id) => self.find_agent(id).ok_or_else(|| {
                RpcError::new(Kind::NotFound, AgentError::NoAgent(id.clone()).to_string())
                    .with_field("agentId")
            }),
            None => self
                .agents
                .first()
                .ok_or_else(|| RpcError::new(Kind::Config, "the gateway has no agent")),
        }
    }
}

/// Returns what the caller may see of a failure; the rest goes to the log under the id in it.
pub(crate) fn public(err: &AgentError) -> RpcError {
    match err {
        AgentError::Store(err) => store_error(err),
        AgentError::Invalid(_)
        | AgentError::NoAgent(_)
        | AgentError::NoModel(_)
        | AgentError::UnusableModel { .. }
        | AgentError::Provider(_)
        | AgentError::LaneFull { .. }
        | AgentError::TooManySteps(_)
        | AgentError::TimedOut(_)
        | AgentError::Cancelled
        | AgentError::Superseded
        | AgentError::Displaced
        | AgentError::FailedTogether { .. }
        | AgentError::Circles { .. }
        | AgentError::Blocked { .. }
        | AgentError::NoAnswer
        | AgentError::FailedBefore { .. }
        | AgentError::NoSummary { .. }
        | AgentError::Defect => {
            let public = RpcError::new(err.kind(), err.to_string());
            match err.hint() {
                Some(hint) => public.with_hint(hint),
                None => public,
            }
        }
    }
}

/// As [`public`], for the event log.
pub(crate) fn store_error(err: &StoreError) -> RpcError {
    match err {
        StoreError::NoSession(_)
        | StoreError::SessionExists(_)
        | StoreError::SessionEnded(_)
        | StoreError::Leased(_)
        | StoreError::LeaseLost(_)
        | StoreError::Reserved(_)
        | StoreError::NoEvent { .. }
        | StoreError::NoPosition { .. }
        | StoreError::HeadMoved { .. }
        | StoreError::KeyReused { .. }
        | StoreError::EventTooLarge { .. }
        | StoreError::NoApproval(_)
        | StoreError::AlreadyAsked(_)
        | StoreError::TooManyAsked { .. }
        | StoreError::AlreadyDecided { .. }
        | StoreError::ApprovalExpired(_)
        | StoreError::NoGrant(_)
        | StoreError::EmptyQuery
        | StoreError::Restoring { .. }
        | StoreError::ImportChanged(_) => RpcError::new(err.kind(), err.to_string()),
        StoreError::DiskFull { .. } => logged(
            err,
            err.kind(),
            "the disk of the event log is full, nothing was recorded: free some space and try again",
        ),
        StoreError::ReadOnly { .. } => logged(
            err,
            err.kind(),
            "the event log is read-only, nothing was recorded: make the state directory writable",
        ),
        StoreError::Gone { .. } => logged(
            err,
            err.kind(),
            "the event log was moved away or replaced, nothing was recorded: start the gateway again",
        ),
        StoreError::Corrupt { .. } => logged(
            err,
            err.kind(),
            "the event log is damaged: put it back with `openclaw backup restore`",
        ),
        StoreError::Open { .. }
        | StoreError::Folder { .. }
        | StoreError::Foreign { .. }
        | StoreError::Newer { .. }
        | StoreError::Read(_)
        | StoreError::Write(_)
        | StoreError::Anchors { .. }
        | StoreError::Cache { .. }
        | StoreError::Damaged { .. }
        | StoreError::Closed => logged(err, err.kind(), "the event log cannot be used"),
    }
}

fn session_key_error(err: &SessionKeyError) -> RpcError {
    RpcError::new(err.kind(), err.to_string())
}

pub(crate) fn logged(err: &dyn Error, kind: Kind, message: &str) -> RpcError {
    let id = Uuid::new_v4().to_string();
    tracing::error!(id, %err, "a call failed");
    RpcError::new(kind, message).with_id(id)
}
