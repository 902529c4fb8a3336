//! Why a `config` command failed, in the words and the shape that scripts of TypeScript OpenClaw
//! know: exit code 1, and with `--json` `{"ok":false,"error":{"type":"cli_error",...},"issues":[...]}`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use openclaw_config::Problem;
use openclaw_config::edit::SaveError;
use openclaw_core::Kind;
use serde_json::{Value, json};

use super::path::PathError;
use super::problems;
use crate::commands::Cx;
use crate::commands::doctor::quoted;
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
    /// The path cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
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
    /// There is no config file.
    #[error("there is no config file `{}`", .0.display())]
    NoFile(PathBuf),
    /// The config is wrong already.
    #[error("the config `{}` is invalid", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// Everything that is wrong with it.
        problems: Vec<Problem>,
        /// Whether it is in the form of an earlier release.
        form: Form,
    },
    /// The config would be wrong with the change.
    #[error("nothing was changed, because the config `{}` would be invalid", file.display())]
    WouldBeInvalid {
        /// The file.
        file: PathBuf,
        /// Everything that would be wrong with it.
        problems: Vec<Problem>,
    },
    /// Nothing is set at the path.
    #[error("`{0}` is not set")]
    NotSet(String),
    /// The config has no such path.
    #[error("the config has no `{path}`")]
    Unknown {
        /// The path as it was typed.
        path: String,
        /// The path that is most like it.
        nearest: Option<String>,
    },
    /// There is nothing to remove.
    #[error("there is no `{0}` in the config, so nothing was changed")]
    NothingToRemove(String),
    /// The change would throw away what somebody added.
    #[error("nothing was changed: `{path}` would lose {}", lost.join(", "))]
    WouldLose {
        /// What would be replaced.
        path: String,
        /// The entries that would be gone.
        lost: Vec<String>,
        /// What to do instead.
        hint: &'static str,
    },
    /// The value there is another one than was expected.
    #[error(
        "nothing was changed: `{0}` is not what --expect-current-json or --expect-current-absent says"
    )]
    NotAsExpected(String),
    /// What is kept by the program itself.
    #[error("`{path}` cannot be edited: {why}")]
    Managed {
        /// The path.
        path: String,
        /// Who keeps it.
        why: &'static str,
    },
    /// The placeholder of a secret stands where there is no secret.
    #[error("`{0}` cannot be the text that stands for a secret: there is no secret to keep")]
    NoSecret(String),
    /// Two values cannot be brought together.
    #[error("`{0}` cannot be merged: one of the two values is no object")]
    NotMergeable(String),
    /// A model whose provider nobody knows.
    #[error("nothing was changed: no provider `{provider}` is known for the model `{model}`")]
    UnknownProvider {
        /// The model.
        model: String,
        /// Its provider.
        provider: String,
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
    /// The config cannot be written.
    #[error(transparent)]
    Save(SaveError),
    /// A rehearsal found something, which its own document tells.
    #[error("the change would fail")]
    Rehearsal(Value),
}

/// The form that a config is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The current one, as far as can be seen.
    Current,
    /// That of an earlier release; in the current form it would be valid.
    Earlier,
}

impl ConfigFailure {
    /// Returns what the user can do about it.
    fn hint(&self, flags: &str) -> Option<String> {
        Some(match self {
            Self::Invalid {
                form: Form::Earlier,
                ..
            } => format!(
                "run `openclaw{flags} doctor --fix` or `openclaw{flags} migrate`, which write it in the \
                 current form; the gateway understands it as it is"
            ),
            Self::Invalid { .. } => format!(
                "correct the file, then run `openclaw{flags} config validate`; `openclaw{flags} doctor` \
                 says more"
            ),
            Self::NoFile(_) => format!("write one with `openclaw{flags} onboard`"),
            Self::Unknown {
                nearest: Some(nearest),
                ..
            } => format!("did you mean `{nearest}`?"),
            Self::Unknown { .. } => {
                format!("see `openclaw{flags} config schema` for what there is")
            }
            Self::NotSet(path) => format!(
                "set it with `openclaw{flags} config set {} VALUE`; until then the default counts",
                quoted(Path::new(path))
            ),
            Self::NothingToRemove(path) => {
                format!(
                    "see what there is with `openclaw{flags} config get {}`",
                    first(path)
                )
            }
            Self::WouldLose { hint, .. } => (*hint).to_owned(),
            Self::NotAsExpected(_) => "look at it again, then repeat the command".to_owned(),
            Self::UnknownProvider { provider, .. } => format!(
                "configure it first: `openclaw{flags} config set models.providers.{provider} ...`"
            ),
            _ => return None,
        })
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::NotSet(_) | Self::Unknown { .. } | Self::NothingToRemove(_) | Self::NoFile(_) => {
                Kind::NotFound
            }
            Self::NotAsExpected(_) => Kind::Conflict,
            Self::Save(err) => err.kind(),
            Self::Read { .. } => Kind::Unavailable,
            Self::Invalid { .. } | Self::WouldBeInvalid { .. } => Kind::Config,
            _ => Kind::Invalid,
        }
    }

    fn problems(&self) -> &[Problem] {
        match self {
            Self::Invalid { problems, .. }
            | Self::WouldBeInvalid { problems, .. }
            | Self::Save(SaveError::Unreadable(problems) | SaveError::Refused(problems)) => {
                problems
            }
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
        let mut next = std::error::Error::source(self);
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

/// Returns the first key of a path.
fn first(path: &str) -> &str {
    path.split(['.', '['])
        .next()
        .filter(|key| !key.is_empty())
        .unwrap_or("gateway")
}
