//! How failures are printed, for people and for programs.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use clap::error::ErrorKind;
use openclaw_config::Problem;
use openclaw_config::redact::may_hold_secret;
use openclaw_core::Kind;
use serde::Serialize;

use super::{Look, Output, SCHEMA_VERSION};
use crate::error::CliError;
use crate::text;

/// The member `error` of the envelope.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Failure {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    col: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<ShownProblem>,
}

/// One thing that is wrong with a config.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct ShownProblem {
    path: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    col: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    ok: bool,
    schema_version: u32,
    error: &'a Failure,
}

impl Output {
    /// Prints why a command failed.
    pub(crate) fn failure(&self, err: &CliError) {
        let failure = Failure::of(err);
        if self.is_json() {
            self.failure_document(&failure);
        } else {
            self.failure_text(&failure);
        }
    }

    /// Prints what the command line parser has to say; help and versions are answers.
    pub(crate) fn usage(&self, err: &clap::Error) {
        let text = err.render();
        let color = if err.use_stderr() {
            self.stderr_face.color
        } else {
            self.stdout_face.color
        };
        let text = if color {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        let text = text.trim_end();
        if !err.use_stderr() {
            // Whoever closed the pipe has seen enough of the help.
            drop(self.line(text));
        } else if self.is_json() {
            self.failure_document(&Failure::of_usage(err));
        } else {
            self.note(text);
        }
    }

    fn failure_document(&self, failure: &Failure) {
        let envelope = Envelope {
            ok: false,
            schema_version: SCHEMA_VERSION,
            error: failure,
        };
        // There is no other place to tell that standard output cannot be written.
        drop(self.document(&envelope));
    }

    fn failure_text(&self, failure: &Failure) {
        let label = self.look_aside(Look::Bad, "error:");
        self.note(format_args!("{label} {}", text::escape(&failure.message)));
        for problem in &failure.problems {
            let place = match (&failure.path, problem.line, problem.col) {
                (Some(file), Some(line), Some(col)) => format!("{file}:{line}:{col}: "),
                _ => String::new(),
            };
            let key = if problem.path.is_empty() { "" } else { ": " };
            let text = format!("{place}{}{key}{}", problem.path, problem.message);
            self.note(format_args!("  {}", text::escape(&text)));
            if let Some(excerpt) = excerpt(failure.path.as_deref(), problem) {
                self.note(excerpt);
            }
        }
        for cause in &failure.causes {
            self.note(format_args!("  because: {}", text::escape(cause)));
        }
        if let Some(hint) = &failure.hint {
            let label = self.look_aside(Look::Strong, "hint:");
            self.note(format_args!("{label} {}", text::escape(hint)));
        }
    }
}

impl Failure {
    fn of(err: &CliError) -> Self {
        let faults = err.config_problems();
        let problems: Vec<ShownProblem> = faults
            .map_or(&[][..], |(_, problems)| problems)
            .iter()
            .map(ShownProblem::of)
            .collect();
        let message = match faults {
            Some((path, _)) => format!("the config `{}` is invalid", path.display()),
            None => err.to_string(),
        };
        Self {
            code: err.kind().as_str(),
            causes: causes(err, &message),
            message,
            hint: err.hint(),
            path: faults.map(|(path, _)| path.display().to_string()),
            line: problems.first().and_then(|problem| problem.line),
            col: problems.first().and_then(|problem| problem.col),
            problems,
        }
    }

    /// Clap renders for people; the first line says what is wrong, a `tip:` what to do about it.
    fn of_usage(err: &clap::Error) -> Self {
        let text = err.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or("the command line is not understood");
        let message = match err.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing",
            _ => first.strip_prefix("error: ").unwrap_or(first),
        };
        // What is missing or ambiguous stands on lines of its own, up to the usage.
        let details: Vec<&str> = if message.ends_with(':') {
            lines
                .by_ref()
                .take_while(|line| !line.starts_with("Usage:"))
                .collect()
        } else {
            Vec::new()
        };
        let tip = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("tip: "));
        Self {
            code: Kind::Invalid.as_str(),
            message: [&[message][..], &details].concat().join(" "),
            causes: Vec::new(),
            hint: Some(tip.unwrap_or("see `openclaw --help`").to_owned()),
            path: None,
            line: None,
            col: None,
            problems: Vec::new(),
        }
    }
}

