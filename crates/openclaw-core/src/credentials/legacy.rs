//! The first form of the store, which is read once and then replaced.
//!
//! There, `master.salt` is the bare salt, the key comes from the password directly, and a record is
//! `nonce ‖ ciphertext ‖ tag` with nothing that says which record it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::folder::Folder;
use super::header::{self, damaged};
use super::kdf::Kdf;
use super::name::Name;
use super::opened::Fresh;
use super::record;
use super::{CredentialError, HeaderDamage, MAX_SECRET_SIZE, Password, RecordDamage, RecordKind};
use crate::clock::Clock;
use crate::sealing::{OVERHEAD, SealingKey};

/// The salts that Argon2 and the password-hash crate accept, in bytes.
const SALT_LENGTHS: std::ops::RangeInclusive<usize> = 8..=48;
/// The largest file of a record.
const MAX_FILE_SIZE: usize = MAX_SECRET_SIZE + OVERHEAD;
/// How long a salt is that is no text.
const RAW_SALT_LEN: usize = 16;

/// A salt, as the first form kept it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Salt(Vec<u8>);

impl Salt {
    /// Reads the text of a `SaltString`, padded or not, or 16 bytes that are no text.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        // What is left of a header of ours must not be taken for a salt.
        if header::MAGIC.starts_with(bytes) || bytes.starts_with(header::MAGIC) {
            return None;
        }
        let text = bytes.trim_ascii();
        let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
        let text = text.get(..text.len().saturating_sub(padding))?;
        let decoded = STANDARD_NO_PAD.decode(text).ok();
        decoded
            .filter(|salt| SALT_LENGTHS.contains(&salt.len()))
            .or_else(|| (bytes.len() == RAW_SALT_LEN).then(|| bytes.to_vec()))
            .map(Self)
    }
}

/// Returns every record of a store in the first form; nothing is changed.
///
/// Without any record there is nothing that tells whether the password is right, and nothing that
/// could be lost: the store is as good as new, and takes the password. With a single one, a damaged
/// record cannot be told from a wrong password.
pub(super) fn read(
    folder: &Folder,
    salt: &Salt,
    password: Password<'_>,
) -> Result<Vec<Fresh>, CredentialError> {
    let mut files = Vec::new();
    for file in folder.record_files()? {
        let bytes = folder.read(&file, MAX_FILE_SIZE)?;
        files.push((file, bytes.unwrap_or_default()));
    }
    if files.is_empty() {
        return Ok(Vec::new());
    }
    if files
        .iter()
        .any(|(_, bytes)| bytes.starts_with(record::MAGIC))
    {
        return Err(damaged(folder, HeaderDamage::Salt));
    }
    let key = Kdf::DEFAULT.derive(password, &salt.0)?;
    let updated = Clock::system().now();
    let (mut records, mut closed) = (Vec::new(), None);
    for (file, bytes) in &files {
        match (open(&key, bytes), Name::parse_file(file)) {
            (Some(secret), Ok(name)) => records.push(Fresh {
                name,
                kind: RecordKind::Key,
                updated,
                secret,
            }),
            // Its key will be gone after the upgrade, so it is not left behind silently.
            (Some(_), Err(illegal)) => return Err(illegal),
            (None, Ok(name)) => closed = closed.or(Some(name)),
            // Nothing says that this one was ever ours.
            (None, Err(_)) => {}
        }
    }
    if records.is_empty() {
        let path = folder.path().to_owned();
        return Err(CredentialError::WrongPassword { path });
    }
    closed.map_or(Ok(records), |name| {
        Err(CredentialError::Record {
            name: name.to_string(),
            damage: RecordDamage::Changed,
        })
    })
}

/// Returns the secret; it has to be a text, as everything is that was ever put.
fn open(key: &SealingKey, file: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let secret = key.open(b"", file).ok()?;
    let fits = secret.len() <= MAX_SECRET_SIZE && std::str::from_utf8(&secret).is_ok();
    fits.then_some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_salt_is_read_as_text_or_as_sixteen_bytes() {
        let salt = |bytes: &[u8]| Salt::parse(bytes).map(|salt| salt.0);
        let sixteen: Vec<u8> = (0xf0..=0xff).collect();
        assert_eq!(salt(&sixteen), Some(sixteen.clone()));
        for text in [
            "8PHy8/T19vf4+fr7/P3+/w",
            "8PHy8/T19vf4+fr7/P3+/w==",
            "8PHy8/T19vf4+fr7/P3+/w\n",
            "8PHy8/T19vf4+fr7/P3+/w==\r\n",
        ] {
            assert_eq!(salt(text.as_bytes()), Some(sixteen.clone()), "{text:?}");
        }
    }

    #[test]
    fn nothing_else_is_a_salt() {
        for bytes in [
            &b""[..],
            b"\n",
            b"====",
            b"c2hvcnQ",
            b"8PHy8/T19vf4+fr7/P3+/",
            b"not a salt at all",
            &[b'A'; 100],
            header::MAGIC,
            b"openclaw",
        ] {
            assert_eq!(Salt::parse(bytes), None, "{bytes:?}");
        }
    }
}
