//! The log's files, and which of their lines somebody wants.
//!
//! A line is a JSON object that says when, how bad and where, and whose request, session, run and
//! call it belongs to. Anything else that stands in a file is taken as text.

use openclaw_config::{LogLevel, LoggingSettings};
use openclaw_core::log_files::LogFiles;
use openclaw_core::state_dir::StateDir;
use openclaw_core::work;
use serde_json::{Map, Value};

/// The member that says how bad it is.
pub const LEVEL: &str = "level";

/// Which lines somebody wants; those for which everything holds that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Lines of this level and worse.
    pub level: Option<LogLevel>,
    /// Lines of this session.
    pub session: Option<String>,
    /// Lines of this run.
    pub run: Option<String>,
}

/// Returns the files that the log of a home is in.
pub fn files(settings: &LoggingSettings, state: &StateDir) -> LogFiles {
    match &settings.file {
        Some(file) => LogFiles::at(file),
        None => LogFiles::of(state),
    }
}

/// Returns the members of a line; none of one that is no JSON.
pub fn members(line: &str) -> Map<String, Value> {
    match serde_json::from_str(line) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// Returns a member of a line that is a text; an empty one if there is none.
pub fn text_of<'a>(line: &'a Map<String, Value>, name: &str) -> &'a str {
    line.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl LogFilter {
    /// Tells whether a line with these members is wanted.
    pub fn takes(&self, line: &Map<String, Value>) -> bool {
        let is = |name: &str, wanted: &Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| text_of(line, name) == wanted)
        };
        let level = self.level.is_none_or(|worst| {
            let level = LogLevel::named(&text_of(line, LEVEL).to_lowercase());
            level.is_some_and(|level| level <= worst)
        });
        level && is(work::SESSION, &self.session) && is(work::RUN, &self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_wanted_when_everything_fits_that_is_asked_for() {
        let line = members(r#"{"level": "warn", "session": "agent:main:main", "run": "r1"}"#);
        let all = LogFilter::default();
        assert!(all.takes(&line) && all.takes(&members("no JSON")));
        let of_level = |level| LogFilter {
            level: Some(level),
            ..LogFilter::default()
        };
        assert!(of_level(LogLevel::Info).takes(&line));
        assert!(of_level(LogLevel::Warn).takes(&line));
        assert!(!of_level(LogLevel::Error).takes(&line));
        assert!(!of_level(LogLevel::Trace).takes(&members("no JSON")));
        let mine = LogFilter {
            session: Some("agent:main:main".to_owned()),
            run: Some("r1".to_owned()),
            ..LogFilter::default()
        };
        assert!(mine.takes(&line));
        let other = LogFilter {
            run: Some("r2".to_owned()),
            ..mine
        };
        assert!(!other.takes(&line));
    }
}
