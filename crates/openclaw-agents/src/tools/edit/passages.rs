//! Replacing passages of a text, all or none.

use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

/// How many places of a passage an error names.
const MAX_PLACES: usize = 8;

/// One replacement.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Passage {
    /// The passage to replace; it has to occur exactly once.
    pub(super) old_text: String,
    /// What to put in its place.
    pub(super) new_text: String,
}

/// A text with its passages replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) text: String,
    /// The lines of the old text that the passages began at, from 1.
    pub(super) lines: Vec<usize>,
}

/// Why nothing is replaced. Passages are counted from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PassageFault {
    /// A passage has no text.
    #[error("`oldText` of edit {number} is empty")]
    Empty {
        /// Which.
        number: usize,
    },
    /// A passage does not occur.
    #[error("`oldText` of edit {number} does not occur in it")]
    Missing {
        /// Which.
        number: usize,
        /// The passage.
        wanted: String,
    },
    /// A passage occurs more than once.
    #[error(
        "`oldText` of edit {number} occurs more than once, at lines {}; add lines around it",
        listed(lines)
    )]
    Several {
        /// Which.
        number: usize,
        /// The first lines of some of its places.
        lines: Vec<usize>,
    },
    /// Two passages overlap.
    #[error("edits {one} and {other} overlap; make one of them")]
    Overlap {
        /// The one.
        one: usize,
        /// The other.
        other: usize,
    },
    /// The text would be the same.
    #[error("it would be as it is now")]
    Same,
}

/// Replaces passages of a text; each has to occur exactly once in it.
pub(super) fn replace(text: &str, passages: &[Passage]) -> Result<Edited, PassageFault> {
    let mut places: Vec<(Range<usize>, usize, String)> = Vec::with_capacity(passages.len());
    for (index, passage) in passages.iter().enumerate() {
        let number = index.saturating_add(1);
        let (range, new) = place(text, passage, number)?;
        places.push((range, number, new));
    }
    places.sort_by_key(|(range, ..)| range.start);
    let (mut edited, mut from, mut previous) = (String::with_capacity(text.len()), 0, 0);
    let mut lines = Vec::with_capacity(places.len());
    for (range, number, new) in places {
        if range.start < from {
            return Err(PassageFault::Overlap {
                one: previous,
                other: number,
            });
        }
        edited.push_str(text.get(from..range.start).unwrap_or_default());
        edited.push_str(&new);
        lines.push(line_at(text, range.start));
        (from, previous) = (range.end, number);
    }
    edited.push_str(text.get(from..).unwrap_or_default());
    if edited == text {
        return Err(PassageFault::Same);
    }
    Ok(Edited {
        text: edited,
        lines,
    })
}

/// Returns where a passage is, and what comes there.
fn place(
    text: &str,
    passage: &Passage,
    number: usize,
) -> Result<(Range<usize>, String), PassageFault> {
    if passage.old_text.is_empty() {
        return Err(PassageFault::Empty { number });
    }
    let (mut old, mut new) = (passage.old_text.clone(), passage.new_text.clone());
    let mut found = occurrences(text, &old);
    // A model is not shown how the lines of a file end.
    let other_ends = text.contains("\r\n") && old.contains('\n') && !old.contains('\r');
    if found.is_empty() && other_ends {
        (old, new) = (with_returns(&old), with_returns(&new));
        found = occurrences(text, &old);
    }
    match found.as_slice() {
        [at] => Ok((*at..at.saturating_add(old.len()), new)),
        [] => Err(PassageFault::Missing {
            number,
            wanted: passage.old_text.clone(),
        }),
        several => Err(PassageFault::Several {
            number,
            lines: several.iter().map(|at| line_at(text, *at)).collect(),
        }),
    }
}

/// Returns where a passage occurs, some of the places; they may overlap.
fn occurrences(text: &str, passage: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(passage)) {
        let at = from.saturating_add(at);
        found.push(at);
        if found.len() >= MAX_PLACES {
            break;
        }
        from = text.ceil_char_boundary(at.saturating_add(1));
    }
    found
}

fn with_returns(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

fn line_at(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.matches('\n').count().saturating_add(1)
}

fn listed(lines: &[usize]) -> String {
    let listed: Vec<String> = lines.iter().map(ToString::to_string).collect();
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn passage(old: &str, new: &str) -> Passage {
        Passage {
            old_text: old.to_owned(),
            new_text: new.to_owned(),
        }
    }

    fn replaced(text: &str, passages: &[(&str, &str)]) -> Result<String, PassageFault> {
        let passages: Vec<Passage> = passages
            .iter()
            .map(|(old, new)| passage(old, new))
            .collect();
        replace(text, &passages).map(|edited| edited.text)
    }

    #[test]
    fn passages_are_replaced_in_any_order_and_only_what_occurs_once() {
        assert_eq!(
            replaced("a b c", &[("c", "3"), ("a", "1")]).unwrap(),
            "1 b 3"
        );
        assert_eq!(
            replaced("a b\na", &[("a", "1")]).unwrap_err().to_string(),
            "`oldText` of edit 1 occurs more than once, at lines 1, 2; add lines around it"
        );
        // Places that overlap are several as well.
        assert!(matches!(
            replaced("aaa", &[("aa", "b")]),
            Err(PassageFault::Several { .. })
        ));
        assert_eq!(
            replaced("abc", &[("ab", "1"), ("bc", "2")]),
            Err(PassageFault::Overlap { one: 1, other: 2 })
        );
        assert_eq!(
            replaced("abc", &[("", "1")]),
            Err(PassageFault::Empty { number: 1 })
        );
        assert_eq!(replaced("abc", &[("b", "b")]), Err(PassageFault::Same));
        assert!(matches!(
            replaced("abc", &[("a", "1"), ("x", "2")]),
            Err(PassageFault::Missing { number: 2, .. })
        ));
    }

    #[test]
    fn the_ends_of_lines_stay_as_the_file_has_them() {
        assert_eq!(
            replaced("a\r\nb\r\nc\r\n", &[("a\nb", "1\n2")]).unwrap(),
            "1\r\n2\r\nc\r\n"
        );
    }

    proptest! {
        #[test]
        fn nothing_beside_the_passage_changes(
            before in "[a-c\r\n]{0,12}",
            old in "[a-d]{1,4}",
            new in "[a-e\n]{0,4}",
            after in "[a-c\r\n]{0,12}",
        ) {
            let text = format!("{before}{old}{after}");
            match replaced(&text, &[(&old, &new)]) {
                Ok(edited) => prop_assert_eq!(edited, format!("{before}{new}{after}")),
                Err(PassageFault::Same) => prop_assert_eq!(old, new),
                Err(PassageFault::Several { .. }) => prop_assert!(occurrences(&text, &old).len() > 1),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
