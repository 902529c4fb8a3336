//! Limits on what comes from outside, and the checks that enforce them.
//!
//! ```
//! use openclaw_core::validation::{
//!     MAX_ATTACHMENT_SIZE, MAX_ATTACHMENTS, MAX_JSON_DEPTH, MAX_MESSAGE_SIZE,
//! };
//!
//! assert_eq!((MAX_MESSAGE_SIZE, MAX_JSON_DEPTH), (100_000, 32));
//! assert_eq!((MAX_ATTACHMENT_SIZE, MAX_ATTACHMENTS), (50_000_000, 10));
//! ```

mod media;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::media::MediaType;
use crate::kind::Kind;

/// The longest message text, in bytes of UTF-8.
pub const MAX_MESSAGE_SIZE: usize = 100_000;
/// The deepest nesting of objects and arrays in JSON from outside.
pub const MAX_JSON_DEPTH: usize = 32;
/// The largest attachment, in bytes.
pub const MAX_ATTACHMENT_SIZE: u64 = 50_000_000;
/// The largest number of attachments to one message.
pub const MAX_ATTACHMENTS: usize = 10;

/// The longest name of an attachment, in bytes; file systems take no longer one.
const MAX_FILE_NAME: usize = 255;

/// What an attachment is to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttachmentKind {
    /// A picture.
    Photo,
    /// A file of any type.
    Document,
    /// A voice note.
    Voice,
    /// A film.
    Video,
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// What it is to its sender.
    pub kind: AttachmentKind,
    /// Its media type (RFC 6838), such as `image/png`.
    pub mime: String,
    /// Its content; base64 in JSON.
    #[serde(with = "base64_bytes")]
    pub bytes: Vec<u8>,
    /// The name that its sender gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Why something from outside was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    /// There is no text.
    #[error("the message is empty")]
    Empty,
    /// The text is too long.
    #[error("the message has {size} bytes, at most {MAX_MESSAGE_SIZE} are allowed")]
    TooLong {
        /// The text's length in bytes.
        size: usize,
    },
    /// The text has a character that no messenger sends.
    #[error("the message has the control character U+{code:04X} at byte {at}")]
    ControlCharacter {
        /// The character's code point.
        code: u32,
        /// Where it stands, in bytes from the start.
        at: usize,
    },
    /// The bytes are not text.
    #[error("the message is not valid UTF-8 from byte {at} on")]
    Encoding {
        /// Where the first invalid sequence starts.
        at: usize,
    },
    /// JSON is nested too deeply.
    #[error("the JSON is nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// There are too many attachments.
    #[error("the message has {count} attachments, at most {MAX_ATTACHMENTS} are allowed")]
    TooManyAttachments {
        /// How many there are.
        count: usize,
    },
    /// An attachment is too large.
    #[error("attachment {index} has {size} bytes, at most {MAX_ATTACHMENT_SIZE} are allowed")]
    AttachmentTooLarge {
        /// Its place in the message, from 0.
        index: usize,
        /// Its size in bytes.
        size: u64,
    },
    /// An attachment's media type has no media type's form.
    #[error("attachment {index} has no media type of the form `type/subtype`")]
    AttachmentType {
        /// Its place in the message, from 0.
        index: usize,
    },
    /// An attachment cannot be what its media type says.
    #[error("attachment {index} is not of the media type that it is sent with")]
    AttachmentContent {
        /// Its place in the message, from 0.
        index: usize,
    },
    /// An attachment's name is no plain name of a file.
    #[error("attachment {index} has no plain file name")]
    AttachmentName {
        /// Its place in the message, from 0.
        index: usize,
    },
}

impl ValidationError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// Checks a message's text and returns it.
///
/// Refused are the empty text, more than [`MAX_MESSAGE_SIZE`] bytes, and control characters other
/// than tab, line feed and carriage return before a line feed.
///
/// ```
/// use openclaw_core::validation::{validate_message, ValidationError};
///
/// assert_eq!(validate_message("hello"), Ok("hello"));
/// assert_eq!(validate_message("a\0b"), Err(ValidationError::ControlCharacter { code: 0, at: 1 }));
/// ```
///
/// At an edge, what it returns is the text that may go on:
///
/// ```
/// # use openclaw_core::validation::{validate_message, ValidationError};
/// # async fn process(msg: &str) -> Result<usize, ValidationError> { Ok(msg.len()) }
/// # async fn edge(input: String) -> Result<usize, ValidationError> {
/// match validate_message(&input) {
///     Ok(msg) => process(msg).await,
///     Err(err) => Err(err),
/// }
/// # }
/// ```
pub fn validate_message(input: &str) -> Result<&str, ValidationError> {
    if input.trim().is_empty() {
        return Err(ValidationError::Empty);
    }
    if input.len() > MAX_MESSAGE_SIZE {
        return Err(ValidationError::TooLong { size: input.len() });
    }
    let mut characters = input.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let line_end = c == '\r' && characters.peek().is_some_and(|(_, next)| *next == '\n');
        if c.is_control() && !matches!(c, '\t' | '\n') && !line_end {
            return Err(ValidationError::ControlCharacter {
                code: u32::from(c),
                at,
            });
        }
    }
    Ok(input)
}

