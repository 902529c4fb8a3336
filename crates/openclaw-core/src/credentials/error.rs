//! What can go wrong with the credential store, each case apart from the others.

use std::collections::TryReserveError;
use std::io;
use std::path::PathBuf;

use super::{MAX_RECORDS, MAX_SECRET_SIZE};
use crate::kind::Kind;
use crate::sealing::SealError;

/// Why the credential store could not do something. Nothing is half done, and no text of these
/// errors has a secret in it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The store is whole, and its key is under another password.
    #[error("the password does not open the credentials in `{path}`")]
    WrongPassword {
        /// The folder.
        path: PathBuf,
    },
    /// The password was changed after this handle was opened; what it holds is the earlier key.
    #[error("the password of the credentials in `{path}` was changed meanwhile")]
    PasswordChanged {
        /// The folder.
        path: PathBuf,
    },
    /// The password has no characters.
    #[error("the password is empty")]
    EmptyPassword,
    /// The header is not as it was written.
    #[error("the header `{path}` of the credentials is damaged: {damage}")]
    Header {
        /// The header's file.
        path: PathBuf,
        /// What is wrong with it.
        damage: HeaderDamage,
    },
    /// There are records and no header; a new one would make them unreadable for good.
    #[error("the header `{path}` is missing, and there are credentials beside it")]
    HeaderMissing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The header comes from a later version of this program.
    #[error("the header `{path}` has version {found}, this program knows up to {known}")]
    Newer {
        /// The header's file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The highest version that this program knows.
        known: u16,
    },
    /// The header asks for more, or less, work on the password than is accepted.
    #[error(
        "the header `{path}` asks for {memory_kib} KiB, {passes} passes and {lanes} lanes to derive \
         a key, which is out of bounds"
    )]
    Kdf {
        /// The header's file.
        path: PathBuf,
        /// How much memory it asks for, in KiB.
        memory_kib: u32,
        /// How many passes over that.
        passes: u32,
        /// In how many lanes.
        lanes: u32,
    },
    /// One record is not what was last put there; the others are not affected.
    #[error("the credential `{name}` {damage}")]
    Record {
        /// The record.
        name: String,
        /// What is wrong with it.
        damage: RecordDamage,
    },
    /// Nothing was put under this name.
    #[error("there is no credential `{0}`")]
    NoSuchRecord(String),
    /// The name is not one that a record may have.
    #[error(
        "`{0}` is no name of a credential: use up to 64 of a-z, 0-9, `.`, `_` and `-`, the first a \
         letter or digit"
    )]
    Name(String),
    /// The secret is too long.
    #[error("the secret has {size} bytes, at most {MAX_SECRET_SIZE} are kept")]
    TooLong {
        /// Its size in bytes.
        size: usize,
    },
    /// There are as many records as the store keeps.
    #[error("there are {MAX_RECORDS} credentials already")]
    Full,
    /// A file that is not this store's has the name that a record would get.
    #[error("`{path}` is in the way and is not a credential of this store")]
    Occupied {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else has been changing the store for longer than is waited.
    #[error("another process holds `{path}`")]
    Busy {
        /// The lock's file.
        path: PathBuf,
    },
    /// The system would not do something.
    #[error("cannot use `{path}`: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// There is not enough memory to derive a key.
    #[error("there is not enough memory to derive a key from the password")]
    Memory(#[source] TryReserveError),
    /// A key cannot be derived with these numbers; the bounds of this program should have said so.
    #[error("no key can be derived from the password: {0}")]
    Derive(argon2::Error),
    /// The list of records cannot be written.
    #[error("the list of credentials cannot be written")]
    Manifest(#[source] serde_json::Error),
    /// Something could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderDamage {
    /// It is neither a header nor a salt.
    #[error("it is not a header of this program")]
    Unknown,
    /// It has other bytes than were written.
    #[error("its bytes are not those that were written")]
    Checksum,
    /// It is whole, the password fits, and its list of records does not belong to the rest.
    #[error("its list of records does not open")]
    Manifest,
    /// It is whole, and one that was seen earlier had later changes.
    #[error("it was put back to an earlier one")]
    Earlier,
    /// It is the salt of the store's first form, beside records of the present one.
    #[error("it is a bare salt, and the credentials beside it were not written with one")]
    Salt,
}

/// What is wrong with one record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordDamage {
    /// Its file is gone.
    #[error("is missing: its file is gone")]
    Missing,
    /// Its file cannot be read, or is no file.
    #[error("has a file that cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// Its file has other bytes than were written, or was written under another key.
    #[error("is damaged, or was written under another key")]
    Changed,
    /// Its file is whole, and is not the last one that was written.
    #[error("was put back to another version: {found} instead of {expected}")]
    Version {
        /// The version in the file.
        found: u64,
        /// The version that was written last.
        expected: u64,
    },
    /// Its file is a copy of another record's.
    #[error("has the file of the credential `{0}`")]
    Copied(String),
    /// Its file is there and was not written by this store, or belongs to a record that was removed.
    #[error("is not in the list of credentials, and has a file")]
    Unlisted,
}

impl CredentialError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::WrongPassword { .. } => Kind::Unauthenticated,
            Self::PasswordChanged { .. } | Self::Occupied { .. } => Kind::Conflict,
            Self::EmptyPassword | Self::Name(_) => Kind::Invalid,
            Self::NoSuchRecord(_) => Kind::NotFound,
            Self::TooLong { .. } | Self::Full => Kind::Limited,
            Self::Busy { .. } => Kind::Busy,
            Self::Header { .. }
            | Self::HeaderMissing { .. }
            | Self::Newer { .. }
            | Self::Kdf { .. }
            | Self::Record { .. }
            | Self::Io { .. }
            | Self::Memory(_) => Kind::Unavailable,
            Self::Derive(_) | Self::Manifest(_) => Kind::Internal,
            Self::Seal(err) => err.kind(),
        }
    }
}
