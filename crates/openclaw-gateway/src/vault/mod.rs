//! The credential store of a home, opened when somebody first asks for a record.
//!
//! A home without a store costs one look at the disk and asks for no password. Opening derives a key
//! with Argon2id, which takes a good part of a second and 64 MiB; it is done once for all who share a
//! [`Vault`], and again only when another process has exchanged the master password.

mod error;
mod keyring;
mod listed;
mod password;
#[cfg(unix)]
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_config::{Credentials, CredentialsError};
use openclaw_core::ApiKey;
use openclaw_core::credentials::{CredentialError, CredentialStore};
use openclaw_core::env::{Env, OPENCLAW_CREDENTIALS_PASSWORD_FILE};
use openclaw_core::state_dir::StateDir;
use parking_lot::Mutex;

pub use error::{VaultError, repair};
pub use keyring::KeyringError;
pub use listed::listed;
pub use password::{MasterPassword, PasswordError, PasswordSource, SYSTEMD_NAME, of_private_file};

use self::keyring::Keyring;
use self::password::{Found, passed_over, unattended};
use crate::reload::Stamp;

/// What the names of the records' files end with.
const RECORD_END: &str = ".enc";

/// The credential store of a home.
///
/// Its methods block, and the first one that needs the key takes long: call them off the async
/// threads.
#[derive(Debug)]
pub struct Vault {
    path: PathBuf,
    env: Env,
    keyring: Keyring,
    opened: Mutex<Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    /// The store, once it is open.
    store: Option<Arc<CredentialStore>>,
    /// The password that did not open the folder in that state: trying it again would take long and
    /// change nothing.
    refused: Option<(Stamp, Arc<ApiKey>)>,
}

impl Vault {
    /// Finds the store of a home without touching the disk.
    ///
    /// The environment is that of the process: a password in a `.env` file of the home would lie
    /// beside what it protects.
    pub fn new(state: &StateDir, env: Env) -> Self {
        Self {
            path: state.credentials(),
            env,
            keyring: Keyring::new(state.root()),
            opened: Mutex::default(),
        }
    }

    /// Returns the store's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether there is a store; one that lost its header is one, too.
    pub fn exists(&self) -> bool {
        CredentialStore::exists(&self.path) || self.record_files() > 0
    }

    /// Tells whether a record has a file, which can be seen without the password.
    pub fn has_file(&self, record: &str) -> bool {
        self.record_file(record).exists()
    }

    /// Returns where the file of a record is, or would be.
    pub fn record_file(&self, record: &str) -> PathBuf {
        self.path.join(format!("{record}{RECORD_END}"))
    }

    /// Returns how many records have a file.
    pub fn record_files(&self) -> usize {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| name.ends_with(RECORD_END)).count()
    }

    /// Returns the master password that can be had without asking anybody at a terminal.
    ///
    /// The operating system's keyring may take seconds, and may ask whoever sits there to unlock it.
    pub fn password(&self) -> Result<Option<MasterPassword>, VaultError> {
        match unattended(&self.env, &self.keyring)? {
            Found::Password(password) => Ok(Some(password)),
            Found::Nothing(failure) => {
                failure.iter().for_each(passed_over);
                Ok(None)
            }
        }
    }

    /// Returns what a change of the store, or of its password, shows in: files to watch.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let password = self.env.get_os(OPENCLAW_CREDENTIALS_PASSWORD_FILE.name);
        let password = password.map(PathBuf::from);
        [self.path.clone()].into_iter().chain(password).collect()
    }

    /// Returns the store, or nothing where there is none.
    pub fn store(&self) -> Result<Option<Arc<CredentialStore>>, VaultError> {
        if !self.exists() {
            return Ok(None);
        }
        let mut opened = self.opened.lock();
        if let Some(store) = &opened.store {
            return Ok(Some(Arc::clone(store)));
        }
        let password = match unattended(&self.env, &self.keyring)? {
            Found::Password(password) => password,
            Found::Nothing(Some(failure)) => return Err(PasswordError::from(failure).into()),
            Found::Nothing(None) => {
                return Err(VaultError::Locked {
                    path: self.path.clone(),
                });
            }
        };
        self.open(&mut opened, &password).map(Some)
    }

    /// Opens the store with this password, and makes it where there is none.
    pub fn unlock(&self, password: &MasterPassword) -> Result<Arc<CredentialStore>, VaultError> {
        self.open(&mut self.opened.lock(), password)
    }

    /// Does something with the store; nothing where there is none.
    ///
    /// When another process has exchanged the master password, the store is opened anew.
    pub fn with<T>(
        &self,
        work: impl Fn(&CredentialStore) -> Result<T, CredentialError>,
    ) -> Result<Option<T>, VaultError> {
        let Some(store) = self.store()? else {
            return Ok(None);
        };
        let outcome = match work(&store) {
            Err(CredentialError::PasswordChanged { .. }) => {
                self.forget(&store);
                match self.store()? {
                    Some(store) => work(&store),
                    None => return Ok(None),
                }
            }
            outcome => outcome,
        };
        outcome
            .map(Some)
            .map_err(|source| VaultError::of(&self.path, source))
    }

    /// Returns the secret of a record; nothing where there is no store or no such record.
    pub fn get(&self, name: &str) -> Result<Option<ApiKey>, VaultError> {
        let found = self.with(|store| match store.get(name) {
            Ok(secret) => Ok(Some(secret)),
            // What cannot be a record's name has no record.
            Err(CredentialError::NoSuchRecord(_) | CredentialError::Name(_)) => Ok(None),
            Err(err) => Err(err),
        });
        Ok(found?.flatten())
    }

    /// Forgets an opened store, unless somebody else has opened another one meanwhile.
    fn forget(&self, stale: &Arc<CredentialStore>) {
        let mut opened = self.opened.lock();
        opened.store.take_if(|store| Arc::ptr_eq(store, stale));
    }

    fn open(
        &self,
        opened: &mut Opened,
        password: &MasterPassword,
    ) -> Result<Arc<CredentialStore>, VaultError> {
        let before = Stamp::of(&self.path);
        if let Some((stamp, refused)) = &opened.refused
            && *stamp == before
            && refused.same(&password.secret)
        {
            return Err(VaultError::WrongPassword {
                place: password.source.clone(),
                path: self.path.clone(),
            });
        }
        match CredentialStore::open(&self.path, &*password.secret) {
            Ok(store) => {
                let store = Arc::new(store);
                opened.store = Some(Arc::clone(&store));
                opened.refused = None;
                Ok(store)
            }
            Err(err) => {
                let err = VaultError::opening(&self.path, &password.source, err);
                if let VaultError::WrongPassword { .. } = err {
                    opened.refused = Some((before, Arc::clone(&password.secret)));
                }
                Err(err)
            }
        }
    }
}

impl Credentials for Vault {
    fn credential(&self, record: &str) -> Result<Option<ApiKey>, CredentialsError> {
        self.get(record).map_err(CredentialsError::from)
    }
}
