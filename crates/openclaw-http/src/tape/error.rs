//! What can go wrong with a cassette.

use std::io;
use std::path::PathBuf;

use openclaw_core::Kind;

/// Why a cassette cannot be written, read or played any further.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// There is a file already.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("the cassette `{}` cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("the cassette `{}` cannot be read: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The cassette is longer than one may be.
    #[error("the cassette `{}` has more than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that a cassette may have.
        limit: u64,
    },
    /// The file is something else.
    #[error("`{}` is no cassette", path.display())]
    NotACassette {
        /// The file.
        path: PathBuf,
    },
    /// The cassette was written by a program that knows more than this one.
    #[error("the cassette `{}` has version {version}, which this program does not know", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// A line of the cassette is not as it was written.
    #[error("line {line} of the cassette `{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: Damage,
    },
    /// Every exchange has been played.
    #[error(
        "the cassette `{}` is at its end: all {exchanges} of its exchanges were played{}",
        path.display(),
        cut_short(*broken_off)
    )]
    AtEnd {
        /// The file.
        path: PathBuf,
        /// How many it has.
        exchanges: u32,
        /// The line of a request of which the recording breaks off in the midst of the answer.
        broken_off: Option<usize>,
    },
    /// The cassette does not say which API answered.
    #[error("the request on line {line} of the cassette `{}` does not say for which API it is", path.display())]
    Unlabelled {
        /// The file.
        path: PathBuf,
        /// The line of the request.
        line: usize,
    },
    /// Something else is asked than what was recorded.
    #[error(
        "the {field} differs from line {line} of the cassette `{}`: {recorded} was recorded, {asked} is asked for",
        path.display()
    )]
    Differs {
        /// The file.
        path: PathBuf,
        /// The line of the request that is next.
        line: usize,
        /// What differs.
        field: &'static str,
        /// What it is on the cassette.
        recorded: String,
        /// What it is now.
        asked: String,
    },
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It is not text.
    #[error("it is not UTF-8")]
    NotText,
    /// Its checksum says that it was changed.
    #[error("its checksum does not match")]
    Checksum,
    /// It was written after another line than the one before it.
    #[error("a line before it is missing, or not in its place")]
    Gap,
    /// The answer that it ends is shorter or longer than its lines say.
    #[error("the answer has {found} bytes, and {told} by the `bytes` of its lines")]
    Length {
        /// How many bytes came, by the lines.
        told: usize,
        /// How many there are.
        found: usize,
    },
    /// It is not a record.
    #[error("it is no record")]
    NoRecord(#[source] serde_json::Error),
    /// Its bytes are not base64.
    #[error("its bytes are not base64")]
    Base64(#[source] base64::DecodeError),
    /// It has both text and bytes, or neither.
    #[error("it has to have either `text` or `base64`")]
    NoData,
    /// A header is none.
    #[error("a header is not valid")]
    Header,
    /// It does not go with the lines before it.
    #[error("it does not go with the lines before it")]
    OutOfPlace,
}

fn cut_short(broken_off: Option<usize>) -> String {
    broken_off.map_or_else(String::new, |line| {
        format!(", and the recording breaks off in the answer to the request on line {line}")
    })
}

impl TapeError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Exists { .. } => Kind::Conflict,
            Self::Write { .. } | Self::Read { .. } => Kind::Unavailable,
            Self::TooLarge { .. } => Kind::Limited,
            Self::NotACassette { .. }
            | Self::Version { .. }
            | Self::Damaged { .. }
            | Self::AtEnd { .. }
            | Self::Unlabelled { .. }
            | Self::Differs { .. } => Kind::Invalid,
        }
    }

    /// Returns what to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Exists { .. } => "name a file that does not exist yet, or remove this one",
            Self::Write { .. } => "check the folder, its permissions and the space on its disk",
            Self::Read { .. } => "check the path, which is relative to the working directory",
            Self::TooLarge { .. } => "record fewer or shorter exchanges",
            Self::NotACassette { .. } => {
                "record a cassette with `openclaw agent --record FILE --message TEXT`"
            }
            Self::Version { .. } => "play it with the program that recorded it, or a newer one",
            Self::Damaged { .. } => {
                "get the file again; if you changed its lines on purpose, remove the `sum` of that line and of the lines around it"
            }
            Self::AtEnd {
                broken_off: Some(_),
                ..
            } => "record it again, or end the answer by hand with a line of the record `end`",
            Self::AtEnd { .. } => {
                "begin again with a new process; a cassette is played once through"
            }
            Self::Unlabelled { .. } => {
                "give the request a `label` such as {\"api\":\"anthropic-messages\",\"provider\":\"anthropic\"}"
            }
            Self::Differs { .. } => {
                "repeat what was recorded: the same messages in a new session, with the same tools"
            }
        })
    }
}
