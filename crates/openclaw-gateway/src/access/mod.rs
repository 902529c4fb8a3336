//! Who is let in, as whom, and until when.
//!
//! [`Access::admit`] is the one check of every credential: the configured token or password, an
//! issued token, a browser's cookie, a user whom a trusted proxy names. `rules` is what the config
//! asks for, `routes` are the addresses by which browsers and programs come by their tokens, and
//! `page` is what a browser sees of that.

mod cookies;
pub(crate) mod page;
pub(crate) mod routes;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::access::devices::{DeviceFileError, DeviceId, Devices};
use openclaw_core::access::tokens::{Ended, LoginCodes, TokenError, TokenFileError, Tokens};
use openclaw_core::access::{Admitted, Denied, Principal};
use openclaw_core::{ApiKey, Clock, Kind};
use openclaw_ipc::RpcError;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

pub(crate) use self::cookies::session;
pub(crate) use self::rules::Rules;
use crate::audit::{Door, Occasion, Reason, Trail};
use crate::limits::Limits;
use crate::rpc::logged;

/// What somebody shows to be let in.
#[derive(Clone, Copy)]
pub(crate) enum Presented<'a> {
    /// Nothing.
    Nothing,
    /// A bearer token (RFC 6750), from a header or the first frame of a WebSocket.
    Bearer(&'a str),
    /// The configured token or password, typed into the page that logs in.
    Secret(&'a str),
    /// The value of the session cookie, on a request of a page of our own.
    Cookie(&'a str),
    /// A user, named by a proxy that was found to be a trusted one.
    Proxied(&'a str),
    /// The token of a device, which has shown that it holds its key.
    Device(&'a DeviceId, &'a str),
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    /// Who it is, and what they may do.
    pub(crate) admitted: Admitted,
    /// Until when: open connections end with it.
    pub(crate) ended: Ended,
}

/// Why somebody was not let in, and when to try again.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What the caller gets to see, which is the same for every wrong credential.
    pub(crate) error: RpcError,
    /// How long they are locked out.
    pub(crate) retry_after: Option<Duration>,
    /// Why, for the log.
    pub(crate) cause: &'static str,
}

/// Everything that decides who is let in.
#[derive(Debug)]
pub(crate) struct Access {
    rules: RwLock<Rules>,
    /// Tells connections that came in by the rules that they have changed.
    changed: Mutex<watch::Sender<bool>>,
    tokens: Option<Result<Tokens, TokenFileError>>,
    devices: Result<Arc<Devices>, DeviceFileError>,
    codes: Mutex<LoginCodes>,
    clock: Clock,
}

impl Access {
    pub(crate) fn new(
        rules: Rules,
        tokens: Option<Result<Tokens, TokenFileError>>,
        devices: Result<Devices, DeviceFileError>,
    ) -> Self {
        if let Err(err) = &devices {
            tracing::error!(%err, "paired devices open nothing");
        }
        if let Some(Err(err)) = &tokens {
            tracing::error!(%err, "issued tokens open nothing");
        }
        Self {
            rules: RwLock::new(rules),
            changed: Mutex::new(watch::Sender::new(false)),
            tokens,
            devices: devices.map(Arc::new),
            codes: Mutex::default(),
            clock: Clock::system(),
        }
    }

    /// Takes up changed rules; whoever came in by other ones has to come in again.
    pub(crate) fn replace(&self, rules: Rules) {
        if self.rules.read().same(&rules) {
            return;
        }
        *self.rules.write() = rules;
        let before = std::mem::replace(&mut *self.changed.lock(), watch::Sender::new(false));
        before.send_replace(true);
    }

    /// Admits whoever shows a good credential; either way, it goes on record.
    pub(crate) fn admit(
        &self,
        presented: Presented<'_>,
        door: Door,
        limits: &Limits,
        audit: &Trail,
    ) -> Result<Pass, Refusal> {
        let locked = limits.locked(door.peer);
        match self.verify(presented, door) {
            // Who can guess a password must not learn that the last guess was right.
            Ok((_, Guessable::Yes)) if locked.is_some() => {
                Err(Self::refuse(Reason::LockedOut, door, limits, audit))
            }
            Ok((pass, _)) => {
                let principal = pass.admitted.principal().clone();
                audit.count(Occasion::Allowed(principal, door));
                Ok(pass)
            }
            Err(reason) => Err(Self::refuse(reason, door, limits, audit)),
        }
    }

    /// Refuses somebody and puts it on record; a wrong credential counts towards the lockout.
    pub(crate) fn refuse(reason: Reason, door: Door, limits: &Limits, audit: &Trail) -> Refusal {
        // The one that is one too many is still told that it is wrong; those that follow wait.
        let wait = match reason {
            Reason::WrongCredential | Reason::LockedOut => limits.locked(door.peer),
            _ => None,
        };
        if reason == Reason::WrongCredential {
            limits.wrong_credential(door.peer);
        }
        let reason = wait.map_or(reason, |_| Reason::LockedOut);
        audit.count(Occasion::Denied(reason, door));
        Refusal::new(reason, wait.map(Into::into))
    }

    /// Makes a code by which one browser can log in; returns it and until when it is good.
    pub(crate) fn login_code(&self) -> Result<(ApiKey, Timestamp), RpcError> {
        // A login that could not be kept is not offered.
        self.tokens()?;
        let made = self.codes.lock().make(self.clock.now());
        made.map_err(|err| {
            tracing::error!(%err, "the system gives no random numbers");
            RpcError::new(Kind::Internal, "the code could not be made")
        })
    }

    /// Returns the tokens that were issued here.
    pub(crate) fn tokens(&self) -> Result<&Tokens, RpcError> {
        match &self.tokens {
            Some(Ok(tokens)) => Ok(tokens),
            Some(Err(err)) => Err(logged(err, err.kind(), "the issued tokens cannot be read")),
            None => Err(RpcError::new(
                Kind::Config,
                "this gateway has no state directory to keep tokens in",
            )),
        }
    }

    /// Returns the devices that were let in here.
    pub(crate) fn devices(&self) -> Result<&Arc<Devices>, RpcError> {
        let devices = self.devices.as_ref();
        devices.map_err(|err| logged(err, err.kind(), "the paired devices cannot be read"))
    }

    /// Tells whether the gateway is opened by a password.
    pub(crate) fn asks_password(&self) -> bool {
        self.rules.read().asks_password()
    }

    fn verify(&self, presented: Presented<'_>, door: Door) -> Result<(Pass, Guessable), Reason> {
        let rules = self.rules.read();
        let by_rules = |admitted| Pass {
            admitted,
            ended: Ended::new(self.changed.lock().subscribe(), None),
        };
        match presented {
            Presented::Proxied(user) => {
                let admitted = rules.proxied(user).ok_or(Reason::ForeignUser)?;
                Ok((by_rules(admitted), Guessable::No))
            }
            // Not even a guess: no token can look like that.
            Presented::Bearer(text) if !is_b64token(text) && !rules.asks_password() => {
                Err(Reason::NoCredential)
            }
            Presented::Bearer(text) | Presented::Secret(text) => match rules.secret_for(door) {
                Some(secret) if let Ok(admitted) = secret.verify(text) => {
                    let guessable = if secret.is_guessable() {
                        Guessable::Yes
                    } else {
                        Guessable::No
                    };
                    Ok((by_rules(admitted), guessable))
                }
                _ if matches!(presented, Presented::Secret(_)) => Err(Reason::WrongCredential),
                _ => Ok((self.issued(text)?, Guessable::No)),
            },
            Presented::Device(id, token) => {
                let devices = self.devices.as_ref();
                let devices = devices.map_err(|_logged| Reason::WrongCredential)?;
                let verified = devices.verify(id, token);
                let (verified, _) = verified.map_err(|_unknown| Reason::WrongCredential)?;
                let pass = Pass {
                    admitted: verified.admitted,
                    ended: verified.ended,
                };
                Ok((pass, Guessable::No))
            }
            Presented::Cookie(text) => {
                let pass = self.issued(text)?;
                // A cookie is for browsers, a bearer token for programs: neither stands for the other.
                match pass.admitted.principal() {
                    Principal::Browser(_) => Ok((pass, Guessable::No)),
                    _ => Err(Reason::WrongCredential),
                }
            }
            Presented::Nothing if rules.anybody_may(door) => {
                Ok((by_rules(Admitted::anybody()), Guessable::No))
            }
            Presented::Nothing => Err(if rules.is_shut() {
                Reason::Shut
            } else {
                Reason::NoCredential
            }),
        }
    }

    fn issued(&self, text: &str) -> Result<Pass, Reason> {
        let Some(Ok(tokens)) = &self.tokens else {
            return Err(Reason::WrongCredential);
        };
        match tokens.verify(text) {
            Ok(verified) => Ok(Pass {
                admitted: verified.admitted,
                ended: verified.ended,
            }),
            // Its bearer did nothing wrong, so it does not count as an attempt.
            Err(TokenError::RunOut) => Err(Reason::RunOut),
            Err(_unknown) => Err(Reason::WrongCredential),
        }
    }
}

impl Refusal {
    fn new(reason: Reason, retry_after: Option<Duration>) -> Self {
        let error = match retry_after {
            Some(after) => RpcError::new(Kind::Limited, "too many wrong credentials")
                .with_hint("wait and try again")
                .with_retry_after(after),
            None => RpcError::new(Kind::Unauthenticated, Denied::Credential.to_string()),
        };
        Self {
            error,
            retry_after,
            cause: reason.as_str(),
        }
    }
}

/// Tells whether a text is of the form that bearer tokens have, and not longer than any of ours.
fn is_b64token(text: &str) -> bool {
    const LONGEST: usize = 1024;
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a credential may have been found by trying.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guessable {
    Yes,
    No,
}
