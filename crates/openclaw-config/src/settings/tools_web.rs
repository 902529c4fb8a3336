//! `tools.web` and what belongs to it: how the web is read and searched.

use std::time::Duration;

use serde_json::Value;

use super::own_providers::unknown;
use super::reader::{Reader, whole_number};
use super::secrets::SecretInput;
use crate::problem::{KeyPath, Problem};

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "web";

const ALLOW: &str = "allow";
const DENY: &str = "deny";
const PRIVATE: &str = "private";
const LISTS: [&str; 3] = [ALLOW, DENY, PRIVATE];

/// The variable that holds the key of Brave's search engine, and the record of the credential store.
const BRAVE_KEY: &str = "BRAVE_API_KEY";
/// The variable that says where a SearXNG is.
const SEARXNG_URL: &str = "SEARXNG_BASE_URL";

/// What OpenClaw takes the bounds of a page to be: fewer bytes than the first and more than the second
/// are not possible.
const PAGE_BYTES: (u64, u64) = (32_000, 10_000_000);
const DEFAULT_PAGE_BYTES: u64 = 750_000;
const DEFAULT_CHARS: usize = 20_000;
const DEFAULT_REDIRECTS: u64 = 3;
const MOST_REDIRECTS: u64 = 20;
const DEFAULT_SECONDS: u64 = 30;
const MOST_SECONDS: u64 = 600;
const DEFAULT_RESULTS: usize = 5;
const DEFAULT_KEEP: Duration = Duration::from_mins(15);
const MOST_KEEP: Duration = Duration::from_hours(24);

/// How the web is read and searched.
#[derive(Clone, Debug, Default)]
pub struct WebSettings {
    /// How pages are read; none if they are not (`tools.web.fetch`).
    pub fetch: Option<WebFetchSettings>,
    /// How is searched; none if nothing is (`tools.web.search`).
    pub search: Option<WebSearchSettings>,
}

/// How pages are read (`tools.web.fetch`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebFetchSettings {
    /// How many characters a result has (`maxChars`).
    pub max_chars: usize,
    /// How many may be asked for (`maxCharsCap`).
    pub max_chars_cap: usize,
    /// The most bytes of a page (`maxResponseBytes`).
    pub max_bytes: usize,
    /// How long a page may take (`timeoutSeconds`).
    pub timeout: Duration,
    /// How long a page is kept (`cacheTtlMinutes`).
    pub keep: Duration,
    /// How many redirects are followed (`maxRedirects`).
    pub redirects: u32,
    /// Whether only what a page is about is shown (`readability`).
    pub readability: bool,
    /// What servers are told that asks (`userAgent`).
    pub user_agent: Option<String>,
    /// Private hosts that may be reached (`ssrfPolicy.allowedHostnames`).
    pub allowed_hosts: Vec<String>,
    /// Hosts that may not be reached (`ssrfPolicy.blockedHostnames`).
    pub blocked_hosts: Vec<String>,
}

/// How is searched (`tools.web.search`).
#[derive(Clone, Debug)]
pub struct WebSearchSettings {
    /// The engine, if it is chosen (`provider`).
    pub provider: Option<String>,
    /// How many results there are (`maxResults`).
    pub max_results: usize,
    /// How long a search may take (`timeoutSeconds`).
    pub timeout: Duration,
    /// How long results are kept (`cacheTtlMinutes`).
    pub keep: Duration,
    /// Brave Search; none if its plugin is switched off.
    pub brave: Option<BraveSettings>,
    /// SearXNG; none if nobody says where one is.
    pub searxng: Option<SearxngSettings>,
}

/// Brave Search (`plugins.entries.brave.config.webSearch`).
#[derive(Clone, Debug)]
pub struct BraveSettings {
    /// Its key.
    pub key: SecretInput,
    /// Where the config says that the key is.
    pub key_path: &'static str,
    /// Where it is, if that is not Brave's own place.
    pub base_url: Option<String>,
}

/// SearXNG (`plugins.entries.searxng.config.webSearch`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearxngSettings {
    /// Where it is.
    pub base_url: String,
    /// Which kinds of results it is asked for.
    pub categories: Option<String>,
    /// Which language it is asked for.
    pub language: Option<String>,
}

/// Which hosts tools may read pages from (`web` in `openclaw-rs.json5`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebLists {
    /// The public hosts; every one, if the list is empty (`allow`).
    pub allow: Vec<String>,
    /// The hosts that may not be reached, whatever else says so (`deny`).
    pub deny: Vec<String>,
    /// The private hosts, each with its port (`private`).
    pub private: Vec<String>,
}

