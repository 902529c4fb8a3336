//! The method about models and their keys.

use openclaw_core::clock::rfc3339;
use openclaw_ipc::methods::{FailingModel, ModelsStatus, ModelsStatusOutput, NoParams};
use openclaw_ipc::{Handle, RpcError};
use openclaw_providers::dispatch::Standing;

use super::{CallCx, Rpc};

impl Handle<ModelsStatus> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<ModelsStatusOutput, RpcError> {
        let standings = self.health.snapshot().into_iter();
        Ok(ModelsStatusOutput {
            failing: standings.map(failing).collect(),
        })
    }
}

fn failing(standing: Standing) -> FailingModel {
    FailingModel {
        provider: standing.provider,
        model: standing.model,
        // A provider that is asked without a key has one without a name.
        credential: standing.credential.filter(|name| !name.is_empty()),
        why: standing.ailment.as_str().to_owned(),
        failures: standing.failures,
        until: standing.until.map(rfc3339),
    }
}
