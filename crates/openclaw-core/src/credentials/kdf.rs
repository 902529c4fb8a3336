//! From a password to a key: Argon2id, with bounds on the work that a file may ask for.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::{CredentialError, Password};
use crate::sealing::{KEY_LEN, SealingKey};

/// How many bytes of salt a new header gets.
pub(super) const SALT_LEN: usize = 16;

/// How much work it is to derive a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kdf {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Kdf {
    /// What new headers are made with, and what the first form of the store always used.
    pub(super) const DEFAULT: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 4,
    };
    /// The least memory that is accepted, in KiB.
    ///
    /// A header that asks for less than the default is no danger: whoever writes one without knowing
    /// the password has a header that does not open, since these numbers are sealed with the key.
    const LEAST_MEMORY: u32 = 8 * 1024;
    /// The most memory, in KiB: a header must not make this process too large to live.
    const MOST_MEMORY: u32 = 512 * 1024;
    /// The most memory times passes: some ten times the default.
    const MOST_WORK: u32 = 2 * 1024 * 1024;
    const MOST_LANES: u32 = 16;

    /// Tells whether the numbers are within bounds; nothing is computed or allocated for it.
    pub(super) fn is_accepted(self) -> bool {
        let work = self.memory_kib.checked_mul(self.passes);
        (Self::LEAST_MEMORY..=Self::MOST_MEMORY).contains(&self.memory_kib)
            && work.is_some_and(|work| (1..=Self::MOST_WORK).contains(&work))
            && (1..=Self::MOST_LANES).contains(&self.lanes)
    }

    /// Derives the key that a password stands for; the numbers have to be within bounds.
    pub(super) fn derive(
        self,
        password: Password<'_>,
        salt: &[u8],
    ) -> Result<SealingKey, CredentialError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_LEN))
            .map_err(CredentialError::Derive)?;
        // What the memory holds in the end is as good as the key, so it is ours to zero.
        let mut memory = Zeroizing::new(Vec::new());
        memory
            .try_reserve_exact(params.block_count())
            .map_err(CredentialError::Memory)?;
        memory.resize(params.block_count(), Block::default());
        let mut key = Zeroizing::new([0_u8; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                password.as_bytes(),
                salt,
                &mut key[..],
                &mut memory[..],
            )
            .map_err(CredentialError::Derive)?;
        Ok(SealingKey::from_bytes(&key))
    }
}
