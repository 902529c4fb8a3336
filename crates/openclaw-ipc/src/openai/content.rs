//! What a message says: text, or parts of several kinds.

use openclaw_core::decode::decode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text.
    Text(String),
    /// Parts, in their order.
    Parts(Vec<Part>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Self::Text(text)),
            parts @ Value::Array(_) => decode(parts).map(Self::Parts).map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected a string or an array of parts")),
        }
    }
}

/// A part of what a message says; which members it has follows from its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Part {
    /// `text`, `input_text`, `output_text`, `image_url`, `input_image`, `file`, `input_file` or
    /// another one.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text of a part that is text.
    #[serde(default)]
    pub text: Option<String>,
    /// What the model declined with, in a part of an earlier answer.
    #[serde(default)]
    pub refusal: Option<String>,
    /// The address of a picture, as OpenAI's two APIs have it.
    #[serde(default)]
    pub image_url: Option<ImageUrl>,
    /// The source of a picture or file, as `OpenResponses` has it.
    #[serde(default)]
    pub source: Option<Source>,
    /// A file, as OpenAI's chat completions have it.
    #[serde(default)]
    pub file: Option<File>,
    /// A file's content as a data URL, as OpenAI's responses have it.
    #[serde(default)]
    pub file_data: Option<String>,
    /// A file's address, as OpenAI's responses have it.
    #[serde(default)]
    pub file_url: Option<String>,
    /// The name of a file that was uploaded before, which there are none of here.
    #[serde(default)]
    pub file_id: Option<String>,
    /// A file's own name.
    #[serde(default)]
    pub filename: Option<String>,
}

/// The address of a picture: a URL or a data URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUrl(pub String);

impl<'de> Deserialize<'de> for ImageUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let url = match Value::deserialize(from)? {
            Value::String(url) => Some(url),
            Value::Object(mut object) => match object.remove("url") {
                Some(Value::String(url)) => Some(url),
                _ => None,
            },
            _ => None,
        };
        url.map(Self)
            .ok_or_else(|| D::Error::custom("expected a URL, or an object with a `url`"))
    }
}

/// Where a picture or file is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Source {
    /// `url` or `base64`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its address.
    #[serde(default)]
    pub url: Option<String>,
    /// Its media type.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Its content in base64.
    #[serde(default)]
    pub data: Option<String>,
    /// Its name.
    #[serde(default)]
    pub filename: Option<String>,
}

/// A file in a chat message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct File {
    /// Its content as a data URL.
    #[serde(default)]
    pub file_data: Option<String>,
    /// The name of one that was uploaded before, which there are none of here.
    #[serde(default)]
    pub file_id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub filename: Option<String>,
}

impl Content {
    /// Returns the text of it, a line for each part; none where it has no part that is text.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Parts(parts) => {
                let texts: Vec<&str> = parts
                    .iter()
                    .filter_map(|part| part.text.as_deref().or(part.refusal.as_deref()))
                    .collect();
                (!texts.is_empty() || parts.is_empty()).then(|| texts.join("\n"))
            }
        }
    }

    /// Returns the parts of it; none where it is text alone.
    pub fn parts(&self) -> &[Part] {
        match self {
            Self::Text(_) => &[],
            Self::Parts(parts) => parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_is_text_or_parts_with_text_in_them() {
        let read = |value: Value| decode::<Content>(value);
        assert_eq!(read(json!("a")).unwrap().text(), Some("a".to_owned()));
        let parts = json!([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": "x"},
            {"type": "input_text", "text": "b"}]);
        assert_eq!(read(parts).unwrap().text(), Some("a\nb".to_owned()));
        assert_eq!(read(json!([])).unwrap().text(), Some(String::new()));
        let picture = json!([{"type": "image_url", "image_url": {"url": "x", "detail": "low"}}]);
        let picture = read(picture).unwrap();
        assert_eq!(picture.text(), None);
        assert_eq!(picture.parts()[0].image_url, Some(ImageUrl("x".to_owned())));
    }

    #[test]
    fn what_is_no_content_is_told_in_json_s_words() {
        for (value, says) in [
            (json!(5), "expected a string or an array of parts"),
            (json!([{"text": "a"}]), "[0]: `type` is missing"),
            (
                json!([{"type": "image_url", "image_url": 5}]),
                "[0].image_url: expected a URL, or an object with a `url`",
            ),
        ] {
            let err = decode::<Content>(value).unwrap_err();
            assert_eq!(err.to_string(), says);
        }
    }
}
