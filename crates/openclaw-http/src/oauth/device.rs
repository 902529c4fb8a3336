//! The sign-in by a code that is typed in on another device (RFC 8628).

use std::time::Duration;

use openclaw_core::ApiKey;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::address::Address;
use super::answer::{Answer, seconds};
use super::client::{Client, Form};
use super::error::{ErrorCode, OauthError, Odd};
use super::tokens::Tokens;

/// How long to wait between two questions where the server does not say (RFC 8628, 3.2).
const USUAL_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest wait, whatever the server says.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest: more would look as if nothing happened any more.
const LONGEST: Duration = Duration::from_mins(1);
/// What `slow_down` adds (RFC 8628, 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest time that a code is waited for.
const LONGEST_LIFE: Duration = Duration::from_hours(1);
/// The longest code that a person can be asked to type.
const MAX_CODE: usize = 64;

/// A sign-in that waits for the code to be typed in.
#[derive(Debug)]
pub struct DeviceLogin<'a> {
    client: &'a Client,
    device_code: ApiKey,
    user_code: String,
    page: Address,
    page_with_code: Option<Address>,
    interval: Duration,
    end: Instant,
}

/// What came of asking once.
#[derive(Debug)]
pub enum Asked {
    /// Nobody has signed in yet: ask again after this time.
    Wait(Duration),
    /// These are the tokens.
    Done(Tokens),
}

#[derive(Deserialize)]
struct Begun {
    device_code: Option<String>,
    user_code: Option<String>,
    verification_uri: Option<String>,
    /// As drafts of the standard, and some servers still, call it.
    verification_url: Option<String>,
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<Duration>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<Duration>,
}

impl<'a> DeviceLogin<'a> {
    pub(super) async fn begin(
        client: &'a Client,
        stop: &CancellationToken,
    ) -> Result<Self, OauthError> {
        let address = client.server.device.as_ref();
        let address = address.ok_or(OauthError::NotOffered("device authorization endpoint"))?;
        let form = match client.scope() {
            Some(scope) => Form::new().field("scope", &scope),
            None => Form::new(),
        };
        let answer = client.ask(address, form, stop).await?;
        let begun: Begun = answer.object()?;
        let page = begun.verification_uri.or(begun.verification_url);
        let page = answer.required(page, "verification_uri")?;
        let read = |text: &str| Address::read(text, "verification_uri", address.allows());
        let life = answer.required(begun.expires_in, "expires_in")?;
        let device_code = answer.required(begun.device_code, "device_code")?;
        let complete = begun.verification_uri_complete;
        let now = Instant::now();
        Ok(Self {
            client,
            device_code: answer.token(device_code)?,
            user_code: typable(&answer, begun.user_code)?,
            page: read(&page)?,
            page_with_code: complete.map(|page| read(&page)).transpose()?,
            interval: begun
                .interval
                .unwrap_or(USUAL_INTERVAL)
                .clamp(SHORTEST, LONGEST),
            end: now.checked_add(life.min(LONGEST_LIFE)).unwrap_or(now),
        })
    }

    /// Returns the code that the user is to type in; it has nothing but visible characters.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Returns the page where the user is to type it in.
    pub fn page(&self) -> &str {
        self.page.url().as_str()
    }

    /// Returns the page with the code typed in already, if the server has one.
    pub fn page_with_code(&self) -> Option<&str> {
        let page = self.page_with_code.as_ref()?;
        Some(page.url().as_str())
    }

    /// Returns how long to wait before the next question.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Asks once whether the user has signed in.
    pub async fn ask(&mut self, stop: &CancellationToken) -> Result<Asked, OauthError> {
        if Instant::now() >= self.end {
            return Err(OauthError::TooLate);
        }
        let form = Form::new()
            .field("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .secret("device_code", &self.device_code);
        let refused = match self.client.tokens(form, &self.client.scopes, stop).await {
            Ok(tokens) => return Ok(Asked::Done(tokens)),
            Err(OauthError::Refused { code, endpoint }) => match code {
                ErrorCode::AuthorizationPending => return Ok(Asked::Wait(self.interval)),
                ErrorCode::SlowDown => return Ok(self.slower(SLOW_DOWN)),
                ErrorCode::AccessDenied => return Err(OauthError::Declined),
                ErrorCode::ExpiredToken => return Err(OauthError::TooLate),
                code => OauthError::Refused { code, endpoint },
            },
            Err(other) => other,
        };
        if refused.is_passing() {
            tracing::info!(cause = %refused, "the server is asked again later");
            // Twice the time for a server that cannot be reached (RFC 8628, 3.5).
            Ok(self.slower(self.interval))
        } else {
            Err(refused)
        }
    }

    /// Waits until the user has signed in, or until the code has run out.
    pub async fn finish(mut self, stop: &CancellationToken) -> Result<Tokens, OauthError> {
        let mut wait = self.interval;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(OauthError::Cancelled),
                () = sleep(wait) => {}
            }
            match self.ask(stop).await? {
                Asked::Wait(longer) => wait = longer,
                Asked::Done(tokens) => return Ok(tokens),
            }
        }
    }

    fn slower(&mut self, by: Duration) -> Asked {
        self.interval = self.interval.saturating_add(by).min(LONGEST);
        Asked::Wait(self.interval)
    }
}

/// A code goes to a terminal, so it has no control characters.
fn typable(answer: &Answer, code: Option<String>) -> Result<String, OauthError> {
    let code = answer.required(code, "user_code")?;
    let visible = code
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if visible && (1..=MAX_CODE).contains(&code.len()) {
        Ok(code)
    } else {
        Err(answer.odd(Odd::NotAsSpecified))
    }
}
