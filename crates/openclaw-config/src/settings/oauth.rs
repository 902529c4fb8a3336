//! `oauth`: the providers that are signed in to by OAuth; a setting of this program's own.
//!
//! What is looked at here is the shape. Whether a URL may be given a secret is for the one who
//! sends it there to say.

use std::collections::BTreeMap;

use openclaw_core::ProviderId;
use serde_json::{Map, Value};

use crate::problem::{KeyPath, Problem};

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "oauth";

/// The longest name of a provider: with what stands before it, it names a credential.
const MAX_PROVIDER: usize = 58;

const ISSUER: &str = "issuer";
const AUTHORIZATION: &str = "authorizationEndpoint";
const TOKEN: &str = "tokenEndpoint";
const DEVICE: &str = "deviceAuthorizationEndpoint";
const REVOCATION: &str = "revocationEndpoint";
const CLIENT_ID: &str = "clientId";
const SCOPES: &str = "scopes";
/// Every member, the texts first.
const MEMBERS: [&str; 7] = [
    ISSUER,
    AUTHORIZATION,
    TOKEN,
    DEVICE,
    REVOCATION,
    CLIENT_ID,
    SCOPES,
];

/// How a provider is signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthSettings {
    /// The server's own URL, under which it names its endpoints (`issuer`).
    pub issuer: Option<String>,
    /// The endpoints, where they are given and not looked up.
    pub endpoints: Option<OauthEndpoints>,
    /// The id that the provider gave to this program (`clientId`).
    pub client_id: String,
    /// What the sign-in is to be good for (`scopes`).
    pub scopes: Vec<String>,
}

/// Endpoints that are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthEndpoints {
    /// Where a browser signs in (`authorizationEndpoint`).
    pub authorization: Option<String>,
    /// Where tokens are given (`tokenEndpoint`).
    pub token: String,
    /// Where a sign-in by a code begins (`deviceAuthorizationEndpoint`).
    pub device: Option<String>,
    /// Where tokens are given back (`revocationEndpoint`).
    pub revocation: Option<String>,
}

/// Returns everything that is wrong with an `oauth` at this place.
pub(super) fn problems(path: &KeyPath, oauth: &Value) -> Vec<Problem> {
    let Some(providers) = oauth.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let mut problems = Vec::new();
    for (provider, settings) in providers {
        let at = path.key(provider);
        if !is_name(provider) {
            let message = format!(
                "the name of a provider that is signed in to has up to {MAX_PROVIDER} of a-z, 0-9, `.`, `_` and `-`"
            );
            problems.push(Problem::new(at, message));
        } else if let Some(members) = settings.as_object() {
            problems.extend(of_provider(&at, members));
        } else {
            problems.push(Problem::new(at, "expected an object"));
        }
    }
    problems
}

/// Reads an `oauth` that was judged; what is wrong with it is left out.
pub(super) fn read(oauth: Option<&Value>) -> BTreeMap<ProviderId, OauthSettings> {
    let providers = oauth.and_then(Value::as_object).into_iter().flatten();
    providers
        .filter_map(|(provider, settings)| {
            let settings = of(settings.as_object()?)?;
            Some((ProviderId::from(provider.as_str()), settings))
        })
        .collect()
}

fn of(members: &Map<String, Value>) -> Option<OauthSettings> {
    let text = |key| members.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(OauthSettings {
        issuer: text(ISSUER),
        endpoints: text(TOKEN).map(|token| OauthEndpoints {
            authorization: text(AUTHORIZATION),
            token,
            device: text(DEVICE),
            revocation: text(REVOCATION),
        }),
        client_id: text(CLIENT_ID)?,
        scopes: match members.get(SCOPES) {
            Some(scopes) => scopes_of(scopes)?,
            None => Vec::new(),
        },
    })
}

