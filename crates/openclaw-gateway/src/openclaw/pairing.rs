//! What becomes of a device: it is known, it is let in as one of this machine's, or it waits.

use openclaw_core::ApiKey;
use openclaw_core::access::devices::{DeviceId, DeviceKey, DeviceSays, Newcomer, Rights};
use openclaw_core::access::tokens::Ended;
use openclaw_ipc::RpcError;
use openclaw_ipc::openclaw::{ConnectParams, OpenclawError};

use super::refusal::Refused;
use crate::audit::Door;
use crate::builder::Gateway;

/// Who is said to have let in a device of this machine.
const LOCAL: &str = "this computer";

/// A device that has shown its key and comes with the gateway's own credential.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) key: DeviceKey,
    pub(super) params: &'a ConnectParams,
    /// What it asks for, as far as the credential gives it.
    pub(super) rights: Rights,
    pub(super) door: Door,
    /// Whether it is let in without asking anybody.
    pub(super) silent: bool,
}

/// A device that may come in.
#[derive(Debug)]
pub(super) struct Paired {
    pub(super) id: DeviceId,
    /// The token that it is given, if it has none yet.
    pub(super) token: Option<ApiKey>,
    /// What ends when it is taken out.
    pub(super) until: Option<Ended>,
}

/// Lets a device in, or has it wait.
pub(super) async fn pair(gateway: &Gateway, asking: Asking<'_>) -> Result<Paired, Box<Refused>> {
    let rpc = &gateway.shared.rpc;
    let failed = |err: RpcError| Box::new(Refused::with(OpenclawError::from(err)));
    let devices = rpc.access.devices().map_err(failed)?;
    let id = asking.key.id();
    let known = devices.paired(&id);
    let covered = known
        .as_ref()
        .is_some_and(|known| known.rights.cover(asking.rights));
    let has_token = known.as_ref().is_some_and(|known| known.token.is_some());
    if !covered {
        let newcomer = newcomer(&asking);
        if !asking.silent {
            let request = rpc.request_pairing(newcomer).await.map_err(failed)?;
            let approved = known.map(|known| known.rights);
            return Err(Refused::not_paired(&request, approved).into());
        }
        rpc.pair(newcomer, LOCAL).await.map_err(failed)?;
    }
    let token = if covered && has_token {
        None
    } else {
        let named = id.to_string();
        let given = rpc.change_devices(move |devices| devices.give_token(&named, None));
        Some(given.await.map_err(failed)?)
    };
    Ok(Paired {
        token,
        until: devices.until_removed(&id),
        id,
    })
}

fn newcomer(asking: &Asking<'_>) -> Newcomer {
    let says = &asking.params.client;
    Newcomer {
        key: asking.key.clone(),
        says: DeviceSays {
            client_id: says.id.clone(),
            client_mode: says.mode.clone(),
            platform: says.platform.clone(),
            device_family: says.device_family.clone(),
            display_name: says.display_name.clone(),
        },
        rights: asking.rights,
        from: asking.door.peer.map(|peer| peer.to_string()),
    }
}
