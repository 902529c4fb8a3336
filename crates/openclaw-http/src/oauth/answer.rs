//! Reading what a server answers: tokens, or the code of a refusal.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::{ApiKey, redaction};
use serde::{Deserialize, Deserializer, de};

use super::error::{ErrorCode, OauthError, Odd};
use super::tokens::{BEARER, Tokens};
use crate::body::Body;
use crate::error::{Endpoint, HttpError};

/// The longest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;
/// The longest token: what servers take in a header ends far below.
const MAX_TOKEN: usize = 16 * 1024;
/// A longer life is taken for this one; it only says when to renew.
const MAX_LIFE: Duration = Duration::from_hours(10 * 365 * 24);

/// What one endpoint answered.
pub(super) struct Answer {
    pub(super) endpoint: Endpoint,
    bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Option<String>,
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

impl Answer {
    /// Reads an answer whose status is one of success.
    pub(super) async fn read(body: Body, endpoint: Endpoint) -> Result<Self, OauthError> {
        let whole = body.whole(MAX_ANSWER).await;
        let Some(bytes) = whole.map_err(|err| failure(err, &endpoint))? else {
            let odd = Odd::TooLong;
            return Err(OauthError::Odd { endpoint, odd });
        };
        // Some servers refuse with a status of success.
        match refusal(&bytes) {
            Some(code) => Err(OauthError::Refused { endpoint, code }),
            None => Ok(Self { endpoint, bytes }),
        }
    }

    /// Reads the answer as the JSON object that belongs there.
    pub(super) fn object<'a, T: Deserialize<'a>>(&'a self) -> Result<T, OauthError> {
        // The reader's own words could quote a token.
        serde_json::from_slice(&self.bytes).map_err(|_quoting| self.odd(Odd::NotAsSpecified))
    }

    /// Reads the answer as tokens; `asked` is what the scopes are where the server names none.
    pub(super) fn tokens(&self, now: Timestamp, asked: &[String]) -> Result<Tokens, OauthError> {
        let granted: Granted = self.object()?;
        let kind = self.required(granted.token_type, "token_type")?;
        if !kind.eq_ignore_ascii_case(BEARER) {
            return Err(self.odd(Odd::TokenType));
        }
        let access = self.required(granted.access_token, "access_token")?;
        let expires_at = granted
            .expires_in
            .and_then(|life| now.checked_add(life.min(MAX_LIFE)).ok());
        Ok(Tokens {
            access: self.token(access)?,
            refresh: granted
                .refresh_token
                .map(|token| self.token(token).map(Arc::new))
                .transpose()?,
            expires_at,
            scopes: match granted.scope {
                Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
                None => asked.to_vec(),
            },
        })
    }

    pub(super) fn required<T>(
        &self,
        member: Option<T>,
        name: &'static str,
    ) -> Result<T, OauthError> {
        member.ok_or_else(|| self.odd(Odd::Missing(name)))
    }

    /// A secret of the server's: visible ASCII, which every header and form can carry.
    pub(super) fn token(&self, text: String) -> Result<ApiKey, OauthError> {
        let fits = (1..=MAX_TOKEN).contains(&text.len());
        if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let token = ApiKey::new(text);
            redaction::learn(&token);
            Ok(token)
        } else {
            Err(self.odd(Odd::NotAsSpecified))
        }
    }

    pub(super) fn odd(&self, odd: Odd) -> OauthError {
        OauthError::Odd {
            endpoint: self.endpoint.clone(),
            odd,
        }
    }
}

/// Turns a failure of the exchange into one that holds nothing of the answer but its code.
pub(super) fn failure(err: HttpError, endpoint: &Endpoint) -> OauthError {
    let endpoint = endpoint.clone();
    match err {
        HttpError::Status {
            status,
            body_excerpt,
            ..
        } => match refusal(body_excerpt.as_bytes()) {
            Some(code) => OauthError::Refused { endpoint, code },
            None => OauthError::Status { endpoint, status },
        },
        HttpError::Cancelled => OauthError::Cancelled,
        other => OauthError::Http(other),
    }
}

fn refusal(bytes: &[u8]) -> Option<ErrorCode> {
    let refusal: Refusal = serde_json::from_slice(bytes).ok()?;
    Some(ErrorCode::read(&refusal.error))
}

