//! Writing a cassette.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use openclaw_core::redaction::{mask, mask_value, masked};
use openclaw_core::state_dir::private_file;
use parking_lot::Mutex;
use reqwest::Url;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Label;
use super::cassette::{Chain, FORMAT, How, MAX_BYTES, Part, Record, VERSION};
use super::error::TapeError;
use super::scrub::Scrub;
use crate::error::{Endpoint, HttpError};
use crate::request::Request;

/// The parameters of an address that are kept; any other may be a secret.
const PLAIN_PARAMETERS: [&str; 4] = ["alt", "api-version", "pageSize", "limit"];

/// What the names of the answer's headers that are kept begin with.
const PLAIN_HEADERS: [&str; 8] = [
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "retry-after",
    "anthropic-ratelimit-",
    "x-ratelimit-",
    "request-id",
    "x-request-id",
];

/// A cassette that is being written.
#[derive(Debug)]
pub(super) struct Recorder {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    chain: Chain,
    bytes: u64,
    exchanges: u32,
    writing: Writing,
}

#[derive(Debug)]
enum Writing {
    Well,
    /// It has failed, and nobody was told yet.
    Failed(TapeError),
    Told,
}

impl Recorder {
    pub(super) fn create(path: &Path) -> Result<Self, TapeError> {
        let file = private_file(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists {
                path: path.to_owned(),
            },
            _ => TapeError::Write {
                path: path.to_owned(),
                source,
            },
        })?;
        let recorder = Self {
            path: path.to_owned(),
            state: Mutex::new(State {
                file,
                chain: Chain::default(),
                bytes: 0,
                exchanges: 0,
                writing: Writing::Well,
            }),
        };
        recorder.write(&Record::Cassette {
            format: FORMAT.to_owned(),
            version: VERSION,
            program: concat!("openclaw-rs ", env!("CARGO_PKG_VERSION")).to_owned(),
        });
        recorder.finish()?;
        Ok(recorder)
    }

    pub(super) fn finish(&self) -> Result<u32, TapeError> {
        let mut state = self.state.lock();
        if let Writing::Failed(_) = state.writing
            && let Writing::Failed(error) = std::mem::replace(&mut state.writing, Writing::Told)
        {
            return Err(error);
        }
        Ok(state.exchanges)
    }

    pub(super) fn at_end(&self) -> TapeError {
        TapeError::AtEnd {
            path: self.path.clone(),
            exchanges: self.state.lock().exchanges,
            broken_off: None,
        }
    }

    pub(super) fn begin(self: &Arc<Self>, request: &Request, label: Option<Label>) -> Recording {
        let exchange = {
            let mut state = self.state.lock();
            state.exchanges = state.exchanges.saturating_add(1);
            state.exchanges
        };
        self.write(&Record::Request {
            exchange,
            label: label.map(|label| {
                Box::new(Label {
                    base_url: label.base_url.map(|url| without_secrets(&url)),
                    params: params(label.params),
                    ..label
                })
            }),
            method: request.method.to_string(),
            url: address(&request.url),
            headers: headers(&request.headers, |_name| true),
            body: body(&request.body),
        });
        Recording {
            recorder: Arc::clone(self),
            exchange,
            began: Instant::now(),
            scrub: Scrub::default(),
            state: Progress::Open,
        }
    }

    /// Writes a line in one go, so that a crash leaves whole lines.
    ///
    /// The lines are short and go to the system's memory, so that no thread of its own is needed.
    fn write(&self, record: &Record) {
        let state = &mut *self.state.lock();
        if !matches!(state.writing, Writing::Well) {
            return;
        }
        let line = match state.chain.write(record) {
            Ok(line) => line,
            Err(error) => return self.fail(state, io::Error::other(error)),
        };
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        state.bytes = state.bytes.saturating_add(bytes);
        if state.bytes > MAX_BYTES {
            tracing::warn!(path = %self.path.display(), "the cassette is full: what follows is not recorded");
            state.writing = Writing::Failed(TapeError::TooLarge {
                path: self.path.clone(),
                limit: MAX_BYTES,
            });
        } else if let Err(error) = state.file.write_all(line.as_bytes()) {
            self.fail(state, error);
        }
    }

    fn fail(&self, state: &mut State, source: io::Error) {
        tracing::warn!(path = %self.path.display(), error = %source, "the cassette cannot be written any further");
        state.writing = Writing::Failed(TapeError::Write {
            path: self.path.clone(),
            source,
        });
    }
}

