//! The layout of the state directory, shared with TypeScript OpenClaw.
//!
//! What that tool owns keeps its place; what is ours alone lives in `openclaw-rs/`, so that going
//! back means to ignore one folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::env::{self, Env};
use crate::kind::Kind;
use crate::sealing::SealingKey;
use crate::secrets::ApiKey;

/// The most bytes of a generated secret's file.
const LONGEST_SECRET: u64 = 4096;

/// Where everything lives that outlasts a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    root: PathBuf,
    config_file: PathBuf,
}

/// What the command line says about the state directory; it wins over the environment.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The state directory itself.
    pub state_dir: Option<PathBuf>,
    /// A profile: the state directory is then `~/.openclaw-<profile>`.
    pub profile: Option<String>,
}

impl Overrides {
    /// Returns the flags by which another command finds the same state directory, each with a space
    /// in front.
    pub fn flags(&self) -> String {
        match (&self.state_dir, &self.profile) {
            (Some(dir), _) => format!(" --workspace {}", dir.display()),
            (None, Some(profile)) => format!(" --profile {profile}"),
            (None, None) => String::new(),
        }
    }
}

/// Why there is no state directory.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// Nothing says where it is.
    #[error("neither `HOME` nor `OPENCLAW_HOME` nor `OPENCLAW_STATE_DIR` is set")]
    NoHome,
    /// A profile's name would lead elsewhere.
    #[error("`{0}` is no profile name: use letters, digits, `-` and `_`")]
    Profile(String),
    /// A folder or file of it cannot be made or read.
    #[error("cannot use `{path}`")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl StateDirError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoHome => Kind::Config,
            Self::Profile(_) => Kind::Invalid,
            Self::Io { .. } => Kind::Unavailable,
        }
    }
}

impl StateDir {
    /// Finds the state directory without touching the disk.
    pub fn locate(env: &Env, overrides: &Overrides) -> Result<Self, StateDirError> {
        let root = match (&overrides.state_dir, &overrides.profile) {
            (Some(dir), _) => dir.clone(),
            (None, Some(profile)) => home(env)?.join(format!(".openclaw-{}", checked(profile)?)),
            (None, None) => match env.get_os(env::OPENCLAW_STATE_DIR.name) {
                Some(dir) => PathBuf::from(dir),
                None => home(env)?.join(".openclaw"),
            },
        };
        let named = env
            .get_os(env::OPENCLAW_CONFIG_PATH.name)
            .map(PathBuf::from);
        // A flag names the whole home, so the config file of another home must not slip in.
        let flagged = overrides.state_dir.is_some() || overrides.profile.is_some();
        let config_file = named
            .filter(|_| !flagged)
            .unwrap_or_else(|| root.join("openclaw.json"));
        Ok(Self { root, config_file })
    }

    /// Returns the same directory with another config file.
    #[must_use]
    pub fn with_config_file(mut self, file: PathBuf) -> Self {
        self.config_file = file;
        self
    }

    /// Returns the directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the config file's path.
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// Returns the workspace that agents use unless the config names another.
    pub fn default_workspace(&self) -> PathBuf {
        self.root.join("workspace")
    }

    /// Returns the folder of what is ours alone.
    pub fn own(&self) -> PathBuf {
        self.root.join("openclaw-rs")
    }

    /// Returns the event log's path.
    pub fn event_log(&self) -> PathBuf {
        self.own().join("events.sqlite")
    }

    /// Returns the folder of the log's files.
    pub fn logs(&self) -> PathBuf {
        self.own().join("logs")
    }

    /// Returns the folder of the encrypted credentials; OpenClaw keeps files of its own in it.
    pub fn credentials(&self) -> PathBuf {
        self.root.join("credentials")
    }

    /// Returns the path of the file by which a running gateway is found.
    pub fn gateway_file(&self) -> PathBuf {
        self.own().join("gateway.json")
    }

    /// Makes the directory and our folder in it, readable by the owner only.
    pub fn create(&self) -> Result<(), StateDirError> {
        for dir in [self.root.clone(), self.own()] {
            private_dir(&dir).map_err(|source| StateDirError::Io { path: dir, source })?;
        }
        Ok(())
    }

    /// Returns the generated gateway token, if there is one.
    pub fn read_token(&self) -> Result<Option<ApiKey>, StateDirError> {
        read_secret(&self.token_file())
    }

    /// Returns the generated gateway token, made at the first call: 256 bits, file mode 0600.
    pub fn read_or_create_token(&self) -> Result<ApiKey, StateDirError> {
        self.read_or_create_secret(&self.token_file())
    }

    /// Returns the key that the issued tokens are encrypted with, made at the first call.
    #[expect(clippy::disallowed_methods, reason = "a key is made of it")]
    pub fn read_or_create_sealing_key(&self) -> Result<SealingKey, StateDirError> {
        let text = self.read_or_create_secret(&self.own().join("gateway.key"))?;
        let key: [u8; 32] = Sha256::digest(text.expose_secret()).into();
        Ok(SealingKey::from_bytes(&Zeroizing::new(key)))
    }

