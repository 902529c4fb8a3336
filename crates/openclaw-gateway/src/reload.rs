//! Following the config: a good change is taken up while the gateway runs, a bad one is refused.
//!
//! The files are looked at, not watched: looking costs a few microseconds, and it works wherever
//! files do (network mounts, containers, editors that replace the file).
//!
//! Sessions go on: a turn keeps the agent that it began with, the next one has the new agent.

use std::fs;
use std::future;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use openclaw_config::ReloadMode;
use openclaw_core::events::{AuditEntry, SecretChange};
use tokio::time;

use crate::builder::Gateway;
use crate::compose;
use crate::error::GatewayError;
use crate::home::Home;
use crate::http::EdgeSettings;
use crate::renewal::{self, Renewals};
use crate::retention::Daily;
use crate::webhooks::Open;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What a change that is taken up is said to be noticed by.
const ON_RELOAD: &str = "gateway reload";

/// Does for a running gateway what its config asks for, and takes up the config's changes.
#[derive(Debug)]
pub(crate) struct Follower {
    home: Home,
    /// The address that the gateway listens on, whatever a changed config says.
    listens_on: IpAddr,
    seen: Vec<Stamp>,
}

impl Follower {
    /// Follows the files that this home's config was read from.
    pub(crate) fn new(home: Home, listens_on: IpAddr) -> Self {
        Self {
            seen: seen(&home),
            home,
            listens_on,
        }
    }

    /// Works until the gateway stops.
    pub(crate) async fn run(mut self, gateway: Gateway) {
        let stop = gateway.shared.connections.stop().clone();
        keep_as_good(&self.home).await;
        let mut renewals = Renewals::new(gateway.shared.rpc.scope.clone());
        loop {
            let rpc = &gateway.shared.rpc;
            let home = self.home.clone();
            let retention = Daily::of(&self.home);
            let retention = async {
                match retention {
                    Some(daily) => daily.run(rpc.store.clone(), rpc.scope.clone()).await,
                    None => future::pending().await,
                }
            };
            let changed = tokio::select! {
                () = stop.cancelled() => return,
                () = retention => return,
                changed = self.changed() => changed,
                renewed = renewals.next(&home) => {
                    let changed = renewed.iter().map(|provider| AuditEntry::SecretChanged {
                        name: renewal::record_of(provider),
                        change: SecretChange::Set,
                        by: "renewal of a sign-in".to_owned(),
                    });
                    gateway.shared.rpc.audit.enter(changed);
                    Self::renew_keys(home, &gateway).await;
                    continue;
                }
            };
            match changed {
                Ok(home) => self.take_up(home, &gateway).await,
                Err(err) => self.refuse(&err, &gateway),
            }
        }
    }

    /// Waits for a change that has come to rest, and reads the config again.
    async fn changed(&mut self) -> Result<Home, GatewayError> {
        let mut last = self.seen.clone();
        loop {
            time::sleep(LOOK).await;
            let now = self.look().await;
            // A file that is just being written looks different the next time.
            let settled = now == last;
            if settled && now != self.seen {
                self.seen = now;
                let home = self.home.clone();
                return off_thread(move || home.reopened()).await;
            }
            last = now;
        }
    }

    async fn look(&self) -> Vec<Stamp> {
        let files = watched(&self.home);
        tokio::task::spawn_blocking(move || stamps(&files))
            .await
            .unwrap_or_else(|_stopping| self.seen.clone())
    }

    /// Gives the agents the keys of the sign-ins as they are now; the config has not changed.
    async fn renew_keys(home: Home, gateway: &Gateway) {
        let health = Arc::clone(&gateway.shared.rpc.health);
        let exits = Arc::clone(&gateway.shared.rpc.exits);
        let cast = match off_thread(move || compose::cast(&home, &health, &exits)).await {
            Ok(cast) => cast,
            Err(err) => {
                tracing::error!(%err, "the agents go on with the keys that they have");
                return;
            }
        };
        let rpc = &gateway.shared.rpc;
        rpc.agents.replace(cast.agents);
        rpc.health.reconsider();
        rpc.audit.enter(cast.keys_read);
    }

