//! Sign-ins by OAuth: where they are kept, which key comes of them, and renewing them in time.
//!
//! A sign-in is a record of the credential store. Its access token is the key of its provider. It is
//! renewed a while before it runs out: by the gateway as long as it runs, and by a command that
//! works without one when it starts.
//!
//! # Security
//! A server that rotates refresh tokens takes a second use of one for a theft and ends the sign-in.
//! So a lock lets one process at a time renew, the request is sent once, and what comes back is
//! stored before anything of it is used.

mod error;
mod round;
#[cfg(test)]
mod tests;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use openclaw_core::credentials::{CredentialStore, RecordKind};
use openclaw_core::{ApiKey, Clock, ProviderId};
use openclaw_http::oauth::{Again, Client, Given, OauthError, Settings, SignIn};
use openclaw_http::{HttpClient, Timeouts};
use tokio::task::spawn_blocking;
use tokio::time;
use tokio_util::sync::CancellationToken;

pub use self::error::SignInError;
pub(crate) use self::round::Renewals;
use crate::error::GatewayError;
use crate::home::Home;
use crate::vault::VaultError;

/// How long before its end a sign-in is renewed.
const MARGIN: Duration = Duration::from_mins(5);

/// How often, and how many times, a lock that somebody holds is tried again; together this is longer
/// than an exchange with a server may take.
const LOCK_PAUSE: Duration = Duration::from_millis(100);
const LOCK_ATTEMPTS: u32 = 900;

/// Sign-in servers answer at once or not at all.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(10),
    first_byte: Duration::from_secs(10),
    idle: Duration::from_secs(10),
    total: Duration::from_secs(30),
};

/// What came of looking after a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewed {
    /// There are new tokens.
    Yes,
    /// There was no need, or there is nothing to renew with.
    No,
}

/// Returns the name of the record in which a provider's sign-in is kept.
pub fn record_of(provider: &ProviderId) -> String {
    format!("oauth.{provider}")
}

/// Returns the client that signs in at a provider as the settings describe it.
pub async fn client(
    home: &Home,
    provider: &ProviderId,
    stop: &CancellationToken,
) -> Result<Client, SignInError> {
    let Some(found) = home.config.own.oauth.get(provider) else {
        return Err(SignInError::NotConfigured(provider.clone()));
    };
    let settings = Settings {
        issuer: found.issuer.clone(),
        endpoints: found.endpoints.as_ref().map(|given| Given {
            authorization: given.authorization.clone(),
            token: given.token.clone(),
            device: given.device.clone(),
            revocation: given.revocation.clone(),
        }),
        client_id: found.client_id.clone(),
        scopes: found.scopes.clone(),
    };
    Client::connect(HttpClient::new(TIMEOUTS), &settings, stop)
        .await
        .map_err(|source| SignInError::at(provider, source))
}

/// Stores a sign-in that has just been made; an earlier one at the same provider is replaced.
pub async fn keep(
    home: &Home,
    store: Arc<CredentialStore>,
    sign_in: &SignIn,
) -> Result<(), SignInError> {
    // A renewal under way would put the earlier one back.
    let _lock = lock(home, &sign_in.provider).await?;
    let (name, record) = (record_of(&sign_in.provider), sign_in.to_record());
    let path = home.vault().path().to_owned();
    off_thread(move || {
        store
            .put_as(&name, RecordKind::OAuth, &record)
            .map_err(|source| SignInError::Vault(VaultError::of(&path, source)))
    })
    .await
}

/// Renews what is about to run out, for a process that works without a gateway, or before one.
///
/// What cannot be renewed is logged; whoever needs it is told when it has run out.
pub async fn renew_due(home: &Home) {
    round::round(home, &Clock::system()).await;
}

/// Returns the key of the sign-in at a provider and the name of its record, if there is one.
pub(crate) fn key(
    home: &Home,
    provider: &ProviderId,
) -> Result<Option<(String, Arc<ApiKey>)>, GatewayError> {
    let Some(sign_in) = kept(home, provider).map_err(GatewayError::SignedIn)? else {
        return Ok(None);
    };
    if sign_in.tokens.run_out(now(), Duration::ZERO) {
        let again = match sign_in.tokens.refresh {
            Some(_) => Again::NotRenewed,
            None => Again::NoRefreshToken,
        };
        let source = OauthError::SignInAgain(again);
        return Err(GatewayError::SignedIn(SignInError::at(provider, source)));
    }
    let access = sign_in.tokens.access;
    Ok(Some((record_of(provider), Arc::new(access))))
}

