//! The server: its issuer and its endpoints, given by hand or found by its metadata (RFC 8414).

use http::header::ACCEPT;
use http::{HeaderValue, Method};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::address::{Address, InTheOpen};
use super::answer::{self, Answer};
use super::error::{OauthError, Odd};
use crate::client::HttpClient;
use crate::request::Request;

/// What a user writes down about a provider's sign-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The issuer: the URL under which the server describes itself.
    pub issuer: Option<String>,
    /// The endpoints, where they are not to be looked up.
    pub endpoints: Option<Given>,
    /// The id that the provider gave this program.
    pub client_id: String,
    /// What the tokens are to be good for.
    pub scopes: Vec<String>,
}

/// Endpoints that are given by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Where a browser signs in.
    pub authorization: Option<String>,
    /// Where tokens are given.
    pub token: String,
    /// Where a sign-in by a code begins.
    pub device: Option<String>,
    /// Where tokens are given back.
    pub revocation: Option<String>,
}

/// The server of a sign-in.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) issuer: Option<String>,
    pub(super) authorization: Option<Address>,
    pub(super) token: Address,
    pub(super) device: Option<Address>,
    pub(super) revocation: Option<Address>,
    pub(super) promises: Promises,
}

/// What its metadata promises.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Promises {
    /// Each redirect names the issuer (RFC 9207).
    pub(super) issuer_in_redirect: bool,
    /// PKCE is there, but without S256.
    pub(super) other_pkce_only: bool,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: Option<bool>,
}

impl Server {
    /// Returns the server that the settings name; its metadata is read if they do not say enough.
    pub(super) async fn find(
        http: &HttpClient,
        settings: &Settings,
        stop: &CancellationToken,
    ) -> Result<Self, OauthError> {
        match (&settings.endpoints, &settings.issuer) {
            (Some(given), issuer) => Self::given(given, issuer.clone()),
            (None, Some(issuer)) => Self::discover(http, issuer, stop).await,
            (None, None) => Err(OauthError::NoServer),
        }
    }

    fn given(given: &Given, issuer: Option<String>) -> Result<Self, OauthError> {
        let read = |text: &str, setting| Address::read(text, setting, InTheOpen::OnLoopback);
        let optional = |text: &Option<String>, setting| {
            text.as_deref().map(|text| read(text, setting)).transpose()
        };
        Ok(Self {
            issuer,
            authorization: optional(&given.authorization, "authorizationEndpoint")?,
            token: read(&given.token, "tokenEndpoint")?,
            device: optional(&given.device, "deviceAuthorizationEndpoint")?,
            revocation: optional(&given.revocation, "revocationEndpoint")?,
            promises: Promises::default(),
        })
    }

    async fn discover(
        http: &HttpClient,
        issuer: &str,
        stop: &CancellationToken,
    ) -> Result<Self, OauthError> {
        let address = Address::read(issuer, "issuer", InTheOpen::OnLoopback)?;
        if address.url().query().is_some() {
            return Err(OauthError::Url { setting: "issuer" });
        }
        let (standard, openid) = places(address.url());
        let answer = match fetch(http, standard, stop).await {
            // A server of OpenID Connect describes itself elsewhere.
            Err(
                OauthError::Status {
                    status: 400..=499, ..
                }
                | OauthError::Refused { .. },
            ) => fetch(http, openid, stop).await?,
            other => other?,
        };
        let found: Metadata = answer.object()?;
        // Compared as they are written (RFC 8414, 3.3): this is what keeps servers apart.
        if found.issuer.as_deref() != Some(issuer) {
            return Err(answer.odd(Odd::OtherIssuer));
        }
        let read = |text: &str, member| Address::read(text, member, address.allows());
        let optional =
            |text: Option<String>, member| text.map(|text| read(&text, member)).transpose();
        let token = answer.required(found.token_endpoint, "token_endpoint")?;
        Ok(Self {
            issuer: Some(issuer.to_owned()),
            authorization: optional(found.authorization_endpoint, "authorization_endpoint")?,
            token: read(&token, "token_endpoint")?,
            device: optional(
                found.device_authorization_endpoint,
                "device_authorization_endpoint",
            )?,
            revocation: optional(found.revocation_endpoint, "revocation_endpoint")?,
            promises: Promises {
                issuer_in_redirect: found
                    .authorization_response_iss_parameter_supported
                    .unwrap_or(false),
                other_pkce_only: found
                    .code_challenge_methods_supported
                    .is_some_and(|methods| !methods.iter().any(|method| method == "S256")),
            },
        })
    }

    /// Returns what a sign-in is bound to.
    pub(super) fn identity(&self) -> &str {
        self.issuer
            .as_deref()
            .unwrap_or_else(|| self.token.url().as_str())
    }
}

/// Returns where the metadata may be: between host and path (RFC 8414), or behind the path.
fn places(issuer: &Url) -> (Url, Url) {
    let path = issuer.path().trim_end_matches('/');
    let (mut standard, mut openid) = (issuer.clone(), issuer.clone());
    standard.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    openid.set_path(&format!("{path}/.well-known/openid-configuration"));
    (standard, openid)
}

async fn fetch(
    http: &HttpClient,
    url: Url,
    stop: &CancellationToken,
) -> Result<Answer, OauthError> {
    let request =
        Request::new(Method::GET, url).header(ACCEPT, HeaderValue::from_static("application/json"));
    let endpoint = request.endpoint.clone();
    match http.send(request, stop).await {
        Ok(body) => Answer::read(body, endpoint).await,
        Err(err) => Err(answer::failure(err, &endpoint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_in_the_places_of_the_two_standards() {
        for (issuer, standard, openid) in [
            (
                "https://id.example",
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://id.example:8443/tenant/1/",
                "https://id.example:8443/.well-known/oauth-authorization-server/tenant/1",
                "https://id.example:8443/tenant/1/.well-known/openid-configuration",
            ),
        ] {
            let found = places(&Url::parse(issuer).unwrap());
            assert_eq!((found.0.as_str(), found.1.as_str()), (standard, openid));
        }
    }

    #[test]
    fn a_sign_in_is_bound_to_the_issuer_or_else_to_the_token_endpoint() {
        let given = Given {
            token: "https://id.example/token".to_owned(),
            ..Given::default()
        };
        let bound = |issuer| Server::given(&given, issuer).unwrap().identity().to_owned();
        assert_eq!(bound(None), "https://id.example/token");
        assert_eq!(
            bound(Some("https://id.example".to_owned())),
            "https://id.example"
        );
    }
}
