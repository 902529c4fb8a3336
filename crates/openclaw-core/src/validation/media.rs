//! Whether a file can be what its media type says.
//!
//! A sender names the type, and whoever shows or opens the file goes by it. So a page or a program
//! must not come as a picture. What cannot be recognised is believed, unless its type has a
//! signature that would be there; what a file does to the program that opens it is not judged.

/// The type of bytes that nobody knows anything about.
const UNKNOWN: &str = "application/octet-stream";

/// The longest media type with its parameters.
const LONGEST: usize = 512;

/// The formats of pictures that models look at.
const PICTURES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];

/// Further names of types that would be recognised.
const ALIASES: [&str; 14] = [
    "audio/flac",
    "audio/midi",
    "audio/mp3",
    "audio/mp4",
    "audio/wav",
    "audio/wave",
    "audio/webm",
    "audio/x-m4a",
    "image/heic",
    "image/jpg",
    "image/x-icon",
    "video/avi",
    "video/ogg",
    "application/x-zip-compressed",
];

/// Types of text that do not say so in their names.
const TEXTS: [&str; 12] = [
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/sql",
    "application/toml",
    "application/x-httpd-php",
    "application/x-javascript",
    "application/x-sh",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
];

/// What a file is, as far as it matters for its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    /// A picture of points.
    Image,
    /// Sound or film, which share their containers.
    Media,
    /// A typeface.
    Font,
    /// Something in a ZIP archive: documents, books and packages are.
    Zip,
    /// Something in a compound file: documents of old offices are.
    Compound,
    /// Something that runs.
    Program,
    /// Text of any kind.
    Text,
    /// Anything else.
    Other,
}

/// A media type as a sender wrote it: `type/subtype`, and perhaps parameters.
#[derive(Clone, Debug)]
pub(super) struct MediaType {
    /// In lower case, without parameters.
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    /// Reads a media type (RFC 6838 section 4.2, RFC 2045 section 5.1).
    pub(super) fn parse(text: &str) -> Option<Self> {
        let printable = |byte: u8| (b' '..=b'~').contains(&byte);
        if text.len() > LONGEST || !text.bytes().all(printable) {
            return None;
        }
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?.to_ascii_lowercase();
        let (main, sub) = essence.split_once('/')?;
        if !is_restricted_name(main) || !is_restricted_name(sub) {
            return None;
        }
        let charset = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"').to_ascii_lowercase();
            name.trim().eq_ignore_ascii_case("charset").then_some(value)
        });
        Some(Self { essence, charset })
    }

    /// Tells whether these bytes can be of this type.
    pub(super) fn fits(&self, bytes: &[u8]) -> bool {
        if self.essence == UNKNOWN {
            return true;
        }
        let claimed = family(&self.essence);
        if claimed == Family::Text {
            return self.is_text(bytes) && (!self.is_drawing() || is_drawing(bytes));
        }
        match infer::get(bytes) {
            Some(found) => match (claimed, found.mime_type()) {
                (Family::Other, found) if self.has_signature() => found == self.essence,
                // Many formats are archives, databases or XML inside.
                (Family::Other, "text/xml") => true,
                (Family::Other, found) => !matches!(family(found), Family::Program | Family::Text),
                // A model gets them under this type, and refuses one that is another's.
                (Family::Image, found) if PICTURES.contains(&self.essence.as_str()) => {
                    found == self.essence
                }
                (_, found) => family(found) == claimed,
            },
            None => match claimed {
                // A browser may call a table of plain text what opens tables there.
                Family::Compound => is_utf_8(bytes),
                Family::Image | Family::Media | Family::Font => {
                    !self.has_signature() && !is_utf_8(bytes)
                }
                Family::Zip | Family::Program | Family::Text | Family::Other => {
                    !self.has_signature()
                }
            },
        }
    }

    /// Tells whether files of this type would be recognised.
    fn has_signature(&self) -> bool {
        infer::is_mime_supported(&self.essence) || ALIASES.contains(&self.essence.as_str())
    }

    fn is_drawing(&self) -> bool {
        self.essence == "image/svg+xml"
    }

    fn is_text(&self, bytes: &[u8]) -> bool {
        let says_otherwise = |name: &str| !matches!(name, "utf-8" | "utf8" | "us-ascii");
        let other_charset = self.charset.as_deref().is_some_and(says_otherwise);
        !bytes.contains(&0) && (other_charset || std::str::from_utf8(bytes).is_ok())
    }
}