/// One attempt that is being recorded; when it is dropped, nobody wants to read any further.
#[derive(Debug)]
pub(crate) struct Recording {
    recorder: Arc<Recorder>,
    exchange: u32,
    began: Instant,
    scrub: Scrub,
    state: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Open,
    Ended,
}

impl Recording {
    /// Takes the head of the answer.
    pub(crate) fn head(&self, status: u16, head: &HeaderMap) {
        self.recorder.write(&Record::Response {
            exchange: self.exchange,
            after_ms: self.after(),
            status,
            headers: headers(head, |name| {
                PLAIN_HEADERS.iter().any(|plain| name.starts_with(plain))
            }),
        });
    }

    /// Takes a piece of the body.
    pub(crate) fn piece(&mut self, piece: &[u8]) {
        let mut parts = self.scrub.push(piece);
        let last = parts.pop().unwrap_or(Part::Text(String::new()));
        for part in parts {
            self.chunk(part, None);
        }
        self.chunk(last, Some(piece.len()));
    }

    /// Takes the end of the body.
    pub(crate) fn whole(&mut self) {
        self.end(How::Whole, None);
    }

    /// Takes what went wrong.
    pub(crate) fn failed(&mut self, error: &HttpError) {
        let how = match error {
            HttpError::Connect { .. } | HttpError::Proxy { .. } | HttpError::Certificate { .. } => {
                How::Connect
            }
            HttpError::Timeout { .. } => How::Timeout,
            HttpError::Broken { .. } => How::Cut,
            _ => How::Stopped,
        };
        self.end(how, Some(error));
    }

    fn chunk(&self, part: Part, bytes: Option<usize>) {
        let (text, base64) = part.fields();
        self.recorder.write(&Record::Chunk {
            exchange: self.exchange,
            after_ms: bytes.map(|_| self.after()),
            bytes,
            text,
            base64,
        });
    }

    fn end(&mut self, how: How, error: Option<&HttpError>) {
        if self.state == Progress::Ended {
            return;
        }
        self.state = Progress::Ended;
        for part in self.scrub.finish() {
            self.chunk(part, None);
        }
        let (phase, limit) = match error {
            Some(HttpError::Timeout { phase, limit, .. }) => (Some(*phase), Some(*limit)),
            _ => (None, None),
        };
        self.recorder.write(&Record::End {
            exchange: self.exchange,
            after_ms: self.after(),
            how,
            phase,
            limit_ms: limit.map(millis),
            message: error.map(|error| masked(error.to_string())),
        });
    }

    fn after(&self) -> u64 {
        millis(self.began.elapsed())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.end(How::Stopped, None);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns the headers that may be kept.
fn headers(headers: &HeaderMap, kept: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter(|(name, value)| !value.is_sensitive() && kept(name.as_str()))
        .filter_map(|(name, value)| {
            let value = mask(value.to_str().ok()?).into_owned();
            Some((name.to_string(), value))
        })
        .collect()
}

/// Returns an address without the parameters that may be secrets.
fn address(url: &Url) -> String {
    let mut address = mask(&Endpoint::of(url).to_string()).into_owned();
    let mut before = '?';
    for (name, value) in url.query_pairs() {
        if PLAIN_PARAMETERS.contains(&name.as_ref()) {
            let pair = [(name, mask(&value))];
            let pair = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pair)
                .finish();
            address.push(before);
            address.push_str(&pair);
            before = '&';
        }
    }
    address
}

/// As [`address`], for a text that may be no address.
fn without_secrets(url: &str) -> String {
    Url::parse(url).map_or_else(
        |_no_url| String::new(),
        |url| address(&url).trim_end_matches('/').to_owned(),
    )
}

fn params(params: Map<String, Value>) -> Map<String, Value> {
    match mask_value(Value::Object(params)) {
        Value::Object(params) => params,
        _ => Map::new(),
    }
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(bytes) {
        Ok(body) => mask_value(body),
        Err(_no_json) => Value::from(mask(&String::from_utf8_lossy(bytes)).into_owned()),
    }
}
