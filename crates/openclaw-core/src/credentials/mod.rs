//! The encrypted credential store: secrets in files that open with a password.
//!
//! ```text
//! ~/.openclaw/credentials/     0700
//! ├── anthropic.enc            0600  one record: a label, and the secret sealed to it
//! ├── openai.enc
//! ├── master.salt              0600  the header: salt, sealed data key, sealed list of records
//! └── master.lock              0600  empty; held while something changes
//! ```
//!
//! The password becomes a key by Argon2id (`kdf.rs`), that key opens the data key in the header
//! (`header.rs`), and the data key opens the list of records and each record (`record.rs`), all by
//! AES-256-GCM. How a change becomes whole, and what happens to one that was cut off, is told in
//! `opened.rs`. Other files in the folder, such as TypeScript OpenClaw's, are never touched.
//!
//! # Security
//! A record's seal vouches for the format's version, the data key, the record's name, its kind and
//! the number of the change that wrote it, and the sealed list says which number is the last. So a
//! record that was swapped, copied under another name, put back to an earlier version or taken away
//! is told from one that is as it was. Whoever puts back the *whole* folder, header and records, has
//! a store that was once true; nothing inside of it can show that, but a handle that has seen a later
//! header notices. The names of records, their sizes and when they change can be seen without the
//! password.
//!
//! ```
//! use openclaw_core::{ApiKey, CredentialStore};
//!
//! # struct AnthropicProvider(ApiKey);
//! # impl AnthropicProvider {
//! #     fn new(key: ApiKey) -> Self { Self(key) }
//! #     fn api_key(&self) -> &ApiKey { &self.0 }
//! # }
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("credentials");
//! # let master_password = ApiKey::new("correct horse".to_string());
//! // onboard: user types master password once
//! let store = CredentialStore::open(path, &master_password)?;
//!
//! // store: encrypt + persist
//! store.put("anthropic", &ApiKey::new("sk-ant-...".to_string()))?;
//!
//! // retrieve: decrypt + wrap
//! let key: ApiKey = store.get("anthropic")?;
//! let provider = AnthropicProvider::new(key);
//! # assert_eq!(provider.api_key().expose_secret(), "sk-ant-...");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bytes;
mod error;
mod folder;
mod header;
mod kdf;
mod legacy;
mod name;
mod opened;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use error::{CredentialError, HeaderDamage, RecordDamage};

use crate::clock::Clock;
use crate::redaction;
use crate::secrets::ApiKey;
use folder::Folder;
use kdf::Kdf;
use name::Name;
use opened::{Fresh, Opened};

/// The largest secret that is kept, in bytes.
pub const MAX_SECRET_SIZE: usize = 64 * 1024;
/// The largest number of records.
pub const MAX_RECORDS: usize = 1000;

/// A master password, borrowed for as long as a key is derived from it.
#[derive(Clone, Copy)]
pub struct Password<'p>(&'p str);

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// An API key or a token.
    Key,
    /// A sign-in that can be renewed: a JSON document.
    OAuth,
}

/// A record as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// What it holds; not known of a file that is not in the list.
    pub kind: Option<RecordKind>,
    /// When it was last put; not known of a file that is not in the list.
    pub updated: Option<Timestamp>,
    /// Whether it can be read.
    pub state: RecordState,
}

/// Whether a record can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// It opens, and is what was last put there.
    Ok,
    /// It is not.
    Damaged(RecordDamage),
}

/// Secrets in files that open with a password; see [the module](self) for the form of the files.
///
/// Any number of handles, threads and processes may use the same folder: each sees what the others
/// have put, and changes are made one at a time. Every call waits for the disk, and [`open`] and
/// [`rotate`] take some hundred milliseconds to derive a key, so async code calls them elsewhere.
///
/// [`open`]: CredentialStore::open
/// [`rotate`]: CredentialStore::rotate
pub struct CredentialStore {
    folder: Folder,
    opened: Mutex<Opened>,
    /// How much work the password of a new header is.
    kdf: Kdf,
}

