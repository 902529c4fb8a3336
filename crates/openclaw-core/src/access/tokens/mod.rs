//! Tokens that the gateway issues: opaque, random, and kept as hashes only.
//!
//! A *grant* is what somebody was given: a name, scopes, and the tokens of it. An access token
//! opens the gateway for an hour. A refresh token is exchanged for the next pair, once; the same
//! refresh token shown again means that it was stolen, and ends the grant (RFC 9700, 4.14.2).
//!
//! [`Tokens`] is what the gateway works with. `book` has the rules and knows no file, `grant` is
//! one entry of it, `file` keeps the book on disk, encrypted.

mod book;
mod codes;
mod ended;
mod file;
mod grant;

use std::fmt;
use std::path::Path;

use parking_lot::{Mutex, RwLock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::book::Book;
use self::file::TokenFile;
use super::Admitted;
use crate::clock::Clock;
use crate::kind::Kind;
use crate::redaction;
use crate::sealing::SealingKey;

pub use self::book::{ACCESS_LIFE, GRANTS, REFRESH_LIFE};
pub use self::codes::{CODE_LIFE, LoginCodes};
pub use self::ended::Ended;
pub use self::file::TokenFileError;
pub use self::grant::{GrantInfo, Grantee, ISSUED, Issued, NewGrant};

/// Names a grant; it is no secret.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct TokenId(pub String);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a token was not issued or not taken.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The access token was never issued, or its grant has ended.
    #[error("the token is not known")]
    Unknown,
    /// The token was good once.
    #[error("the token has run out")]
    RunOut,
    /// The refresh token was shown before, so somebody else has it, too; its grant has ended.
    #[error("the refresh token was used before")]
    Reused(TokenId),
    /// Another tab of the same browser has exchanged it a moment ago.
    #[error("another tab was quicker")]
    Quicker,
    /// There are as many grants as the gateway keeps.
    #[error("there are {GRANTS} grants already: revoke one that is not needed")]
    Full,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] TokenFileError),
}

impl TokenError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Unknown | Self::RunOut | Self::Reused(_) => Kind::Unauthenticated,
            Self::Quicker => Kind::Conflict,
            Self::Full => Kind::Limited,
            Self::Random => Kind::Internal,
            Self::File(err) => err.kind(),
        }
    }
}

/// Somebody who showed a good access token.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it is, and what they may do.
    pub admitted: Admitted,
    /// When that ends.
    pub ended: Ended,
}

/// The tokens of one state directory.
///
/// # Threads
/// Checking a token looks at memory only. Whatever changes a grant writes the file first, which
/// blocks: call it off the async threads.
#[derive(Debug)]
pub struct Tokens {
    file: TokenFile,
    clock: Clock,
    /// Held while the file is written.
    changing: Mutex<()>,
    book: RwLock<Book>,
}

impl Tokens {
    /// Reads the tokens of a file; one that is not there has none.
    pub fn open(path: &Path, key: SealingKey, clock: Clock) -> Result<Self, TokenFileError> {
        let file = TokenFile::new(path, key);
        Ok(Self {
            book: RwLock::new(Book::of(file.read()?)),
            file,
            clock,
            changing: Mutex::default(),
        })
    }

    /// Gives somebody a first pair of tokens.
    pub fn grant(&self, new: NewGrant) -> Result<Issued, TokenError> {
        let now = self.clock.now();
        self.change(|book| {
            book.forget_run_out(now);
            book.grant(new, now)
        })
    }

    /// Exchanges a refresh token of a program or a browser for the next pair.
    pub fn refresh(&self, presented: &str, by: Grantee) -> Result<Issued, TokenError> {
        let now = self.clock.now();
        self.change(|book| book.refresh(presented, by, now))
    }

    /// Ends a grant; returns whether there was one.
    pub fn revoke(&self, id: &TokenId) -> Result<bool, TokenError> {
        if self.book.read().find(id).is_none() {
            return Ok(false);
        }
        self.change(|book| Ok(book.revoke(id)))
    }

    /// Returns every grant that has not run out, the newest first.
    pub fn list(&self) -> Vec<GrantInfo> {
        let now = self.clock.now();
        self.book.read().list(now)
    }

    /// Admits whoever shows an access token.
    pub fn verify(&self, presented: &str) -> Result<Verified, TokenError> {
        let now = self.clock.now();
        let verified = self.book.read().verify(presented, now)?;
        // Not before: a stranger must not choose what is masked.
        redaction::learn_text(presented);
        Ok(verified)
    }

    /// Makes a change, writes it, and only then lets it count.
    ///
    /// A stolen refresh token ends its grant even where the change as such fails.
    fn change<T>(
        &self,
        make: impl FnOnce(&mut Book) -> Result<T, TokenError>,
    ) -> Result<T, TokenError> {
        let _alone = self.changing.lock();
        let mut next = self.book.read().clone();
        let made = make(&mut next);
        if matches!(made, Ok(_) | Err(TokenError::Reused(_))) {
            self.file.write(&next.grants())?;
            let before = std::mem::replace(&mut *self.book.write(), next);
            before.end_what_is_gone(&self.book.read());
        }
        made
    }
}

#[cfg(test)]
mod tests;
