//! `gateway.http.endpoints`: the routes that speak OpenAI's HTTP API, each off unless it is asked
//! for, and what they take of files and pictures.

use std::time::Duration;

use super::reader::Reader;

/// Where the settings stand.
const AT: [&str; 3] = ["gateway", "http", "endpoints"];

/// The types of pictures that are taken unless others are named.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/// The types of files that are taken unless others are named.
const FILES: [&str; 6] = [
    "text/plain",
    "text/markdown",
    "text/html",
    "text/csv",
    "application/json",
    "application/pdf",
];

/// Ten megabytes.
const PICTURE_BYTES: usize = 10 * 1024 * 1024;
/// Five megabytes.
const FILE_BYTES: usize = 5 * 1024 * 1024;
/// How many addresses one request may name.
const URL_PARTS: usize = 8;
/// How many characters of a text are taken.
const FILE_CHARS: usize = 60_000;
/// How many redirects are followed.
const REDIRECTS: u32 = 3;
/// How long an address may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which routes answer, and what they take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpApiSettings {
    /// `POST /v1/chat/completions`.
    pub chat: ChatRoute,
    /// `POST /v1/responses`.
    pub responses: ResponsesRoute,
}

/// Whether a route answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// As any unknown address does.
    #[default]
    No,
    /// It does.
    Yes,
}

/// The settings of `POST /v1/chat/completions` (`chatCompletions`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatRoute {
    /// Whether it answers (`enabled`).
    pub answers: Answers,
    /// Which pictures it takes (`images`).
    pub images: Sources,
}

/// The settings of `POST /v1/responses` (`responses`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponsesRoute {
    /// Whether it answers (`enabled`).
    pub answers: Answers,
    /// How many addresses one request may name (`maxUrlParts`).
    pub max_url_parts: usize,
    /// Which pictures it takes (`images`).
    pub images: Sources,
    /// Which files it takes (`files`).
    pub files: Sources,
    /// How many characters of a text file it takes (`files.maxChars`).
    pub max_chars: usize,
}

/// Where files may come from, and what they may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    /// Whether a request may name an address (`allowUrl`).
    pub by_url: ByUrl,
    /// The hosts that an address may name; none means any (`urlAllowlist`).
    pub hosts: Vec<String>,
    /// The media types that are taken (`allowedMimes`).
    pub mimes: Vec<String>,
    /// The most bytes of one (`maxBytes`).
    pub max_bytes: usize,
    /// How many redirects are followed (`maxRedirects`).
    pub redirects: u32,
    /// How long an address may take (`timeoutMs`).
    pub timeout: Duration,
}

/// Whether a request may name an address where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByUrl {
    /// It may not.
    No,
    /// It may, if the address is a public one.
    Yes,
}

impl HttpApiSettings {
    /// Tells whether any of the routes answers: then the list of models does, too.
    pub fn any(&self) -> bool {
        self.chat.answers == Answers::Yes || self.responses.answers == Answers::Yes
    }
}

impl Default for HttpApiSettings {
    /// No route answers.
    fn default() -> Self {
        Self {
            chat: ChatRoute {
                answers: Answers::No,
                images: Sources::of(&PICTURES, PICTURE_BYTES, ByUrl::No),
            },
            responses: ResponsesRoute {
                answers: Answers::No,
                max_url_parts: URL_PARTS,
                images: Sources::of(&PICTURES, PICTURE_BYTES, ByUrl::Yes),
                files: Sources::of(&FILES, FILE_BYTES, ByUrl::Yes),
                max_chars: FILE_CHARS,
            },
        }
    }
}

impl Sources {
    fn of(mimes: &[&str], max_bytes: usize, by_url: ByUrl) -> Self {
        Self {
            by_url,
            hosts: Vec::new(),
            mimes: mimes.iter().map(|mime| (*mime).to_owned()).collect(),
            max_bytes,
            redirects: REDIRECTS,
            timeout: PATIENCE,
        }
    }
}

