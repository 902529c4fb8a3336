//! Where the master password comes from when nobody is there to type it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::env::{
    CREDENTIALS_DIRECTORY, Env, OPENCLAW_CREDENTIALS_PASSWORD, OPENCLAW_CREDENTIALS_PASSWORD_FILE,
};
use openclaw_core::{ApiKey, Kind, redaction};
use zeroize::Zeroizing;

use super::keyring::{Keyring, KeyringError};

/// What systemd is to call the master password (`LoadCredential=`, `LoadCredentialEncrypted=`).
pub const SYSTEMD_NAME: &str = "openclaw-credentials-password";

/// The most bytes that a file with a password may have.
const MAX_FILE: u64 = 4096;
/// What a buffer for such a file holds.
pub(super) const LARGEST: usize = 4096 * 2;

/// Where a master password was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// The file that the environment names.
    File(PathBuf),
    /// The folder in which systemd passes credentials to a service.
    Systemd(PathBuf),
    /// The operating system's keyring, asked with this program.
    Keyring(PathBuf),
    /// The environment itself.
    Environment,
    /// Somebody typed it, or piped it in.
    Typed,
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(
                f,
                "the file `{}` ({})",
                path.display(),
                OPENCLAW_CREDENTIALS_PASSWORD_FILE.name
            ),
            Self::Systemd(path) => write!(f, "the systemd credential `{}`", path.display()),
            Self::Keyring(program) => {
                write!(f, "the OS keyring (asked with `{}`)", program.display())
            }
            Self::Environment => write!(
                f,
                "the environment variable {}",
                OPENCLAW_CREDENTIALS_PASSWORD.name
            ),
            Self::Typed => f.write_str("what was typed"),
        }
    }
}

/// A master password, and where it was found.
#[derive(Debug)]
pub struct MasterPassword {
    /// Where it was found.
    pub source: PasswordSource,
    /// The password.
    pub secret: Arc<ApiKey>,
}

impl MasterPassword {
    /// Takes a password that was found there; it is masked from then on wherever text goes out.
    pub fn new(source: PasswordSource, text: &str) -> Self {
        let secret = ApiKey::new(text.to_owned());
        redaction::learn(&secret);
        Self {
            source,
            secret: Arc::new(secret),
        }
    }
}

/// Why a place that was named has no usable password. No message has any part of one.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file cannot be read.
    #[error("the master password cannot be read from {place}: {source}")]
    Unreadable {
        /// Where it should have been.
        place: PasswordSource,
        /// The system's reason.
        source: io::Error,
    },
    /// What is there is no password, or does not keep one.
    #[error("the master password is not taken from {place}: it {why}")]
    Unsafe {
        /// Where it should have been.
        place: PasswordSource,
        /// What is wrong there.
        why: &'static str,
    },
    /// The operating system's keyring may have it, and does not give it.
    #[error("the master password is not known, and {0}")]
    Keyring(#[from] KeyringError),
}

impl PasswordError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Config
    }
}

/// What the places say that can be asked without asking anybody.
#[derive(Debug)]
pub(super) enum Found {
    /// One has the master password.
    Password(MasterPassword),
    /// None has it; the keyring may have it, if it failed.
    Nothing(Option<KeyringError>),
}

/// Looks for the master password: in the file that was named, with systemd, in the keyring, in the
/// environment.
///
/// The first place that is set up counts. One that is set up and does not work is an error, and the
/// next one is not asked in its stead. Nothing shows whether a keyring that fails was set up, and
/// it may be there because another program needs it, so that it does not stand in the way.
pub(super) fn unattended(env: &Env, keyring: &Keyring) -> Result<Found, PasswordError> {
    if let Some(found) = named(env)? {
        return Ok(Found::Password(found));
    }
    let failure = match keyring.password(env) {
        Ok(Some(found)) => return Ok(Found::Password(found)),
        Ok(None) => None,
        Err(PasswordError::Keyring(failure)) => Some(failure),
        Err(err) => return Err(err),
    };
    let Some(found) = of_environment(env)? else {
        return Ok(Found::Nothing(failure));
    };
    if let Some(failure) = failure {
        passed_over(&failure);
    }
    Ok(Found::Password(found))
}

