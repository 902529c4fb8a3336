//! A pattern that cannot take more than its share: of memory when it is compiled, and of time
//! while it is looked for.

use std::io;

use grep_matcher::{ByteSet, LineMatchKind, LineTerminator, Match, Matcher, NoCaptures};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};

use super::reading::Watch;

/// The longest pattern.
pub(super) const MAX_PATTERN: usize = 4096;

/// The most memory that a compiled pattern takes, on which depends how long a window takes.
const MAX_COMPILED: usize = 512 * 1024;

/// The most memory for what a pattern has learned of the text so far.
const MAX_LEARNED: usize = 2 * 1024 * 1024;

/// How much is searched before it is asked again whether there is time left.
const WINDOW: usize = 16 * 1024;

/// How far a match may reach from one window of a long line into the next.
const OVERLAP: usize = 4 * 1024;

/// A regular expression that is looked for while there is time.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    inner: RegexMatcher,
    watch: Watch,
}

/// How a pattern is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meant {
    pub(super) ignores_case: bool,
    pub(super) is_literal: bool,
}

/// A piece of a text that is searched at once.
#[derive(Clone, Copy, Debug)]
struct Window {
    start: usize,
    end: usize,
    /// Where the next one begins; none after the last one.
    next: Option<usize>,
    /// Whether it consists of whole lines.
    is_whole: bool,
}

impl Bounded {
    pub(super) fn parse(
        pattern: &str,
        meant: Meant,
        watch: Watch,
    ) -> Result<Self, grep_regex::Error> {
        let inner = RegexMatcherBuilder::new()
            .case_insensitive(meant.ignores_case)
            .fixed_strings(meant.is_literal)
            .crlf(true)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_LEARNED)
            .build(pattern)?;
        Ok(Self { inner, watch })
    }

    /// Looks into one window after the other until something is found.
    fn first<T>(
        &self,
        text: &[u8],
        mut at: usize,
        mut look: impl FnMut(Window) -> Option<T>,
    ) -> io::Result<Option<T>> {
        loop {
            self.watch.check()?;
            let window = window(text, at);
            if let Some(found) = look(window) {
                return Ok(Some(found));
            }
            match window.next {
                Some(next) => at = next,
                None => return Ok(None),
            }
        }
    }
}

impl Matcher for Bounded {
    type Captures = NoCaptures;
    type Error = io::Error;

    fn find_at(&self, text: &[u8], at: usize) -> io::Result<Option<Match>> {
        self.first(text, at, |window| {
            let before = text.get(..window.end)?;
            self.inner.find_at(before, window.start).ok().flatten()
        })
    }

    fn new_captures(&self) -> io::Result<NoCaptures> {
        Ok(NoCaptures::new())
    }

    fn shortest_match_at(&self, text: &[u8], at: usize) -> io::Result<Option<usize>> {
        self.first(text, at, |window| {
            let before = text.get(..window.end)?;
            let found = self.inner.shortest_match_at(before, window.start);
            found.ok().flatten()
        })
    }

    fn non_matching_bytes(&self) -> Option<&ByteSet> {
        self.inner.non_matching_bytes()
    }

    fn line_terminator(&self) -> Option<LineTerminator> {
        self.inner.line_terminator()
    }

    fn find_candidate_line(&self, text: &[u8]) -> io::Result<Option<LineMatchKind>> {
        self.first(text, 0, |window| {
            let lines = text.get(window.start..window.end)?;
            let found = self.inner.find_candidate_line(lines).ok().flatten()?;
            let at = |place: usize| window.start.saturating_add(place);
            Some(match found {
                LineMatchKind::Confirmed(place) if window.is_whole => {
                    LineMatchKind::Confirmed(at(place))
                }
                // Where a line is cut may pass for its begin or its end.
                LineMatchKind::Confirmed(place) | LineMatchKind::Candidate(place) => {
                    LineMatchKind::Candidate(at(place))
                }
            })
        })
    }
}

/// Returns what is searched next: as many whole lines as fit, or a piece of a line that does not.
fn window(text: &[u8], start: usize) -> Window {
    let is_line_start = start
        .checked_sub(1)
        .is_none_or(|before| text.get(before) == Some(&b'\n'));
    let cut = start.saturating_add(WINDOW);
    let Some(piece) = text.get(start..cut).filter(|_| cut < text.len()) else {
        return Window {
            start,
            end: text.len(),
            next: None,
            is_whole: is_line_start,
        };
    };
    if let Some(last) = piece.iter().rposition(|byte| *byte == b'\n') {
        let end = start.saturating_add(last).saturating_add(1);
        return Window {
            start,
            end,
            next: Some(end),
            is_whole: is_line_start,
        };
    }
    Window {
        start,
        end: cut.saturating_add(OVERLAP).min(text.len()),
        next: Some(cut),
        is_whole: false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio_util::sync::CancellationToken;

    use super::*;

    const PLAIN: Meant = Meant {
        ignores_case: false,
        is_literal: false,
    };

    fn watch(stop: &CancellationToken) -> Watch {
        Watch::new(Instant::now() + Duration::from_mins(1), stop.clone())
    }

    fn pattern(pattern: &str) -> Result<Bounded, grep_regex::Error> {
        Bounded::parse(pattern, PLAIN, watch(&CancellationToken::new()))
    }

    #[test]
    fn windows_show_what_one_look_would_show() {
        let long = "x".repeat(3 * WINDOW);
        let lines = "some words in a line\r\n".repeat(WINDOW / 8);
        for text in [
            format!("{lines}needle\n{lines}"),
            format!("{long}needle{long}\nneedle"),
            format!("{lines}{long} needle"),
            format!("{}needle{long}", "x".repeat(WINDOW - 3)),
        ] {
            let place = text.find("needle").unwrap();
            let found = pattern("needle").unwrap().find(text.as_bytes()).unwrap();
            assert_eq!(found, Some(Match::new(place, place + "needle".len())));
        }
        let found = pattern("^y|^xx$").unwrap().find(long.as_bytes()).unwrap();
        assert_eq!(found, None);
    }

    #[test]
    fn a_pattern_that_takes_too_much_memory_is_refused_and_usual_ones_are_not() {
        let usual = [
            r"\w+\s*=\s*\w+",
            r"(?i)\bfn\s+[\p{L}_]\w*\s*<[^>]{0,200}>",
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            r".{0,80}TODO.{0,80}",
        ];
        for usual in usual {
            assert!(pattern(usual).is_ok(), "{usual}");
        }
        for greedy in ["(A{1,500}){1,50}B", r"\w{500}", "((a{99}){99}){99}"] {
            assert!(pattern(greedy).is_err(), "{greedy}");
        }
    }

    #[test]
    fn a_search_that_is_told_to_stop_stops_within_a_line() {
        let stop = CancellationToken::new();
        let pattern = Bounded::parse("A+B", PLAIN, watch(&stop)).unwrap();
        stop.cancel();
        let found = pattern.find("A".repeat(2 * WINDOW).as_bytes());
        assert_eq!(found.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
