//! Applying the hunks of a patch to a text.

use openclaw_core::redaction::mask;

use super::parse::{Hunk, Line};
use crate::tools::near::{Near, nearest};
use crate::tools::page::cut_line;

/// How many places an error names.
const MAX_PLACES: usize = 8;

/// How much of a line an error shows, in characters.
const MAX_LINE: usize = 120;

/// Why hunks cannot be applied. Hunks and lines are counted from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("hunk {number} (line {line} of the patch): {problem}")]
pub(super) struct HunkError {
    pub(super) number: usize,
    pub(super) line: usize,
    pub(super) problem: HunkProblem,
}

/// Why a hunk cannot be applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HunkProblem {
    /// The line after `@@` is not there.
    #[error("the line {0:?} after `@@` is not in the file{1}", .anchor, after(*from))]
    NoAnchor { anchor: String, from: usize },
    /// Its lines are not there.
    #[error("its lines are not in the file{}{}", after(*from), there(near.as_ref()))]
    Missing { from: usize, near: Option<Near> },
    /// Its lines are there, but before those of the hunk before.
    #[error(
        "its lines come before those of the hunk before, at line {0}; hunks come in the order of the file"
    )]
    Before(usize),
    /// Its lines are there more than once.
    #[error("its lines are there more than once, at lines {}; add lines around them, or a line before them after `@@`", listed(.0))]
    Several(Vec<usize>),
    /// Its lines are not where the file ends.
    #[error("its lines are not the last ones of the file{}", there(.0.as_ref()))]
    NotAtEnd(Option<Near>),
}

/// A text, line by line.
struct Lines<'a> {
    /// With their ends.
    lines: Vec<&'a str>,
    end: &'static str,
}

