//! Why a `config` command failed, in the words and the shape that scripts of TypeScript OpenClaw
//! know: exit code 1, and with `--json` `{"ok":false,"error":{"type":"cli_error",...},"issues":[...]}`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use openclaw_config::Problem;
use openclaw_config::change::{ChangeError, Form, PathError};
use openclaw_core::Kind;
use openclaw_gateway::doctor::quoted;
use serde_json::{Value, json};

use super::problems;
use crate::commands::Cx;
use crate::error::CliError;
use crate::output::Look;
use crate::text;

/// The exit code of every failure of `config`, which TypeScript OpenClaw has too.
const FAILED: u8 = 1;

/// Why a `config` command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigFailure {
    /// What goes wrong in every command alike.
    #[error(transparent)]
    Cli(#[from] CliError),
    /// The config was not changed, or does not have what was looked for.
    #[error("{}", told(.0))]
    Change(#[source] ChangeError),
    /// The flags do not go together, or one is missing.
    #[error("{0}")]
    Flags(&'static str),
    /// A flag has a value that it cannot have.
    #[error("{flag} {problem}")]
    Flag {
        /// The flag, or what stands for it in a list of updates.
        flag: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of the user's cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// A rehearsal found something, which its own document tells.
    #[error("the change would fail")]
    Rehearsal(Value),
}

impl From<ChangeError> for ConfigFailure {
    fn from(err: ChangeError) -> Self {
        Self::Change(err)
    }
}

impl From<PathError> for ConfigFailure {
    fn from(err: PathError) -> Self {
        Self::Change(err.into())
    }
}

/// Returns the failure in the words of the command line.
fn told(err: &ChangeError) -> String {
    match err {
        ChangeError::NotAsExpected(path) => format!(
            "nothing was changed: `{path}` is not what --expect-current-json or \
             --expect-current-absent says"
        ),
        err => err.to_string(),
    }
}

impl ConfigFailure {
    /// Returns what the user can do about it.
    fn hint(&self, flags: &str) -> Option<String> {
        match self {
            Self::Change(err) => hint(err, flags),
            _ => None,
        }
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Change(err) => err.kind(),
            Self::Read { .. } => Kind::Unavailable,
            _ => Kind::Invalid,
        }
    }

    fn problems(&self) -> &[Problem] {
        match self {
            Self::Change(err) => err.problems(),
            _ => &[],
        }
    }

    /// Returns the document that `--json` prints; `more` are members of the command's own.
    fn document(&self, flags: &str, more: &Value) -> Value {
        let mut error = json!({
            "type": "cli_error",
            "code": self.kind().as_str(),
            "message": self.to_string(),
        });
        let causes = self.causes();
        for (key, value) in [
            ("causes", (!causes.is_empty()).then(|| json!(causes))),
            ("hint", self.hint(flags).map(Value::from)),
        ] {
            if let (Some(value), Some(members)) = (value, error.as_object_mut()) {
                members.insert(key.to_owned(), value);
            }
        }
        let mut document = json!({ "ok": false, "error": error });
        if let Some(members) = document.as_object_mut() {
            members.extend(more.as_object().cloned().unwrap_or_default());
            if !self.problems().is_empty() {
                members.insert("issues".to_owned(), problems::issues(self.problems()));
            }
        }
        document
    }

    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = match self {
            // It says the same once more.
            Self::Change(err) => std::error::Error::source(err),
            failure => std::error::Error::source(failure),
        };
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }

    /// Tells the failure and returns its exit code; what every command has alike is passed on.
    pub(super) fn tell(self, cx: Cx<'_>, more: &Value) -> Result<ExitCode, CliError> {
        let flags = cx.state_flags();
        match self {
            Self::Cli(err) => return Err(err),
            Self::Rehearsal(document) if cx.out.is_json() => cx.out.document(&document)?,
            failure if cx.out.is_json() => cx.out.document(&failure.document(&flags, more))?,
            failure => failure.tell_in_text(cx, &flags),
        }
        Ok(ExitCode::from(FAILED))
    }

    fn tell_in_text(&self, cx: Cx<'_>, flags: &str) {
        let label = cx.out.look_aside(Look::Bad, "error:");
        cx.out
            .note(format_args!("{label} {}", text::escape(&self.to_string())));
        problems::note(cx, self.problems());
        if let Self::Rehearsal(document) = self {
            let errors = document.get("errors").and_then(Value::as_array);
            for error in errors.into_iter().flatten() {
                let message = error
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                cx.out.note(format_args!("  {}", text::escape(message)));
            }
        }
        for cause in self.causes() {
            cx.out
                .note(format_args!("  because: {}", text::escape(&cause)));
        }
        if let Some(hint) = self.hint(flags) {
            let label = cx.out.look_aside(Look::Strong, "hint:");
            cx.out.note(format_args!("{label} {}", text::escape(&hint)));
        }
    }
}

/// Returns what the user can do about a failure.
fn hint(err: &ChangeError, flags: &str) -> Option<String> {
    Some(match err {
        ChangeError::Invalid {
            form: Form::Earlier,
            ..
        } => format!(
            "run `openclaw{flags} doctor --fix` or `openclaw{flags} migrate`, which write it in the \
             current form; the gateway understands it as it is"
        ),
        ChangeError::Invalid { .. } => format!(
            "correct the file, then run `openclaw{flags} config validate`; `openclaw{flags} doctor` \
             says more"
        ),
        ChangeError::NoFile(_) => format!("write one with `openclaw{flags} onboard`"),
        ChangeError::Unknown {
            nearest: Some(nearest),
            ..
        } => format!("did you mean `{nearest}`?"),
        ChangeError::Unknown { .. } => {
            format!("see `openclaw{flags} config schema` for what there is")
        }
        ChangeError::NotSet(path) => format!(
            "set it with `openclaw{flags} config set {} VALUE`; until then the default counts",
            quoted(Path::new(path))
        ),
        ChangeError::NothingToRemove(path) => {
            format!(
                "see what there is with `openclaw{flags} config get {}`",
                first(path)
            )
        }
        ChangeError::WouldLose { .. } => {
            "add --merge to keep them, or --replace to lose them".to_owned()
        }
        ChangeError::NotAsExpected(_) | ChangeError::Moved => {
            "look at it again, then repeat the command".to_owned()
        }
        ChangeError::UnknownProvider { provider, .. } => format!(
            "configure it first: `openclaw{flags} config set models.providers.{provider} ...`"
        ),
        _ => return None,
    })
}

/// Returns the first key of a path.
fn first(path: &str) -> &str {
    path.split(['.', '['])
        .next()
        .filter(|key| !key.is_empty())
        .unwrap_or("gateway")
}