    async fn take_up(&mut self, home: Home, gateway: &Gateway) {
        if self.home.config.gateway.reload == ReloadMode::Off {
            tracing::info!("the config has changed; it is taken up at the next start");
            return;
        }
        if self.home.config_exists() && !home.config_exists() {
            return self.refuse(&GatewayError::ConfigGone, gateway);
        }
        if let Some(refusal) = home.config.gateway.refusal(self.listens_on) {
            return self.refuse(&refusal.into(), gateway);
        }
        let next = home.clone();
        let health = Arc::clone(&gateway.shared.rpc.health);
        let exits = Arc::clone(&gateway.shared.rpc.exits);
        let cast = move || {
            let cast = compose::cast(&next, &health, &exits)?;
            Ok((cast, next.rules()?, Open::of(&next)))
        };
        let parts = off_thread(cast).await;
        let (cast, (rules, secret_read), (webhooks, token_read)) = match parts {
            Ok(parts) => parts,
            Err(err) => return self.refuse(&err, gateway),
        };
        let shared = &gateway.shared;
        shared.rpc.agents.replace(cast.agents);
        shared.rpc.health.reconsider();
        shared.rpc.access.replace(rules);
        shared.rpc.budget.replace(home.caps());
        let settings = &home.config.gateway;
        shared
            .rpc
            .limits
            .configure(settings.limits, &settings.auth.rate);
        shared.edge.replace(EdgeSettings::of(settings));
        shared.rpc.audit.enter(cast.keys_read);
        shared.rpc.audit.enter([secret_read]);
        shared.webhooks.replace(webhooks);
        shared.rpc.audit.enter(token_read);
        let files = home.config.files.clone();
        shared.rpc.audit.look_at_config(files, ON_RELOAD);
        for setting in self.waiting(&home) {
            tracing::warn!(
                setting,
                "this change waits for the next start of the gateway"
            );
        }
        shared.ready.config(None);
        tracing::info!("the changed config is taken up");
        // An include may have been added or have gone; the new files count from now on.
        self.seen = seen(&home);
        shared.rpc.home.replace(home.clone());
        self.home = home;
        keep_as_good(&self.home).await;
    }

    /// Returns the settings whose change needs a new start.
    fn waiting(&self, home: &Home) -> Vec<&'static str> {
        let (old, new) = (&self.home.config.gateway, &home.config.gateway);
        let mut waiting = Vec::new();
        if old.port != new.port {
            waiting.push("gateway.port");
        }
        if old.bind != new.bind {
            waiting.push("gateway.bind");
        }
        if old.tls != new.tls {
            waiting.push("gateway.tls");
        }
        if self.home.config.own.gateway != home.config.own.gateway {
            waiting.push("gateway (openclaw-rs.json5)");
        }
        let (old, new) = (&self.home.config, &home.config);
        if old.logging != new.logging {
            waiting.push("logging");
        }
        if !old.diagnostics.measures_as(&new.diagnostics) {
            waiting.push("diagnostics");
        }
        waiting
    }

    fn refuse(&self, err: &GatewayError, gateway: &Gateway) {
        let file = self.home.state.config_file().to_owned();
        tracing::error!(%err, "the changed config is refused; the last good one stays");
        let problems = match err {
            GatewayError::Config(invalid) => {
                invalid.problems.iter().map(ToString::to_string).collect()
            }
            other => vec![other.to_string()],
        };
        gateway.shared.ready.config(Some(err.to_string()));
        let entry = AuditEntry::ConfigRefused { file, problems };
        gateway.shared.rpc.audit.enter([entry]);
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GatewayError> + Send + 'static,
) -> Result<T, GatewayError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        // Nothing cancels it, so it panicked or the process is ending.
        Err(_stopped) => future::pending().await,
    }
}

async fn keep_as_good(home: &Home) {
    let home = home.clone();
    // The gateway runs with it all the same when it cannot be kept, and that is logged.
    drop(tokio::task::spawn_blocking(move || home.keep_as_good()).await);
}

/// Returns the state that a home's files had when it was read.
fn seen(home: &Home) -> Vec<Stamp> {
    let mut seen = stamps(&watched(home));
    // A change since then is one that was not read.
    if let Some(first) = seen.first_mut() {
        *first = home.stamp;
    }
    seen
}

/// Returns what a change of the config, or of a secret that it points to, shows in.
fn watched(home: &Home) -> Vec<PathBuf> {
    let mut watched = home.config.files.clone();
    watched.extend(home.vault().files());
    watched
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|file| Stamp::of(file)).collect()
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, SystemTime)>);

impl Stamp {
    /// Looks at a file; one that is not there has a state, too.
    pub(crate) fn of(file: &Path) -> Self {
        let look = || {
            let about = fs::metadata(file).ok()?;
            Some((inode(&about), about.len(), about.modified().ok()?))
        };
        Self(look())
    }
}

impl Stamp {
    /// Tells whether there was a file.
    pub(crate) const fn is_there(self) -> bool {
        self.0.is_some()
    }
}

/// An editor that replaces a file may keep its length and time.
#[cfg(unix)]
fn inode(about: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(about)
}

#[cfg(not(unix))]
fn inode(_about: &fs::Metadata) -> u64 {
    0
}
