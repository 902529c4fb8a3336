//! One record's file `NAME.enc`: a label in plain, and the secret sealed to the label and the name.
//!
//! ```text
//! magic       16  "openclaw-rs.cred"
//! version      2  of the format
//! key id      16  of the data key that it is sealed under
//! kind         1
//! version      8  the number of the change that wrote it
//! secret       …  sealed; the label above and the record's name are its associated data
//! ```

use zeroize::Zeroizing;

use super::bytes::Fields;
use super::header::{KeyId, VERSION};
use super::name::Name;
use super::{CredentialError, MAX_SECRET_SIZE, RecordKind};
use crate::sealing::{OVERHEAD, SealingKey};

pub(super) const MAGIC: &[u8; 16] = b"openclaw-rs.cred";
/// How many bytes come before the sealed secret.
const LABEL_LEN: usize = MAGIC.len() + size_of::<u16>() + size_of::<KeyId>() + 1 + VERSION_LEN;
const VERSION_LEN: usize = size_of::<u64>();
/// The largest file of a record.
pub(super) const MAX_RECORD_SIZE: usize = LABEL_LEN + MAX_SECRET_SIZE + OVERHEAD;

/// A data key and its id.
#[derive(Debug)]
pub(super) struct DataKey {
    pub(super) id: KeyId,
    pub(super) key: SealingKey,
}

/// What was found in a record's file, all of it authentic; it is not to be printed.
pub(super) struct Content {
    pub(super) kind: RecordKind,
    pub(super) version: u64,
    pub(super) secret: Zeroizing<Vec<u8>>,
}

impl DataKey {
    /// Returns the bytes of a record's file.
    pub(super) fn seal(
        &self,
        name: &Name,
        (kind, version): (RecordKind, u64),
        secret: &[u8],
    ) -> Result<Vec<u8>, CredentialError> {
        let mut file = self.label(kind, version);
        let sealed = self.key.seal(&associated(&file, name), secret)?;
        file.extend_from_slice(&sealed);
        Ok(file)
    }

    /// Returns what is in a record's file, if it was written for this name under this key.
    pub(super) fn open(&self, name: &Name, file: &[u8]) -> Option<Content> {
        let (label, sealed) = file.split_at_checked(LABEL_LEN)?;
        let secret = self.key.open(&associated(label, name), sealed).ok()?;
        // The seal vouches for every byte of the label, so this is one that was written here.
        let (_format_and_key, rest) = label.split_at_checked(LABEL_LEN - VERSION_LEN - 1)?;
        let mut fields = Fields::new(rest);
        let [kind] = fields.take()?;
        Some(Content {
            kind: RecordKind::from_byte(kind)?,
            version: u64::from_be_bytes(fields.take()?),
            secret,
        })
    }

    fn label(&self, kind: RecordKind, version: u64) -> Vec<u8> {
        [
            &MAGIC[..],
            &VERSION.to_be_bytes(),
            &self.id,
            &[kind.byte()],
            &version.to_be_bytes(),
        ]
        .concat()
    }
}

/// The label has one length, so that no two pairs of label and name look alike.
fn associated(label: &[u8], name: &Name) -> Vec<u8> {
    [label, name.as_str().as_bytes()].concat()
}
