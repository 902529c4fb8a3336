//! The method about the gateway's own health.

use openclaw_core::Clock;
use openclaw_core::clock::rfc3339;
use openclaw_ipc::methods::{GatewayStatus, HealthCause, HealthGet, HealthGetOutput, NoParams};
use openclaw_ipc::{Handle, RpcError};

use super::{CallCx, Rpc};

impl Handle<HealthGet> for Rpc {
    async fn handle(&self, _cx: &CallCx, _params: NoParams) -> Result<HealthGetOutput, RpcError> {
        let causes: Vec<HealthCause> = self
            .causes()
            .await
            .into_iter()
            .map(|cause| HealthCause {
                code: cause.code.to_owned(),
                message: cause.message,
            })
            .collect();
        // A log that does not answer is among the causes.
        let sessions = self.store.session_count().await.ok();
        Ok(HealthGetOutput {
            ready: causes.is_empty(),
            causes,
            gateway: self.gateway_status(sessions),
        })
    }
}

impl Rpc {
    /// Returns what the gateway is doing.
    pub(crate) fn gateway_status(&self, sessions: Option<u64>) -> GatewayStatus {
        let started = self.ready.started();
        let uptime = Clock::system().now().duration_since(started);
        let active = self.engine.active().into_iter();
        let names = self.tools.names();
        GatewayStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: rfc3339(started),
            uptime_ms: u64::try_from(uptime.as_millis()).unwrap_or_default(),
            agents: self
                .agents
                .all()
                .iter()
                .map(|agent| agent.id.clone())
                .collect(),
            sessions,
            active_sessions: active.map(|(session, _)| session).collect(),
            tools: names.into_iter().map(str::to_owned).collect(),
        }
    }
}
