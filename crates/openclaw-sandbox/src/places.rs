//! The folders that a command may use, checked before anything is started.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{Command, SandboxConfig, SandboxError, SandboxLevel};

/// Folders whose loss or change would be that of the whole system; what lies in them may be named.
const WHOLE: [&str; 15] = [
    "/", "/bin", "/boot", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/root",
    "/run", "/sbin", "/usr", "/var",
];

/// Folders that the kernel makes up; nothing in them is a place for work.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

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
    /// It does not lie within an allowed path.
    #[error("it lies outside the allowed paths")]
    Outside,
    /// The operating system does not say what it is.
    #[error("it cannot be looked at")]
    Unreadable(#[source] io::Error),
}

/// The folders of one run: absolute, without symlinks, and existing a moment ago.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Places {
    /// What may be written: each once, outer folders before the inner ones.
    pub(crate) workspaces: Vec<PathBuf>,
    /// What may be read besides, in the same order; nothing of a workspace.
    pub(crate) read_only: Vec<PathBuf>,
    /// Where the command begins, unless it is left to the level.
    pub(crate) cwd: Option<PathBuf>,
}

impl Places {
    /// Looks at the paths of a configuration and a command. Blocks on the file system.
    pub(crate) fn survey(config: &SandboxConfig, command: &Command) -> Result<Self, SandboxError> {
        let mut workspaces = Vec::new();
        for path in &config.allowed_paths {
            let found = workspace(path).map_err(|fault| SandboxError::BadWorkspace {
                path: path.clone(),
                fault,
            })?;
            workspaces.push(found);
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
            .filter_map(|path| workspace(path).ok())
            .filter(|path| {
                !workspaces
                    .iter()
                    .any(|workspace| path.starts_with(workspace))
            })
            .collect();
        read_only.sort();
        read_only.dedup();
        Ok(Self {
            workspaces,
            read_only,
            cwd,
        })
    }
}

fn workspace(path: &Path) -> Result<PathBuf, PlaceFault> {
    let found = directory(path)?;
    let whole = WHOLE.iter().any(|system| found == Path::new(system));
    let kernel = KERNEL.iter().any(|system| found.starts_with(system));
    if whole || kernel || found.parent().is_none() {
        return Err(PlaceFault::System);
    }
    Ok(found)
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
