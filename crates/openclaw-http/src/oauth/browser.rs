//! The sign-in in a browser: an authorization code with PKCE, brought back to this machine.

use std::time::Duration;

use openclaw_core::ApiKey;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::client::{Client, Form};
use super::error::{ErrorCode, OauthError, Odd};
use super::landing::{Landed, Landing};
use super::proof::{State, Verifier};
use super::tokens::Tokens;
use crate::error::Endpoint;

/// How long a user usually has to sign in.
pub const LOGIN_TIME: Duration = Duration::from_mins(5);

/// A sign-in that waits for the browser; dropping it ends the waiting.
#[derive(Debug)]
pub struct BrowserLogin<'a> {
    client: &'a Client,
    landing: Landing,
    url: Url,
    endpoint: Endpoint,
    state: State,
    verifier: Verifier,
}

impl<'a> BrowserLogin<'a> {
    pub(super) async fn begin(client: &'a Client) -> Result<Self, OauthError> {
        let server = &client.server;
        let address = server.authorization.as_ref();
        let address = address.ok_or(OauthError::NotOffered("authorization endpoint"))?;
        if server.promises.other_pkce_only {
            return Err(OauthError::Odd {
                endpoint: address.endpoint(),
                odd: Odd::NoPkce,
            });
        }
        let landing = Landing::open().await.map_err(OauthError::Landing)?;
        let (state, verifier) = (State::random()?, Verifier::random()?);
        let mut url = address.url().clone();
        {
            // What the endpoint has for a query stays there (RFC 6749, 3.1).
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &client.id)
                .append_pair("redirect_uri", landing.url())
                .append_pair("state", state.as_str())
                .append_pair("code_challenge", &verifier.challenge())
                .append_pair("code_challenge_method", "S256");
            if let Some(scope) = client.scope() {
                query.append_pair("scope", &scope);
            }
        }
        Ok(Self {
            client,
            landing,
            endpoint: address.endpoint(),
            url,
            state,
            verifier,
        })
    }

    /// Returns the URL that the user is to open in a browser on this machine.
    ///
    /// It holds the challenge and the state, and nothing that a token could be had for.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Waits for the browser to come back, then asks for the tokens.
    pub async fn finish(
        self,
        within: Duration,
        stop: &CancellationToken,
    ) -> Result<Tokens, OauthError> {
        let redirect_uri = self.landing.url().to_owned();
        let landed = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(OauthError::Cancelled),
            landed = timeout(within, self.landing.receive(&self.state)) => landed,
        };
        let Ok(landed) = landed else {
            return Err(OauthError::TooLate);
        };
        let landed = landed.map_err(OauthError::Landing)?;
        let code = code(landed, self.client, &self.endpoint)?;
        let form = Form::new()
            .field("grant_type", "authorization_code")
            .secret("code", &code)
            .field("redirect_uri", &redirect_uri)
            .secret("code_verifier", self.verifier.secret());
        self.client.tokens(form, &self.client.scopes, stop).await
    }
}

/// Returns the code, if the server that was asked gave one.
fn code(landed: Landed, client: &Client, endpoint: &Endpoint) -> Result<ApiKey, OauthError> {
    let odd = |odd| OauthError::Odd {
        endpoint: endpoint.clone(),
        odd,
    };
    // Looked at first, since an error may come from another server, too (RFC 9207, 2.4).
    match (&client.server.issuer, &landed.issuer) {
        (Some(asked), Some(answered)) if asked != answered => return Err(odd(Odd::MixedUp)),
        (Some(_), None) if client.server.promises.issuer_in_redirect => {
            return Err(odd(Odd::NoIssuer));
        }
        _ => {}
    }
    match (landed.code, landed.error) {
        (Some(code), None) => Ok(code),
        (None, Some(ErrorCode::AccessDenied)) => Err(OauthError::Declined),
        (None, Some(code)) => Err(OauthError::Refused {
            endpoint: endpoint.clone(),
            code,
        }),
        (Some(_), Some(_)) | (None, None) => Err(odd(Odd::NotAsSpecified)),
    }
}
