//! The order of names in lists and in the prompt: that of an English dictionary, as OpenClaw sorts.
//!
//! Signs come before digits, digits before letters, and case counts only between equal words.

use std::cmp::Ordering;

/// Signs in the order in which dictionaries have them.
const SIGNS: &str = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

/// Compares two names.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let weights = |text: &str| text.chars().map(weight).collect::<Vec<_>>();
    weights(a)
        .cmp(&weights(b))
        // A small letter comes before its capital.
        .then_with(|| b.cmp(a))
}

/// Returns a character's class and its place in it.
fn weight(c: char) -> (u8, u32) {
    if c.is_whitespace() || c.is_control() {
        return (0, 0);
    }
    if let Some(at) = SIGNS.find(c) {
        return (1, u32::try_from(at).unwrap_or(u32::MAX));
    }
    let class = if c.is_numeric() { 2 } else { 3 };
    let lower = c.to_lowercase().next().unwrap_or(c);
    (class, u32::from(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_a_dictionary_does() {
        let mut names = [
            "zoo",
            "Alpha",
            "alpha",
            "a-b",
            "a_b",
            "ab",
            "a1",
            "1password",
            "a b",
        ];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(
            names,
            [
                "1password",
                "a b",
                "a_b",
                "a-b",
                "a1",
                "ab",
                "alpha",
                "Alpha",
                "zoo"
            ]
        );
    }
}
