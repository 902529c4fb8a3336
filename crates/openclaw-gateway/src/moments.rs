//! The moments of sessions and of the gateway at which other code is called: see
//! [`openclaw_core::hooks`].

use std::sync::Arc;

use openclaw_core::SessionKey;
use openclaw_core::hooks::{
    GatewayStart, GatewayStop, HookContext, Observed, SessionEnd, SessionStart,
};

use crate::rpc::Rpc;

/// The word of OpenClaw's for an end that somebody asked for.
const ASKED_FOR: &str = "deleted";

impl Rpc {
    /// Tells that a session began; nobody waits for those who hear it.
    pub(crate) fn tell_start(&self, session: &SessionKey) {
        let event = SessionStart {
            session_id: session.clone(),
            session_key: session.clone(),
            resumed_from: None,
        };
        self.tell(session, event);
    }

    /// Tells that a session ended, with the number of its last event.
    pub(crate) fn tell_end(&self, session: &SessionKey, seq: u64) {
        let event = SessionEnd {
            session_id: session.clone(),
            session_key: session.clone(),
            message_count: seq,
            reason: ASKED_FOR,
        };
        self.tell(session, event);
    }

    fn tell<E: Observed + 'static>(&self, session: &SessionKey, event: E) {
        let hooks = Arc::clone(&self.world.hooks);
        if hooks.wants(E::HOOK) {
            let cx = HookContext::new(&session.agent(), session);
            let tell = async move { hooks.observe(&event, &cx).await };
            drop(self.scope.spawn("hooks", tell));
        }
    }

    /// Tells that the gateway serves.
    pub(crate) async fn tell_serving(&self, port: u16) {
        self.tell_all(&GatewayStart { port }).await;
    }

    /// Tells that the gateway is about to end.
    pub(crate) async fn tell_stopping(&self) {
        self.tell_all(&GatewayStop { reason: None }).await;
    }

    async fn tell_all<E: Observed>(&self, event: &E) {
        if let (true, Some(agent)) = (self.world.hooks.wants(E::HOOK), self.agents.first()) {
            // These are about no session; handlers get the default agent's main one.
            if let Ok(session) = SessionKey::main(&agent.id) {
                let cx = HookContext::new(&agent.id, &session);
                self.world.hooks.observe(event, &cx).await;
            }
        }
    }
}