/// Checks a message that arrived as bytes and returns it as text.
pub fn validate_message_bytes(input: &[u8]) -> Result<&str, ValidationError> {
    let text = std::str::from_utf8(input).map_err(|err| ValidationError::Encoding {
        at: err.valid_up_to(),
    })?;
    validate_message(text)
}

/// Checks the number, sizes, media types and names of a message's attachments.
///
/// A page or a program does not pass for a picture: what the first bytes show has to fit the type.
pub fn validate_attachments(attachments: &[Attachment]) -> Result<(), ValidationError> {
    if attachments.len() > MAX_ATTACHMENTS {
        return Err(ValidationError::TooManyAttachments {
            count: attachments.len(),
        });
    }
    for (index, attachment) in attachments.iter().enumerate() {
        let size = u64::try_from(attachment.bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_ATTACHMENT_SIZE {
            return Err(ValidationError::AttachmentTooLarge { index, size });
        }
        let mime = MediaType::parse(&attachment.mime);
        let mime = mime.ok_or(ValidationError::AttachmentType { index })?;
        if !mime.fits(&attachment.bytes) {
            return Err(ValidationError::AttachmentContent { index });
        }
        if !attachment.filename.as_deref().is_none_or(is_file_name) {
            return Err(ValidationError::AttachmentName { index });
        }
    }
    Ok(())
}

/// Checks that JSON text is nested at most [`MAX_JSON_DEPTH`] levels deep, without parsing it.
///
/// The text need not be valid JSON; brackets inside strings do not count.
pub fn check_json_depth(json: &[u8]) -> Result<(), ValidationError> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth = depth.saturating_add(1);
                if depth > MAX_JSON_DEPTH {
                    return Err(ValidationError::TooDeep);
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Tells whether a name is one that a file can have in a folder, on any system.
fn is_file_name(name: &str) -> bool {
    let special = |c: char| c.is_control() || matches!(c, '/' | '\\');
    (1..=MAX_FILE_NAME).contains(&name.len())
        && !matches!(name, "." | "..")
        && !name.contains(special)
}

mod base64_bytes {
    //! Bytes as base64 text in JSON.

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_control_characters_but_not_tabs_and_line_ends() {
        assert!(validate_message("a\tb\nc\r\nd").is_ok());
        for (text, code, at) in [
            ("\u{7}x", 7, 0),
            ("ab\u{1b}[0m", 27, 2),
            ("a\rb", 13, 1),
            ("é\u{9f}", 0x9f, 2),
        ] {
            assert_eq!(
                validate_message(text),
                Err(ValidationError::ControlCharacter { code, at })
            );
        }
    }

    #[test]
    fn refuses_text_that_is_empty_too_long_or_not_utf_8() {
        assert_eq!(validate_message(" \n"), Err(ValidationError::Empty));
        assert!(validate_message(&"x".repeat(MAX_MESSAGE_SIZE)).is_ok());
        let size = MAX_MESSAGE_SIZE + 1;
        assert_eq!(
            validate_message(&"x".repeat(size)),
            Err(ValidationError::TooLong { size })
        );
        assert_eq!(
            validate_message_bytes(b"ab\xff"),
            Err(ValidationError::Encoding { at: 2 })
        );
    }

    #[test]
    fn counts_brackets_outside_strings_only() {
        let nested = |n: usize| [b"[".repeat(n), b"]".repeat(n)].concat();
        assert_eq!(check_json_depth(&nested(MAX_JSON_DEPTH)), Ok(()));
        assert_eq!(
            check_json_depth(&nested(MAX_JSON_DEPTH + 1)),
            Err(ValidationError::TooDeep)
        );
        let quoted = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(100));
        assert_eq!(check_json_depth(quoted.as_bytes()), Ok(()));
    }

    #[test]
    fn an_attachment_has_a_plain_name() {
        let named = |name: &str| {
            validate_attachments(&[Attachment {
                kind: AttachmentKind::Document,
                mime: "text/plain".to_owned(),
                bytes: Vec::new(),
                filename: Some(name.to_owned()),
            }])
        };
        for name in ["a.txt", "..a", "\u{e9} (1).txt", " "] {
            assert_eq!(named(name), Ok(()), "{name:?}");
        }
        let long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "../a",
            "/etc/passwd",
            "a\\b",
            "a\0",
            "a\n",
            &long,
        ] {
            let refused = Err(ValidationError::AttachmentName { index: 0 });
            assert_eq!(named(name), refused, "{name:?}");
        }
    }

    #[test]
    fn bounds_attachments() {
        let file = |mime: &str| Attachment {
            kind: AttachmentKind::Document,
            mime: mime.to_owned(),
            bytes: b"text".to_vec(),
            filename: None,
        };
        assert_eq!(
            validate_attachments(&[file("text/plain; charset=utf-8")]),
            Ok(())
        );
        assert_eq!(
            validate_attachments(&[file("a/b"), file("png")]),
            Err(ValidationError::AttachmentType { index: 1 })
        );
        assert_eq!(
            validate_attachments(&[file("a/b"), file("image/png")]),
            Err(ValidationError::AttachmentContent { index: 1 })
        );
        assert_eq!(
            validate_attachments(&vec![file("a/b"); MAX_ATTACHMENTS + 1]),
            Err(ValidationError::TooManyAttachments {
                count: MAX_ATTACHMENTS + 1
            })
        );
    }
}
