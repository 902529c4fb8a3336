//! The pictures and files of a request: from base64, or from an address that may be asked.
//!
//! An address is asked on behalf of somebody else, so it is judged like those of the agent's own
//! tools: public hosts only, the config's list of hosts holds for every redirect, and nothing of
//! the gateway's own is reached.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_config::{ByUrl, Sources};
use openclaw_core::validation::{Attachment, AttachmentKind, validate_attachments};
use openclaw_http::fetch::{Bounds, Cut, Fetcher, Lists, Names, Policy};
use tokio_util::sync::CancellationToken;

use super::door::Failure;
use crate::rpc::Rpc;

/// What a picture or file is given as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Its address.
    Url(String),
    /// Its content.
    Bytes {
        /// Its media type, in lower case and without parameters.
        mime: String,
        /// The content in base64.
        base64: String,
    },
}

/// A picture or file of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) kind: SourceKind,
    pub(super) given: Given,
    pub(super) filename: Option<String>,
    /// Where in the request it stands.
    pub(super) at: String,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceKind {
    Image,
    File,
}

/// What of sources a route takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Takes<'a> {
    pub(super) images: &'a Sources,
    /// None where it takes no files but those that are in the request itself.
    pub(super) files: &'a Sources,
    pub(super) max_urls: usize,
    /// How many characters of a text.
    pub(super) max_chars: usize,
}

impl Given {
    /// Reads a URL, which may be one that has the content in itself.
    pub(super) fn by_url(url: &str) -> Result<Self, String> {
        let Some(data) = url.trim().strip_prefix("data:") else {
            return Ok(Self::Url(url.trim().to_owned()));
        };
        let (head, base64) = data.split_once(',').ok_or("a data URL has a comma in it")?;
        let mut head = head.split(';').map(str::trim);
        let mime = head.next().unwrap_or_default().to_ascii_lowercase();
        if !head.any(|word| word.eq_ignore_ascii_case("base64")) {
            return Err("a data URL has to be in base64".to_owned());
        }
        Ok(Self::Bytes {
            mime,
            base64: base64.to_owned(),
        })
    }
}

/// Gets the sources of a request.
///
/// # Cancel safety
/// Dropping the future ends the downloads.
pub(super) async fn gather(
    rpc: &Rpc,
    sources: Vec<Source>,
    takes: Takes<'_>,
) -> Result<Vec<Attachment>, Failure> {
    let by_url = |source: &&Source| matches!(source.given, Given::Url(_));
    let urls = sources.iter().filter(by_url).count();
    if urls > takes.max_urls {
        let limit = takes.max_urls;
        let message = format!("Too many URL-based input sources: {urls} (limit: {limit})");
        return Err(Failure::invalid(message));
    }
    let mut attachments = Vec::with_capacity(sources.len());
    for source in sources {
        let at = source.at.clone();
        let about = |message: String| Failure::invalid(message).about(&at);
        let rules = match source.kind {
            SourceKind::Image => takes.images,
            SourceKind::File => takes.files,
        };
        let (mime, bytes) = match &source.given {
            Given::Bytes { mime, base64 } => (mime.clone(), decoded(base64).map_err(about)?),
            Given::Url(url) => fetched(rpc, url, rules).await.map_err(about)?,
        };
        if !rules.mimes.contains(&mime) {
            return Err(about(format!(
                "`{mime}` is not taken here: send {}",
                rules.mimes.join(", ")
            )));
        }
        if bytes.len() > rules.max_bytes {
            let (size, most) = (bytes.len(), rules.max_bytes);
            return Err(about(format!(
                "it has {size} bytes, at most {most} are taken"
            )));
        }
        let attachment = attachment(&source, mime, bytes, takes.max_chars);
        validate_attachments(std::slice::from_ref(&attachment))
            .map_err(|err| about(err.to_string()))?;
        attachments.push(attachment);
    }
    Ok(attachments)
}

