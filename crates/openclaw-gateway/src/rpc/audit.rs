//! The methods about the audit stream and the check of the log.

use openclaw_core::Kind;
use openclaw_core::events::inspect_deep;
use openclaw_ipc::methods::{
    AuditList, AuditListOutput, AuditListParams, AuditVerify, AuditVerifyOutput, NoParams,
};
use openclaw_ipc::{Handle, RpcError};
use tokio::task;

use super::{CallCx, Rpc, logged, store_error};
use crate::audit::{latest, verdict};

impl Handle<AuditList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: AuditListParams,
    ) -> Result<AuditListOutput, RpcError> {
        let wanted = usize::try_from(params.limit.unwrap_or_default().get()).unwrap_or(usize::MAX);
        let found = latest(&self.store, params.before, params.kind, wanted).await;
        let (entries, next_before) = found.map_err(|err| store_error(&err))?;
        Ok(AuditListOutput {
            entries,
            next_before,
        })
    }
}

impl Handle<AuditVerify> for Rpc {
    async fn handle(&self, _cx: &CallCx, _params: NoParams) -> Result<AuditVerifyOutput, RpcError> {
        let log = self.store.path().to_owned();
        // Checked as it lies there, as the command does it.
        let look = {
            let log = log.clone();
            task::spawn_blocking(move || inspect_deep(&log, |_, _| {})).await
        };
        let look = look.map_err(|err| logged(&err, Kind::Internal, "the log was not checked"))?;
        let report = if let Some(report) = look.map_err(|err| store_error(&err))? {
            report
        } else {
            let checked = self.store.verify(|_, _| {}).await;
            checked.map_err(|err| store_error(&err))?
        };
        Ok(verdict(&log, &report, self.store.position()))
    }
}
