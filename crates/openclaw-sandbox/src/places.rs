//! The folders that a command may use, checked before anything is started.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

use crate::{Command, SandboxConfig, SandboxError, SandboxLevel, variables};

#[cfg(target_os = "linux")]
use crate::protected::{Protection, Seen, identities};

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

/// Folders that commands get no look into: secrets of the system and sockets of its services.
const CLOSED: [&str; 4] = ["/etc", "/run", "/private/etc", "/private/var/run"];

/// Folders that everybody uses, so that what they hold is nobody's to show as a whole.
const SHARED: [&str; 8] = [
    "/tmp",
    "/var/tmp",
    "/private/tmp",
    "/private/var",
    "/private/var/tmp",
    "/media",
    "/mnt",
    "/srv",
];

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
    /// It lies in a workspace by its name, and elsewhere in truth.
    #[error("it leads out of the workspace that it lies in")]
    LedOut,
    /// A path that was judged has become a symlink, or has one on the way.
    #[error("symlinks lead from there to `{}`", found.display())]
    Exchanged {
        /// What it leads to by now.
        found: PathBuf,
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
    /// The folders of programs among them all, in the order of the settings.
    #[cfg(target_os = "linux")]
    pub(crate) toolchains: Vec<PathBuf>,
    /// Which folders `read_only` meant when they were judged.
    #[cfg(target_os = "linux")]
    pub(crate) identities: Vec<Seen>,
    /// What is mounted over the workspaces; it has to live as long as the run.
    #[cfg(target_os = "linux")]
    pub(crate) protection: Protection,
}

/// What the owner says about workspaces as such.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    /// Folders that no workspace may hold, or lie in; nor may what a command is shown.
    pub(crate) off_limits: &'a [PathBuf],
    /// Folders within those that a command may be shown all the same.
    pub(crate) exempt: &'a [PathBuf],
    /// Folders of programs that every command is shown.
    pub(crate) toolchains: &'a [PathBuf],
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
        let mut workspaces = Vec::new();
        for path in &config.allowed_paths {
            workspaces.push(judged(path, bounds)?);
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
        let toolchains = toolchains(config, &workspaces, bounds)?;
        let mut read_only = toolchains.clone();
        for path in &command.read_only {
            let own = lies_in(path, &config.allowed_paths) || lies_in(path, &workspaces);
            match shown(path, bounds) {
                // A name in a workspace says nothing about what is shown: commands can change it.
                _ if own => {}
                Ok(found) if is_exchanged(path, &found) => {
                    return Err(SandboxError::BadReadable {
                        path: path.clone(),
                        fault: PlaceFault::Exchanged { found },
                    });
                }
                Ok(found) => read_only.push(found),
                // It was there when somebody asked for it; a command does without it.
                Err(PlaceFault::Missing | PlaceFault::NotADirectory) => {}
                Err(fault) => {
                    return Err(SandboxError::BadReadable {
                        path: path.clone(),
                        fault,
                    });
                }
            }
        }
        read_only.retain(|path| !lies_in(path, &workspaces));
        read_only.sort();
        read_only.dedup();
        #[cfg(target_os = "linux")]
        let (protection, identities) = match config.level {
            SandboxLevel::None => (Protection::default(), Vec::new()),
            SandboxLevel::Relaxed | SandboxLevel::Strict => {
                let own = toolchains.iter().filter(|path| lies_in(path, &workspaces));
                let own: Vec<PathBuf> = own.cloned().collect();
                let protection = Protection::survey(&workspaces, bounds.protected, &own)?;
                (protection, identities(&read_only)?)
            }
        };
        Ok(Self {
            workspaces,
            read_only,
            cwd,
            #[cfg(target_os = "linux")]
            toolchains,
            #[cfg(target_os = "linux")]
            identities,
            #[cfg(target_os = "linux")]
            protection,
        })
    }
}

/// Returns a workspace without symlinks, if it may be one.
pub(crate) fn judged(path: &Path, bounds: Bounds<'_>) -> Result<PathBuf, SandboxError> {
    workspace(path, &homes())
        .and_then(|found| within(bounds.off_limits, found))
        .map_err(|fault| SandboxError::BadWorkspace {
            path: path.to_owned(),
            fault,
        })
}

