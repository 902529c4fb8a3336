//! The method that examines the home.

use openclaw_core::Kind;
use openclaw_ipc::methods::{DoctorRun, DoctorRunOutput, DoctorRunParams};
use openclaw_ipc::{Handle, RpcError};
use tokio::runtime::Handle as Runtime;
use tokio::task;

use super::{CallCx, Rpc, logged};
use crate::doctor::{Depth, Patient};

impl Handle<DoctorRun> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        params: DoctorRunParams,
    ) -> Result<DoctorRunOutput, RpcError> {
        let home = self.home_with("home to examine")?;
        let patient = Patient::of_gateway(&home, self.store.clone());
        let depth = if params.deep {
            Depth::Everything
        } else {
            Depth::Glance
        };
        // Much of it reads files, and says nothing to the runtime about that.
        let runtime = Runtime::current();
        let examine = move || {
            let examined = patient.examine(depth, None, Box::new(|_, _| {}));
            runtime.block_on(examined)
        };
        let examined = task::spawn_blocking(examine).await;
        examined.map_err(|err| logged(&err, Kind::Internal, "the home was not examined"))
    }
}