impl ShownProblem {
    fn of(problem: &Problem) -> Self {
        Self {
            path: problem.path.to_string(),
            message: problem.message.clone(),
            line: problem.place.as_ref().map(|place| place.line),
            col: problem.place.as_ref().map(|place| place.column),
        }
    }
}

/// Returns the causes that the message does not already tell.
fn causes(err: &CliError, message: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = err.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !message.contains(&text) && !causes.iter().any(|known| known.contains(&text)) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// Returns the line of the config that a problem is in, with a mark below the place.
fn excerpt(file: Option<&str>, problem: &ShownProblem) -> Option<String> {
    excerpt_at(Path::new(file?), problem.line?, problem.col?)
}

/// Returns a line of a config file, with a mark below the place; nothing where the line may hold a
/// secret.
pub(crate) fn excerpt_at(file: &Path, line: usize, column: usize) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let shown = text.lines().nth(line.checked_sub(1)?)?;
    let before: String = shown
        .chars()
        .take(column.checked_sub(1)?)
        .map(|c| if c == '\t' { '\t' } else { ' ' })
        .collect();
    // The line is shown as it stands, or not at all: escapes would move the mark.
    (text::escape(shown) == shown && shown.len() <= 200 && !may_hold_secret(shown))
        .then(|| format!("    {shown}\n    {before}^"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use openclaw_config::{Config, ConfigError};
    use openclaw_core::env::Env;
    use openclaw_core::state_dir::{Overrides, StateDir};

    use super::*;
    use crate::cli::Cli;

    fn loaded(dir: &Path) -> Result<Config, ConfigError> {
        let here = Overrides {
            state_dir: Some(dir.to_owned()),
            profile: None,
        };
        let state = StateDir::locate(&Env::default(), &here).unwrap();
        Config::load(&state, &Env::default())
    }

    fn usage(args: &[&str]) -> Failure {
        let args = [&["openclaw"], args].concat();
        Failure::of_usage(&Cli::try_parse_from(args).unwrap_err())
    }

    #[test]
    fn a_wrong_command_line_is_told_in_one_sentence() {
        let misspelt = usage(&["sesions"]);
        assert_eq!(misspelt.message, "unrecognized subcommand 'sesions'");
        assert_eq!(
            misspelt.hint.as_deref(),
            Some("a similar subcommand exists: 'sessions'")
        );
        assert_eq!(
            usage(&["agent"]).message,
            "the following required arguments were not provided: --message <TEXT>"
        );
        assert_eq!(usage(&[]).message, "a command is missing");
    }

    #[test]
    fn a_broken_config_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("openclaw.json");
        fs::write(&path, "{\n  gateway: { port: ] }\n}\n").unwrap();
        let failure = Failure::of(&loaded(dir.path()).unwrap_err().into());
        assert_eq!(
            (
                failure.code,
                failure.line,
                failure.col,
                failure.path.as_deref()
            ),
            ("config", Some(2), Some(20), path.to_str())
        );
        let excerpt = excerpt(failure.path.as_deref(), &failure.problems[0]).unwrap();
        assert_eq!(
            excerpt,
            "      gateway: { port: ] }\n                       ^"
        );
    }

    #[test]
    fn every_problem_of_a_config_is_listed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("openclaw.json");
        fs::write(&path, "{ gateway: { port: 'x', bind: 'moon' } }").unwrap();
        let failure = Failure::of(&loaded(dir.path()).unwrap_err().into());
        let paths: Vec<&str> = failure
            .problems
            .iter()
            .map(|one| one.path.as_str())
            .collect();
        assert_eq!(paths, ["gateway.port", "gateway.bind"]);
        assert!(failure.causes.is_empty());
    }

    #[test]
    fn a_cause_is_told_once() {
        let err = CliError::Input(std::io::Error::other("the disk is gone"));
        let failure = Failure::of(&err);
        assert_eq!(
            (failure.message.as_str(), failure.causes.as_slice()),
            (
                "cannot read standard input",
                &["the disk is gone".to_owned()][..]
            )
        );
    }
}
