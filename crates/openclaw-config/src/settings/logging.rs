//! `logging`: what is written to the log, where and how.

use std::path::PathBuf;

use serde_json::Value;

use super::reader::Reader;

/// The settings under `logging`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggingSettings {
    /// What the file takes (`level`).
    pub level: Option<LogLevel>,
    /// What standard error takes (`consoleLevel`).
    pub console_level: Option<LogLevel>,
    /// How lines look on standard error (`consoleStyle`).
    pub console_style: ConsoleStyle,
    /// The file, in place of the one in the state directory (`file`).
    pub file: Option<PathBuf>,
    /// How large the file may become before it is put aside (`maxFileBytes`).
    pub max_file_bytes: Option<u64>,
    /// Regular expressions of what is masked beside the known secrets (`redactPatterns`).
    pub redact_patterns: Vec<String>,
}

/// How much is written to the log, from nothing to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing.
    Silent,
    /// What went wrong; `fatal` is the same here.
    Error,
    /// And what may be wrong.
    Warn,
    /// And what is worth knowing.
    Info,
    /// And what helps to find out why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// Returns the level that OpenClaw calls by this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "silent" => Self::Silent,
            "fatal" | "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return None,
        })
    }
}

/// How lines of the log look on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConsoleStyle {
    /// For people.
    #[default]
    Pretty,
    /// As JSON, like those of the file.
    Json,
}

impl Reader<'_> {
    pub(super) fn logging(&mut self) -> LoggingSettings {
        let level = |reader: &Self, key| {
            let name = reader.string(&["logging", key])?;
            LogLevel::named(&name)
        };
        LoggingSettings {
            level: level(self, "level"),
            console_level: level(self, "consoleLevel"),
            console_style: match self.string(&["logging", "consoleStyle"]).as_deref() {
                Some("json") => ConsoleStyle::Json,
                _ => ConsoleStyle::Pretty,
            },
            file: self
                .string(&["logging", "file"])
                .map(|file| self.path(&file)),
            max_file_bytes: self.number(&["logging", "maxFileBytes"]),
            redact_patterns: self
                .raw(&["logging", "redactPatterns"])
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter(|pattern| !pattern.trim().is_empty())
                .map(str::to_owned)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::meaning;
    use super::*;

    #[test]
    fn every_setting_of_the_log_is_read() {
        let logging = meaning(
            r#"{ logging: { level: "debug", consoleLevel: "fatal", consoleStyle: "json",
                 file: "/var/log/oc.log", maxFileBytes: 1000, redactPatterns: ["x+", " "] } }"#,
        )
        .logging;
        assert_eq!(
            logging,
            LoggingSettings {
                level: Some(LogLevel::Debug),
                console_level: Some(LogLevel::Error),
                console_style: ConsoleStyle::Json,
                file: Some("/var/log/oc.log".into()),
                max_file_bytes: Some(1000),
                redact_patterns: vec!["x+".to_owned()],
            }
        );
    }

    #[test]
    fn the_compact_style_of_earlier_releases_is_for_people() {
        let logging = meaning(r#"{ logging: { consoleStyle: "compact" } }"#).logging;
        assert_eq!(logging, LoggingSettings::default());
    }
}
