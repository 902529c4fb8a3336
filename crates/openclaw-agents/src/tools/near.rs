//! Where in a file the lines nearly stand that somebody looks for, for an error that says so.

use super::page::cut_line;

/// How many lines are compared letter by letter.
const MAX_COMPARED: usize = 5000;

/// How much of a line is compared, and shown, in characters.
const MAX_LINE: usize = 120;

/// How alike two lines have to be to be worth showing.
const ALIKE: f64 = 0.4;

/// The place that is nearest to some lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Near {
    /// The first line that is not the one that was looked for, from 1.
    pub(super) line: usize,
    /// What stands there; nothing, when the file ends before.
    pub(super) found: Option<String>,
    /// What was looked for there.
    pub(super) wanted: String,
}

impl std::fmt::Display for Near {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, wanted) = (self.line, &self.wanted);
        match &self.found {
            Some(found) => write!(
                f,
                "the nearest is at line {line}, which is {found:?} and not {wanted:?}"
            ),
            None => write!(
                f,
                "the file ends at line {line}, where {wanted:?} is missing"
            ),
        }
    }
}

/// Finds where lines nearly stand in a text, which has to be masked.
pub(super) fn nearest(text: &str, wanted: &[&str]) -> Option<Near> {
    let skipped = wanted
        .iter()
        .take_while(|line| line.trim().is_empty())
        .count();
    let wanted = wanted.get(skipped..)?;
    let first = wanted.first()?;
    let lines: Vec<&str> = text.lines().collect();
    let same = |line: &str, wanted: &str| line.trim() == wanted.trim();
    let best = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| same(line, first))
        .take(MAX_COMPARED)
        .map(|(at, _)| {
            let here = lines.get(at..).unwrap_or_default();
            let alike = here
                .iter()
                .zip(wanted)
                .take_while(|(line, wanted)| same(line, wanted));
            (alike.count(), at)
        })
        .max_by_key(|(alike, at)| (*alike, std::cmp::Reverse(*at)));
    let Some((alike, at)) = best else {
        return most_alike(&lines, first);
    };
    // All that is different may be blanks, so the first line that is not the same is told of.
    let here = lines.get(at..).unwrap_or_default();
    let exact = here
        .iter()
        .zip(wanted)
        .take_while(|(line, wanted)| line == wanted)
        .count();
    let differs = if alike < wanted.len() {
        exact.max(alike)
    } else {
        exact
    };
    let wanted = wanted.get(differs)?;
    Some(Near {
        line: at.saturating_add(differs).saturating_add(1),
        found: here.get(differs).map(|line| cut_line(line, MAX_LINE)),
        wanted: cut_line(wanted, MAX_LINE),
    })
}

fn most_alike(lines: &[&str], wanted: &str) -> Option<Near> {
    let plain = |line: &str| cut_line(line.trim(), MAX_LINE);
    let sought = plain(wanted);
    let (likeness, at, line) = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .take(MAX_COMPARED)
        .map(|(at, line)| {
            (
                strsim::normalized_levenshtein(&plain(line), &sought),
                at,
                line,
            )
        })
        .max_by(|(one, ..), (other, ..)| one.total_cmp(other))?;
    (likeness >= ALIKE).then(|| Near {
        line: at.saturating_add(1),
        found: Some(cut_line(line, MAX_LINE)),
        wanted: cut_line(wanted, MAX_LINE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str, wanted: &str) -> Option<(usize, Option<String>)> {
        let wanted: Vec<&str> = wanted.lines().collect();
        nearest(text, &wanted).map(|near| (near.line, near.found))
    }

    #[test]
    fn the_first_line_that_differs_is_told_of() {
        let text = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n}\n";
        let there = |line, found: &str| Some((line, Some(found.to_owned())));
        assert_eq!(near(text, "fn b() {\n    three();"), there(6, "    two();"));
        assert_eq!(near(text, "fn b() {\n  two();"), there(6, "    two();"));
        assert_eq!(near(text, "fn bb() {"), there(5, "fn b() {"));
        assert_eq!(near(text, "fn b() {\n    two();\n}\nend"), Some((8, None)));
        assert_eq!(near(text, "something else altogether"), None);
        assert_eq!(near(text, ""), None);
    }
}
