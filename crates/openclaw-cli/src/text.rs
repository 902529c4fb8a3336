//! Text from outside, made safe for a terminal.
//!
//! What a model, a peer or a file says may hold escape sequences that move the cursor, retitle the
//! window or hide the line above. Everything of that kind is printed as `\u{1b}` instead.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_general_category::{GeneralCategory, get_general_category};

/// The longest run of spaces that is shown as it is to somebody who decides by what they see.
const MOST_SPACES: usize = 8;

/// Returns the text with every control character escaped but line ends and tabs.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    escape_unless(text, |c| matches!(c, '\n' | '\t'))
}

/// Returns the text as one line: line ends and tabs are escaped too.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escape_unless(text, |_| false)
}

/// Returns the text as one line for somebody who decides by what they see: whatever cannot be seen,
/// or could push something out of sight, is told.
pub(crate) fn exact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.trim_start_matches(' ');
        let spaces = rest.len().saturating_sub(after.len());
        if spaces > MOST_SPACES {
            shown.extend(["⟨", &spaces.to_string(), " spaces⟩"]);
            rest = after;
            continue;
        }
        if is_unseen(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    shown
}

/// Returns a JSON text that says the same with nothing in it that cannot be seen, or that moves
/// what can.
pub(crate) fn visible_json(text: &str) -> Cow<'_, str> {
    // What is not seen can only stand in strings, but for the line ends between members.
    let hidden = |c: char| c != '\n' && !matches!(c, ' '..='~') && is_unseen(c);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // A string takes in whatever is written to it.
                let _infallible = write!(shown, "\\u{unit:04x}").is_ok();
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Tells whether a character leaves no mark of its own, other than the plain space.
fn is_unseen(c: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, SpaceSeparator, Unassigned,
    };
    let filler = matches!(
        c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e01ef}'
    );
    let category = get_general_category(c);
    let blank = matches!(
        category,
        Control
            | Format
            | LineSeparator
            | ParagraphSeparator
            | PrivateUse
            | SpaceSeparator
            | Unassigned
    );
    c != ' ' && (filler || blank)
}

/// Returns the first `limit` characters, with `...` in place of what was cut off.
pub(crate) fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if text.chars().nth(limit).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = limit.saturating_sub(3);
    Cow::Owned(text.chars().take(kept).chain("...".chars()).collect())
}

/// Says how long ago something was, in the largest unit that fits.
pub(crate) fn ago(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

fn escape_unless(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let harmful = |c: char| (c.is_control() || reorders(c)) && !keep(c);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if harmful(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The characters that change the order in which a line is shown (UAX 9), and the two that end one.
const fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        assert_eq!(
            escape("a\u{1b}[31mb\r\u{9b}c\u{202e}\n\td"),
            "a\\u{1b}[31mb\\r\\u{9b}c\\u{202e}\n\td"
        );
        assert_eq!(one_line("a\n\tb"), "a\\n\\tb");
        assert_eq!(escape("plain ✓ text"), "plain ✓ text");
    }

    #[test]
    fn what_cannot_be_seen_is_told_to_whoever_decides() {
        for c in "\u{200b}\u{ad}\u{feff}\u{202e}\u{2028}\u{2029}\u{a0}\u{3000}\u{e000}\u{378}\u{115f}\u{3164}\
            \u{ffa0}\u{2800}\u{17b4}\u{34f}\u{fe0f}\u{e0100}\u{e0041}\u{1b}"
            .chars()
        {
            let escaped: String = c.escape_default().collect();
            assert_eq!(exact(&format!("a{c}b")), format!("a{escaped}b"));
        }
        assert_eq!(exact("rm\n a"), "rm\\n a");
        assert_eq!(
            exact(&format!("ls{}; rm", " ".repeat(6000))),
            "ls⟨6000 spaces⟩; rm"
        );
        assert_eq!(exact("ls        -l ä 日本"), "ls        -l ä 日本");
    }

    #[test]
    fn json_says_the_same_with_nothing_in_it_that_cannot_be_seen() {
        let value =
            serde_json::json!({ "a\u{202e}": ["ls \u{200b}\u{9b}\u{7f}\u{e0041}\n é 日本 ✓"] });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = visible_json(&text);
        assert_eq!(
            shown,
            "{\n  \"a\\u202e\": [\n    \"ls \\u200b\\u009b\\u007f\\udb40\\udc41\\n é 日本 ✓\"\n  ]\n}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            value
        );
    }

    #[test]
    fn shortens_only_what_is_too_long() {
        assert_eq!(
            (shorten("abcde", 5), shorten("abcdef", 5)),
            ("abcde".into(), "ab...".into())
        );
    }

    #[test]
    fn names_an_age_in_the_largest_unit_that_fits() {
        let ages = [-5, 59_999, 60_000, 7_200_000, 400_000_000].map(ago);
        assert_eq!(
            ages,
            ["0 s ago", "59 s ago", "1 min ago", "2 h ago", "4 d ago"]
        );
    }

    proptest! {
        #[test]
        fn no_control_character_survives(text in any::<String>()) {
            prop_assert!(one_line(&text).chars().all(|c| !c.is_control()));
            prop_assert!(escape(&text).chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        }
    }
}
