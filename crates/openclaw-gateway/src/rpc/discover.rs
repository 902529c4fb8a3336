//! The method that describes all others.

use openclaw_ipc::methods::{NoParams, RpcDiscover, RpcDiscoverOutput};
use openclaw_ipc::{Handle, RpcError, reference};

use super::{CallCx, Rpc};

impl Handle<RpcDiscover> for Rpc {
    async fn handle(&self, _cx: &CallCx, _: NoParams) -> Result<RpcDiscoverOutput, RpcError> {
        Ok(reference::openrpc())
    }
}