/// Notes that the keyring failed, where that stops nobody.
pub(super) fn passed_over(failure: &KeyringError) {
    match failure {
        KeyringError::Silent { .. } => tracing::warn!("{failure}; going on without it"),
        // Many a server has the tool and no keyring.
        KeyringError::Failed { .. } | KeyringError::Exposed | KeyringError::NotRun { .. } => {
            tracing::info!("{failure}; going on without it");
        }
    }
}

/// Looks in the places that somebody set up for nothing else.
fn named(env: &Env) -> Result<Option<MasterPassword>, PasswordError> {
    if let Some(path) = env.get_os(OPENCLAW_CREDENTIALS_PASSWORD_FILE.name) {
        let path = PathBuf::from(path);
        return of_file(&path, PasswordSource::File(path.clone()), Keeper::Owner).map(Some);
    }
    if let Some(folder) = env.get_os(CREDENTIALS_DIRECTORY.name) {
        let path = Path::new(folder).join(SYSTEMD_NAME);
        if path.symlink_metadata().is_ok() {
            let source = PasswordSource::Systemd(path.clone());
            return of_file(&path, source, Keeper::Systemd).map(Some);
        }
    }
    Ok(None)
}

fn of_environment(env: &Env) -> Result<Option<MasterPassword>, PasswordError> {
    let name = OPENCLAW_CREDENTIALS_PASSWORD.name;
    if env.get_os(name).is_none() {
        return Ok(None);
    }
    let source = PasswordSource::Environment;
    match env.get(name) {
        Some(text) => Ok(Some(MasterPassword::new(source, text))),
        None => Err(PasswordError::Unsafe {
            place: source,
            why: "is not UTF-8",
        }),
    }
}

/// Reads a password from a file that only this user can read.
pub fn of_private_file(path: &Path) -> Result<MasterPassword, PasswordError> {
    of_file(path, PasswordSource::File(path.to_owned()), Keeper::Owner)
}

/// Who keeps a file from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    /// The user, by its mode.
    Owner,
    /// systemd: the file may be root's, and an access list lets the service's user read it, which
    /// the mode shows as a right of the group.
    Systemd,
}

fn of_file(
    path: &Path,
    place: PasswordSource,
    keeper: Keeper,
) -> Result<MasterPassword, PasswordError> {
    let read = open(path).and_then(|file| {
        let fault = fault(&file, keeper)?;
        // As large as it can get from the start: growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST));
        if fault.is_none() {
            file.take(MAX_FILE.saturating_add(1))
                .read_to_end(&mut bytes)?;
        }
        Ok((fault, bytes))
    });
    match read {
        Ok((None, bytes)) => of_bytes(&bytes, place),
        Ok((Some(why), _)) => Err(PasswordError::Unsafe { place, why }),
        Err(source) => Err(PasswordError::Unreadable { place, source }),
    }
}

/// Takes what a place has for a password.
pub(super) fn of_bytes(
    bytes: &[u8],
    place: PasswordSource,
) -> Result<MasterPassword, PasswordError> {
    let refused = |place, why| Err(PasswordError::Unsafe { place, why });
    if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_FILE) {
        return refused(place, "has more than 4096 bytes");
    }
    let Ok(text) = str::from_utf8(bytes) else {
        return refused(place, "is not UTF-8");
    };
    let text = match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    };
    if text.is_empty() {
        return refused(place, "is empty");
    }
    Ok(MasterPassword::new(place, text))
}

/// Opens a file without following a link and without waiting for the other end of a pipe.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(rustix::io::Errno::LOOP) => Err(io::Error::other("it is a symbolic link")),
        Err(err) => Err(err.into()),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Says what is wrong with an opened file, if anything is; looked at after opening, so that nobody
/// can exchange it in between.
fn fault(file: &File, keeper: Keeper) -> io::Result<Option<&'static str>> {
    let about = file.metadata()?;
    if !about.is_file() {
        return Ok(Some("is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let own = about.uid() == rustix::process::geteuid().as_raw();
        let (owned, open_to) = match keeper {
            Keeper::Owner => (own, 0o077),
            Keeper::Systemd => (own || about.uid() == 0, 0o007),
        };
        if !owned {
            return Ok(Some("belongs to another user"));
        }
        if about.mode() & open_to != 0 {
            return Ok(Some("can be read by others: `chmod 600` it"));
        }
    }
    #[cfg(not(unix))]
    let _ = keeper;
    Ok(None)
}
