//! Opening the store for a command, and putting on record what the command changed.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use openclaw_core::credentials::CredentialError;
use openclaw_core::events::{AuditEntry, SecretChange};
use openclaw_core::state_dir::StateDir;
use openclaw_core::{ApiKey, CredentialStore, EventStore};
use openclaw_gateway::Vault;
use openclaw_gateway::vault::{MasterPassword, PasswordSource, VaultError, of_private_file};

use super::error::CredentialsFailure;
use super::typed::{self, Piped};
use crate::commands::Cx;
use crate::error::CliError;
use crate::runtime::{self, Threads};

/// The credential store of the home that a command works on.
pub(crate) struct Keyring {
    pub(crate) state: StateDir,
    pub(crate) vault: Vault,
}

/// Where a new master password comes from.
#[derive(Debug, Default, Args)]
pub(crate) struct NewPassword {
    /// Take the new master password from this file, which only its owner can read
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
}

/// A secret that is to be stored.
#[derive(Debug)]
pub(crate) struct Intake<'a> {
    /// The record's name.
    pub(crate) name: &'a str,
    /// What the secret is, for somebody who types it.
    pub(crate) what: &'a str,
    /// Whether it has to come from standard input.
    pub(crate) piped: Piped,
    /// What does it, in the audit stream.
    pub(crate) by: &'a str,
}

/// A store that is open, and made if there was none.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The store.
    pub(crate) store: Arc<CredentialStore>,
    /// Whether it was made now.
    pub(crate) made: bool,
    /// What the user should know.
    pub(crate) warnings: Vec<String>,
}

/// A secret that was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Whether there was one of that name.
    pub(crate) replaced: bool,
    /// What the user should know.
    pub(crate) warning: Option<String>,
}

impl Keyring {
    /// Finds the store without touching the disk.
    pub(crate) fn locate(cx: Cx<'_>) -> Result<Self, CliError> {
        let state = StateDir::locate(cx.env, cx.overrides)?;
        let vault = Vault::new(&state, cx.env.clone());
        Ok(Self { state, vault })
    }

    /// Fails where there is no store.
    pub(crate) fn expect_store(&self) -> Result<(), CliError> {
        if self.vault.exists() {
            Ok(())
        } else {
            Err(CredentialsFailure::NoStore(self.vault.path().to_owned()).into())
        }
    }

    /// Opens a store that is there; asks for the password where somebody can be asked.
    pub(crate) fn open(&self, cx: Cx<'_>) -> Result<Arc<CredentialStore>, CliError> {
        self.expect_store()?;
        Ok(self.vault.unlock(&self.password(cx)?)?)
    }

    /// Returns the password of a store that is there.
    pub(crate) fn password(&self, cx: Cx<'_>) -> Result<MasterPassword, CliError> {
        match self.vault.password()? {
            Some(found) => Ok(found),
            None if typed::is_attended(cx) => Ok(by_hand(typed::password(cx)?)),
            None => Err(VaultError::Locked {
                path: self.vault.path().to_owned(),
            }
            .into()),
        }
    }

    /// Opens the store, and makes it where there is none.
    pub(crate) fn open_or_make(&self, cx: Cx<'_>, new: &NewPassword) -> Result<Opened, CliError> {
        if self.vault.exists() {
            return Ok(Opened {
                store: self.open(cx)?,
                made: false,
                warnings: Vec::new(),
            });
        }
        let password = match (&new.new_password_file, self.vault.password()?) {
            (None, Some(found)) => found,
            (Some(_), _) | (None, None) => new.get(cx)?,
        };
        self.state.create()?;
        Ok(Opened {
            store: self.vault.unlock(&password)?,
            made: true,
            warnings: unattended_start(&self.vault).into_iter().collect(),
        })
    }

    /// Takes a secret from whoever runs the command, and stores it.
    pub(crate) fn take(
        &self,
        cx: Cx<'_>,
        store: &CredentialStore,
        intake: &Intake<'_>,
    ) -> Result<Stored, CliError> {
        let name = intake.name;
        let known = store.list().map_err(|err| self.failed(err))?;
        let replaced = known.iter().any(|record| record.name == *name);
        let secret = typed::value(cx, intake.piped, intake.what)?;
        store.put(name, &secret).map_err(|err| self.failed(err))?;
        let change = SecretChange::Set;
        Ok(Stored {
            replaced,
            warning: recorded(&self.state, &[name.to_owned()], change, intake.by),
        })
    }

    /// Makes the failure of the opened store.
    pub(crate) fn failed(&self, err: CredentialError) -> CliError {
        match err {
            // What is no name may be a secret in the wrong place.
            CredentialError::Name(_) => CredentialsFailure::Name.into(),
            err => VaultError::of(self.vault.path(), err).into(),
        }
    }
}

impl NewPassword {
    /// Returns the new password, and asks for it where no file is named.
    pub(crate) fn get(&self, cx: Cx<'_>) -> Result<MasterPassword, CliError> {
        match &self.new_password_file {
            Some(path) => Ok(of_private_file(path).map_err(VaultError::from)?),
            None if typed::is_attended(cx) => Ok(by_hand(typed::new_password(cx)?)),
            None => Err(CredentialsFailure::NoPassword.into()),
        }
    }
}

/// Says what a gateway lacks to open the store when it starts, if it lacks it.
fn unattended_start(vault: &Vault) -> Option<String> {
    let locked = VaultError::Locked {
        path: vault.path().to_owned(),
    };
    match vault.password() {
        Ok(Some(_)) => None,
        Ok(None) => locked
            .hint()
            .map(|hint| format!("the gateway cannot open the store when it starts: {hint}")),
        Err(err) => Some(err.to_string()),
    }
}

fn by_hand(secret: Arc<ApiKey>) -> MasterPassword {
    MasterPassword {
        source: PasswordSource::Typed,
        secret,
    }
}

/// Puts on record what was done to secrets; returns a warning when that does not work.
pub(crate) fn recorded(
    state: &StateDir,
    names: &[String],
    change: SecretChange,
    by: &str,
) -> Option<String> {
    let record = async {
        state.create()?;
        let store = EventStore::open(&state.event_log())?;
        for name in names {
            let entry = AuditEntry::SecretChanged {
                name: name.clone(),
                change,
                by: by.to_owned(),
            };
            store.audit(entry).await?;
        }
        Ok(())
    };
    let outcome: Result<(), CliError> = runtime::block_on(Threads::One, record);
    outcome
        .err()
        .map(|err| format!("the audit stream does not say that a credential was changed: {err}"))
}
