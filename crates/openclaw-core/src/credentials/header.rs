//! The header `master.salt`: how the password becomes a key, and what records there are.
//!
//! ```text
//! magic       16  "openclaw-rs.keys"
//! version      2  big endian, as all numbers here
//! checksum    32  SHA-256 of everything else
//! memory       4  KiB  ┐
//! passes       4       │ what Argon2id is asked for
//! lanes        4       │
//! salt        16       ┘
//! key id      16  of the data key; a new one with each password
//! generation   8  how many passwords there were before
//! data key    60  random, sealed under the password's key
//! manifest     …  JSON, sealed under the data key
//! ```
//!
//! Magic, version and checksum keep their places in every later version. The checksum keeps no
//! attacker away, it tells a damaged header from a wrong password; what keeps them away is that all
//! that stands here in plain is associated data of both seals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::bytes::Fields;
use super::folder::Folder;
use super::kdf::{Kdf, SALT_LEN};
use super::name::Name;
use super::{CredentialError, HeaderDamage, MAX_RECORDS, Password, RecordKind};
use crate::sealing::{self, KEY_LEN, OVERHEAD, SealingKey};

pub(super) const MAGIC: &[u8; 16] = b"openclaw-rs.keys";
/// The version of the header and of the records.
pub(super) const VERSION: u16 = 1;
/// The largest header: a full manifest with the longest names takes two thirds of it.
pub(super) const MAX_HEADER_SIZE: usize = MAX_RECORDS * 256;

const VERSION_LEN: usize = size_of::<u16>();
const CHECKSUM_LEN: usize = 32;
const WRAPPED_LEN: usize = KEY_LEN + OVERHEAD;

/// Sets one data key apart from another.
pub(super) type KeyId = [u8; 16];

/// What stands in plain in the header, and the sealed data key: what changes with the password only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lid {
    kdf: Kdf,
    salt: [u8; SALT_LEN],
    pub(super) key_id: KeyId,
    pub(super) generation: u64,
    wrapped: [u8; WRAPPED_LEN],
}

/// A header as it was read; the manifest is still sealed.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) lid: Lid,
    manifest: Vec<u8>,
}

/// Which records there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Counts the changes; the last one's number is the version of what it wrote.
    pub(super) changes: u64,
    pub(super) records: BTreeMap<Name, Entry>,
    /// What the last change removed, if that was a removal: its file may still be there.
    pub(super) removed: Option<Removed>,
}

/// What is known of a record besides its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) kind: RecordKind,
    pub(super) version: u64,
    pub(super) updated: Timestamp,
}

/// A record that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removed {
    pub(super) name: Name,
    pub(super) version: u64,
}

impl Lid {
    /// Makes a new data key and seals it under a password.
    pub(super) fn make(
        password: Password<'_>,
        kdf: Kdf,
        generation: u64,
    ) -> Result<(Self, SealingKey), CredentialError> {
        let mut lid = Self {
            kdf,
            salt: [0; SALT_LEN],
            key_id: KeyId::default(),
            generation,
            wrapped: [0; WRAPPED_LEN],
        };
        sealing::random(&mut lid.salt)?;
        sealing::random(&mut lid.key_id)?;
        let key = SealingKey::random()?;
        let sealed = kdf
            .derive(password, &lid.salt)?
            .seal(&lid.plain(), key.expose_bytes())?;
        lid.wrapped.copy_from_slice(&sealed);
        Ok((lid, key))
    }

    /// Returns the data key, if this is the password.
    pub(super) fn unlock(
        &self,
        password: Password<'_>,
        folder: &Folder,
    ) -> Result<SealingKey, CredentialError> {
        let wrong = || CredentialError::WrongPassword {
            path: folder.path().to_owned(),
        };
        let opened = self
            .kdf
            .derive(password, &self.salt)?
            .open(&self.plain(), &self.wrapped)
            .map_err(|_broken| wrong())?;
        let mut key = Zeroizing::new([0_u8; KEY_LEN]);
        key.copy_from_slice(&opened);
        Ok(SealingKey::from_bytes(&key))
    }

