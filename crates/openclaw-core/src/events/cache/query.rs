//! Searching: what is asked, what is found, and how a person's words become a query.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::schema::{Failure, Open};
use crate::events::Position;
use crate::events::error::StoreError;
use crate::events::rows::{
    Segment, column_text, segments, session_id, sql_integer, timestamp, unsigned,
};
use crate::session_key::SessionKey;

/// How many hits there are at most when the query does not say.
const DEFAULT_LIMIT: u32 = 20;
/// How many hits there are at most, whatever the query says.
const MAX_LIMIT: u32 = 200;
/// How many characters of a query count, and how many words.
const MAX_CHARACTERS: usize = 1024;
const MAX_WORDS: usize = 32;
/// How many words a snippet has at most.
const SNIPPET: u32 = 24;
/// Stand around what was found in a snippet; no text in the index has such characters.
const MARKS: [char; 2] = ['\u{2}', '\u{3}'];

/// What is looked for.
///
/// ```
/// use openclaw_core::events::SearchQuery;
///
/// let query = SearchQuery::new(r#"deploy* "exit status 1""#);
/// assert_eq!(query.limit, 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    /// The words, all of which have to be in an event: `"several words"` in this order, `begin*`
    /// for all words that begin so, with two letters or more. Case and accents do not matter, nor
    /// does punctuation. Only the first 32 words and 1,024 characters count.
    pub text: String,
    /// The session to look in, with what it shares with the session that it branches off; all
    /// sessions without it.
    pub session: Option<SessionKey>,
    /// The kinds of events to look at; all of them when it is empty.
    pub kinds: Vec<SearchKind>,
    /// How many hits there are at most, up to 200.
    pub limit: u32,
    /// The next page: only what lies before this position, that of the last hit on the page before.
    pub before: Option<Position>,
}

/// The kinds of events that have a text to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchKind {
    /// What people wrote to the agent.
    MessageReceived,
    /// What the agent answered.
    AgentResponse,
    /// What was sent to a messenger.
    MessageSent,
    /// What the agent said with its tool calls, and their arguments.
    ToolCalled,
    /// What tools answered.
    ToolResult,
}

/// An event that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// The session that it was recorded in; when that is deleted, a branch that still has it.
    pub session: SessionKey,
    /// Its place in the session.
    pub seq: u64,
    /// Its place in the whole log.
    pub position: Position,
    /// When it was recorded.
    pub time: Timestamp,
    /// Its kind.
    pub kind: SearchKind,
    /// The words around what was found, on one line.
    pub snippet: Vec<SnippetPart>,
}

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetPart {
    /// The text.
    pub text: String,
    /// Whether it is what was looked for, or stands beside it.
    pub hit: bool,
}

impl SearchQuery {
    /// Asks for the latest events of all sessions that have these words.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            session: None,
            kinds: Vec::new(),
            limit: DEFAULT_LIMIT,
            before: None,
        }
    }

    /// Returns the words as FTS5 wants them, if there are any.
    pub(super) fn words(&self) -> Option<String> {
        let words: Vec<String> = words(&self.text)
            .into_iter()
            .map(|(word, begins)| format!("\"{word}\"{}", if begins { " *" } else { "" }))
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl SearchKind {
    /// Every kind, for choices and documentation.
    pub const ALL: [Self; 5] = [
        Self::MessageReceived,
        Self::AgentResponse,
        Self::MessageSent,
        Self::ToolCalled,
        Self::ToolResult,
    ];

    /// Returns the name of the kind of event.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageReceived => "MessageReceived",
            Self::AgentResponse => "AgentResponse",
            Self::MessageSent => "MessageSent",
            Self::ToolCalled => "ToolCalled",
            Self::ToolResult => "ToolResult",
        }
    }

    /// Returns the kind with that name, if such events have a text to search.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the word that the index has for the kind.
    pub(super) fn tag(self) -> String {
        format!("k{}", self.name())
    }
}

/// Returns the word that the index has for a session.
pub(super) fn session_tag(session_id: i64) -> String {
    format!("s{session_id}")
}