/// Reads seconds, which some servers write as a text or with a fraction.
pub(super) fn seconds<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }
    let number = match Option::<Written>::deserialize(input)? {
        None => return Ok(None),
        Some(Written::Number(number)) => number,
        Some(Written::Text(text)) => text.parse().map_err(de::Error::custom)?,
    };
    if number.is_nan() || number < 0.0 {
        return Err(de::Error::custom("no duration"));
    }
    // A number that is too large for a duration is as good as the largest.
    Ok(Some(
        Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use super::*;

    fn read(answer: &serde_json::Value) -> Result<Tokens, OauthError> {
        let answer = Answer {
            endpoint: Endpoint::of(&Url::parse("https://id.example/token").unwrap()),
            bytes: answer.to_string().into_bytes(),
        };
        answer.tokens(Timestamp::UNIX_EPOCH, &["asked".to_owned()])
    }

    fn odd(answer: &serde_json::Value) -> Odd {
        match read(answer) {
            Err(OauthError::Odd { odd, .. }) => odd,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_answer_says_what_the_token_is_good_for_and_how_long() {
        let granted = json!({"access_token": "a", "token_type": "bearer", "expires_in": 3600,
            "refresh_token": "r", "scope": "one two", "unknown": {}});
        let tokens = read(&granted).unwrap();
        assert_eq!(tokens.access.expose_secret(), "a");
        assert_eq!(tokens.refresh.unwrap().expose_secret(), "r");
        assert_eq!(
            tokens.expires_at,
            Some(Timestamp::from_second(3600).unwrap())
        );
        assert_eq!(tokens.scopes, ["one", "two"]);

        let least = read(&json!({"access_token": "a", "token_type": "BEARER"})).unwrap();
        assert_eq!(least.scopes, ["asked"]);
        assert!(least.expires_at.is_none() && least.refresh.is_none());
    }

    #[test]
    fn lives_of_any_size_and_form_are_understood() {
        let end = |life: serde_json::Value| {
            let granted = json!({"access_token": "a", "token_type": "Bearer", "expires_in": life});
            read(&granted).map(|tokens| tokens.expires_at.map(Timestamp::as_second))
        };
        assert_eq!(end(json!("60")).unwrap(), Some(60));
        assert_eq!(end(json!(59.9)).unwrap(), Some(59));
        assert_eq!(end(json!(0)).unwrap(), Some(0));
        assert_eq!(end(json!(null)).unwrap(), None);
        assert_eq!(end(json!(u64::MAX)).unwrap(), end(json!(1e300)).unwrap());
        for life in [
            json!(-1),
            json!("soon"),
            json!("NaN"),
            json!([]),
            json!(true),
        ] {
            assert!(end(life.clone()).is_err(), "{life}");
        }
    }

    #[test]
    fn what_is_no_grant_is_refused_and_never_quoted() {
        for (answer, expected) in [
            (
                json!({"token_type": "Bearer"}),
                Odd::Missing("access_token"),
            ),
            (
                json!({"access_token": "secret-1"}),
                Odd::Missing("token_type"),
            ),
            (
                json!({"access_token": "secret-1", "token_type": "DPoP"}),
                Odd::TokenType,
            ),
            (
                json!({"access_token": "", "token_type": "Bearer"}),
                Odd::NotAsSpecified,
            ),
            (
                json!({"access_token": "secret-1\r\nx: y", "token_type": "Bearer"}),
                Odd::NotAsSpecified,
            ),
            (
                json!({"access_token": ["secret-1"], "token_type": "Bearer"}),
                Odd::NotAsSpecified,
            ),
            (
                json!({"access_token": "s".repeat(MAX_TOKEN + 1), "token_type": "Bearer"}),
                Odd::NotAsSpecified,
            ),
            (
                json!({"access_token": "a", "refresh_token": "secret 1", "token_type": "Bearer"}),
                Odd::NotAsSpecified,
            ),
            (json!("secret-1"), Odd::NotAsSpecified),
        ] {
            assert_eq!(odd(&answer), expected, "{answer}");
            let err = read(&answer).unwrap_err();
            assert!(!format!("{err} {err:?}").contains("secret"), "{err:?}");
        }
    }
}
