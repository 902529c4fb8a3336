//! The devices that may come in: which were let in by whom, and which wait for that.
//!
//! A device is a key that a program keeps on some machine; it shows that it holds the key by signing
//! a nonce ([`DeviceKey`]). Once it is paired it has [`Rights`], and may be given a token of its own,
//! which is kept as a hash only. A device that nobody has decided about leaves a request, which runs
//! out.
//!
//! [`Devices`] is what the gateway works with. `book` has the rules and knows no file, `file` keeps
//! the book on disk.

mod book;
mod file;
mod key;
mod rights;
#[cfg(test)]
mod tests;

use std::path::Path;

use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use self::book::Book;
use self::file::DeviceFile;
use super::{Admitted, Scopes};
use crate::access::tokens::{Ended, Verified};
use crate::clock::Clock;
use crate::kind::Kind;
use crate::redaction;
use crate::secrets::ApiKey;

pub use self::book::{DEVICES, PENDING, PENDING_LIFE, PairedDevice, PairingRequest};
pub use self::file::DeviceFileError;
pub use self::key::{DeviceId, DeviceKey, NotAKey};
pub use self::rights::{Right, Rights, UnknownRight};

/// What a device says of itself; it is shown to whoever decides, and proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSays {
    /// The program on it.
    pub client_id: String,
    /// How the program is used.
    pub client_mode: String,
    /// The system.
    pub platform: String,
    /// The sort of machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    /// The name that it goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// A device that wants to come in.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// Its key.
    pub key: DeviceKey,
    /// What it says of itself.
    pub says: DeviceSays,
    /// What it wants to be allowed.
    pub rights: Rights,
    /// Where it came from.
    pub from: Option<String>,
}

/// Why something about a device was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such request waits.
    #[error("no pairing request `{0}` waits: it was decided, or has run out")]
    NoRequest(String),
    /// No such device is paired.
    #[error("no device `{0}` is paired")]
    NoDevice(String),
    /// Whoever decides may not give so much.
    #[error("the device asks for more than you may give")]
    TooMuch,
    /// There are as many devices as the gateway keeps.
    #[error("there are {DEVICES} devices already: revoke one that is not needed")]
    Full,
    /// The token was never given out, or does not count any more.
    #[error("the device's token is not known")]
    Unknown,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] DeviceFileError),
}

impl DeviceError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoRequest(_) | Self::NoDevice(_) => Kind::NotFound,
            Self::TooMuch => Kind::Denied,
            Self::Full => Kind::Limited,
            Self::Unknown => Kind::Unauthenticated,
            Self::Random => Kind::Internal,
            Self::File(err) => err.kind(),
        }
    }
}

/// The devices of one state directory.
///
/// # Threads
/// Checking looks at memory only. Whatever changes a device writes the file first, which blocks:
/// call it off the async threads.
#[derive(Debug)]
pub struct Devices {
    /// None for a gateway without a state directory: its devices end with it.
    file: Option<DeviceFile>,
    clock: Clock,
    /// Held while the file is written.
    changing: Mutex<()>,
    book: RwLock<Book>,
}

impl Devices {
    /// Reads the devices of a file; one that is not there has none.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, DeviceFileError> {
        let file = DeviceFile::new(path);
        Ok(Self {
            book: RwLock::new(file.read()?),
            file: Some(file),
            clock,
            changing: Mutex::default(),
        })
    }

    /// Makes a list of devices that is kept nowhere.
    pub fn nowhere(clock: Clock) -> Self {
        Self {
            file: None,
            clock,
            changing: Mutex::default(),
            book: RwLock::default(),
        }
    }

    /// Returns the requests that wait and the devices that are paired, the newest first.
    pub fn list(&self) -> (Vec<PairingRequest>, Vec<PairedDevice>) {
        self.book.read().list(self.clock.now())
    }

    /// Returns a device, if it is paired.
    pub fn paired(&self, id: &DeviceId) -> Option<PairedDevice> {
        self.book.read().paired(id)
    }

    /// Notes that a device wants to come in; a device has one request at most.
    pub fn request(&self, newcomer: Newcomer) -> Result<PairingRequest, DeviceError> {
        let now = self.clock.now();
        self.change(|book| Ok(book.request(newcomer, now)))
    }

    /// Lets a device in whose request waits; `most` is what whoever decides may give.
    pub fn approve(
        &self,
        request: &str,
        by: &str,
        most: Rights,
    ) -> Result<PairedDevice, DeviceError> {
        let now = self.clock.now();
        self.change(|book| book.approve(request, by, most, now))
    }

    /// Turns a device away whose request waits.
    pub fn reject(&self, request: &str) -> Result<PairingRequest, DeviceError> {
        let now = self.clock.now();
        self.change(|book| book.reject(request, now))
    }

    /// Lets a device in at once, or gives one that is in more rights.
    pub fn pair(&self, newcomer: Newcomer, by: &str) -> Result<PairedDevice, DeviceError> {
        let now = self.clock.now();
        self.change(|book| book.pair(newcomer, by, now))
    }

    /// Takes a device out, and ends its connections.
    pub fn remove(&self, id: &str) -> Result<PairedDevice, DeviceError> {
        self.change(|book| book.remove(id))
    }

    /// Gives a device a token with these rights in place of the one it has, if it has one.
    pub fn give_token(&self, id: &str, rights: Option<Rights>) -> Result<ApiKey, DeviceError> {
        let now = self.clock.now();
        self.change(|book| book.give_token(id, rights, now))
    }

    /// Takes a device's token back; returns whether it had one.
    pub fn revoke_token(&self, id: &str) -> Result<bool, DeviceError> {
        self.change(|book| book.revoke_token(id))
    }

    /// Admits a device that has shown that it holds its key, by its token.
    pub fn verify(
        &self,
        id: &DeviceId,
        presented: &str,
    ) -> Result<(Verified, Rights), DeviceError> {
        let verified = self.book.read().verify(id, presented)?;
        // Not before: a stranger must not choose what is masked.
        redaction::learn_text(presented);
        Ok(verified)
    }

    /// Returns what ends when a device is taken out.
    pub fn until_removed(&self, id: &DeviceId) -> Option<Ended> {
        self.book.read().until_removed(id)
    }

    /// Makes a change, writes it, and only then lets it count.
    fn change<T>(
        &self,
        make: impl FnOnce(&mut Book) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        let _alone = self.changing.lock();
        let mut next = self.book.read().clone();
        let made = make(&mut next)?;
        if let Some(file) = &self.file {
            file.write(&next)?;
        }
        let before = std::mem::replace(&mut *self.book.write(), next);
        before.end_what_is_gone(&self.book.read());
        Ok(made)
    }
}

impl Admitted {
    /// Says that it was a device that was admitted, by its owner's credential.
    #[must_use]
    pub fn on_device(self, id: &DeviceId) -> Self {
        Self {
            principal: super::Principal::Device(id.clone()),
            ..self
        }
    }

    /// Keeps no more than these scopes.
    #[must_use]
    pub fn within(self, scopes: Scopes) -> Self {
        Self {
            scopes: scopes.iter().filter(|scope| self.may(*scope)).collect(),
            ..self
        }
    }
}
