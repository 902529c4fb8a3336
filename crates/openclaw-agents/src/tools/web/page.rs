//! What came from a server, as text that can be read.

use std::io::{self, Write};

use openclaw_http::fetch::{Cut, Fetched};
use serde_json::Value;

use super::article::{self, Extractor};
use super::charset::decode;
use super::html::{self, Form};

/// JSON that is longer is shown as it came: laying it out takes many times its size.
const MAX_JSON: usize = 1024 * 1024;
/// The most bytes that laying JSON out may lead to.
const MAX_LAID_OUT: usize = 4 * 1024 * 1024;

/// A page, or a file, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) struct Page {
    pub(in crate::tools) title: Option<String>,
    pub(in crate::tools) text: String,
    /// How the text was found.
    pub(in crate::tools) extractor: &'static str,
    /// What the reader should know about it.
    pub(in crate::tools) warning: Option<&'static str>,
}

/// Reads what was fetched. This takes processor time in proportion to its size.
pub(in crate::tools) fn read(fetched: &Fetched, form: Form, extractor: Extractor) -> Page {
    let mut page = match kind(fetched) {
        Kind::Html => of_html(fetched, form, extractor),
        Kind::Json => of_json(fetched),
        Kind::Text => raw(text(fetched)),
        Kind::Other => of_other(fetched),
    };
    if fetched.cut == Cut::TooLong {
        page.warning = Some("the page is longer than is read; its end is missing");
    }
    page
}

enum Kind {
    Html,
    Json,
    Text,
    Other,
}

fn kind(fetched: &Fetched) -> Kind {
    let start = fetched.body.get(..512.min(fetched.body.len()));
    let start = start.unwrap_or_default();
    let stated = essence(fetched);
    if start.starts_with(b"%PDF-") {
        return Kind::Other;
    }
    match stated.as_str() {
        "text/html" | "application/xhtml+xml" => Kind::Html,
        "application/json" => Kind::Json,
        stated if stated.ends_with("+json") => Kind::Json,
        "application/xml"
        | "application/javascript"
        | "application/x-javascript"
        | "application/yaml"
        | "application/x-yaml"
        | "application/toml"
        | "application/x-sh"
        | "application/x-ndjson"
        | "application/sql" => Kind::Text,
        stated if stated.ends_with("+xml") || stated.starts_with("text/") => Kind::Text,
        "" | "application/octet-stream" | "application/unknown" => sniffed(start),
        _ => Kind::Other,
    }
}

/// Says what something is whose server does not.
fn sniffed(start: &[u8]) -> Kind {
    let is_utf_16 = start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff");
    if !is_utf_16 && start.contains(&0) {
        return Kind::Other;
    }
    let seen = String::from_utf8_lossy(start).to_ascii_lowercase();
    match seen.trim_start() {
        seen if seen.starts_with("<!doctype html") || seen.starts_with("<html") => Kind::Html,
        seen if seen.starts_with(['{', '[']) => Kind::Json,
        _ => Kind::Text,
    }
}

/// Returns a media type without its parameters.
fn essence(fetched: &Fetched) -> String {
    let stated = fetched.content_type.as_deref().unwrap_or_default();
    let essence = stated.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn text(fetched: &Fetched) -> String {
    decode(&fetched.body, fetched.content_type.as_deref())
}

const fn raw(text: String) -> Page {
    Page {
        title: None,
        text,
        extractor: "raw",
        warning: None,
    }
}

fn of_html(fetched: &Fetched, form: Form, extractor: Extractor) -> Page {
    let page = html::read(&text(fetched), &fetched.url, form);
    let (text, extractor) = article::text(&page, form, extractor);
    let warning = if page.cut {
        Some("the page is longer than is read; its end is missing")
    } else if text.is_empty() {
        Some("there is no text in the page; it may need scripts to show any")
    } else {
        None
    };
    Page {
        title: page.title,
        text,
        extractor: extractor.name(),
        warning,
    }
}

fn of_json(fetched: &Fetched) -> Page {
    let text = text(fetched);
    let laid_out = (text.len() <= MAX_JSON)
        .then(|| serde_json::from_str::<Value>(&text).ok())
        .flatten()
        .and_then(|value| {
            let mut room = Room(Vec::new());
            serde_json::to_writer_pretty(&mut room, &value).ok()?;
            String::from_utf8(room.0).ok()
        });
    match laid_out {
        Some(text) => Page {
            extractor: "json",
            ..raw(text)
        },
        None => raw(text),
    }
}

fn of_other(fetched: &Fetched) -> Page {
    let stated = essence(fetched);
    let kind = match fetched.body.starts_with(b"%PDF-") {
        true => "application/pdf",
        false if stated.is_empty() => "unknown",
        false => stated.as_str(),
    };
    let size = match fetched.cut {
        Cut::Whole => format!("{} bytes", fetched.body.len()),
        Cut::TooLong => format!("more than {} bytes", fetched.body.len()),
    };
    Page {
        extractor: "none",
        warning: Some("this is no text, so there is nothing to read"),
        ..raw(format!("[a file of the type {kind}, {size}]"))
    }
}

/// A place for so many bytes and no more.
struct Room(Vec<u8>);

impl Write for Room {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(piece.len()) > MAX_LAID_OUT {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
