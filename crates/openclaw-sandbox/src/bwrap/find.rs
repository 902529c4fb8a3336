//! Looking bubblewrap up in a search path.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::SandboxError;

/// Returns the first `bwrap` in `search` that can be run. Blocks on the file system.
///
/// # Security
/// A `bwrap` within one of the `writable` folders may be the work of an earlier command, and is
/// passed over.
pub(crate) fn bwrap(search: &[PathBuf], writable: &[PathBuf]) -> Result<PathBuf, SandboxError> {
    search
        .iter()
        .filter_map(|directory| fs::canonicalize(directory.join("bwrap")).ok())
        .filter(|program| !writable.iter().any(|folder| program.starts_with(folder)))
        .find(|program| is_program(program))
        .ok_or_else(|| SandboxError::BubblewrapMissing {
            searched: search.to_vec(),
        })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
