//! The folders that a command may use, checked before anything is started.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{Command, SandboxConfig, SandboxError, SandboxLevel, variables};

#[cfg(target_os = "linux")]
use crate::protected::Protection;

/// Folders whose loss or change would be that of the whole system; what lies in them may be named.
const WHOLE: [&str; 21] = [
    "/",
    "/bin",
    "/boot",
    "/etc",
    "/home",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/root",
    "/run",
    "/sbin",
    "/usr",
    "/var",
    // Those of macOS.
    "/Applications",
    "/Library",
    "/System",
    "/Users",
    "/Volumes",
    "/private",
];

/// Folders that the kernel makes up; nothing in them is a place for work.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

/// Where the users of this machine are listed.
#[cfg(unix)]
const USERS: &str = "/etc/passwd";

/// Why a path cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceFault {
    /// Nothing is there.
    #[error("it does not exist")]
    Missing,
    /// Something is there that is no directory.
    #[error("it is not a directory")]
    NotADirectory,
    /// It is the root or another directory of the system.
    #[error("it belongs to the system")]
    System,
    /// It is the home of the user that this process runs as, or holds it.
    #[error("it holds everything in the home `{}`", home.display())]
    Home {
        /// The home.
        home: PathBuf,
    },
    /// It holds a folder that no command may see, or lies in one.
    #[error("commands are kept out of `{}`", folder.display())]
    OffLimits {
        /// The folder.
        folder: PathBuf,
    },
    /// It does not lie within an allowed path.
    #[error("it lies outside the allowed paths")]
    Outside,
    /// The operating system does not say what it is.
    #[error("it cannot be looked at")]
    Unreadable(#[source] io::Error),
}

/// The folders of one run: absolute, without symlinks, and existing a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// What may be written: each once, outer folders before the inner ones.
    pub(crate) workspaces: Vec<PathBuf>,
    /// What may be read besides, in the same order; nothing of a workspace.
    pub(crate) read_only: Vec<PathBuf>,
    /// Where the command begins, unless it is left to the level.
    pub(crate) cwd: Option<PathBuf>,
    /// What is mounted over the workspaces; it has to live as long as the run.
    #[cfg(target_os = "linux")]
    pub(crate) protection: Protection,
}

/// What the owner says about workspaces as such.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    /// Folders that no workspace may hold, or lie in.
    pub(crate) off_limits: &'a [PathBuf],
    /// Paths of every workspace that are protected beside the usual ones.
    pub(crate) protected: &'a [PathBuf],
}

impl Places {
    /// Looks at the paths of a configuration and a command, and at what lies in the workspaces
    /// unless there is no sandbox to protect it with. Blocks on the file system.
    pub(crate) fn survey(
        config: &SandboxConfig,
        command: &Command,
        bounds: Bounds<'_>,
    ) -> Result<Self, SandboxError> {
        let homes = homes();
        let mut workspaces = Vec::new();
        for path in &config.allowed_paths {
            let found = workspace(path, &homes).and_then(|found| within(bounds, found));
            workspaces.push(found.map_err(|fault| SandboxError::BadWorkspace {
                path: path.clone(),
                fault,
            })?);
        }
        let cwd = match &command.cwd {
            None => workspaces.first().cloned(),
            Some(path) => {
                let bad = |fault| SandboxError::BadDirectory {
                    path: path.clone(),
                    fault,
                };
                let found = directory(path).map_err(bad)?;
                let within = workspaces
                    .iter()
                    .any(|workspace| found.starts_with(workspace));
                if config.level != SandboxLevel::None && !within {
                    return Err(bad(PlaceFault::Outside));
                }
                Some(found)
            }
        };
        // A path sorts before everything beneath it, which is the order to mount them in.
        workspaces.sort();
        workspaces.dedup();
        let mut read_only: Vec<PathBuf> = command
            .read_only
            .iter()
            .filter_map(|path| workspace(path, &homes).ok())
            .filter(|path| {
                !workspaces
                    .iter()
                    .any(|workspace| path.starts_with(workspace))
            })
            .collect();
        read_only.sort();
        read_only.dedup();
        #[cfg(target_os = "linux")]
        let protection = match config.level {
            SandboxLevel::None => Protection::default(),
            SandboxLevel::Relaxed | SandboxLevel::Strict => {
                Protection::survey(&workspaces, bounds.protected)?
            }
        };
        Ok(Self {
            workspaces,
            read_only,
            cwd,
            #[cfg(target_os = "linux")]
            protection,
        })
    }
}

