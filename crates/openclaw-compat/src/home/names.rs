//! What the name of a file beside the transcripts says that it is.
//!
//! OpenClaw leaves a transcript under `<id>.jsonl`, one of a topic under `<id>-topic-<n>.jsonl`,
//! and one that was branched off under `<time>_<id>.jsonl`. What it puts aside gets `.reset.`,
//! `.deleted.` or `.bak.` and a time at its end, and `.zst` where it is compressed.

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// A transcript.
    Transcript {
        /// The session's id.
        id: &'a str,
    },
    /// A transcript that was put aside.
    Aside {
        /// The session's id.
        id: &'a str,
        /// Why.
        why: Why,
        /// When, as the name has it, or what else tells it apart.
        mark: &'a str,
    },
    /// The store of sessions.
    Store,
    /// Something else.
    Other,
}

/// Why a transcript was put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The session began anew.
    Reset,
    /// The session was deleted.
    Deleted,
    /// It was written anew.
    Backup,
    /// It is a copy from before a summary.
    Checkpoint,
}

impl Why {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Deleted => "deleted",
            Self::Backup => "bak",
            Self::Checkpoint => "checkpoint",
        }
    }
}

/// Reads a name.
pub(super) fn read(name: &str) -> Name<'_> {
    if name == "sessions.json" {
        return Name::Store;
    }
    let plain = name.strip_suffix(".zst").unwrap_or(name);
    for why in [Why::Reset, Why::Deleted, Why::Backup] {
        let marker = format!(".jsonl.{}.", why.name());
        if let Some((id, mark)) = plain.rsplit_once(&marker)
            && is_time(mark)
        {
            return Name::Aside {
                id: session_id(id),
                why,
                mark,
            };
        }
    }
    let Some(stem) = name.strip_suffix(".jsonl") else {
        return Name::Other;
    };
    if stem.ends_with(".trajectory") {
        return Name::Other;
    }
    match stem.split_once(".checkpoint.") {
        Some((id, mark)) if is_uuid(mark) => Name::Aside {
            id: session_id(id),
            why: Why::Checkpoint,
            mark,
        },
        _ if stem.is_empty() => Name::Other,
        _ => Name::Transcript {
            id: session_id(stem),
        },
    }
}

/// Returns the id in a file's name without its ending.
fn session_id(stem: &str) -> &str {
    if let Some((id, _)) = stem.split_once("-topic-")
        && is_uuid(id)
    {
        return id;
    }
    match stem.split_once('_') {
        Some((time, id)) if is_uuid(id) && time.contains('T') => id,
        _ => stem,
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// Tells whether a text is a time as file names have it, `2026-02-09T10-00-00.000Z`, with or
/// without 32 digits behind it.
fn is_time(text: &str) -> bool {
    let (time, digits) = match text.split_once("Z.") {
        Some((time, digits)) => (time, digits),
        None => (text.strip_suffix('Z').unwrap_or_default(), ""),
    };
    let shape: String = time
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let digits_fit =
        digits.is_empty() || (digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit()));
    digits_fit && ["0000-00-00T00-00-00", "0000-00-00T00-00-00.000"].contains(&shape.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "81ec9f60-ef45-44ac-824d-1ca958d621b2";

    #[test]
    fn transcripts_are_known_by_their_names() {
        for name in [
            format!("{ID}.jsonl"),
            format!("{ID}-topic-7.jsonl"),
            format!("2026-02-09T10-00-00-000Z_{ID}.jsonl"),
        ] {
            assert_eq!(read(&name), Name::Transcript { id: ID }, "{name}");
        }
        assert_eq!(read("my-notes.jsonl"), Name::Transcript { id: "my-notes" });
    }

    #[test]
    fn what_was_put_aside_says_why_and_when() {
        let mark = "2026-02-09T10-00-00.000Z";
        for (name, why) in [
            (format!("{ID}.jsonl.reset.{mark}"), Why::Reset),
            (format!("{ID}-topic-7.jsonl.reset.{mark}"), Why::Reset),
            (format!("{ID}.jsonl.deleted.{mark}.zst"), Why::Deleted),
            (format!("{ID}.jsonl.bak.{mark}"), Why::Backup),
        ] {
            assert_eq!(read(&name), Name::Aside { id: ID, why, mark }, "{name}");
        }
        let name = format!("{ID}.checkpoint.{ID}.jsonl");
        let why = Why::Checkpoint;
        assert_eq!(
            read(&name),
            Name::Aside {
                id: ID,
                why,
                mark: ID
            }
        );
    }

    #[test]
    fn everything_else_is_something_else() {
        assert_eq!(read("sessions.json"), Name::Store);
        for name in [
            "sessions.json.bak.1790000000000",
            "sessions.json.1.tmp",
            "x.trajectory.jsonl",
            "x.trajectory-path.json",
            "x.jsonl.lock",
            "x.jsonl.reset.yesterday",
            ".jsonl",
            "",
        ] {
            assert_eq!(read(name), Name::Other, "{name}");
        }
    }
}