    /// Returns the bytes of a header with this manifest.
    pub(super) fn with_manifest(
        &self,
        key: &SealingKey,
        manifest: &Manifest,
    ) -> Result<Vec<u8>, CredentialError> {
        let json = serde_json::to_vec(manifest).map_err(CredentialError::Manifest)?;
        let sealed = key.seal(&self.whole(), &json)?;
        let whole = [self.whole(), sealed].concat();
        let (start, body) = whole.split_at(MAGIC.len() + VERSION_LEN);
        Ok([start, &checksum(start, body), body].concat())
    }

    /// What the data key's seal vouches for.
    fn plain(&self) -> Vec<u8> {
        let numbers = [self.kdf.memory_kib, self.kdf.passes, self.kdf.lanes];
        [
            &MAGIC[..],
            &VERSION.to_be_bytes(),
            &numbers.map(u32::to_be_bytes).concat(),
            &self.salt,
            &self.key_id,
            &self.generation.to_be_bytes(),
        ]
        .concat()
    }

    /// What the manifest's seal vouches for.
    fn whole(&self) -> Vec<u8> {
        [&self.plain()[..], &self.wrapped].concat()
    }
}

impl Header {
    /// Reads a header of this program's; the folder is for errors.
    pub(super) fn parse(bytes: &[u8], folder: &Folder) -> Result<Self, CredentialError> {
        let damaged = |damage| damaged(folder, damage);
        let short = || damaged(HeaderDamage::Checksum);
        let mut fields = Fields::new(bytes);
        let magic = fields.take().ok_or_else(short)?;
        if magic != *MAGIC {
            return Err(damaged(HeaderDamage::Unknown));
        }
        let version: [u8; VERSION_LEN] = fields.take().ok_or_else(short)?;
        let expected = fields.take().ok_or_else(short)?;
        let start = [&magic[..], &version].concat();
        if checksum(&start, fields.rest()) != expected {
            return Err(damaged(HeaderDamage::Checksum));
        }
        let found = u16::from_be_bytes(version);
        if found != VERSION {
            return Err(CredentialError::Newer {
                path: folder.header(),
                found,
                known: VERSION,
            });
        }
        let lid = Self::lid(&mut fields).ok_or_else(short)?;
        let Kdf {
            memory_kib,
            passes,
            lanes,
        } = lid.kdf;
        if !lid.kdf.is_accepted() {
            return Err(CredentialError::Kdf {
                path: folder.header(),
                memory_kib,
                passes,
                lanes,
            });
        }
        let manifest = fields.rest().to_vec();
        Ok(Self { lid, manifest })
    }

    /// Returns what records there are.
    pub(super) fn manifest(
        &self,
        key: &SealingKey,
        folder: &Folder,
    ) -> Result<Manifest, CredentialError> {
        let damaged = || damaged(folder, HeaderDamage::Manifest);
        let json = key
            .open(&self.lid.whole(), &self.manifest)
            .map_err(|_broken| damaged())?;
        serde_json::from_slice(&json).map_err(|_not_ours| damaged())
    }

    fn lid(fields: &mut Fields<'_>) -> Option<Lid> {
        Some(Lid {
            kdf: Kdf {
                memory_kib: u32::from_be_bytes(fields.take()?),
                passes: u32::from_be_bytes(fields.take()?),
                lanes: u32::from_be_bytes(fields.take()?),
            },
            salt: fields.take()?,
            key_id: fields.take()?,
            generation: u64::from_be_bytes(fields.take()?),
            wrapped: fields.take()?,
        })
    }
}

/// Returns the error of a header that cannot be what was written.
pub(super) fn damaged(folder: &Folder, damage: HeaderDamage) -> CredentialError {
    CredentialError::Header {
        path: folder.header(),
        damage,
    }
}

fn checksum(start: &[u8], body: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = Sha256::new().chain_update(start).chain_update(body);
    hash.finalize().into()
}
