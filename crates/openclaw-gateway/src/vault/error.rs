//! Why the credential store is not open.

use std::path::{Path, PathBuf};

use openclaw_config::CredentialsError;
use openclaw_core::Kind;
use openclaw_core::credentials::{CredentialError, RecordDamage};
use openclaw_core::env::{OPENCLAW_CREDENTIALS_PASSWORD, OPENCLAW_CREDENTIALS_PASSWORD_FILE};

use super::password::{PasswordError, PasswordSource, SYSTEMD_NAME};

/// Why the credential store is not open, or does not give a record.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Nothing says what the master password is.
    #[error("the credential store `{}` is locked: nothing says what its master password is", path.display())]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// A place that should have the master password has none that can be used.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The master password that was found is another one.
    #[error("the master password from {place} does not open the credential store `{}`", path.display())]
    WrongPassword {
        /// Where it was found.
        place: PasswordSource,
        /// The store.
        path: PathBuf,
    },
    /// The store, or a record of it, cannot be used.
    #[error("the credential store `{}`: {source}", path.display())]
    Store {
        /// The store.
        path: PathBuf,
        /// The reason.
        source: CredentialError,
    },
}

impl VaultError {
    /// Makes the failure of a store that was being opened with a password from this place.
    pub fn opening(path: &Path, place: &PasswordSource, source: CredentialError) -> Self {
        match source {
            CredentialError::WrongPassword { path } => Self::WrongPassword {
                place: place.clone(),
                path,
            },
            source => Self::of(path, source),
        }
    }

    /// Makes the failure of a store, or of a record in it.
    pub fn of(path: &Path, source: CredentialError) -> Self {
        Self::Store {
            path: path.to_owned(),
            source,
        }
    }

    /// Returns the kind of this failure.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Locked { .. } => Kind::Config,
            Self::Password(err) => err.kind(),
            Self::WrongPassword { .. } => Kind::Unauthenticated,
            Self::Store { source, .. } => source.kind(),
        }
    }

    /// Returns what the user can do about it; it starts with a verb.
    pub fn hint(&self) -> Option<String> {
        let file = OPENCLAW_CREDENTIALS_PASSWORD_FILE.name;
        let places = format!(
            "put the master password into a file with mode 0600 and name it in {file}, or pass it as the systemd credential `{SYSTEMD_NAME}`; as a last resort, set {}",
            OPENCLAW_CREDENTIALS_PASSWORD.name
        );
        match self {
            Self::Locked { .. } => Some(places),
            Self::Password(PasswordError::Keyring(_)) => Some(format!(
                "unlock the keyring, if the password is there, or {places}"
            )),
            Self::Password(_) => Some(
                "correct that place: as long as it is set up, no other one is asked".to_owned(),
            ),
            Self::WrongPassword { place, .. } => Some(match place {
                PasswordSource::Typed => {
                    "type the password that the store was made with".to_owned()
                }
                PasswordSource::File(_)
                | PasswordSource::Systemd(_)
                | PasswordSource::Keyring(_)
                | PasswordSource::Environment => {
                    format!(
                        "put the right one there: as long as {place} has one, no other place is asked"
                    )
                }
            }),
            Self::Store { source, .. } => store_hint(source),
        }
    }
}

/// Returns what the user can do about a damaged record; it starts with a verb.
pub fn repair(record: &str, damage: &RecordDamage) -> String {
    let set = format!("`openclaw credentials set {record}`");
    match damage {
        RecordDamage::Missing => {
            format!("put its file back from a copy, or store it anew with {set}")
        }
        RecordDamage::Unreadable(_) => {
            format!("see to it that its file `{record}.enc` can be read")
        }
        RecordDamage::Unlisted => format!("move its file `{record}.enc` elsewhere"),
        RecordDamage::Changed | RecordDamage::Version { .. } | RecordDamage::Copied(_) => format!(
            "put its file back from a copy, or take it out with `openclaw credentials remove {record}` and store it anew with {set}"
        ),
    }
}

fn store_hint(err: &CredentialError) -> Option<String> {
    match err {
        CredentialError::Header { path, .. } | CredentialError::HeaderMissing { path } => {
            Some(format!(
                "put `{}` back from a copy of the state directory; nothing was changed",
                path.display()
            ))
        }
        CredentialError::Newer { .. } => Some("use the version that wrote it".to_owned()),
        CredentialError::Record { name, damage } => Some(repair(name, damage)),
        CredentialError::Occupied { path } => Some(format!("move `{}` elsewhere", path.display())),
        CredentialError::NoSuchRecord(name) => {
            Some(format!("store it with `openclaw credentials set {name}`"))
        }
        CredentialError::Busy { .. } => Some("try it again in a moment".to_owned()),
        CredentialError::Full => {
            Some("remove some with `openclaw credentials remove NAME`".to_owned())
        }
        CredentialError::WrongPassword { .. }
        | CredentialError::PasswordChanged { .. }
        | CredentialError::EmptyPassword
        | CredentialError::Kdf { .. }
        | CredentialError::Name(_)
        | CredentialError::TooLong { .. }
        | CredentialError::Io { .. }
        | CredentialError::Memory(_)
        | CredentialError::Derive(_)
        | CredentialError::Manifest(_)
        | CredentialError::Seal(_) => None,
    }
}

impl From<VaultError> for CredentialsError {
    fn from(err: VaultError) -> Self {
        Self {
            hint: err.hint(),
            source: Box::new(err),
        }
    }
}
