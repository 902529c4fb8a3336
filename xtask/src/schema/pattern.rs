//! JavaScript's regular expressions in the words of a Rust one.
//!
//! The checker uses an engine that cannot look ahead. The recorded patterns look ahead only to
//! refuse, so each becomes one pattern that has to match and some that must not.

use super::SchemaError;

/// The patterns that OpenClaw matches in either case; its printed schema does not show that.
const EITHER_CASE: [&str; 2] = ["^[a-z0-9_][a-z0-9_-]{0,63}$", "^[a-z0-9][a-z0-9_-]{0,63}$"];

/// What JavaScript writes in another way, and how it reads here. The digits of JavaScript are
/// those of ASCII, and half a character cannot occur in our strings.
const SPELLED: [(&str, &str); 7] = [
    (r"\d", "[0-9]"),
    (r"\/", "/"),
    (r"\0", r"\x00"),
    (r"[^\p{Cs}]", r"(?s:.)"),
    (r"\p{Cc}\p{Cs}", r"\x00-\x1f\x7f-\x9f"),
    (r"(?![\s\S])", r"\z"),
    (r"[\s\S]", r"(?s:.)"),
];

/// One pattern and what must not match beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Has to match.
    pub(super) matches: String,
    /// None of these may match.
    pub(super) refuses: Vec<String>,
}

/// Translates a pattern; `at` names its place for the error.
pub(super) fn translate(pattern: &str, at: &str) -> Result<Pattern, SchemaError> {
    let unknown = || SchemaError::Keyword {
        keyword: format!("pattern {pattern}"),
        at: at.to_owned(),
    };
    let mut rest = pattern.to_owned();
    for (theirs, ours) in SPELLED {
        // A digit inside a class of characters stays one member of it.
        if theirs == r"\d" && rest.contains(r"[12]\d") {
            rest = rest.replace(r"[12]\d", "[12][0-9]");
        }
        rest = rest.replace(theirs, ours);
    }
    let mut refuses = Vec::new();
    while let Some(start) = rest.find("(?!") {
        let inner = start + "(?!".len();
        let length = closing(rest.get(inner..).unwrap_or_default()).ok_or_else(unknown)?;
        let before = rest.get(..start).unwrap_or_default().to_owned();
        let refused = rest.get(inner..inner + length).unwrap_or_default();
        // What stands before must leave no choice of where the look ahead begins.
        if before.contains(['*', '+', '{']) || refused.contains("(?!") {
            return Err(unknown());
        }
        refuses.push(format!("{before}(?:{refused})"));
        let after = rest.get(inner + length + 1..).unwrap_or_default();
        rest = format!("{before}{after}");
    }
    if rest.contains("(?=") || rest.contains("(?<") {
        return Err(unknown());
    }
    let rest = plain_classes(&rest);
    let prefix = if EITHER_CASE.contains(&pattern) {
        "(?i-u)"
    } else {
        ""
    };
    Ok(Pattern {
        matches: format!("{prefix}{rest}"),
        refuses,
    })
}

/// Escapes a bracket that is one of a class of characters; for Rust it would begin another class.
fn plain_classes(pattern: &str) -> String {
    let mut plain = String::new();
    let mut class = false;
    let mut escaped = false;
    for character in pattern.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' if class => plain.push('\\'),
            '[' => class = true,
            ']' => class = false,
            _ => {}
        }
        plain.push(character);
    }
    plain
}

/// Returns how far it is to the parenthesis that closes the group which has just begun.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut class = false;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => depth += 1,
            ')' if !class => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return Some(at),
            },
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(pattern: &str) -> (String, Vec<String>) {
        let pattern = translate(pattern, "here").unwrap();
        (pattern.matches, pattern.refuses)
    }

    fn owned(matches: &str, refuses: &[&str]) -> (String, Vec<String>) {
        let refuses = refuses.iter().copied().map(str::to_owned).collect();
        (matches.to_owned(), refuses)
    }

    #[test]
    fn what_a_pattern_looks_ahead_to_refuse_stands_beside_it() {
        assert_eq!(
            translated(r"^(?!(?:constructor|prototype)$)[a-z]+$"),
            owned("^[a-z]+$", &["^(?:(?:constructor|prototype)$)"])
        );
        assert_eq!(
            translated(r"^[Hh]:\/\/(?![^/?#)]*@)"),
            owned("^[Hh]://", &["^[Hh]://(?:[^/?#)]*@)"])
        );
        assert_eq!(
            translated(r"^(?!\s)(?![\s\S]*\s$)[^\p{Cs}]{1,64}$"),
            owned(r"^(?s:.){1,64}$", &[r"^(?:\s)", r"^(?:(?s:.)*\s$)"])
        );
        assert_eq!(translated(r"^a(?![\s\S])"), owned(r"^a\z", &[]));
    }

    #[test]
    fn a_look_ahead_from_an_open_place_is_not_guessed_at() {
        let err = translate("^a*(?!b)c", "channels.x").unwrap_err();
        assert_eq!(
            err.to_string(),
            "no check for `pattern ^a*(?!b)c` at `channels.x` in the recorded schema"
        );
        assert!(translate("(?=a)b", "").is_err());
    }

    #[test]
    fn a_bracket_in_a_class_is_a_bracket() {
        assert_eq!(translated(r"^[^.[\]]+$"), owned(r"^[^.\[\]]+$", &[]));
    }

    #[test]
    fn digits_are_those_of_ascii() {
        assert_eq!(translated(r"^\d+$"), owned("^[0-9]+$", &[]));
    }
}