/// Returns everything that is wrong with a `web` at this place.
pub(super) fn problems(path: &KeyPath, web: &Value) -> Vec<Problem> {
    let Some(members) = web.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let judged = members.iter().filter_map(|(key, value)| {
        let at = path.key(key);
        if !LISTS.contains(&key.as_str()) {
            return Some(unknown(at, key, &LISTS));
        }
        let texts = value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string));
        (!texts).then(|| Problem::new(at, "expected a list of hosts, each a text"))
    });
    judged.collect()
}

/// Reads a `web` that was judged.
pub(super) fn read(web: Option<&Value>) -> WebLists {
    let list = |key: &str| {
        let list = web.and_then(|web| web.get(key)).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    WebLists {
        allow: list(ALLOW),
        deny: list(DENY),
        private: list(PRIVATE),
    }
}

impl Reader<'_> {
    /// Returns how the web is read and searched.
    pub(super) fn web(&mut self) -> WebSettings {
        WebSettings {
            fetch: self
                .is_on(&["tools", "web", "fetch", "enabled"])
                .then(|| self.web_fetch()),
            search: self
                .is_on(&["tools", "web", "search", "enabled"])
                .then(|| self.web_search()),
        }
    }

    fn is_on(&self, path: &[&str]) -> bool {
        self.raw(path).and_then(Value::as_bool).unwrap_or(true)
    }

    fn web_fetch(&self) -> WebFetchSettings {
        let at = |key| ["tools", "web", "fetch", key];
        let policy = |key| ["tools", "web", "fetch", "ssrfPolicy", key];
        let cap = self.count(&at("maxCharsCap")).unwrap_or(DEFAULT_CHARS);
        let (least, most) = PAGE_BYTES;
        let bytes = self
            .number(&at("maxResponseBytes"))
            .unwrap_or(DEFAULT_PAGE_BYTES);
        let redirects = self
            .number(&at("maxRedirects"))
            .unwrap_or(DEFAULT_REDIRECTS);
        WebFetchSettings {
            max_chars: self
                .count(&at("maxChars"))
                .unwrap_or(DEFAULT_CHARS)
                .min(cap),
            max_chars_cap: cap,
            max_bytes: usize::try_from(bytes.clamp(least, most)).unwrap_or(usize::MAX),
            timeout: self.seconds(&at("timeoutSeconds")),
            keep: self.minutes(&at("cacheTtlMinutes")),
            redirects: u32::try_from(redirects.min(MOST_REDIRECTS)).unwrap_or(0),
            readability: self.is_on(&at("readability")),
            user_agent: self.string(&at("userAgent")),
            allowed_hosts: self.texts_as_written(&policy("allowedHostnames")),
            blocked_hosts: self.texts_as_written(&policy("blockedHostnames")),
        }
    }

    fn web_search(&mut self) -> WebSearchSettings {
        let at = |key| ["tools", "web", "search", key];
        let provider = self.string(&at("provider"));
        if provider
            .as_deref()
            .is_some_and(|name| !matches!(name, "brave" | "searxng"))
        {
            self.not_followed(
                &at("provider"),
                "is not a search engine of this version; `brave` and `searxng` are",
            );
        }
        WebSearchSettings {
            provider,
            max_results: self.count(&at("maxResults")).unwrap_or(DEFAULT_RESULTS),
            timeout: self.seconds(&at("timeoutSeconds")),
            keep: self.minutes(&at("cacheTtlMinutes")),
            brave: self
                .is_on(&["plugins", "entries", "brave", "enabled"])
                .then(|| self.brave()),
            searxng: self
                .is_on(&["plugins", "entries", "searxng", "enabled"])
                .then(|| self.searxng())
                .flatten(),
        }
    }

    fn brave(&mut self) -> BraveSettings {
        let at = |key| ["plugins", "entries", "brave", "config", "webSearch", key];
        let (key, key_path) = match self.secret(&at("apiKey")) {
            Some(key) => (key, "plugins.entries.brave.config.webSearch.apiKey"),
            None => (SecretInput::Named(BRAVE_KEY.to_owned()), BRAVE_KEY),
        };
        BraveSettings {
            key,
            key_path,
            base_url: self.string(&at("baseUrl")),
        }
    }

    fn searxng(&mut self) -> Option<SearxngSettings> {
        let at = |key| ["plugins", "entries", "searxng", "config", "webSearch", key];
        if self.raw(&at("baseUrl")).is_some_and(|url| !url.is_string()) {
            self.not_followed(&at("baseUrl"), "is followed as a text only");
            return None;
        }
        let named = || self.env().get_os(SEARXNG_URL)?.to_str().map(str::to_owned);
        let base_url = self.string(&at("baseUrl")).or_else(named)?;
        Some(SearxngSettings {
            base_url,
            categories: self.string(&at("categories")),
            language: self.string(&at("language")),
        })
    }

    fn count(&self, path: &[&str]) -> Option<usize> {
        let number = self.number(path).filter(|number| *number > 0)?;
        usize::try_from(number).ok()
    }

    fn seconds(&self, path: &[&str]) -> Duration {
        let seconds = self.number(path).unwrap_or(DEFAULT_SECONDS);
        Duration::from_secs(seconds.clamp(1, MOST_SECONDS))
    }

    /// Minutes may have a fraction.
    fn minutes(&self, path: &[&str]) -> Duration {
        let Some(value) = self.raw(path) else {
            return DEFAULT_KEEP;
        };
        let whole = whole_number(value).map(|minutes| Duration::from_mins(minutes.min(1440)));
        let parts = || Duration::try_from_secs_f64(value.as_f64()? * 60.0).ok();
        whole.or_else(parts).unwrap_or(DEFAULT_KEEP).min(MOST_KEEP)
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::env::Env;
    use serde_json::json;

    use super::*;

    fn settings(value: &Value, env: &Env) -> WebSettings {
        Reader::new(value, env, std::path::Path::new("/home/state")).web()
    }

    #[test]
    fn the_defaults_are_those_of_openclaw() {
        let settings = settings(&json!({}), &Env::default());
        let fetch = WebFetchSettings {
            max_chars: 20_000,
            max_chars_cap: 20_000,
            max_bytes: 750_000,
            timeout: Duration::from_secs(30),
            keep: Duration::from_mins(15),
            redirects: 3,
            readability: true,
            user_agent: None,
            allowed_hosts: Vec::new(),
            blocked_hosts: Vec::new(),
        };
        assert_eq!(settings.fetch, Some(fetch));
        let search = settings.search.unwrap();
        assert_eq!((search.max_results, search.searxng), (5, None));
        assert_eq!(search.brave.unwrap().key_path, "BRAVE_API_KEY");
    }

    #[test]
    fn what_is_set_is_followed_within_its_bounds() {
        let value = json!({
            "tools": { "web": {
                "fetch": {
                    "maxChars": 50_000, "maxCharsCap": 30_000, "maxResponseBytes": 1,
                    "timeoutSeconds": 5, "cacheTtlMinutes": 0.5, "maxRedirects": 1000,
                    "readability": false,
                    "ssrfPolicy": { "allowedHostnames": ["wiki.lan"], "blockedHostnames": ["*.ads.example"] },
                },
                "search": { "provider": "searxng", "maxResults": 3 },
            } },
            "plugins": { "entries": {
                "brave": { "enabled": false },
                "searxng": { "config": { "webSearch": { "language": "de" } } },
            } },
        });
        let env: Env = [("SEARXNG_BASE_URL", "http://127.0.0.1:8888")]
            .into_iter()
            .collect();
        let web = settings(&value, &env);
        let fetch = web.fetch.unwrap();
        assert_eq!((fetch.max_chars, fetch.max_chars_cap), (30_000, 30_000));
        assert_eq!((fetch.max_bytes, fetch.redirects), (32_000, 20));
        assert_eq!(fetch.keep, Duration::from_secs(30));
        assert_eq!(fetch.allowed_hosts, ["wiki.lan"]);
        let search = web.search.unwrap();
        assert!(search.brave.is_none());
        assert_eq!(
            search.searxng,
            Some(SearxngSettings {
                base_url: "http://127.0.0.1:8888".to_owned(),
                categories: None,
                language: Some("de".to_owned()),
            })
        );
        let off = json!({ "tools": { "web": { "fetch": { "enabled": false }, "search": { "enabled": false } } } });
        let off = settings(&off, &env);
        assert!(off.fetch.is_none() && off.search.is_none());
    }

    #[test]
    fn lists_of_hosts_are_lists_of_texts() {
        let path = KeyPath::root().key(KEY);
        let said = |value: Value| -> Vec<String> {
            problems(&path, &value)
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        assert!(
            said(json!({ "allow": ["a.example"], "deny": [], "private": ["127.0.0.1:80"] }))
                .is_empty()
        );
        assert_eq!(said(json!({ "allow": "a.example" })).len(), 1);
        assert_eq!(said(json!({ "hosts": [] })).len(), 1);
        assert_eq!(said(json!([])).len(), 1);
    }
}
