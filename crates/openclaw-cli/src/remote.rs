//! Calling the gateway of a home: the one that runs, or one in this process.

use openclaw_core::access::Admitted;
use openclaw_gateway::rpc::Rpc;
use openclaw_gateway::{GatewayBuilder, Held, Home, Running};
use openclaw_ipc::{Address, Client, Endpoint, Handle, Method};
use tokio::task;

use crate::error::CliError;

/// Connects to the gateway that runs.
pub(crate) async fn connect(home: &Home, running: &Running) -> Result<Client, CliError> {
    let endpoint = Endpoint {
        host: running.host.clone(),
        port: running.port,
    };
    let address = match (&running.unix, &running.fingerprint) {
        (Some(path), _) => Address::unix(path.clone()),
        (None, Some(fingerprint)) => Address::pinned(endpoint, fingerprint.clone()),
        (None, None) => Address::from(&endpoint),
    };
    Ok(Client::connect(address, home.token()?.secret()).await?)
}

/// Calls a method of the gateway that runs, or else does the same in this process, while no
/// gateway can start.
pub(crate) async fn call<M: Method>(home: &Home, params: M::Params) -> Result<M::Output, CliError>
where
    Rpc: Handle<M>,
{
    if let Some(running) = home.running()? {
        return Ok(connect(home, &running).await?.call::<M>(&params).await?);
    }
    let _alone = Held::hold(&home.state).await?;
    // Opening the credential store takes long.
    let gateway = task::block_in_place(|| GatewayBuilder::from_home(home))?.build();
    let output = gateway.call::<M>(Admitted::local_owner(), params).await;
    gateway.close().await;
    Ok(output?)
}
