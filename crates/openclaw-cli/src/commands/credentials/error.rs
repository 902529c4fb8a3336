//! Why a credential was not stored, shown or removed.

use std::path::PathBuf;

use openclaw_core::Kind;
use openclaw_core::credentials::MAX_SECRET_SIZE;
use openclaw_core::env::{OPENCLAW_CREDENTIALS_PASSWORD, OPENCLAW_CREDENTIALS_PASSWORD_FILE};

/// Why a credential was not stored, shown or removed. No message repeats what may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsFailure {
    /// The secret was given as an argument.
    #[error(
        "a secret is not taken from the command line: other users can see it there, and the shell keeps it in its history"
    )]
    Argument,
    /// The name has a form that records do not have.
    #[error(
        "this is no name of a credential: use up to 64 of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit"
    )]
    Name,
    /// There is no store.
    #[error("there is no credential store in `{}`", .0.display())]
    NoStore(PathBuf),
    /// There is no such record.
    #[error("there is no credential `{0}`")]
    NoRecord(String),
    /// There is a file with the name of a record, which the store does not know.
    #[error("the file `{}` is not in the list of credentials, and was left as it is", .0.display())]
    Unlisted(PathBuf),
    /// There is to be a new master password, and nobody says which.
    #[error("nothing says what the new master password is to be")]
    NoPassword,
    /// The two passwords differ.
    #[error("the two passwords are not the same; nothing was changed")]
    Mistyped,
    /// The secret is empty.
    #[error("the secret is empty")]
    Empty,
    /// The secret is too long.
    #[error("the secret has more than {MAX_SECRET_SIZE} bytes")]
    TooLong,
    /// The secret is no text.
    #[error("the secret is not UTF-8")]
    NotText,
    /// There is nobody to ask, and standard input is a terminal.
    #[error("the secret would have to be typed, and this command asks nothing")]
    Unattended,
}

impl CredentialsFailure {
    /// Returns the kind of this failure.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::NoStore(_) | Self::NoRecord(_) => Kind::NotFound,
            Self::Unlisted(_) => Kind::Conflict,
            Self::NoPassword => Kind::Config,
            Self::Argument
            | Self::Name
            | Self::Mistyped
            | Self::Empty
            | Self::TooLong
            | Self::NotText
            | Self::Unattended => Kind::Invalid,
        }
    }

    /// Returns what the user can do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Argument => Some(
                "leave it out to be asked for it, or pipe it in with --stdin; a secret that was typed there should be exchanged"
                    .to_owned(),
            ),
            Self::NoStore(_) => {
                Some("make one with `openclaw configure --section auth`".to_owned())
            }
            Self::NoRecord(_) => Some("see `openclaw credentials list`".to_owned()),
            Self::Unlisted(_) => Some("move it elsewhere yourself".to_owned()),
            Self::NoPassword => Some(format!(
                "run it at a terminal to be asked, or put it into a file with mode 0600 and pass --new-password-file; a first one may also come from the file that {} names or, as a last resort, from {}",
                OPENCLAW_CREDENTIALS_PASSWORD_FILE.name, OPENCLAW_CREDENTIALS_PASSWORD.name
            )),
            Self::Unattended => Some("pipe it in, with --stdin".to_owned()),
            Self::Name
            | Self::Mistyped
            | Self::Empty
            | Self::TooLong
            | Self::NotText => None,
        }
    }
}
