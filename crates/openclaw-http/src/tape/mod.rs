//! Cassettes: what a client and its servers said to each other, to be told again without a network.
//!
//! A cassette is a text file of JSON lines. Its first line says what it is; then every attempt of an
//! exchange has a `request`, mostly a `response` with its `chunk`s, and an `end` that says how it
//! ended. Each line is written when what it tells has happened, so that a crash leaves the lines
//! before it, and has a checksum of its own and that of the line before it, so that it shows when one
//! was damaged, is missing or stands in another place. A line that somebody wrote by hand needs none.
//!
//! # Security
//! Headers that are secrets are left out, parameters of addresses too unless they are known to be
//! harmless, and all text goes through [`redaction`](openclaw_core::redaction), also where a secret
//! comes in pieces. What redaction does not know, such as a secret that somebody typed, is kept: look
//! through a cassette before it leaves your hands.

mod cassette;
mod error;
mod fit;
mod joined;
mod load;
mod play;
mod record;
mod scrub;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use error::TapeError;
pub(crate) use play::Played;
use play::{Pace, Player};
use record::Recorder;
pub(crate) use record::Recording;

use crate::request::Request;

/// Records the exchanges of clients into a cassette, or answers from one; clones share it.
#[derive(Clone, Debug)]
pub struct Tape {
    side: Side,
    label: Option<Label>,
}

#[derive(Clone, Debug)]
enum Side {
    Record(Arc<Recorder>),
    Play(Arc<Player>, Pace),
}

/// Whom an exchange was with, beyond its address: what is needed to understand the answer again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Label {
    /// The API that is spoken.
    pub api: String,
    /// The name under which the provider is configured.
    pub provider: String,
    /// Where the API is, if not at its own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The settings that only some APIs know.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
}

/// The exchange that a cassette has next.
#[derive(Clone, Debug)]
pub struct Upcoming {
    /// Whom it was with.
    pub label: Label,
    /// The path of its address.
    pub path: String,
    /// What was sent.
    pub body: Value,
}

impl Tape {
    /// Makes a cassette that did not exist, readable by its owner only.
    pub fn record(path: &Path) -> Result<Self, TapeError> {
        Ok(Self {
            side: Side::Record(Arc::new(Recorder::create(path)?)),
            label: None,
        })
    }

    /// Reads a cassette, to answer from it without delays. This blocks.
    pub fn play(path: &Path) -> Result<Self, TapeError> {
        let player = Arc::new(Player::read(path)?);
        Ok(Self {
            side: Side::Play(player, Pace::AtOnce),
            label: None,
        })
    }

    /// Makes answers take as long as they took when they were recorded.
    #[must_use]
    pub fn with_timing(mut self) -> Self {
        if let Side::Play(_, pace) = &mut self.side {
            *pace = Pace::AsRecorded;
        }
        self
    }

    /// Returns this tape for a client of which every exchange is with `label`.
    #[must_use]
    pub fn labelled(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// Returns the exchange that is played next; a tape that records is at its end.
    pub fn upcoming(&self) -> Result<Upcoming, TapeError> {
        match &self.side {
            Side::Record(recorder) => Err(recorder.at_end()),
            Side::Play(player, _) => player.upcoming(),
        }
    }

    /// Tells how many exchanges are on the cassette, and what went wrong with writing it.
    ///
    /// A cassette that cannot be written any further does not disturb the exchanges, so this is where
    /// it shows. A failure is told once.
    pub fn finish(&self) -> Result<u32, TapeError> {
        match &self.side {
            Side::Record(recorder) => recorder.finish(),
            Side::Play(player, _) => Ok(player.len()),
        }
    }

    /// Returns what answers in place of the network, when this tape is played.
    pub(crate) fn deck(&self) -> Option<Deck<'_>> {
        match &self.side {
            Side::Record(_) => None,
            Side::Play(player, pace) => Some(Deck {
                player,
                pace: *pace,
            }),
        }
    }

    /// Begins to record an attempt, when this tape is recorded.
    pub(crate) fn begin(&self, request: &Request) -> Option<Recording> {
        match &self.side {
            Side::Record(recorder) => Some(recorder.begin(request, self.label.clone())),
            Side::Play(..) => None,
        }
    }
}

/// A tape that is played.
#[derive(Debug)]
pub(crate) struct Deck<'a> {
    player: &'a Player,
    pace: Pace,
}

impl Deck<'_> {
    /// Returns the answer to a request.
    pub(crate) fn answer(&self, request: &Request) -> Result<Played, TapeError> {
        self.player.answer(request, self.pace)
    }
}