impl Reader<'_> {
    pub(super) fn http_api(&mut self) -> HttpApiSettings {
        let usual = HttpApiSettings::default();
        let pdf = at("responses", &["files", "pdf"]);
        if self.raw(&pdf).is_some() {
            self.not_followed(&pdf, "has no effect: documents go to the model as they are");
        }
        HttpApiSettings {
            chat: ChatRoute {
                answers: self.answers("chatCompletions"),
                images: self.sources("chatCompletions", "images", usual.chat.images),
            },
            responses: ResponsesRoute {
                answers: self.answers("responses"),
                max_url_parts: self
                    .bound(&at("responses", &["maxUrlParts"]))
                    .unwrap_or(URL_PARTS),
                images: self.sources("responses", "images", usual.responses.images),
                files: self.sources("responses", "files", usual.responses.files),
                max_chars: self
                    .bound(&at("responses", &["files", "maxChars"]))
                    .unwrap_or(FILE_CHARS),
            },
        }
    }

    fn answers(&self, route: &str) -> Answers {
        match self.raw(&at(route, &["enabled"])) {
            Some(serde_json::Value::Bool(true)) => Answers::Yes,
            _ => Answers::No,
        }
    }

    fn sources(&self, route: &str, what: &str, usual: Sources) -> Sources {
        let of = |key| at(route, &[what, key]);
        let texts = |key| {
            let texts = self.texts_as_written(&of(key)).into_iter();
            let texts = texts.map(|text| text.trim().to_owned());
            texts
                .filter(|text| !text.is_empty())
                .collect::<Vec<String>>()
        };
        let mimes = texts("allowedMimes").into_iter();
        let mimes: Vec<String> = mimes.map(|mime| mime.to_ascii_lowercase()).collect();
        Sources {
            by_url: match self.raw(&of("allowUrl")) {
                Some(serde_json::Value::Bool(true)) => ByUrl::Yes,
                Some(_) => ByUrl::No,
                None => usual.by_url,
            },
            hosts: texts("urlAllowlist"),
            mimes: if mimes.is_empty() { usual.mimes } else { mimes },
            max_bytes: self.bound(&of("maxBytes")).unwrap_or(usual.max_bytes),
            redirects: self
                .number(&of("maxRedirects"))
                .map_or(usual.redirects, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            timeout: self
                .number(&of("timeoutMs"))
                .map_or(usual.timeout, Duration::from_millis),
        }
    }

    fn bound(&self, path: &[&str]) -> Option<usize> {
        let number = self.number(path)?;
        Some(usize::try_from(number).unwrap_or(usize::MAX))
    }
}

fn at<'a>(route: &'a str, keys: &[&'a str]) -> Vec<&'a str> {
    AT.into_iter()
        .chain([route])
        .chain(keys.iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use openclaw_core::env::Env;
    use serde_json::{Value, json};

    use super::*;

    fn read(endpoints: &Value) -> HttpApiSettings {
        let config = json!({ "gateway": { "http": { "endpoints": endpoints } } });
        let env = Env::default();
        let mut reader = Reader::new(&config, &env, std::path::Path::new("/state"));
        reader.http_api()
    }

    #[test]
    fn every_route_is_off_unless_it_is_asked_for() {
        assert!(!read(&json!({})).any());
        assert!(!read(&json!({ "chatCompletions": { "enabled": false }, "responses": {} })).any());
        assert!(read(&json!({ "chatCompletions": { "enabled": true } })).any());
        let responses = read(&json!({ "responses": { "enabled": true } }));
        assert_eq!(responses.chat.answers, Answers::No);
        assert_eq!(responses.responses.answers, Answers::Yes);
    }

    #[test]
    fn what_is_not_said_is_as_openclaw_has_it() {
        let set = read(&json!({ "responses": {
            "enabled": true,
            "maxUrlParts": 2,
            "files": { "allowUrl": false, "maxChars": 10, "allowedMimes": [" Text/Plain "] },
            "images": { "urlAllowlist": ["*.example.com"], "maxBytes": 7, "timeoutMs": 50 },
        } }));
        let usual = HttpApiSettings::default();
        let expected = HttpApiSettings {
            responses: ResponsesRoute {
                answers: Answers::Yes,
                max_url_parts: 2,
                images: Sources {
                    hosts: vec!["*.example.com".to_owned()],
                    max_bytes: 7,
                    timeout: Duration::from_millis(50),
                    ..usual.responses.images
                },
                files: Sources {
                    by_url: ByUrl::No,
                    mimes: vec!["text/plain".to_owned()],
                    ..usual.responses.files
                },
                max_chars: 10,
            },
            chat: usual.chat,
        };
        assert_eq!(set, expected);
    }
}
