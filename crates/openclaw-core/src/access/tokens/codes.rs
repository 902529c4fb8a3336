//! Codes by which one browser can log in, once.

use std::time::Duration;

use jiff::Timestamp;

use super::TokenError;
use super::grant::{login_code, sha256};
use crate::secrets::ApiKey;

/// How long a code is good.
pub const CODE_LIFE: Duration = Duration::from_mins(10);
/// How many codes wait for their browser at most; then the oldest goes.
const CODES: usize = 32;

/// The codes that wait for their browser, by their hashes. They do not outlive the gateway.
#[derive(Debug, Default)]
pub struct LoginCodes(Vec<(String, Timestamp)>);

impl LoginCodes {
    /// Makes a code; returns it and until when it is good.
    #[expect(clippy::disallowed_methods, reason = "only the hash is kept")]
    pub fn make(&mut self, now: Timestamp) -> Result<(ApiKey, Timestamp), TokenError> {
        let code = login_code()?;
        let until = now.saturating_add(CODE_LIFE).unwrap_or(now);
        self.0.retain(|(_, until)| *until > now);
        if self.0.len() >= CODES {
            self.0.remove(0);
        }
        self.0.push((sha256(code.expose_secret()), until));
        Ok((code, until))
    }

    /// Takes a code; returns whether it was good, which it is not again.
    pub fn redeem(&mut self, code: &str, now: Timestamp) -> bool {
        // A code has 256 random bits, so comparing hashes of them tells nobody anything.
        let hash = sha256(code);
        let Some(at) = self.0.iter().position(|(known, _)| *known == hash) else {
            return false;
        };
        let (_, until) = self.0.remove(at);
        until > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_and_for_ten_minutes() {
        let (mut codes, now) = (LoginCodes::default(), Timestamp::UNIX_EPOCH);
        let (code, until) = codes.make(now).unwrap();
        assert_eq!(until, now + CODE_LIFE);
        assert!(!codes.redeem("oc_lc_", now) && !codes.redeem("", now));
        assert!(codes.redeem(code.expose_secret(), now));
        assert!(!codes.redeem(code.expose_secret(), now), "it was used");

        let (late, until) = codes.make(now).unwrap();
        assert!(!codes.redeem(late.expose_secret(), until));
    }

    #[test]
    fn nobody_fills_the_memory_with_codes() {
        let (mut codes, now) = (LoginCodes::default(), Timestamp::UNIX_EPOCH);
        let (first, _) = codes.make(now).unwrap();
        for _ in 0..CODES {
            codes.make(now).unwrap();
        }
        assert_eq!(codes.0.len(), CODES);
        assert!(!codes.redeem(first.expose_secret(), now));
    }
}
