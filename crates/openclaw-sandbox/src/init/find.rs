//! Which executable acts as the first program.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{CAPABLE, NAME};
use crate::SandboxError;

/// The executable of this process, also when another has taken its place in the file system.
const ITSELF: &str = "/proc/self/exe";

/// The program that can act as the first one, as it is installed.
const INSTALLED: &str = "openclaw";

/// An executable that can act as the first program.
#[derive(Debug)]
pub(crate) struct Found {
    /// What to start where there is no sandbox around.
    pub(crate) program: PathBuf,
    /// What to put into a sandbox.
    pub(crate) source: Source,
}

/// How an executable gets into a sandbox.
#[derive(Debug)]
pub(crate) enum Source {
    /// It is mounted from here.
    Path(PathBuf),
    /// A copy is made of it, because what is at its path is not, or need not be, the same.
    Content(File),
}

/// Where the caller wishes it to be looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// The one that the caller names.
    pub(crate) named: Option<&'a Path>,
    /// The search path.
    pub(crate) search: &'a [PathBuf],
    /// Folders that commands may write.
    pub(crate) writable: &'a [PathBuf],
}

/// Returns the first executable that will do. Blocks on the file system.
///
/// # Security
/// What lies within a writable folder may be the work of an earlier command. It is passed over,
/// except for the executable of this process, whose content is beyond reach.
pub(crate) fn init(wish: Wish<'_>) -> Result<Found, SandboxError> {
    if let Some(found) = wish.named.and_then(|path| at(path, wish.writable)) {
        return Ok(found);
    }
    if CAPABLE.get().is_some()
        && let Some(found) = itself(wish.writable)
    {
        return Ok(found);
    }
    let mut paths = Vec::new();
    if let Some(folder) = std::env::current_exe()
        .ok()
        .as_deref()
        .and_then(Path::parent)
    {
        paths.push(folder.join(NAME));
        // Cargo puts tests one level below the programs that they are about.
        if folder.file_name().is_some_and(|name| name == "deps") {
            paths.extend(folder.parent().map(|folder| folder.join(NAME)));
        }
    }
    paths.extend(wish.search.iter().map(|folder| folder.join(INSTALLED)));
    let found = paths.iter().find_map(|path| at(path, wish.writable));
    found.ok_or_else(|| SandboxError::InitMissing {
        searched: "beside this program and in the search path".to_owned(),
    })
}

fn at(path: &Path, writable: &[PathBuf]) -> Option<Found> {
    let path = fs::canonicalize(path).ok()?;
    let metadata = fs::metadata(&path).ok()?;
    let runs = metadata.is_file() && metadata.permissions().mode() & 0o111 != 0;
    (runs && !within(&path, writable)).then(|| Found {
        program: path.clone(),
        source: Source::Path(path),
    })
}

fn itself(writable: &[PathBuf]) -> Option<Found> {
    let file = File::open(ITSELF).ok()?;
    let running = file.metadata().ok()?;
    let same = |path: &Path| {
        fs::metadata(path)
            .is_ok_and(|there| (there.dev(), there.ino()) == (running.dev(), running.ino()))
    };
    let source = match std::env::current_exe() {
        Ok(path) if same(&path) && !within(&path, writable) => Source::Path(path),
        Ok(_) | Err(_) => Source::Content(file),
    };
    Some(Found {
        program: PathBuf::from(ITSELF),
        source,
    })
}

fn within(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}