/// Returns the words and phrases of a query, and whether each is only a beginning.
///
/// They hold no quotation mark and no control character, so that nothing of them is syntax.
fn words(text: &str) -> Vec<(String, bool)> {
    let text: String = text
        .chars()
        .take(MAX_CHARACTERS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = rest.get(start..).unwrap_or_default();
        let (word, begins);
        if let Some(quoted) = rest.strip_prefix('"') {
            let after;
            (word, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            rest = after.trim_start_matches('*');
            begins = rest.len() < after.len();
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || c == '"')
                .unwrap_or(rest.len());
            let (whole, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            word = whole.trim_end_matches('*');
            begins = word.len() < whole.len();
            rest = after;
        }
        // A single letter begins so many words that all the memory would not be enough.
        let begins = begins && (word.len() > 1 || !word.is_ascii());
        // The rest of a word, such as punctuation, is nothing to the index.
        if word.chars().any(char::is_alphanumeric) {
            found.push((word.to_owned(), begins));
        }
    }
    found.truncate(MAX_WORDS);
    found
}

/// Returns the events that a query matches, the latest first.
///
/// The order by time is the one that pages can be cut from: a rank changes with every event that
/// is recorded, so that hits would appear twice or never. It also costs least, as the index is in
/// this order.
pub(super) fn search(
    open: &Open,
    words: &str,
    query: &SearchQuery,
) -> Result<Vec<SearchHit>, Failure> {
    let wanted = usize::try_from(query.limit.clamp(1, MAX_LIMIT)).unwrap_or_default();
    let mut finder = Finder {
        open,
        asked_for: query.session.as_ref(),
        wanted,
        hits: Vec::new(),
    };
    let before = query.before.unwrap_or(Position::MAX);
    let Some(session) = &query.session else {
        finder.find(&expression(words, &query.kinds, None), before)?;
        return Ok(finder.hits);
    };
    let id = session_id(&open.log, session)?;
    // What was recorded before a branch began lies before everything that the branch has of its own.
    for segment in segments(&open.log, id, 1, u64::MAX)?.into_iter().rev() {
        let end = end(&open.log, segment)?.map_or(0, |last| last.saturating_add(1));
        let matching = expression(words, &query.kinds, Some(segment.session_id));
        finder.find(&matching, before.min(end))?;
    }
    Ok(finder.hits)
}

fn expression(words: &str, kinds: &[SearchKind], session_id: Option<i64>) -> String {
    let session = session_id.map(|id| format!("tags : \"{}\" AND ", session_tag(id)));
    let kinds: Vec<String> = kinds
        .iter()
        .map(|kind| format!("\"{}\"", kind.tag()))
        .collect();
    let kinds = (!kinds.is_empty()).then(|| format!("tags : ({}) AND ", kinds.join(" OR ")));
    format!(
        "{}{}body : ({words})",
        session.unwrap_or_default(),
        kinds.unwrap_or_default()
    )
}

/// Returns the position of the last event of a part of a session.
fn end(log: &Connection, segment: Segment) -> Result<Option<Position>, StoreError> {
    log.prepare_cached("SELECT max(position) FROM events WHERE session_id = ?1 AND seq = (SELECT max(seq) FROM events WHERE session_id = ?1 AND seq <= ?2)")
        .and_then(|mut statement| {
            statement.query_row(
                params![segment.session_id, sql_integer(segment.to)],
                |row| Ok(row.get::<_, Option<i64>>(0)?.map(unsigned)),
            )
        })
        .map_err(StoreError::read)
}

struct Finder<'a> {
    open: &'a Open,
    asked_for: Option<&'a SessionKey>,
    wanted: usize,
    hits: Vec<SearchHit>,
}