    fn read_or_create_secret(&self, path: &Path) -> Result<ApiKey, StateDirError> {
        self.create()?;
        if let Some(secret) = read_secret(path)? {
            return Ok(secret);
        }
        let io = |source| StateDirError::Io {
            path: path.to_owned(),
            source,
        };
        let random = || {
            let mut bytes = [0_u8; 16];
            getrandom::fill(&mut bytes)
                .map(|()| u128::from_be_bytes(bytes))
                .map_err(|err| io(io::Error::other(err)))
        };
        let token = format!("{:032x}{:032x}", random()?, random()?);
        // The token appears under its name only when it is whole: another process may be reading.
        let draft = self.own().join(format!("secret.{}.tmp", Uuid::new_v4()));
        let written = private_file(&draft)
            .and_then(|mut file| {
                file.write_all(token.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| publish(&draft, path));
        match written {
            Ok(()) => Ok(ApiKey::new(token)),
            // Another process was first; its token counts.
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
                read_secret(path)?.ok_or_else(|| io(err))
            }
            Err(source) => Err(io(source)),
        }
    }

    /// Returns the path of the tokens that were issued.
    pub fn tokens_file(&self) -> PathBuf {
        self.own().join("tokens.sealed")
    }

    /// Returns the path of the devices that were let in.
    pub fn devices_file(&self) -> PathBuf {
        self.own().join("devices.json")
    }

    /// Returns the path of the generated gateway token.
    pub fn token_file(&self) -> PathBuf {
        self.own().join("gateway.token")
    }
}

fn read_secret(path: &Path) -> Result<Option<ApiKey>, StateDirError> {
    match read_file(path, LONGEST_SECRET) {
        Ok(bytes) => {
            keep_private(path);
            let text = String::from_utf8_lossy(&bytes);
            Ok(Some(ApiKey::new(text.trim().to_owned())))
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateDirError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Takes rights away that others have to a file of ours.
fn keep_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0);
        if open {
            // Whoever may not do it is not the owner, and then the folder is not private either.
            let closed = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
            tracing::warn!(path = %path.display(), closed = closed.is_ok(), "others could read a secret");
        }
    }
}

/// Reads a file of at most `limit` bytes, and nothing but a file: a pipe would be waited for.
pub(crate) fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size > limit) {
        return Err(io::Error::other("it is too large"));
    }
    Ok(bytes)
}

/// Makes a directory and its parents; new ones are readable by the owner only.
pub fn private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a file that did not exist, readable by the owner only from its first byte.
pub fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a finished file its name for good, and takes its draft away; never over a file that is there.
pub fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => fs::remove_file(draft)?,
        // Not every file system has links; there, only somebody very quick is overwritten.
        Err(err) if err.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
            fs::rename(draft, path)?;
        }
        Err(err) => {
            drop(fs::remove_file(draft));
            return Err(err);
        }
    }
    sync_folder(path)
}

/// Syncs the folder that has a name, so that the name survives a power loss.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or_else(|| Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn home(env: &Env) -> Result<PathBuf, StateDirError> {
    [env::OPENCLAW_HOME, env::HOME]
        .iter()
        .find_map(|variable| env.get_os(variable.name))
        .map(PathBuf::from)
        .ok_or(StateDirError::NoHome)
}

fn checked(profile: &str) -> Result<&str, StateDirError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if profile.is_empty() || profile.len() > 64 || !profile.chars().all(legal) {
        return Err(StateDirError::Profile(profile.to_owned()));
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(vars: &[(&str, &str)], overrides: &Overrides) -> (PathBuf, PathBuf) {
        let env: Env = vars.iter().copied().collect();
        let dir = StateDir::locate(&env, overrides).unwrap();
        (dir.root, dir.config_file)
    }

    fn paths(root: &str, config: &str) -> (PathBuf, PathBuf) {
        (root.into(), config.into())
    }

    #[test]
    fn follows_the_environment_in_the_order_of_openclaw() {
        let none = Overrides::default();
        let home = ("HOME", "/h");
        assert_eq!(
            located(&[home], &none),
            paths("/h/.openclaw", "/h/.openclaw/openclaw.json")
        );
        let other = ("OPENCLAW_HOME", "/o");
        assert_eq!(
            located(&[home, other], &none),
            paths("/o/.openclaw", "/o/.openclaw/openclaw.json")
        );
        let state = ("OPENCLAW_STATE_DIR", "/s");
        assert_eq!(
            located(&[home, other, state], &none),
            paths("/s", "/s/openclaw.json")
        );
        let config = ("OPENCLAW_CONFIG_PATH", "/c.json");
        assert_eq!(
            located(&[home, state, config], &none),
            paths("/s", "/c.json")
        );
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let vars = [
            ("HOME", "/h"),
            ("OPENCLAW_STATE_DIR", "/s"),
            ("OPENCLAW_CONFIG_PATH", "/c.json"),
        ];
        let profile = Overrides {
            profile: Some("work".into()),
            ..Overrides::default()
        };
        assert_eq!(
            located(&vars, &profile),
            paths("/h/.openclaw-work", "/h/.openclaw-work/openclaw.json")
        );
        let dir = Overrides {
            state_dir: Some("/x".into()),
            ..Overrides::default()
        };
        assert_eq!(located(&vars, &dir), paths("/x", "/x/openclaw.json"));
    }

    #[test]
    fn refuses_a_profile_that_leads_elsewhere() {
        let env: Env = [("HOME", "/h")].into_iter().collect();
        let overrides = Overrides {
            profile: Some("../x".into()),
            ..Overrides::default()
        };
        assert!(matches!(
            StateDir::locate(&env, &overrides),
            Err(StateDirError::Profile(_))
        ));
        assert!(matches!(
            StateDir::locate(&Env::default(), &Overrides::default()),
            Err(StateDirError::NoHome)
        ));
    }

    #[test]
    fn the_generated_token_is_private_and_stays_the_same() {
        let home = tempfile::tempdir().unwrap();
        let env: Env = [("HOME", home.path())].into_iter().collect();
        let dir = StateDir::locate(&env, &Overrides::default()).unwrap();
        let token = dir.read_or_create_token().unwrap();
        assert_eq!(token.expose_secret().len(), 64);
        assert_eq!(
            dir.read_or_create_token().unwrap().expose_secret(),
            token.expose_secret()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&dir.token_file()), mode(dir.root())), (0o600, 0o700));
        }
    }
}