impl CredentialStore {
    /// Opens the store in a folder; makes the folder and the store if there is none.
    ///
    /// The password that makes a store is its password from then on. A store in the first form (a
    /// bare salt, records that are only sealed) is replaced by one in this form, all records at once.
    /// Rights that others have to the folder are taken away.
    pub fn open<'p>(
        path: impl AsRef<Path>,
        password: impl Into<Password<'p>>,
    ) -> Result<Self, CredentialError> {
        let password = password.into();
        let store = Self::open_with(path.as_ref(), password, Kdf::DEFAULT)?;
        redaction::learn_text(password.0);
        Ok(store)
    }

    /// Tells whether there is a store in a folder, in this form or the first.
    pub fn exists(path: &Path) -> bool {
        Folder::has_header(path)
    }

    /// Keeps a key under a name, in place of what was there.
    pub fn put(&self, name: &str, secret: &ApiKey) -> Result<(), CredentialError> {
        self.put_as(name, RecordKind::Key, secret)
    }

    /// Keeps a secret of any kind under a name, in place of what was there.
    ///
    /// A record that is damaged is not replaced, since it may be the only trace of what happened;
    /// [`CredentialStore::remove`] makes room.
    #[expect(
        clippy::disallowed_methods,
        reason = "what is written of the secret is sealed"
    )]
    pub fn put_as(
        &self,
        name: &str,
        kind: RecordKind,
        secret: &ApiKey,
    ) -> Result<(), CredentialError> {
        let name = Name::parse(name)?;
        let size = secret.len();
        if size > MAX_SECRET_SIZE {
            return Err(CredentialError::TooLong { size });
        }
        let fresh = Fresh {
            name,
            kind,
            updated: Clock::system().now(),
            secret: Zeroizing::new(secret.expose_secret().into()),
        };
        redaction::learn(secret);
        self.change(|opened, folder| opened.put(folder, fresh))
    }

    /// Returns the secret that was last put under a name.
    pub fn get(&self, name: &str) -> Result<ApiKey, CredentialError> {
        let name = Name::parse(name)?;
        let first = self.look(|opened, folder| opened.secret(folder, &name));
        let secret = match first {
            Err(damaged @ CredentialError::Record { .. }) => {
                match self.change(|opened, folder| opened.secret(folder, &name)) {
                    // Where nothing can be written, nobody is in the middle of a change.
                    Err(CredentialError::Io { .. }) => Err(damaged),
                    second => second,
                }
            }
            first => first,
        }?;
        let text = std::str::from_utf8(&secret).map_err(|_not_text| CredentialError::Record {
            name: name.to_string(),
            damage: RecordDamage::Changed,
        })?;
        // A copy of the very length: shrinking the buffer could leave a part of it in free memory.
        let secret = ApiKey::new(text.to_owned());
        redaction::learn(&secret);
        Ok(secret)
    }

    /// Returns every record in order of names, and for each whether it can be read.
    ///
    /// Files that have a record's name and are not in the list are shown too, as damaged.
    pub fn list(&self) -> Result<Vec<Record>, CredentialError> {
        let first = self.look(Opened::list)?;
        if first.iter().all(|record| record.state == RecordState::Ok) {
            return Ok(first);
        }
        match self.change(|opened, folder| opened.list(folder)) {
            Err(CredentialError::Io { .. }) => Ok(first),
            second => second,
        }
    }

    /// Removes a record, damaged or not, and its file; returns whether it was there.
    pub fn remove(&self, name: &str) -> Result<bool, CredentialError> {
        let name = Name::parse(name)?;
        self.change(|opened, folder| opened.remove(folder, &name))
    }

    /// Gives the store another password, and every record another key; all of it or nothing.
    ///
    /// Other handles answer [`CredentialError::PasswordChanged`] from then on. If a record is damaged,
    /// nothing is changed and the error names it.
    pub fn rotate<'p>(
        &mut self,
        new_password: impl Into<Password<'p>>,
    ) -> Result<(), CredentialError> {
        let password = new_password.into().checked()?;
        self.change(|opened, folder| opened.rotate(folder, password, self.kdf))?;
        redaction::learn_text(password.0);
        Ok(())
    }

    fn open_with(path: &Path, password: Password<'_>, kdf: Kdf) -> Result<Self, CredentialError> {
        let password = password.checked()?;
        let folder = Folder::prepare(path)?;
        let opened = Opened::open(&folder, password, kdf)?;
        let unfinished = opened.is_unfinished(&folder)?;
        let store = Self {
            folder,
            opened: Mutex::new(opened),
            kdf,
        };
        if unfinished {
            store.change(|_, _| Ok(()))?;
        }
        Ok(store)
    }

    /// Looks at the store without the lock, as it is or is about to be.
    ///
    /// While another process changes it, what is found may not fit together; then whoever asked looks
    /// again by way of [`CredentialStore::change`], before which no change is in the middle.
    fn look<T>(
        &self,
        act: impl FnOnce(&Opened, &Folder) -> Result<T, CredentialError>,
    ) -> Result<T, CredentialError> {
        let mut opened = self.opened.lock();
        opened.refresh(&self.folder)?;
        act(&opened, &self.folder)
    }

    /// Does something that nobody else may do at the same time.
    fn change<T>(
        &self,
        act: impl FnOnce(&mut Opened, &Folder) -> Result<T, CredentialError>,
    ) -> Result<T, CredentialError> {
        let _lock = self.folder.lock()?;
        let mut opened = self.opened.lock();
        opened.refresh(&self.folder)?;
        opened.recover(&self.folder)?;
        act(&mut opened, &self.folder)
    }
}

impl fmt::Debug for CredentialStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CredentialStore");
        debug
            .field("path", &self.folder.path())
            .finish_non_exhaustive()
    }
}

impl RecordKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Key => 1,
            Self::OAuth => 2,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Key, Self::OAuth]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}

impl<'p> Password<'p> {
    const fn checked(self) -> Result<Self, CredentialError> {
        if self.0.is_empty() {
            return Err(CredentialError::EmptyPassword);
        }
        Ok(self)
    }

    const fn as_bytes(&self) -> &'p [u8] {
        self.0.as_bytes()
    }
}

impl<'p> From<&'p ApiKey> for Password<'p> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a key is derived from the password, and nothing else is done with it"
    )]
    fn from(password: &'p ApiKey) -> Self {
        Self(password.expose_secret())
    }
}

impl<'p> From<&'p str> for Password<'p> {
    fn from(password: &'p str) -> Self {
        Self(password)
    }
}

impl<'p> From<&'p String> for Password<'p> {
    fn from(password: &'p String) -> Self {
        Self(password)
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([REDACTED])")
    }
}
