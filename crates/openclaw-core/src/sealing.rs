//! Authenticated encryption of small things: AES-256-GCM under a key that is held in memory.
//!
//! What is sealed is `nonce ‖ ciphertext ‖ tag`, with a nonce that is drawn anew for every call.
//! Where keys come from and where sealed things are kept is left to whoever uses this.
//!
//! ```
//! use openclaw_core::sealing::SealingKey;
//!
//! let key = SealingKey::random()?;
//! let sealed = key.seal(b"what it is", b"the secret")?;
//! assert_eq!(*key.open(b"what it is", &sealed)?, b"the secret");
//! assert!(key.open(b"something else", &sealed).is_err());
//! # Ok::<(), openclaw_core::sealing::SealError>(())
//! ```

use std::fmt;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use zeroize::Zeroizing;

use crate::kind::Kind;

/// The length of a key, in bytes.
pub const KEY_LEN: usize = 32;
/// How many bytes longer a sealed thing is than what is in it.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// A key that seals and opens; it is zeroed when dropped and shows nothing of itself.
///
/// # Security
/// Nonces are random and 96 bits long, so a key is good for some 2^32 sealed things. Whatever
/// keeps a key for long replaces it long before that.
pub struct SealingKey(Box<Zeroizing<[u8; KEY_LEN]>>);

/// Why something was not sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[source] getrandom::Error),
    /// There is more of it than the cipher can take.
    #[error("there is too much to seal at once")]
    TooLong,
    /// Another key, other associated data, or other bytes than were sealed.
    #[error("the seal does not fit: another key, or something was changed")]
    Broken,
}

impl SealError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Random(_) => Kind::Unavailable,
            Self::TooLong => Kind::Limited,
            Self::Broken => Kind::Invalid,
        }
    }
}

impl SealingKey {
    /// Draws a key from the system's source of random bytes.
    pub fn random() -> Result<Self, SealError> {
        let mut bytes = Box::new(Zeroizing::new([0_u8; KEY_LEN]));
        random(&mut bytes[..])?;
        Ok(Self(bytes))
    }

    /// Copies a key that was derived or read elsewhere; the original is the caller's to zero.
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Self {
        // On the heap it stays where it is, however often the value is moved.
        let mut kept = Box::new(Zeroizing::new([0_u8; KEY_LEN]));
        kept.copy_from_slice(bytes);
        Self(kept)
    }

    /// Returns `plain` sealed; it opens only with the same associated data.
    pub fn seal(&self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = vec![0_u8; NONCE_LEN];
        random(&mut sealed)?;
        let payload = Payload {
            msg: plain,
            aad: associated,
        };
        let ciphertext = self
            .cipher()
            .encrypt(Nonce::from_slice(&sealed), payload)
            .map_err(|aes_gcm::Error| SealError::TooLong)?;
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Returns what was sealed, if all of it and its associated data are as they were.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, ciphertext) = sealed
            .split_at_checked(NONCE_LEN)
            .ok_or(SealError::Broken)?;
        let payload = Payload {
            msg: ciphertext,
            aad: associated,
        };
        let plain = self.cipher().decrypt(Nonce::from_slice(nonce), payload);
        plain
            .map(Zeroizing::new)
            .map_err(|aes_gcm::Error| SealError::Broken)
    }

    /// Returns the key's bytes, to be sealed under another key.
    pub(crate) fn expose_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    fn cipher(&self) -> Aes256Gcm {
        // Setting it up costs less than a microsecond, and it zeroes itself.
        Aes256Gcm::new(self.expose_bytes().into())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey([REDACTED])")
    }
}

/// Fills a buffer with random bytes of the system.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), SealError> {
    getrandom::fill(bytes).map_err(SealError::Random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_sealed_twice_differs_and_opens() {
        let key = SealingKey::random().unwrap();
        let sealed = [(); 2].map(|()| key.seal(b"a", b"secret").unwrap());
        assert_ne!(sealed[0], sealed[1]);
        for sealed in sealed {
            assert_eq!(sealed.len(), b"secret".len() + OVERHEAD);
            assert_eq!(*key.open(b"a", &sealed).unwrap(), b"secret");
        }
    }

    #[test]
    fn nothing_opens_that_was_changed_cut_or_sealed_for_something_else() {
        let key = SealingKey::random().unwrap();
        let sealed = key.seal(b"a", b"secret").unwrap();
        let broken = |associated: &[u8], sealed: &[u8]| {
            assert_eq!(key.open(associated, sealed), Err(SealError::Broken));
        };
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            broken(b"a", &changed);
            broken(b"a", &sealed[..at]);
        }
        broken(b"", &sealed);
        broken(b"ab", &sealed);
        let other = SealingKey::random().unwrap();
        assert_eq!(other.open(b"a", &sealed), Err(SealError::Broken));
    }

    #[test]
    fn opens_what_another_program_sealed() {
        // Test case 16 of the GCM specification (McGrew and Viega).
        let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
        let sealed = "cafebabefacedbaddecaf888\
            522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
            8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
            76fc6ece0f4e1768cddf8853bb2d551b";
        let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
            1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        let associated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
        let byte = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).unwrap();
            u8::from_str_radix(digits, 16).unwrap()
        };
        let hex = |text: &str| -> Vec<u8> { text.as_bytes().chunks(2).map(byte).collect() };
        let key: [u8; KEY_LEN] = hex(key).try_into().unwrap();
        let key = SealingKey::from_bytes(&key);
        let opened = key.open(&hex(associated), &hex(sealed)).unwrap();
        assert_eq!(*opened, hex(plain));
    }

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = SealingKey::from_bytes(&[0x41; KEY_LEN]);
        assert_eq!(format!("{key:?}"), "SealingKey([REDACTED])");
    }
}
