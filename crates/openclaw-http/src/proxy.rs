//! Which proxy stands between this machine and a server, for errors to name it.

use std::error::Error as _;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use openclaw_core::env::Env;
use reqwest::Url;

use crate::error::{Endpoint, HttpError};
use crate::network::{NetworkError, Proxy};

const FOR_HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const FOR_HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const FOR_ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];
const EXEMPT: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The status by which a proxy, and never a server, asks for credentials.
pub(crate) const WHO_ASKS: u16 = 407;

/// What hyper calls it that a proxy answers 407 to `CONNECT`; its type cannot be named.
const REFUSAL: &str = "proxy authorization required";

impl Proxy {
    /// Returns the proxy that is on the way to a server.
    ///
    /// # Errors
    /// A variable that names none: without a word, what it is meant to keep inside would go out.
    pub(crate) fn on_the_way(
        &self,
        to: &Url,
        env: impl FnOnce() -> Env,
    ) -> Result<Option<Endpoint>, NetworkError> {
        match self {
            Self::None => Ok(None),
            Self::Url(url, _credentials) => Ok(Some(Endpoint::origin(url))),
            Self::Environment => of_environment(to, &env()),
        }
    }
}

fn of_environment(to: &Url, env: &Env) -> Result<Option<Endpoint>, NetworkError> {
    let value = |names: [&'static str; 2]| {
        let mut set = names
            .into_iter()
            .filter_map(|name| Some((name, env.get(name)?)));
        set.find(|(_name, value)| !value.is_empty())
    };
    let own = match to.scheme() {
        "https" => FOR_HTTPS,
        _ => FOR_HTTP,
    };
    let Some((name, proxy)) = value(own).or_else(|| value(FOR_ALL)) else {
        return Ok(None);
    };
    let Ok(to) = to.as_str().parse::<Uri>() else {
        return Ok(None);
    };
    // What the client itself asks, so that both are of one mind.
    let exempt = value(EXEMPT).map_or("", |(_name, value)| value).to_owned();
    let through = |proxy: &str| {
        let matcher = Matcher::builder().all(proxy.to_owned());
        matcher.no(exempt.clone()).build().intercept(&to)
    };
    if through("http://any.invalid").is_none() {
        return Ok(None);
    }
    let proxy = through(proxy).and_then(|found| Url::parse(&found.uri().to_string()).ok());
    proxy
        .filter(|proxy| matches!(proxy.scheme(), "http" | "https"))
        .map(|proxy| Some(Endpoint::origin(&proxy)))
        .ok_or(NetworkError::ProxyVariable { name })
}

/// Says why no connection came about through a proxy.
pub(crate) fn failure(endpoint: Endpoint, proxy: Endpoint, source: reqwest::Error) -> HttpError {
    let mut causes = std::iter::successors(source.source(), |error| (*error).source());
    if causes.any(|error| error.to_string().contains(REFUSAL)) {
        return HttpError::ProxyAuthentication { endpoint, proxy };
    }
    let source = source.into();
    HttpError::Proxy {
        endpoint,
        proxy,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(env: &[(&str, &str)], to: &str) -> Result<Option<String>, String> {
        let env = || env.iter().copied().collect();
        let proxy = Proxy::Environment.on_the_way(&Url::parse(to).unwrap(), env);
        proxy
            .map(|proxy| proxy.map(|proxy| proxy.to_string()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_proxy_of_the_environment_is_named_without_its_password() {
        let plain = "http://api.example/v1";
        for (env, to, proxy) in [
            (&[][..], plain, None),
            (
                &[("http_proxy", "http://me:secret@p:3128/x")],
                plain,
                Some("http://p:3128"),
            ),
            (&[("HTTP_PROXY", "p:3128")], plain, Some("http://p:3128")),
            (&[("HTTP_PROXY", "p:3128")], "https://api.example/", None),
            (&[("HTTP_PROXY", "")], plain, None),
            (
                &[("ALL_PROXY", "https://p")],
                "https://api.example/",
                Some("https://p"),
            ),
            (
                &[("ALL_PROXY", "p:1"), ("NO_PROXY", "b,.example")],
                plain,
                None,
            ),
            (
                &[("ALL_PROXY", "garbage::"), ("NO_PROXY", "*")],
                plain,
                None,
            ),
        ] {
            assert_eq!(found(env, to), Ok(proxy.map(str::to_owned)), "{env:?} {to}");
        }
    }

    #[test]
    fn a_variable_that_names_no_proxy_stops_the_request_and_is_named() {
        for value in [
            "garbage::",
            "http://",
            "ftp://127.0.0.1:9",
            "socks5://127.0.0.1:9",
        ] {
            assert_eq!(
                found(&[("HTTP_PROXY", value)], "http://api.example/"),
                Err(
                    "the environment variable `HTTP_PROXY` is not of the form http://host:port"
                        .to_owned()
                ),
                "{value}"
            );
        }
    }
}