impl Finder<'_> {
    /// Adds the hits before a position, until there are as many as are wanted.
    fn find(&mut self, expression: &str, before: Position) -> Result<(), Failure> {
        let mut statement = self.open.cache.prepare_cached(
            "SELECT rowid, snippet(text, 1, ?3, ?4, '…', ?5) FROM text
             WHERE text MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC",
        )?;
        let [begin, end] = MARKS.map(String::from);
        let mut rows = statement.query(params![
            expression,
            sql_integer(before),
            begin,
            end,
            SNIPPET
        ])?;
        while self.hits.len() < self.wanted
            && let Some(row) = rows.next()?
        {
            let snippet: String = row.get(1)?;
            if let Some(event) = self.event(row.get(0)?)? {
                self.hits.push(SearchHit {
                    snippet: parts(&snippet),
                    ..event
                });
            }
        }
        Ok(())
    }

    /// Returns the event at a position without its snippet, unless it was deleted meanwhile.
    fn event(&self, position: i64) -> Result<Option<SearchHit>, StoreError> {
        let found = self
            .open
            .log
            .prepare_cached(
                "SELECT s.key, e.seq, e.time_ms, e.kind, s.deleted, s.id
                 FROM events e JOIN sessions s ON s.id = e.session_id WHERE e.position = ?1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row([position], |row| found(row, unsigned(position)))
                    .optional()
            })
            .map_err(StoreError::read)?
            .flatten();
        match found {
            Some((hit, Some(deleted))) => Ok(self
                .heir(deleted, hit.seq)?
                .map(|session| SearchHit { session, ..hit })),
            Some((hit, None)) => Ok(Some(hit)),
            None => Ok(None),
        }
    }

    /// Returns a living branch that shares an event of a deleted session.
    fn heir(&self, session_id: i64, seq: u64) -> Result<Option<SessionKey>, StoreError> {
        if let Some(asked_for) = self.asked_for {
            return Ok(Some(asked_for.clone()));
        }
        self.open
            .log
            .prepare_cached(
                "WITH RECURSIVE branch (id, key, deleted) AS (
                     SELECT id, key, deleted FROM sessions WHERE parent = ?1 AND parent_seq >= ?2
                     UNION
                     SELECT s.id, s.key, s.deleted FROM sessions s JOIN branch b ON s.parent = b.id
                 )
                 SELECT key FROM branch WHERE deleted = 0 ORDER BY id LIMIT 1",
            )
            .and_then(|mut statement| {
                statement
                    .query_row(params![session_id, sql_integer(seq)], |row| {
                        column_text(row, 0, SessionKey::parse)
                    })
                    .optional()
            })
            .map_err(StoreError::read)
    }
}

/// Reads an event, and the id of its session when that is deleted.
fn found(row: &Row<'_>, position: Position) -> rusqlite::Result<Option<(SearchHit, Option<i64>)>> {
    let kind: String = row.get(3)?;
    let Some(kind) = SearchKind::of(&kind) else {
        return Ok(None);
    };
    let hit = SearchHit {
        session: column_text(row, 0, SessionKey::parse)?,
        seq: unsigned(row.get(1)?),
        position,
        time: timestamp(row.get(2)?),
        kind,
        snippet: Vec::new(),
    };
    let deleted: bool = row.get(4)?;
    Ok(Some((hit, if deleted { Some(row.get(5)?) } else { None })))
}

/// Takes a snippet apart at its marks, and makes one line of it.
fn parts(snippet: &str) -> Vec<SnippetPart> {
    let [begin, end] = MARKS;
    let mut parts: Vec<SnippetPart> = Vec::new();
    let mut hit = false;
    let mut spaced = true;
    for c in snippet.chars() {
        if c == begin || c == end {
            hit = c == begin;
            continue;
        }
        let space = c.is_whitespace();
        if space && spaced {
            continue;
        }
        spaced = space;
        let c = if space { ' ' } else { c };
        match parts.last_mut() {
            Some(part) if part.hit == hit => part.text.push(c),
            _ => parts.push(SnippetPart {
                text: c.to_string(),
                hit,
            }),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Option<String> {
        SearchQuery::new(text).words()
    }

    #[test]
    fn words_phrases_and_beginnings_are_quoted() {
        assert_eq!(
            asked(r#"deploy* "exit status" C++ "half a ph"* "open"#).as_deref(),
            Some(r#""deploy" * "exit status" "C++" "half a ph" * "open""#)
        );
        assert_eq!(
            asked(r#"a"b c"d NEAR(x OR -y)"#).as_deref(),
            Some(r#""a" "b c" "d" "NEAR(x" "OR" "-y)""#)
        );
        assert_eq!(
            asked("a* ab* \u{5317}*").as_deref(),
            Some("\"a\" \"ab\" * \"\u{5317}\" *")
        );
    }

    #[test]
    fn a_query_without_words_is_none() {
        for text in ["", "  ", "\"", "\"\"", "* - \u{1f980} \"?!\"", "\0\u{1b}"] {
            assert_eq!(asked(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_long_query_is_cut() {
        assert_eq!(words(&"a ".repeat(2000)).len(), MAX_WORDS);
        assert_eq!(
            words(&"a".repeat(2000)),
            [("a".repeat(MAX_CHARACTERS), false)]
        );
    }

    #[test]
    fn a_snippet_is_one_line_with_the_hits_apart() {
        let part = |text: &str, hit| SnippetPart {
            text: text.into(),
            hit,
        };
        assert_eq!(
            parts("\u{2026}a\n\n b \u{2}c d\u{3}\te"),
            [
                part("\u{2026}a b ", false),
                part("c d", true),
                part(" e", false)
            ]
        );
        assert_eq!(parts(""), []);
    }
}
