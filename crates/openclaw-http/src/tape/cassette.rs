//! The lines of a cassette.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Label;
use super::error::Damage;
use crate::error::Phase;

/// What the first line calls the format.
pub(super) const FORMAT: &str = "openclaw-cassette";

/// The version of the format that is written, and the newest one that is read.
pub(super) const VERSION: u32 = 1;

/// The most bytes that a cassette may have.
pub(super) const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// How many digits a checksum has.
const SUM_DIGITS: usize = 16;

/// What stands before a checksum at the end of a line.
const SUM: &str = ",\"sum\":\"";

/// What stands before the checksum of the line before.
const AFTER: &str = ",\"after\":\"";

/// The name of the member that has it.
const AFTER_NAME: &str = "after";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "record",
    rename_all = "lowercase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(super) enum Record {
    /// The first line.
    Cassette {
        format: String,
        version: u32,
        program: String,
    },
    /// What was asked.
    Request {
        exchange: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<Box<Label>>,
        method: String,
        url: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: Value,
    },
    /// The head of the answer.
    Response {
        exchange: u32,
        #[serde(default)]
        after_ms: u64,
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// A piece of the answer's body.
    ///
    /// With `bytes` it tells that so many bytes had come by then in one piece; of these, some may
    /// stand in the lines that follow, since what may be the beginning of a secret is written when
    /// that is decided. A line with neither `bytes` nor `afterMs` only adds to the text.
    Chunk {
        exchange: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
    },
    /// How it ended.
    End {
        exchange: u32,
        #[serde(default)]
        after_ms: u64,
        how: How,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Phase>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_ms: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    /// The body came to its end.
    Whole,
    /// The connection broke.
    Cut,
    /// Something took too long.
    Timeout,
    /// No connection came about.
    Connect,
    /// Nobody wanted to read any further.
    Stopped,
}

/// A part of a body: text, or what is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Bytes(Vec<u8>),
}

impl Part {
    /// Returns the fields that hold it.
    pub(super) fn fields(self) -> (Option<String>, Option<String>) {
        match self {
            Self::Text(text) => (Some(text), None),
            Self::Bytes(bytes) => (None, Some(STANDARD.encode(bytes))),
        }
    }

    /// Returns the bytes that the fields hold.
    pub(super) fn read(text: Option<String>, base64: Option<&str>) -> Result<Vec<u8>, Damage> {
        match (text, base64) {
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(base64)) => STANDARD.decode(base64).map_err(Damage::Base64),
            (Some(_), Some(_)) | (None, None) => Err(Damage::NoData),
        }
    }
}

/// What ties each line to the one before it.
///
/// Every line that is written names the checksum of the line before, so that it shows when one is
/// missing, comes twice or stands in another place.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// The checksum of the last line; nothing after a line that has none.
    last: Option<String>,
}

impl Chain {
    /// Returns the line of a record, with its checksum and its end.
    pub(super) fn write(&mut self, record: &Record) -> Result<String, serde_json::Error> {
        let mut line = serde_json::to_string(record)?;
        // What is added joins the members of the object.
        line.pop();
        if let Some(last) = &self.last {
            line.push_str(AFTER);
            line.push_str(last);
            line.push('"');
        }
        let sum = sum(line.as_bytes());
        line.push_str(SUM);
        line.push_str(&sum);
        line.push_str("\"}\n");
        self.last = Some(sum);
        Ok(line)
    }

    /// Reads a line, without its end.
    pub(super) fn read(&mut self, line: &[u8]) -> Result<Record, Damage> {
        let text = str::from_utf8(line).map_err(|_where| Damage::NotText)?;
        let Some((object, expected)) = summed(text) else {
            self.last = None;
            return record(text);
        };
        if sum(object.as_bytes()) != expected {
            return Err(Damage::Checksum);
        }
        let after = object
            .rsplit_once(AFTER)
            .and_then(|(_, after)| after.strip_suffix('"'));
        let record = record(&format!("{object}}}"))?;
        let last = self.last.replace(expected.to_owned());
        if last.is_some() && last.as_deref() != after {
            return Err(Damage::Gap);
        }
        Ok(record)
    }
}

/// Reads a record; whoever takes the checksum out of a line need not take out what it is tied to.
fn record(text: &str) -> Result<Record, Damage> {
    let mut members: Map<String, Value> = serde_json::from_str(text).map_err(Damage::NoRecord)?;
    members.remove(AFTER_NAME);
    serde_json::from_value(Value::Object(members)).map_err(Damage::NoRecord)
}

/// Parts a line from its checksum, if it has one.
fn summed(line: &str) -> Option<(&str, &str)> {
    let (object, end) = line.rsplit_once(SUM)?;
    let sum = end.strip_suffix("\"}")?;
    (sum.len() == SUM_DIGITS).then_some((object, sum))
}

fn sum(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(SUM_DIGITS);
    for byte in Sha256::digest(bytes).iter().take(SUM_DIGITS / 2) {
        // Writing to a string does not fail.
        let _infallible = write!(digits, "{byte:02x}").is_ok();
    }
    digits
}