/// Applies hunks to a text: all, or none.
pub(super) fn apply(text: &str, hunks: &[Hunk]) -> Result<String, HunkError> {
    let lines = Lines::of(text);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut ends_new = false;
    for (index, hunk) in hunks.iter().enumerate() {
        let at = lines.place(hunk, done).map_err(|problem| HunkError {
            number: index.saturating_add(1),
            line: hunk.line,
            problem: shown(problem, text, hunk),
        })?;
        for line in lines.lines.get(done..at).unwrap_or_default() {
            out.push_str(line);
            ends_new = false;
        }
        done = at;
        for line in &hunk.lines {
            match line {
                Line::Keep(_) => {
                    // A line stays as the file has it.
                    out.push_str(lines.lines.get(done).copied().unwrap_or_default());
                    done = done.saturating_add(1);
                    ends_new = false;
                }
                Line::Remove(_) => done = done.saturating_add(1),
                Line::Insert(new) => {
                    if !out.is_empty() && !out.ends_with('\n') {
                        out.push_str(lines.end);
                    }
                    out.push_str(new);
                    out.push_str(lines.end);
                    ends_new = true;
                }
            }
        }
    }
    let rest = lines.lines.get(done..).unwrap_or_default();
    for line in rest {
        out.push_str(line);
    }
    let had_no_end = !text.is_empty() && !text.ends_with('\n');
    if had_no_end && ends_new && rest.is_empty() {
        out.truncate(out.len().saturating_sub(lines.end.len()));
    }
    Ok(out)
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let returns = text.matches("\r\n").count();
        let all = text.matches('\n').count();
        Self {
            lines: text.split_inclusive('\n').collect(),
            end: if returns.saturating_mul(2) > all {
                "\r\n"
            } else {
                "\n"
            },
        }
    }

    /// Finds the line that a hunk begins at, not before `from`.
    fn place(&self, hunk: &Hunk, from: usize) -> Result<usize, HunkProblem> {
        let mut start = from;
        for anchor in &hunk.anchors {
            let found = self.anchor(anchor, start);
            let at = found.ok_or_else(|| HunkProblem::NoAnchor {
                anchor: cut_line(anchor, MAX_LINE),
                from: start,
            })?;
            start = at.saturating_add(1);
        }
        let old: Vec<&str> = old(hunk).collect();
        let is_anchored = !hunk.anchors.is_empty();
        if old.is_empty() {
            return Ok(if is_anchored && !hunk.is_at_end {
                start
            } else {
                self.lines.len()
            });
        }
        if hunk.is_at_end {
            let last = self.lines.len().checked_sub(old.len());
            return last
                .filter(|at| *at >= start && self.stands(&old, *at, blanks_at_end))
                .ok_or(HunkProblem::NotAtEnd(None));
        }
        let found = self.places(&old, start);
        match found.as_slice() {
            [] => match self.places(&old, 0).first() {
                Some(before) => Err(HunkProblem::Before(before.saturating_add(1))),
                None => Err(HunkProblem::Missing {
                    from: start,
                    near: None,
                }),
            },
            [at] => Ok(*at),
            // A line that comes before says which one is meant: the next.
            [at, ..] if is_anchored => Ok(*at),
            several => Err(HunkProblem::Several(
                several.iter().map(|at| at.saturating_add(1)).collect(),
            )),
        }
    }

    fn anchor(&self, anchor: &str, from: usize) -> Option<usize> {
        let same: [fn(&str, &str) -> bool; 3] = [
            |line, anchor| line == anchor,
            blanks_at_end,
            |line, anchor| line.trim() == anchor.trim(),
        ];
        same.into_iter().find_map(|same| {
            let mut places = from..self.lines.len();
            places.find(|at| self.stands(&[anchor], *at, same))
        })
    }

    /// Returns the places where lines stand: exactly or, if there is none, but for blanks at the
    /// ends of lines.
    fn places(&self, old: &[&str], from: usize) -> Vec<usize> {
        let last = self.lines.len().saturating_sub(old.len());
        let with = |same: fn(&str, &str) -> bool| -> Vec<usize> {
            let places = (from..=last).filter(|at| self.stands(old, *at, same));
            places.take(MAX_PLACES).collect()
        };
        let exact = with(|line, wanted| line == wanted);
        if exact.is_empty() {
            with(blanks_at_end)
        } else {
            exact
        }
    }

    fn stands(&self, old: &[&str], at: usize, same: impl Fn(&str, &str) -> bool) -> bool {
        let here = self.lines.get(at..at.saturating_add(old.len()));
        here.is_some_and(|here| {
            let mut pairs = here.iter().zip(old);
            pairs.all(|(line, wanted)| same(line.trim_end_matches(['\r', '\n']), wanted))
        })
    }
}

fn blanks_at_end(line: &str, wanted: &str) -> bool {
    line.trim_end() == wanted.trim_end()
}

/// Returns the lines that have to be there.
fn old(hunk: &Hunk) -> impl Iterator<Item = &str> {
    hunk.lines.iter().filter_map(|line| match line {
        Line::Keep(text) | Line::Remove(text) => Some(text.as_str()),
        Line::Insert(_) => None,
    })
}

/// Adds to a problem where the lines nearly stand.
fn shown(problem: HunkProblem, text: &str, hunk: &Hunk) -> HunkProblem {
    let near = || {
        let wanted: Vec<&str> = old(hunk).collect();
        nearest(&mask(text), &wanted)
    };
    match problem {
        HunkProblem::Missing { from, .. } => HunkProblem::Missing { from, near: near() },
        HunkProblem::NotAtEnd(_) => HunkProblem::NotAtEnd(near()),
        other @ (HunkProblem::NoAnchor { .. }
        | HunkProblem::Before(_)
        | HunkProblem::Several(_)) => other,
    }
}

fn after(from: usize) -> String {
    match from {
        0 => String::new(),
        from => format!(" after line {from}"),
    }
}

fn there(near: Option<&Near>) -> String {
    near.map(|near| format!("; {near}")).unwrap_or_default()
}

fn listed(lines: &[usize]) -> String {
    let listed: Vec<String> = lines.iter().map(ToString::to_string).collect();
    listed.join(", ")
}