fn attachment(source: &Source, mime: String, bytes: Vec<u8>, max_chars: usize) -> Attachment {
    if source.kind == SourceKind::Image {
        return Attachment {
            kind: AttachmentKind::Photo,
            mime,
            bytes,
            filename: source.filename.clone(),
        };
    }
    let is_text = mime.starts_with("text/") || mime == "application/json";
    let (mime, bytes) = match String::from_utf8(bytes) {
        // The model sees what is text, whatever kind of text it is.
        Ok(text) if is_text => ("text/plain".to_owned(), cut(text, max_chars).into_bytes()),
        Ok(text) => (mime, text.into_bytes()),
        Err(other) => (mime, other.into_bytes()),
    };
    Attachment {
        kind: AttachmentKind::Document,
        mime,
        bytes,
        filename: source.filename.clone(),
    }
}

/// Cuts a text, and says so in it.
fn cut(text: String, max_chars: usize) -> String {
    let count = text.chars().count();
    if count <= max_chars {
        return text;
    }
    let kept: String = text.chars().take(max_chars).collect();
    let left = count.saturating_sub(max_chars);
    format!("{kept}\n[{left} more characters of this file are left out.]")
}

fn decoded(base64: &str) -> Result<Vec<u8>, String> {
    let packed: String = base64
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .collect();
    if packed.is_empty() {
        return Err("there is no content".to_owned());
    }
    STANDARD
        .decode(packed)
        .map_err(|err| format!("the content is not base64: {err}"))
}

async fn fetched(rpc: &Rpc, url: &str, rules: &Sources) -> Result<(String, Vec<u8>), String> {
    if rules.by_url == ByUrl::No {
        return Err("it has to be sent in base64: addresses are not asked here".to_owned());
    }
    let home = rpc.home.get();
    let (deny, private, port) = match &home {
        Some(home) => {
            let web = &home.config.own.web;
            let port = home.config.gateway.port;
            (web.deny.clone(), web.private.clone(), Some(port))
        }
        None => (Vec::new(), Vec::new(), None),
    };
    let lists = Lists {
        allow: &rules.hosts,
        deny: &deny,
        private: &private,
    };
    let policy = Policy::parse_named(&lists, Names::FILES).map_err(|err| err.to_string())?;
    let bounds = Bounds {
        time: rules.timeout,
        redirects: rules.redirects,
        bytes: rules.max_bytes,
        ..Bounds::default()
    };
    let fetcher = Fetcher::new(policy.with_own_ports(port.into_iter().collect()));
    // The future is dropped where the client goes away.
    let stop = CancellationToken::new();
    let fetched = fetcher.with_bounds(bounds).get(url, &stop).await;
    let fetched = fetched.map_err(|err| match err.hint() {
        Some(hint) => format!("{err}: {hint}"),
        None => err.to_string(),
    })?;
    if fetched.status != 200 {
        return Err(format!(
            "its address answered with status {}",
            fetched.status
        ));
    }
    if fetched.cut == Cut::TooLong {
        return Err(format!("it has more than {} bytes", rules.max_bytes));
    }
    let mime = fetched.content_type.unwrap_or_default();
    let mime = mime.split(';').next().unwrap_or_default();
    Ok((mime.trim().to_ascii_lowercase(), fetched.body.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_url_has_its_content_in_itself() {
        let bytes = |mime: &str, base64: &str| Given::Bytes {
            mime: mime.to_owned(),
            base64: base64.to_owned(),
        };
        let read = Given::by_url;
        assert_eq!(
            read("data:Image/PNG;base64,AAAA"),
            Ok(bytes("image/png", "AAAA"))
        );
        assert_eq!(
            read("data:text/plain;charset=utf-8;base64,AA"),
            Ok(bytes("text/plain", "AA"))
        );
        assert_eq!(
            read("https://example.com/a.png"),
            Ok(Given::Url("https://example.com/a.png".to_owned()))
        );
        assert!(read("data:image/png,AAAA").is_err());
        assert!(read("data:image/png;base64").is_err());
    }

    #[test]
    fn a_long_text_says_what_it_lost() {
        assert_eq!(cut("abc".to_owned(), 3), "abc");
        assert_eq!(
            cut("äbcd".to_owned(), 2),
            "äb\n[2 more characters of this file are left out.]"
        );
    }
}