/// Renews the sign-in at a provider, if it is about to run out.
async fn renew(home: &Home, provider: &ProviderId, clock: &Clock) -> Result<Renewed, SignInError> {
    let is_due = |sign_in: &SignIn| {
        let tokens = &sign_in.tokens;
        tokens.refresh.is_some() && tokens.run_out(clock.now(), MARGIN)
    };
    if !read(home, provider).await?.as_ref().is_some_and(is_due) {
        return Ok(Renewed::No);
    }
    let _lock = lock(home, provider).await?;
    // Another process may have been quicker.
    let Some(due) = read(home, provider).await?.filter(is_due) else {
        return Ok(Renewed::Yes);
    };
    // Nobody stops this once it has begun: the answer may hold the only token that is still good.
    let stop = CancellationToken::new();
    let client = client(home, provider, &stop)
        .await?
        .with_clock(clock.clone());
    // A store that cannot be written must be noticed before the refresh token is spent.
    write(home, &due).await?;
    match client.renew(&due, &stop).await {
        Ok(renewed) => {
            write(home, &renewed).await?;
            tracing::info!(%provider, "the sign-in is renewed");
            Ok(Renewed::Yes)
        }
        Err(source) => {
            if let OauthError::SignInAgain(Again::Refused) = source {
                // It would be refused forever. The access token is good as long as it lasts.
                write(home, &without_refresh(due)).await?;
            }
            Err(SignInError::at(provider, source))
        }
    }
}

fn without_refresh(mut sign_in: SignIn) -> SignIn {
    sign_in.tokens.refresh = None;
    sign_in
}

/// Returns what is kept of the sign-in at a provider; opening the store takes long.
fn kept(home: &Home, provider: &ProviderId) -> Result<Option<SignIn>, SignInError> {
    let name = record_of(provider);
    // A store that has no such record needs no password for this.
    if !home.vault().has_file(&name) {
        return Ok(None);
    }
    let Some(record) = home.vault().get(&name)? else {
        return Ok(None);
    };
    let failed = |source| SignInError::at(provider, source);
    let sign_in = SignIn::from_record(&record).map_err(failed)?;
    // A renewal would be written to the record of the other provider.
    if sign_in.provider != *provider {
        return Err(failed(OauthError::SignInAgain(Again::Unreadable)));
    }
    Ok(Some(sign_in))
}

async fn read(home: &Home, provider: &ProviderId) -> Result<Option<SignIn>, SignInError> {
    let (home, provider) = (home.clone(), provider.clone());
    off_thread(move || kept(&home, &provider)).await
}

async fn write(home: &Home, sign_in: &SignIn) -> Result<(), SignInError> {
    let (home, name) = (home.clone(), record_of(&sign_in.provider));
    let record = sign_in.to_record();
    off_thread(move || {
        let put = |store: &CredentialStore| store.put_as(&name, RecordKind::OAuth, &record);
        let vault = home.vault();
        let put = vault.with(put)?;
        // It was there a moment ago.
        put.ok_or_else(|| {
            SignInError::Vault(VaultError::Locked {
                path: vault.path().to_owned(),
            })
        })
    })
    .await
}

/// Waits until no other process looks after the sign-in at a provider; the lock ends with the file.
async fn lock(home: &Home, provider: &ProviderId) -> Result<File, SignInError> {
    let path = home.state.own().join(format!("sign-in.{provider}.lock"));
    let failed = |source| SignInError::Lock {
        path: path.clone(),
        source,
    };
    home.state
        .create()
        .map_err(|err| failed(io::Error::other(err)))?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(failed)?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Err(SignInError::Busy(provider.clone()))
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SignInError> + Send + 'static,
) -> Result<T, SignInError> {
    match spawn_blocking(work).await {
        Ok(outcome) => outcome,
        // Nothing cancels it, so it panicked or the process is ending.
        Err(_stopped) => std::future::pending().await,
    }
}

fn now() -> Timestamp {
    Clock::system().now()
}
