//! This program as a client of a server: asking for tokens, renewing them, giving them back.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method};
use openclaw_core::{ApiKey, Clock, ProviderId};
use tokio_util::sync::CancellationToken;
use url::form_urlencoded::Serializer;

use super::address::Address;
use super::answer::{self, Answer};
use super::browser::BrowserLogin;
use super::device::DeviceLogin;
use super::error::{Again, ErrorCode, OauthError};
use super::server::{Server, Settings};
use super::tokens::{SignIn, Tokens};
use crate::client::HttpClient;
use crate::request::Request;
use crate::retry::Retry;

/// A public client (RFC 6749, 2.1) of one server: it has an id and no secret.
#[derive(Clone, Debug)]
pub struct Client {
    http: HttpClient,
    clock: Clock,
    pub(super) server: Server,
    pub(super) id: String,
    pub(super) scopes: Vec<String>,
}

/// Whether tokens were given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The server does not accept them any more.
    Yes,
    /// The server has no way to give them back: they stay good until they run out.
    NotOffered,
}

/// The body of a request: names and values, some of them secret.
pub(super) struct Form(String);

impl Form {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    pub(super) fn field(self, name: &str, value: &str) -> Self {
        // It goes on behind what is there.
        let mut pairs = Serializer::new(self.0);
        Self(pairs.append_pair(name, value).finish())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the form takes it to the server that it is for"
    )]
    pub(super) fn secret(self, name: &str, secret: &ApiKey) -> Self {
        self.field(name, secret.expose_secret())
    }
}

impl Client {
    /// Finds the server that the settings name; its metadata is read if they do not say enough.
    pub async fn connect(
        http: HttpClient,
        settings: &Settings,
        stop: &CancellationToken,
    ) -> Result<Self, OauthError> {
        Ok(Self {
            server: Server::find(&http, settings, stop).await?,
            http,
            clock: Clock::system(),
            id: settings.client_id.clone(),
            scopes: settings.scopes.clone(),
        })
    }

    /// Replaces the clock that the lives of tokens are counted from.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Begins a sign-in in a browser on this machine.
    pub async fn in_browser(&self) -> Result<BrowserLogin<'_>, OauthError> {
        BrowserLogin::begin(self).await
    }

    /// Begins a sign-in by a code that is typed in on any device.
    pub async fn on_device(&self, stop: &CancellationToken) -> Result<DeviceLogin<'_>, OauthError> {
        DeviceLogin::begin(self, stop).await
    }

    /// Returns what is to be kept of a sign-in.
    pub fn signed_in(&self, provider: ProviderId, tokens: Tokens) -> SignIn {
        SignIn {
            provider,
            server: self.server.identity().to_owned(),
            tokens,
        }
    }

    /// Exchanges the refresh token for new tokens (RFC 6749, 6).
    ///
    /// The server may have given a new refresh token, and the old one may be spent: keep the
    /// answer before anything of it is used. The request is sent once, since a second one with a
    /// spent token would look like a theft.
    pub async fn renew(
        &self,
        sign_in: &SignIn,
        stop: &CancellationToken,
    ) -> Result<SignIn, OauthError> {
        let refresh = self.refresh_token(sign_in)?;
        let form = Form::new()
            .field("grant_type", "refresh_token")
            .secret("refresh_token", refresh);
        let renewed = self.tokens(form, &sign_in.tokens.scopes, stop).await;
        let mut tokens = renewed.map_err(|err| match err {
            OauthError::Refused {
                code: ErrorCode::InvalidGrant,
                ..
            } => OauthError::SignInAgain(Again::Refused),
            other => other,
        })?;
        if tokens.refresh.is_none() {
            tokens.refresh = Some(Arc::clone(refresh));
        }
        Ok(SignIn {
            provider: sign_in.provider.clone(),
            server: sign_in.server.clone(),
            tokens,
        })
    }

    /// Gives the tokens back (RFC 7009): the refresh token, and with it what came of it.
    pub async fn revoke(
        &self,
        sign_in: &SignIn,
        stop: &CancellationToken,
    ) -> Result<Revoked, OauthError> {
        if sign_in.server != self.server.identity() {
            return Err(OauthError::SignInAgain(Again::OtherServer));
        }
        let Some(address) = &self.server.revocation else {
            return Ok(Revoked::NotOffered);
        };
        let (token, hint) = match &sign_in.tokens.refresh {
            Some(refresh) => (&**refresh, "refresh_token"),
            None => (&sign_in.tokens.access, "access_token"),
        };
        let form = Form::new()
            .secret("token", token)
            .field("token_type_hint", hint);
        self.ask(address, form, stop).await?;
        Ok(Revoked::Yes)
    }

    /// Returns the refresh token, if it may go to this server.
    fn refresh_token<'a>(&self, sign_in: &'a SignIn) -> Result<&'a Arc<ApiKey>, OauthError> {
        if sign_in.server != self.server.identity() {
            return Err(OauthError::SignInAgain(Again::OtherServer));
        }
        let none = OauthError::SignInAgain(Again::NoRefreshToken);
        sign_in.tokens.refresh.as_ref().ok_or(none)
    }

    /// Asks the token endpoint.
    pub(super) async fn tokens(
        &self,
        form: Form,
        asked: &[String],
        stop: &CancellationToken,
    ) -> Result<Tokens, OauthError> {
        // Counted from after the answer, a token would seem to live too long.
        let now = self.clock.now();
        let answer = self.ask(&self.server.token, form, stop).await?;
        answer.tokens(now, asked)
    }

    /// Posts a form with this client's id, once.
    pub(super) async fn ask(
        &self,
        address: &Address,
        form: Form,
        stop: &CancellationToken,
    ) -> Result<Answer, OauthError> {
        let body = form.field("client_id", &self.id).0;
        let mut request = Request::new(Method::POST, address.url().clone())
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .header(ACCEPT, HeaderValue::from_static("application/json"));
        request.body = body.into();
        request.retry = Retry::NEVER;
        let endpoint = request.endpoint.clone();
        match self.http.send(request, stop).await {
            Ok(body) => Answer::read(body, endpoint).await,
            Err(err) => Err(answer::failure(err, &endpoint)),
        }
    }

    /// Returns the scopes as requests carry them, if any are asked for.
    pub(super) fn scope(&self) -> Option<String> {
        (!self.scopes.is_empty()).then(|| self.scopes.join(" "))
    }
}
