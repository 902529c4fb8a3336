//! Pictures and documents, as the Messages API takes them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::body::Part;

/// The kinds of pictures that the API takes.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

const PDF: &str = "application/pdf";

/// A file in a request.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 {
        media_type: &'a str,
        data: &'a str,
    },
    Text {
        media_type: &'static str,
        data: String,
    },
}

/// Makes the part for a picture.
pub(super) fn image<'a>(mime: &'a str, base64: &'a str) -> Part<'a> {
    if PICTURES.contains(&mime) {
        Part::Image {
            source: Source::Base64 {
                media_type: mime,
                data: base64,
            },
        }
    } else {
        left_out("picture", mime)
    }
}

/// Makes the part for a document; every kind of text is one.
pub(super) fn document<'a>(mime: &'a str, name: &'a str, base64: &'a str) -> Part<'a> {
    let source = if mime == PDF {
        Some(Source::Base64 {
            media_type: mime,
            data: base64,
        })
    } else {
        text(mime, base64).map(|data| Source::Text {
            media_type: "text/plain",
            data,
        })
    };
    match source {
        Some(source) => Part::Document {
            source,
            title: name,
        },
        None => left_out(name, mime),
    }
}

fn text(mime: &str, base64: &str) -> Option<String> {
    let is_text =
        mime.starts_with("text/") || matches!(mime, "application/json" | "application/xml");
    let bytes = STANDARD.decode(base64).ok().filter(|_| is_text)?;
    let text = String::from_utf8(bytes).ok()?;
    (!text.trim().is_empty()).then_some(text)
}

/// The model is told what it does not see, so that it does not invent it.
fn left_out<'a>(name: &str, mime: &str) -> Part<'a> {
    Part::Text {
        text: Cow::Owned(format!(
            "[{name} is not shown: this model cannot read {mime}]"
        )),
    }
}