fn is_utf_8(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// A drawing has its own root; a page could have a drawing in it.
fn is_drawing(bytes: &[u8]) -> bool {
    let is_page = infer::get(bytes).is_some_and(|found| found.mime_type() == "text/html");
    !is_page && bytes.windows(4).any(|window| window == b"<svg")
}

/// Returns the family of a type by its name.
fn family(essence: &str) -> Family {
    let (main, sub) = essence.split_once('/').unwrap_or_default();
    let is_text = sub.ends_with("+json") || sub.ends_with("+xml") || sub.ends_with("+yaml");
    if main == "text" || main == "message" || is_text || TEXTS.contains(&essence) {
        return Family::Text;
    }
    match (main, sub) {
        ("image", _) => Family::Image,
        ("audio" | "video", _) | ("application", "ogg" | "mp4" | "x-matroska") => Family::Media,
        ("font", _) => Family::Font,
        ("application", _) if sub.starts_with("font-") || sub.starts_with("x-font-") => {
            Family::Font
        }
        (
            "application",
            "zip"
            | "x-zip"
            | "x-zip-compressed"
            | "java-archive"
            | "x-java-archive"
            | "vnd.android.package-archive",
        ) => Family::Zip,
        ("application", _)
            if sub.ends_with("+zip")
                || sub.starts_with("vnd.openxmlformats-officedocument.")
                || sub.starts_with("vnd.oasis.opendocument.") =>
        {
            Family::Zip
        }
        ("application", "msword" | "vnd.ms-excel" | "vnd.ms-powerpoint" | "x-ole-storage") => {
            Family::Compound
        }
        (
            "application",
            "java"
            | "java-vm"
            | "vnd.android.dex"
            | "vnd.android.dey"
            | "vnd.microsoft.portable-executable"
            | "wasm"
            | "x-dosexec"
            | "x-elf"
            | "x-executable"
            | "x-llvm"
            | "x-mach-binary"
            | "x-msdos-program"
            | "x-msdownload"
            | "x-object"
            | "x-pie-executable"
            | "x-sharedlib",
        ) => Family::Program,
        _ => Family::Other,
    }
}

/// RFC 6838 section 4.2: a letter or digit, and up to 126 further characters.
fn is_restricted_name(name: &str) -> bool {
    (1..=127).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    const OGG: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0";
    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";
    const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0\
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    const PE: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0";
    const PAGE: &[u8] = b"<!DOCTYPE html><html><script>alert(1)</script></html>";
    const DRAWING: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    const SCRIPT: &[u8] = b"#!/bin/sh\nrm -rf /\n";
    const NOISE: &[u8] = b"\x01\x02\xfe\xff\0\x03";
    const TEXT: &[u8] = "a table;of \u{e4}\n".as_bytes();

    fn fits(mime: &str, bytes: &[u8]) -> bool {
        MediaType::parse(mime).unwrap().fits(bytes)
    }

    #[test]
    fn a_media_type_is_two_names_and_perhaps_parameters() {
        let longest = format!("a/{}", "b".repeat(127));
        for mime in [
            "image/png",
            "IMAGE/PNG",
            "application/vnd.a-b.c+json; charset=\"utf-8\"",
            "text/plain;format=flowed",
            longest.as_str(),
        ] {
            assert!(MediaType::parse(mime).is_some(), "{mime}");
        }
        let too_long = format!("{longest}b");
        let endless = format!("a/b;{}", "x".repeat(LONGEST));
        for mime in [
            "",
            "/",
            "png",
            "image/",
            "/png",
            "image/p ng",
            "image//png",
            ".image/png",
            "image/-png",
            "image/png\r\nX-A: b",
            "image/png; a=\n",
            "image/\u{e9}",
            "*/*",
            too_long.as_str(),
            endless.as_str(),
        ] {
            assert!(MediaType::parse(mime).is_none(), "{mime:?}");
        }
    }

    #[test]
    fn a_page_or_a_program_is_no_picture_sound_or_document() {
        for mime in [
            "image/png",
            "Image/PNG; q=1",
            "image/x-unheard-of",
            "audio/ogg",
            "video/mp4",
            "font/woff2",
            "application/pdf",
            "application/zip",
            "application/x-unheard-of",
        ] {
            for bytes in [PAGE, SCRIPT, ELF, PE] {
                assert!(!fits(mime, bytes), "{mime} {bytes:?}");
            }
        }
        for bytes in [PNG, JPEG, ELF, ZIP, NOISE, b"a\0b"] {
            for mime in [
                "text/plain",
                "text/html",
                "application/json",
                "image/svg+xml",
            ] {
                assert!(!fits(mime, bytes), "{mime} {bytes:?}");
            }
        }
    }

    #[test]
    fn a_file_of_another_kind_is_not_what_it_says() {
        for (mime, bytes) in [
            ("image/png", JPEG),
            ("image/jpeg", PNG),
            ("image/png", PDF),
            ("image/png", ZIP),
            ("image/png", OGG),
            ("image/png", NOISE),
            ("image/heic", NOISE),
            ("image/png", TEXT),
            ("image/png", DRAWING),
            ("image/png", b""),
            ("audio/mpeg", PNG),
            ("application/pdf", ZIP),
            ("application/zip", PNG),
            ("application/msword", ZIP),
            ("image/svg+xml", PAGE),
            ("image/svg+xml", TEXT),
        ] {
            assert!(!fits(mime, bytes), "{mime} {bytes:?}");
        }
    }

    #[test]
    fn what_a_file_says_is_believed_where_it_may_be_so() {
        for (mime, bytes) in [
            ("image/png", PNG),
            ("image/jpg", JPEG),
            ("image/jpeg", JPEG),
            // Under the name of a rarer format, a picture is a picture.
            ("image/x-unheard-of", JPEG),
            ("audio/ogg; codecs=opus", OGG),
            ("video/ogg", OGG),
            ("application/ogg", OGG),
            ("application/pdf", PDF),
            ("application/zip", ZIP),
            ("application/vnd.oasis.opendocument.text", ZIP),
            ("application/x-unheard-of", ZIP),
            ("application/x-unheard-of", NOISE),
            ("image/x-unheard-of", NOISE),
            ("image/svg+xml", DRAWING),
            ("application/vnd.ms-excel", TEXT),
            ("application/x-elf", ELF),
            ("application/vnd.microsoft.portable-executable", PE),
            ("text/plain", TEXT),
            ("text/plain", PAGE),
            ("text/html", PAGE),
            ("text/plain", b""),
            ("text/plain; charset=ISO-8859-1", b"caf\xe9"),
            ("application/json", b"{}"),
            ("application/geo+json", b"{}"),
        ] {
            assert!(fits(mime, bytes), "{mime} {bytes:?}");
        }
        for bytes in [PNG, ELF, PAGE, NOISE, TEXT, b""] {
            assert!(fits("application/octet-stream", bytes), "{bytes:?}");
        }
        assert!(!fits("text/plain; charset=utf-8", b"caf\xe9"));
    }
}