fn workspace(path: &Path, homes: &[PathBuf]) -> Result<PathBuf, PlaceFault> {
    let found = directory(path)?;
    let whole = WHOLE.iter().any(|system| found == Path::new(system));
    let kernel = KERNEL.iter().any(|system| found.starts_with(system));
    if whole || kernel || found.parent().is_none() {
        return Err(PlaceFault::System);
    }
    match homes.iter().find(|home| home.starts_with(&found)) {
        Some(home) => Err(PlaceFault::Home { home: home.clone() }),
        None => Ok(found),
    }
}

/// Refuses a workspace that has to do with a folder that is off limits.
fn within(bounds: Bounds<'_>, found: PathBuf) -> Result<PathBuf, PlaceFault> {
    let touched = bounds.off_limits.iter().find(|folder| {
        // One that does not exist yet is held by its path alone.
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| PathBuf::from(folder));
        folder.starts_with(&found) || found.starts_with(&folder)
    });
    match touched {
        Some(folder) => Err(PlaceFault::OffLimits {
            folder: folder.clone(),
        }),
        None => Ok(found),
    }
}

/// Returns the home of this process by its environment, and that of its user in the system's list.
fn homes() -> Vec<PathBuf> {
    let named = variables::inherited("HOME").map(PathBuf::from);
    let mut homes: Vec<PathBuf> = named
        .into_iter()
        .chain(listed())
        .filter(|home| home.is_absolute() && home.parent().is_some())
        .map(|home| fs::canonicalize(&home).unwrap_or(home))
        .collect();
    homes.dedup();
    homes
}

#[cfg(unix)]
fn listed() -> Option<PathBuf> {
    let user = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string(USERS).ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.nth(2)? == user).then(|| fields.nth(2).map(PathBuf::from))?
    })
}

#[cfg(not(unix))]
fn listed() -> Option<PathBuf> {
    None
}

fn directory(path: &Path) -> Result<PathBuf, PlaceFault> {
    let seen = fs::canonicalize(path).and_then(|found| Ok((fs::metadata(&found)?, found)));
    match seen {
        Ok((metadata, found)) if metadata.is_dir() => Ok(found),
        Ok(_) => Err(PlaceFault::NotADirectory),
        Err(err) if err.kind() == ErrorKind::NotFound => Err(PlaceFault::Missing),
        Err(err) if err.kind() == ErrorKind::NotADirectory => Err(PlaceFault::NotADirectory),
        Err(err) => Err(PlaceFault::Unreadable(err)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_home_and_what_holds_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let home = root.join("users/me");
        let project = home.join("project");
        fs::create_dir_all(&project).unwrap();
        let homes = [home.clone()];
        for path in [&home, &root.join("users"), &root] {
            let fault = workspace(path, &homes).unwrap_err();
            assert!(matches!(fault, PlaceFault::Home { .. }), "{fault:?}");
        }
        assert_eq!(workspace(&project, &homes).unwrap(), project);
        assert_eq!(
            workspace(&home.join("../me/project"), &homes).unwrap(),
            project
        );
    }

    #[test]
    #[cfg(unix)]
    fn knows_the_home_of_the_user_from_the_list_of_users() {
        // Not every user of a container is listed.
        assert!(listed().is_none_or(|home| home.is_absolute()));
        assert!(homes().iter().all(|home| home.is_absolute()));
    }
}
