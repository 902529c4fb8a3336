//! Pages that a model names, read without giving anything away.
//!
//! A [`Fetcher`] gets what stands at a URL. Every host on the way, the first and each that a redirect
//! leads to, is held against the owner's lists ([`Policy`]) and judged by [`crate::guard`] after one
//! look-up; the judged address is connected to, so that a name which changes its mind in between
//! gains nothing. No cookie, no password of a URL, no proxy and no credential of the environment goes
//! along; what is sent is one GET with nothing in it that tells who asks.
//!
//! Everything has a bound ([`Bounds`]): time, redirects, the head of the answer, its bytes as they
//! come and as they are unpacked. What is longer is cut and says so.
//!
//! Left out: HTTP/2, ranges, and compression other than gzip.

mod body;
mod bounds;
mod error;
mod exchange;
mod place;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use reqwest::Url;
use rustls::ClientConfig;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use self::bounds::Bounds;
pub use self::error::FetchError;
use self::exchange::Answer;
use crate::connect::tls_of_one;
pub use crate::egress::{Lists, Names, Policy, PolicyError};
use crate::error::Endpoint;
use crate::guard::{Guard, Host, Resolver, Target};
use crate::network::Network;

/// Reads pages from the web; clones are the same.
#[derive(Clone, Debug)]
pub struct Fetcher {
    settings: Arc<Settings>,
    tls: Arc<OnceCell<Arc<ClientConfig>>>,
}

#[derive(Clone, Debug)]
struct Settings {
    policy: Policy,
    trusted: Vec<Host>,
    bounds: Bounds,
    resolver: Resolver,
    network: Network,
    agent: String,
}

/// What stood at a URL.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it stood in the end.
    pub url: Url,
    /// The status that came with it; any but that of a redirect which was followed.
    pub status: u16,
    /// What it says it is, `content-type` as it was sent.
    pub content_type: Option<String>,
    /// What it says it is called, `content-disposition` as it was sent.
    pub disposition: Option<String>,
    /// The bytes, unpacked.
    pub body: Bytes,
    /// Whether there were more bytes than the bounds take.
    pub cut: Cut,
}

/// Whether the end is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is whole.
    Whole,
    /// There is more than the bounds take.
    TooLong,
}

impl Default for Fetcher {
    /// Makes one that reads public pages.
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl Fetcher {
    /// Makes one that goes where this policy lets it; making it costs nothing.
    pub fn new(policy: Policy) -> Self {
        Self {
            settings: Arc::new(Settings {
                policy,
                trusted: Vec::new(),
                bounds: Bounds::default(),
                resolver: Resolver::system(),
                network: Network::default(),
                agent: concat!("openclaw-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            }),
            tls: Arc::default(),
        }
    }

    /// Replaces the bounds.
    #[must_use]
    pub fn with_bounds(self, bounds: Bounds) -> Self {
        self.changed(|settings| settings.bounds = bounds)
    }

    /// Lets these hosts be reached at any port that the web has, although they are private.
    #[must_use]
    pub fn with_trusted(self, trusted: Vec<Host>) -> Self {
        self.changed(|settings| settings.trusted = trusted)
    }

    /// Replaces what names itself to servers.
    #[must_use]
    pub fn with_agent(self, agent: String) -> Self {
        self.changed(|settings| settings.agent = agent)
    }

    /// Replaces the certificates that are believed; a proxy in it is not used.
    #[must_use]
    pub fn with_network(self, network: Network) -> Self {
        Self {
            tls: Arc::default(),
            ..self.changed(|settings| settings.network = network)
        }
    }

    /// Replaces what finds the addresses of names.
    #[must_use]
    pub fn with_resolver(self, resolver: Resolver) -> Self {
        self.changed(|settings| settings.resolver = resolver)
    }

    fn changed(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    /// Returns the bounds.
    pub fn bounds(&self) -> &Bounds {
        &self.settings.bounds
    }

    /// Gets what stands at a URL, wherever redirects lead.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection; so does `stop`.
    pub async fn get(&self, url: &str, stop: &CancellationToken) -> Result<Fetched, FetchError> {
        let url = place::read(url)?;
        let limit = self.settings.bounds.time;
        let slow = Endpoint::of(&url);
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(FetchError::Cancelled),
            fetched = timeout(limit, Box::pin(self.follow(url))) => match fetched {
                Ok(fetched) => fetched,
                Err(_elapsed) => Err(FetchError::Slow { endpoint: slow, limit }),
            },
        }
    }

    async fn follow(&self, mut url: Url) -> Result<Fetched, FetchError> {
        let limit = self.settings.bounds.redirects;
        let mut followed = 0_u32;
        loop {
            let target = place::target(&url, self.settings.policy.private())?;
            let answer = self.ask(&url, &target).await?;
            let Some(next) = redirect(&url, &answer)? else {
                return Ok(fetched(url, answer));
            };
            if followed >= limit {
                return Err(FetchError::Redirects {
                    endpoint: Endpoint::of(&url),
                    limit,
                });
            }
            followed = followed.saturating_add(1);
            url = next;
        }
    }

    /// Judges one host and asks it.
    async fn ask(&self, url: &Url, target: &Target) -> Result<Answer, FetchError> {
        let settings = &self.settings;
        let mut policy = Cow::Borrowed(&settings.policy);
        if settings.trusted.contains(&target.host) {
            policy.to_mut().add_private(target.clone());
        }
        policy.decide(target)?;
        let judged = Guard::new(settings.resolver.clone())
            .with_private(policy.private().to_vec())
            .with_own_ports(policy.own_ports().to_vec())
            .addresses(target)
            .await?;
        policy.may_connect(target, &judged)?;
        let (stream, _) = judged.connect(settings.bounds.connect).await?;
        let tls = match url.scheme() {
            "https" => Some(self.tls().await?),
            _ => None,
        };
        exchange::get(url, stream, tls, settings.agent.as_str(), &settings.bounds).await
    }

    async fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        let network = self.settings.network.clone();
        let made = self.tls.get_or_try_init(|| async move {
            match tokio::task::spawn_blocking(move || tls_of_one(&network)).await {
                Ok(Ok(config)) => Ok(Arc::new(config)),
                Ok(Err(source)) => Err(FetchError::Tls {
                    source: Box::new(source),
                }),
                // Reading certificates does not panic, so the task can only be gone with its runtime.
                Err(_gone) => Err(FetchError::Cancelled),
            }
        });
        made.await.cloned()
    }
}

/// Returns where an answer sends its reader.
fn redirect(from: &Url, answer: &Answer) -> Result<Option<Url>, FetchError> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers.get(header::LOCATION) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(location.as_bytes());
    let joined = from.join(&text).map_err(|source| FetchError::Location {
        endpoint: Endpoint::of(from),
        source,
    })?;
    place::checked(joined).map(Some)
}

fn fetched(url: Url, answer: Answer) -> Fetched {
    let text = |name| {
        let value: Option<&http::HeaderValue> = HeaderMap::get(&answer.headers, name);
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Fetched {
        url,
        status: answer.status,
        content_type: text(header::CONTENT_TYPE),
        disposition: text(header::CONTENT_DISPOSITION),
        body: answer.body,
        cut: answer.cut,
    }
}
