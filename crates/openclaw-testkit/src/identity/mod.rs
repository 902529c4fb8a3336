//! A server to sign in at: OAuth 2.1 as it is on the wire, on the loopback interface.
//!
//! It describes itself (RFC 8414), redirects with a code and checks PKCE (RFC 7636), hands out
//! device codes (RFC 8628), rotates refresh tokens and notices one that is used twice, and takes
//! tokens back (RFC 7009). [`IdentityServer::fail`] and [`IdentityServer::redirect`] make it the
//! kind of server that a client has to cope with.
//!
//! Time does not pass in it: a code runs out when a test says so.

mod book;
mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;
use url::Url;

use self::book::Book;
use crate::http::{HttpAnswer, HttpRequest};
use crate::loopback::Loopback;

/// The id of the only client that the server knows.
pub const CLIENT_ID: &str = "openclaw-test";

/// What a client may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// `/.well-known/oauth-authorization-server`
    Metadata,
    /// `/authorize`
    Authorize,
    /// `/device`
    Device,
    /// `/token`
    Token,
    /// `/revoke`
    Revoke,
}

/// What goes wrong with the next answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Status 400 with this code, and a description that quotes everything that was sent.
    Error(&'static str),
    /// The same with status 200, as some servers have it.
    ErrorWithSuccess(&'static str),
    /// This status, and a page that quotes everything that was sent.
    Status(u16),
    /// Status 200 with this body.
    Body(String),
    /// Nothing, until the client hangs up.
    Silence,
    /// The end of the connection after the request was understood and done.
    HangUp,
}

/// How the browser is sent back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// With a code and the state that came.
    #[default]
    Right,
    /// With another state.
    WrongState,
    /// From another issuer.
    OtherIssuer,
    /// Without an issuer.
    NoIssuer,
    /// With two codes.
    TwoCodes,
    /// With this error.
    Error(&'static str),
}

/// One request to an endpoint that takes forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAsk {
    /// Where it went.
    pub endpoint: Endpoint,
    /// What it said.
    pub form: BTreeMap<String, String>,
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct IdentityServer {
    book: Arc<Mutex<Book>>,
    seen: watch::Receiver<usize>,
    server: Loopback,
}

impl IdentityServer {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        let (tell, seen) = watch::channel(0);
        let book = Arc::new(Mutex::new(Book::new(tell)));
        let server = server::start(Arc::clone(&book));
        book.lock().issuer = format!("http://{}", server.addr());
        Self { book, seen, server }
    }

    /// Returns its address.
    pub const fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Returns its issuer.
    pub fn issuer(&self) -> String {
        self.book.lock().issuer.clone()
    }

    /// Returns the settings of `openclaw-rs.json5` for a provider that is signed in to here.
    pub fn settings(&self) -> Value {
        json!({ "issuer": self.issuer(), "clientId": CLIENT_ID, "scopes": ["models", "offline_access"] })
    }

    /// Replaces a member of the metadata; `null` takes it away.
    pub fn metadata(&self, member: &str, value: Value) -> &Self {
        self.book.lock().metadata.insert(member.to_owned(), value);
        self
    }

    /// Lets access tokens live this long from now on; none lets them live without an end.
    pub fn token_life(&self, life: Option<Duration>) -> &Self {
        self.book.lock().life = life;
        self
    }

    /// Gives no refresh token from now on, and leaves those that are out as they are.
    pub fn keep_refresh_tokens(&self) -> &Self {
        self.book.lock().rotates = false;
        self
    }

    /// Lets the next answer of an endpoint fail; several faults come one after the other.
    pub fn fail(&self, endpoint: Endpoint, fault: Fault) -> &Self {
        let mut book = self.book.lock();
        book.faults.entry(endpoint).or_default().push_back(fault);
        self
    }

    /// Sends browsers back like this from now on.
    pub fn redirect(&self, how: Redirect) -> &Self {
        self.book.lock().redirect = how;
        self
    }

    /// Does what a browser does whose user says yes: opens the page and follows the redirect.
    ///
    /// # Panics
    /// When the page does not redirect.
    pub async fn browse(&self, url: &str) -> HttpAnswer {
        let location = self.visit(url).await;
        get(&location).await
    }

    /// Opens the page and returns where the browser is sent to.
    ///
    /// # Panics
    /// When the page does not redirect.
    pub async fn visit(&self, url: &str) -> String {
        let answer = get(url).await;
        let location = answer.header("location");
        location
            .unwrap_or_else(|| panic!("no redirect: {}", answer.text()))
            .to_owned()
    }

    /// Types in a user code and says yes.
    pub fn approve(&self, user_code: &str) {
        self.book.lock().decide(user_code, Some("approved"));
    }

    /// Types in a user code and says no.
    pub fn deny(&self, user_code: &str) {
        self.book.lock().decide(user_code, None);
    }

    /// Returns every request to an endpoint that takes forms, in order.
    pub fn seen(&self) -> Vec<SeenAsk> {
        self.book.lock().seen.clone()
    }

    /// Waits until an endpoint that takes forms was asked so often.
    ///
    /// # Panics
    /// When the server has stopped.
    pub async fn asked(&self, times: usize) {
        let mut seen = self.seen.clone();
        seen.wait_for(|seen| *seen >= times)
            .await
            .expect("a server that runs");
    }

    /// Tells whether an access token is good.
    pub fn accepts(&self, access: &str) -> bool {
        self.book.lock().accepts(access)
    }

    /// Returns every code and token that was given out, and every verifier that came in.
    pub fn secrets(&self) -> Vec<String> {
        self.book.lock().secrets.clone()
    }
}

/// Fetches a page of this machine.
async fn get(url: &str) -> HttpAnswer {
    let url = Url::parse(url).expect("a URL");
    let addr = url.socket_addrs(|| None).expect("an address");
    let addr = addr.first().expect("an address");
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let sent = HttpRequest::get(target).send(*addr).await;
    sent.expect("an answer")
}