/// Returns where a workspace is, or will be when somebody makes it, if it may be one.
pub(crate) fn judged_ahead(path: &Path, bounds: Bounds<'_>) -> Result<PathBuf, SandboxError> {
    let whole = std::path::absolute(path).map_err(PlaceFault::Unreadable);
    let ahead = whole.and_then(|path| planned(&path)).and_then(|found| {
        let found = sound(found, &homes())?;
        within(bounds.off_limits, found)
    });
    ahead.map_err(|fault| SandboxError::BadWorkspace {
        path: path.to_owned(),
        fault,
    })
}

/// Returns a folder without symlinks, if a command may be shown all that it holds.
pub(crate) fn shown(path: &Path, bounds: Bounds<'_>) -> Result<PathBuf, PlaceFault> {
    let found = workspace(path, &homes())?;
    let closed = CLOSED.iter().any(|system| found.starts_with(system));
    if closed || SHARED.iter().any(|system| found == Path::new(system)) {
        return Err(PlaceFault::System);
    }
    let exempt = bounds.exempt.iter().any(|folder| {
        // Where the folder itself is a link, what it leads to is judged like everything else.
        planned_beneath(folder).is_some_and(|folder| found.starts_with(folder))
    });
    if exempt {
        let mut off_limits = bounds.off_limits.iter();
        let holds = off_limits.find(|place| real(place).starts_with(&found));
        return match holds {
            Some(folder) => Err(PlaceFault::OffLimits {
                folder: folder.clone(),
            }),
            None => Ok(found),
        };
    }
    within(bounds.off_limits, found)
}

/// Returns the toolchains without symlinks; one that cannot be shown is the owner's to put right.
fn toolchains(
    config: &SandboxConfig,
    workspaces: &[PathBuf],
    bounds: Bounds<'_>,
) -> Result<Vec<PathBuf>, SandboxError> {
    let judge = |path: &PathBuf| {
        let found = shown(path, bounds)?;
        let named_within = lies_in(path, &config.allowed_paths) || lies_in(path, workspaces);
        if named_within && !lies_in(&found, workspaces) {
            return Err(PlaceFault::LedOut);
        }
        Ok(found)
    };
    let judged = bounds.toolchains.iter().map(|path| {
        judge(path).map_err(|fault| SandboxError::BadToolchain {
            path: path.clone(),
            fault,
        })
    });
    judged.collect()
}

/// Says whether a path that was whole leads elsewhere by now: who names a folder to show has judged
/// it before, and in a place that a command may write a symlink can have taken its place since.
fn is_exchanged(path: &Path, found: &Path) -> bool {
    let whole = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    whole && path != found
}

fn lies_in(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

fn workspace(path: &Path, homes: &[PathBuf]) -> Result<PathBuf, PlaceFault> {
    sound(directory(path)?, homes)
}

/// Refuses what belongs to the system or holds a home.
fn sound(found: PathBuf, homes: &[PathBuf]) -> Result<PathBuf, PlaceFault> {
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

/// Refuses a folder that has to do with one that is off limits.
fn within(off_limits: &[PathBuf], found: PathBuf) -> Result<PathBuf, PlaceFault> {
    let touched = off_limits.iter().find(|folder| {
        let folder = real(folder);
        folder.starts_with(&found) || found.starts_with(&folder)
    });
    match touched {
        Some(folder) => Err(PlaceFault::OffLimits {
            folder: folder.clone(),
        }),
        None => Ok(found),
    }
}

/// Returns a path without symlinks; one that does not exist yet is held by where it would be.
fn real(path: &Path) -> PathBuf {
    planned(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns where a path leads, or would lead if what is missing of it were made.
fn planned(path: &Path) -> Result<PathBuf, PlaceFault> {
    match fs::canonicalize(path) {
        Ok(found) => Ok(found),
        Err(err) if err.kind() == ErrorKind::NotFound => {
            planned_beneath(path).ok_or(PlaceFault::Missing)
        }
        Err(err) if err.kind() == ErrorKind::NotADirectory => Err(PlaceFault::NotADirectory),
        Err(err) => Err(PlaceFault::Unreadable(err)),
    }
}

/// Returns a name in its folder, which alone is freed of symlinks.
fn planned_beneath(path: &Path) -> Option<PathBuf> {
    Some(planned(path.parent()?).ok()?.join(path.file_name()?))
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
