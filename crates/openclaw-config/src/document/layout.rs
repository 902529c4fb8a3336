//! Lines of a text: where they begin, how they are indented, what stands at their end.

use super::letters::{is_blank, is_line_end};

/// Returns line and column of a byte, both from 1, the column in characters.
///
/// A byte order mark takes no column, as an editor shows it.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default();
    (line, column.chars().count().saturating_add(1))
}

/// Returns where the line of a byte begins.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |end| end.saturating_add(1));
    // The mark belongs to the file, not to its first line.
    if before
        .get(start..)
        .is_some_and(|line| line.starts_with('\u{feff}'))
    {
        start.saturating_add('\u{feff}'.len_utf8())
    } else {
        start
    }
}

/// Returns the blanks that the line of a byte begins with.
pub(crate) fn indent(text: &str, at: usize) -> &str {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    let end = line
        .find(|next: char| is_line_end(next) || !is_blank(next))
        .unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// Returns whether only blanks stand before a byte on its line.
pub(crate) fn is_first(text: &str, at: usize) -> bool {
    line_start(text, at).saturating_add(indent(text, at).len()) >= at
}

/// Returns where the blanks that end at a byte begin, on its line.
pub(crate) fn blanks_before(text: &str, at: usize) -> usize {
    let before = text.get(line_start(text, at)..at).unwrap_or_default();
    let kept = before.trim_end_matches(is_blank);
    at.saturating_sub(before.len().saturating_sub(kept.len()))
}

/// Returns where the blanks that begin at a byte end, on its line.
pub(crate) fn blanks_after(text: &str, at: usize) -> usize {
    let after = text.get(at..).unwrap_or_default();
    let length = after
        .find(|next: char| is_line_end(next) || !is_blank(next))
        .unwrap_or(after.len());
    at.saturating_add(length)
}

/// The comments that follow something on its own line.
pub(crate) struct Tail {
    /// Where the last of them ends; where the search began when there are none.
    pub(crate) end: usize,
    /// Whether the last of them runs to the end of the line.
    pub(crate) to_line_end: bool,
}

/// Looks for comments from a byte on, as far as its line goes.
pub(crate) fn tail(text: &str, from: usize) -> Tail {
    let mut tail = Tail {
        end: from,
        to_line_end: false,
    };
    loop {
        let at = blanks_after(text, tail.end);
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("//") {
            let length = rest.find(is_line_end).unwrap_or(rest.len());
            tail.end = at.saturating_add(length);
            tail.to_line_end = true;
            return tail;
        }
        // The star of `/*` is not the one of `*/`.
        let Some(length) = rest.strip_prefix("/*").and_then(|body| body.find("*/")) else {
            return tail;
        };
        tail.end = at.saturating_add(length).saturating_add("/**/".len());
    }
}

/// Looks for comments from a byte on, over as many lines as there are.
pub(crate) fn comments(text: &str, from: usize) -> Tail {
    let mut last = tail(text, from);
    loop {
        let rest = text.get(last.end..).unwrap_or_default();
        let blanks = rest
            .len()
            .saturating_sub(rest.trim_start_matches(is_blank).len());
        let at = last.end.saturating_add(blanks);
        let next = tail(text, at);
        if next.end == at {
            return last;
        }
        last = next;
    }
}

/// Returns the byte after the line end at this byte; `None` when something else stands there.
pub(crate) fn after_line_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    if rest.is_empty() {
        return Some(at);
    }
    let length = ["\r\n", "\n", "\r", "\u{2028}", "\u{2029}"]
        .into_iter()
        .find(|end| rest.starts_with(*end))?
        .len();
    Some(at.saturating_add(length))
}
