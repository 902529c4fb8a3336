//! The method about the credential store.

use openclaw_core::{CredentialStore, Kind};
use openclaw_ipc::methods::{CredentialsList, CredentialsListOutput, NoParams};
use openclaw_ipc::{Handle, RpcError};
use tokio::task;

use super::{CallCx, Rpc, logged};
use crate::vault::{Vault, VaultError, listed};

impl Handle<CredentialsList> for Rpc {
    async fn handle(
        &self,
        _cx: &CallCx,
        _params: NoParams,
    ) -> Result<CredentialsListOutput, RpcError> {
        let home = self.home_with("credential store")?;
        // Opening it may derive a key, which takes long.
        let look = task::spawn_blocking(move || look(home.vault())).await;
        let look = look.map_err(|err| logged(&err, Kind::Internal, "the store was not opened"))?;
        look.map_err(|err| {
            let refusal = RpcError::new(err.kind(), err.to_string());
            match err.hint() {
                Some(hint) => refusal.with_hint(hint),
                None => refusal,
            }
        })
    }
}

fn look(vault: &Vault) -> Result<CredentialsListOutput, VaultError> {
    let records = vault.with(CredentialStore::list)?;
    Ok(CredentialsListOutput {
        path: vault.path().to_string_lossy().into_owned(),
        exists: records.is_some(),
        records: records.iter().flatten().map(listed).collect(),
    })
}
