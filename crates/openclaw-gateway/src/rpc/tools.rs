//! The methods about tools.

use std::sync::Arc;

use openclaw_agents::approvals::Waits;
use openclaw_agents::calls::{Call, Gate, Record};
use openclaw_agents::tools::ToolOutput;
use openclaw_agents::{Agent, AgentError, Attended, ToolRegistry};
use openclaw_core::access::{Sender, Standing};
use openclaw_core::events::{NewEvent, StoreError};
use openclaw_core::{CallId, PeerId, RunId, SessionEventKind, SessionKey};
use openclaw_ipc::methods::{
    NoParams, ToolSummary, ToolsExecute, ToolsExecuteOutput, ToolsExecuteParams, ToolsList,
    ToolsListOutput,
};
use openclaw_ipc::{Handle, RpcError};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{CallCx, Rpc, public, session_key_error, store_error};
use crate::pipeline::caller;

impl Handle<ToolsList> for Rpc {
    async fn handle(&self, cx: &CallCx, _params: NoParams) -> Result<ToolsListOutput, RpcError> {
        let tools = self
            .offered(cx)
            .specs()
            .into_iter()
            .map(|spec| ToolSummary {
                aliases: self.tools.aliases(&spec.name).map(str::to_owned).collect(),
                name: spec.name,
                description: spec.description,
                parameters: Arc::unwrap_or_clone(spec.parameters),
            })
            .collect();
        Ok(ToolsListOutput { tools })
    }
}

impl Handle<ToolsExecute> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: ToolsExecuteParams,
    ) -> Result<ToolsExecuteOutput, RpcError> {
        let arguments = Value::Object(params.params);
        self.tools
            .check(&params.tool, &arguments)
            .map_err(|err| RpcError::new(err.kind(), err.to_string()).with_field(err.field()))?;
        let session = match params.session_key {
            Some(key) => self.open_session(&key).await?,
            None => self.session_of_call(cx).await?,
        };
        let run = RunId::generate();
        // The run's id is unique, and this is its only call.
        let call_id = CallId(run.to_string());
        let own = OwnCall {
            agent: self.agent(Some(&session.agent()))?,
            session: session.clone(),
            sender: caller(cx),
            run,
            call: Call {
                id: call_id.clone(),
                tool: params.tool,
                params: arguments,
            },
            stop: self.scope.stop().child_token(),
        };
        let output = self.call_tool(own).await.map_err(|err| public(&err))?;
        Ok(ToolsExecuteOutput {
            success: output.success,
            result: output.result,
            session_key: session,
            call_id,
            duration_ms: output.payload.duration_ms,
        })
    }
}

/// A call of a tool that a client makes by itself.
#[derive(Debug)]
pub(crate) struct OwnCall {
    /// Whose tool it is.
    pub(crate) agent: Arc<Agent>,
    /// The session that it is recorded in, which has begun.
    pub(crate) session: SessionKey,
    /// Who makes it.
    pub(crate) sender: Sender,
    /// The run that it is all of.
    pub(crate) run: RunId,
    /// The call.
    pub(crate) call: Call,
    /// Tells it to stop.
    pub(crate) stop: CancellationToken,
}

impl Rpc {
    /// Has a call go through the gate, and waits for what it comes to.
    ///
    /// # Cancel safety
    /// The call goes on when the future is dropped, unless it is told to stop: it is in a task of
    /// its own, so that a client who hangs up leaves no call without a result.
    pub(crate) async fn call_tool(&self, own: OwnCall) -> Result<ToolOutput, AgentError> {
        let (tools, store, bus) = (
            Arc::clone(&self.tools),
            self.store.clone(),
            self.bus.clone(),
        );
        let world = self.world.clone();
        let running = self.scope.spawn("tool", async move {
            let gate = Gate {
                agent: &own.agent,
                tools: &tools,
                record: Record::Shared(&store, &own.session),
                bus: &bus,
                sender: &own.sender,
                world: &world,
                run: &own.run,
                step: None,
                attended: Attended::Yes,
                waits: &Waits::default(),
                stop: &own.stop,
                steered: &CancellationToken::new(),
            };
            gate.call(own.call).await
        });
        running.await.unwrap_or(Err(AgentError::Defect))
    }

    /// Returns the tools of the default agent that policy leaves to who may call them.
    fn offered(&self, cx: &CallCx) -> ToolRegistry {
        let sender = Sender {
            // Who may look sees what those may call who may.
            standing: Standing::Principal,
            ..caller(cx)
        };
        // Without an agent there is nobody whose rules could be asked.
        match self.agents.first() {
            Some(agent) => agent.offered(&self.tools, None, &sender),
            None => ToolRegistry::clone(&self.tools),
        }
    }

    async fn open_session(&self, key: &SessionKey) -> Result<SessionKey, RpcError> {
        let session = self.existing(key).await?;
        if session.ended {
            return Err(store_error(&StoreError::SessionEnded(session.key)));
        }
        Ok(session.key)
    }

    /// Starts a session for a call that names none.
    pub(super) async fn session_of_call(&self, cx: &CallCx) -> Result<SessionKey, RpcError> {
        let agent = self.agent(None)?;
        let key = SessionKey::explicit(&agent.id).map_err(|err| session_key_error(&err))?;
        let start = NewEvent::from(SessionEventKind::SessionStarted {
            channel: "rpc".into(),
            peer_id: PeerId(cx.admitted.principal().to_string()),
        });
        self.store
            .append(&key, vec![start])
            .await
            .map_err(|err| store_error(&err))?;
        Ok(key)
    }
}
