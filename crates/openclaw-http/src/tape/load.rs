//! Reading a cassette.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use openclaw_core::redaction::REDACTED;
use serde_json::Value;

use super::Label;
use super::cassette::{Chain, FORMAT, How, MAX_BYTES, Part, Record, VERSION};
use super::error::{Damage, TapeError};
use crate::error::Phase;

/// One attempt of an exchange.
#[derive(Default)]
pub(super) struct Exchange {
    /// The line of the request.
    pub(super) line: usize,
    pub(super) label: Option<Box<Label>>,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) body: Value,
    pub(super) head: Option<Head>,
    pub(super) data: Vec<u8>,
    pub(super) marks: Vec<Mark>,
    /// How many bytes the lines say that had come, if they say so.
    pub(super) told: Option<usize>,
    pub(super) end: Option<End>,
}

/// The head of an answer.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) after: Duration,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
}

/// So many bytes had come in one piece by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) after: Duration,
    pub(super) bytes: usize,
}

/// How an exchange ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) after: Duration,
    pub(super) how: How,
    pub(super) phase: Phase,
    pub(super) limit: Duration,
    pub(super) message: Option<String>,
}

/// Reads every exchange that is on a cassette.
pub(super) fn exchanges(path: &Path) -> Result<Vec<Exchange>, TapeError> {
    let bytes = bytes(path)?;
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    let mut reading = Reading::default();
    let mut chain = Chain::default();
    for (at, line) in lines {
        let number = at.saturating_add(1);
        let damaged = |source| match (number, source) {
            // What does not begin as a cassette is not a damaged one.
            (1, Damage::NoRecord(_) | Damage::NotText | Damage::OutOfPlace) => {
                TapeError::NotACassette {
                    path: path.to_owned(),
                }
            }
            (line, source) => TapeError::Damaged {
                path: path.to_owned(),
                line,
                source,
            },
        };
        let record = chain.read(line.trim_ascii_end()).map_err(damaged)?;
        match reading.take(number, record) {
            Ok(()) => {}
            Err(Odd::Damage(source)) => return Err(damaged(source)),
            Err(Odd::Version(version)) => {
                return Err(TapeError::Version {
                    path: path.to_owned(),
                    version,
                });
            }
        }
    }
    if reading.begun == Begun::No {
        return Err(TapeError::NotACassette {
            path: path.to_owned(),
        });
    }
    Ok(reading.exchanges)
}

/// Reads a whole file of bounded size.
fn bytes(path: &Path) -> Result<Vec<u8>, TapeError> {
    let read = |source: io::Error| TapeError::Read {
        path: path.to_owned(),
        reason: match source.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => source.to_string(),
        },
    };
    let kind = fs::metadata(path).map_err(read)?;
    if kind.is_dir() {
        return Err(read(io::Error::other("it is a folder")));
    }
    // Opening a pipe would wait for somebody to write to it.
    if !kind.is_file() {
        return Err(read(io::Error::other("it is no regular file")));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| {
            file.take(MAX_BYTES.saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(read)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_BYTES) {
        return Err(TapeError::TooLarge {
            path: path.to_owned(),
            limit: MAX_BYTES,
        });
    }
    Ok(bytes)
}

/// What has been read of a cassette.
#[derive(Default)]
struct Reading {
    begun: Begun,
    exchanges: Vec<Exchange>,
    /// Where an exchange stands, by its number on the cassette.
    numbers: BTreeMap<u32, usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Begun {
    #[default]
    No,
    Yes,
}

/// Why a line is refused.
enum Odd {
    Damage(Damage),
    Version(u32),
}

impl From<Damage> for Odd {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl Exchange {
    /// Takes what came of the body.
    fn came(&mut self, data: Vec<u8>, after_ms: Option<u64>, bytes: Option<usize>) {
        if let Some(bytes) = bytes {
            self.told = Some(self.told.unwrap_or_default().saturating_add(bytes));
        }
        if bytes.is_some() || after_ms.is_some() {
            self.marks.push(Mark {
                after: Duration::from_millis(after_ms.unwrap_or_default()),
                bytes: bytes.unwrap_or(data.len()),
            });
        }
        self.data.extend(data);
    }

    /// Tells whether the body is as long as its lines say.
    fn agrees(&self) -> Result<(), Damage> {
        // A secret that was taken out had another length than what stands in its place.
        let is_masked = || String::from_utf8_lossy(&self.data).contains(REDACTED);
        match self.told {
            Some(told) if told != self.data.len() && !is_masked() => Err(Damage::Length {
                told,
                found: self.data.len(),
            }),
            _ => Ok(()),
        }
    }
}

impl Reading {
    fn take(&mut self, line: usize, record: Record) -> Result<(), Odd> {
        if let Record::Cassette {
            format, version, ..
        } = record
        {
            if self.begun == Begun::Yes || format != FORMAT {
                return Err(Damage::OutOfPlace.into());
            }
            if version != VERSION {
                return Err(Odd::Version(version));
            }
            self.begun = Begun::Yes;
            return Ok(());
        }
        if self.begun == Begun::No {
            return Err(Damage::OutOfPlace.into());
        }
        Ok(self.add(line, record)?)
    }

    fn add(&mut self, line: usize, record: Record) -> Result<(), Damage> {
        match record {
            Record::Cassette { .. } => return Err(Damage::OutOfPlace),
            Record::Request {
                exchange,
                label,
                method,
                url,
                body,
                headers: _,
            } => {
                let at = self.exchanges.len();
                if self.numbers.insert(exchange, at).is_some() {
                    return Err(Damage::OutOfPlace);
                }
                self.exchanges.push(Exchange {
                    line,
                    label,
                    method,
                    url,
                    body,
                    ..Exchange::default()
                });
            }
            Record::Response {
                exchange,
                after_ms,
                status,
                headers,
            } => {
                let exchange = self.open(exchange)?;
                if exchange.head.is_some() || !(100..=999).contains(&status) {
                    return Err(Damage::OutOfPlace);
                }
                exchange.head = Some(Head {
                    after: Duration::from_millis(after_ms),
                    status,
                    headers: read_headers(headers)?,
                });
            }
            Record::Chunk {
                exchange,
                after_ms,
                bytes,
                text,
                base64,
            } => {
                let data = Part::read(text, base64.as_deref())?;
                let exchange = self.open(exchange)?;
                if exchange.head.is_none() {
                    return Err(Damage::OutOfPlace);
                }
                exchange.came(data, after_ms, bytes);
            }
            Record::End {
                exchange,
                after_ms,
                how,
                phase,
                limit_ms,
                message,
            } => {
                let exchange = self.open(exchange)?;
                exchange.agrees()?;
                exchange.end = Some(End {
                    after: Duration::from_millis(after_ms),
                    how,
                    phase: phase.unwrap_or(Phase::Total),
                    limit: Duration::from_millis(limit_ms.unwrap_or_default()),
                    message,
                });
            }
        }
        Ok(())
    }

    /// Returns an exchange that has not ended.
    fn open(&mut self, number: u32) -> Result<&mut Exchange, Damage> {
        self.numbers
            .get(&number)
            .and_then(|at| self.exchanges.get_mut(*at))
            .filter(|exchange| exchange.end.is_none())
            .ok_or(Damage::OutOfPlace)
    }
}

fn read_headers(headers: BTreeMap<String, String>) -> Result<HeaderMap, Damage> {
    headers
        .into_iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(name).map_err(|_odd| Damage::Header)?;
            let value = HeaderValue::try_from(value).map_err(|_odd| Damage::Header)?;
            Ok((name, value))
        })
        .collect()
}