fn of_provider(path: &KeyPath, members: &Map<String, Value>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in members {
        let at = path.key(key);
        match key.as_str() {
            SCOPES if scopes_of(value).is_none() => problems.push(Problem::new(
                at,
                "expected a list of texts without spaces, quotes and backslashes",
            )),
            SCOPES => {}
            known if MEMBERS.contains(&known) => {
                if value.as_str().is_none_or(str::is_empty) {
                    problems.push(Problem::new(at, "expected a text that is not empty"));
                }
            }
            _ => {
                let mut problem = Problem::new(at, format!("Unrecognized key: \"{key}\""));
                problem.allowed = MEMBERS.map(str::to_owned).to_vec();
                problems.push(problem);
            }
        }
    }
    let is_set = |key: &str| members.contains_key(key);
    let mut missing = |message: &str| problems.push(Problem::new(path.clone(), message));
    if !is_set(CLIENT_ID) {
        missing("`clientId` is required");
    }
    let endpoint = [AUTHORIZATION, DEVICE, REVOCATION]
        .into_iter()
        .find(|key| is_set(key));
    match (is_set(TOKEN), endpoint) {
        (false, Some(_)) => missing("`tokenEndpoint` is required beside another endpoint"),
        (false, None) if !is_set(ISSUER) => {
            missing("either `issuer` or the endpoints are required");
        }
        (true, _) if !is_set(AUTHORIZATION) && !is_set(DEVICE) => missing(
            "`authorizationEndpoint` or `deviceAuthorizationEndpoint` is required beside `tokenEndpoint`",
        ),
        _ => {}
    }
    problems
}

/// A scope's characters are those of RFC 6749, 3.3.
fn scopes_of(value: &Value) -> Option<Vec<String>> {
    let legal = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    let scope = |scope: &Value| {
        let text = scope.as_str()?;
        (!text.is_empty() && text.bytes().all(legal)).then(|| text.to_owned())
    };
    value.as_array()?.iter().map(scope).collect()
}

fn is_name(provider: &str) -> bool {
    let legal = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
    };
    (1..=MAX_PROVIDER).contains(&provider.len()) && provider.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(oauth: &Value) -> Vec<String> {
        let path = KeyPath::root().key(KEY);
        let told = problems(&path, oauth);
        told.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_issuer_is_enough_and_so_are_endpoints() {
        let oauth = json!({
            "one": {"issuer": "https://id.example", "clientId": "me", "scopes": ["models", "offline"]},
            "two": {"tokenEndpoint": "https://id.example/t", "deviceAuthorizationEndpoint": "https://id.example/d", "clientId": "me"},
        });
        assert_eq!(told(&oauth), Vec::<String>::new());
        let read = read(Some(&oauth));
        assert_eq!(
            read[&ProviderId::from("one")],
            OauthSettings {
                issuer: Some("https://id.example".to_owned()),
                endpoints: None,
                client_id: "me".to_owned(),
                scopes: vec!["models".to_owned(), "offline".to_owned()],
            }
        );
        assert_eq!(
            read[&ProviderId::from("two")].endpoints,
            Some(OauthEndpoints {
                authorization: None,
                token: "https://id.example/t".to_owned(),
                device: Some("https://id.example/d".to_owned()),
                revocation: None,
            })
        );
    }

    #[test]
    fn what_is_missing_or_of_another_shape_is_named_by_its_place() {
        for (oauth, part) in [
            (json!([]), "oauth: expected an object"),
            (json!({"a": 1}), "oauth.a: expected an object"),
            (json!({"A b": {}}), "the name of a provider"),
            (
                json!({"a": {"issuer": "https://x"}}),
                "`clientId` is required",
            ),
            (
                json!({"a": {"clientId": "me"}}),
                "either `issuer` or the endpoints",
            ),
            (
                json!({"a": {"clientId": "me", "authorizationEndpoint": "https://x"}}),
                "`tokenEndpoint` is required",
            ),
            (
                json!({"a": {"clientId": "me", "tokenEndpoint": "https://x"}}),
                "`authorizationEndpoint` or",
            ),
            (
                json!({"a": {"clientId": "", "issuer": "https://x"}}),
                "oauth.a.clientId: expected a text",
            ),
            (
                json!({"a": {"clientId": "me", "issuer": 1}}),
                "oauth.a.issuer: expected a text",
            ),
            (
                json!({"a": {"clientId": "me", "issuer": "https://x", "scopes": "one two"}}),
                "oauth.a.scopes: expected a list",
            ),
            (
                json!({"a": {"clientId": "me", "issuer": "https://x", "scopes": ["one two"]}}),
                "oauth.a.scopes: expected a list",
            ),
            (
                json!({"a": {"clientId": "me", "issuer": "https://x", "clientSecret": "s"}}),
                "Unrecognized key: \"clientSecret\"",
            ),
        ] {
            let told = told(&oauth).join("; ");
            assert!(told.contains(part), "{oauth}: {told}");
        }
    }
}
