//! A unix socket of our own: for its owner only, and put in place of a dead one, never of a live one.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::error::GatewayError;

/// The file of a socket of ours; it goes when the gateway does.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Its inode, so that a successor's is left alone.
    inode: u64,
}

impl SocketFile {
    /// Returns where clients find it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|about| about.ino() == self.inode) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Opens a socket at a path.
///
/// # Security
/// It is made under a name that nobody knows, closed to others, and gets its own name only then.
pub(super) async fn bind(path: &Path) -> Result<(UnixListener, SocketFile), GatewayError> {
    let failed = |source: io::Error| GatewayError::Listen {
        addr: path.display().to_string(),
        source,
    };
    make_way(path).await?;
    let draft = draft(path);
    let opened = open(&draft).and_then(|(listener, inode)| {
        fs::rename(&draft, path)?;
        let path = path.to_owned();
        Ok((listener, SocketFile { path, inode }))
    });
    opened.map_err(|source| {
        drop(fs::remove_file(&draft));
        failed(source)
    })
}

fn draft(path: &Path) -> PathBuf {
    // Short, because the system takes about a hundred bytes; in the same folder, to be renamed.
    path.with_file_name(format!(".{}.s", std::process::id()))
}

fn open(path: &Path) -> io::Result<(UnixListener, u64)> {
    drop(fs::remove_file(path));
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok((listener, fs::symlink_metadata(path)?.ino()))
}

/// Sees to it that a path is free: a socket that nobody answers at may go, and nothing else.
async fn make_way(path: &Path) -> Result<(), GatewayError> {
    let failed = |source: io::Error| GatewayError::Listen {
        addr: path.display().to_string(),
        source,
    };
    let about = match fs::symlink_metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        about => about.map_err(failed)?,
    };
    if !about.file_type().is_socket() {
        let path = path.to_owned();
        return Err(GatewayError::NotASocket { path });
    }
    match UnixStream::connect(path).await {
        // It is put out of the way by the rename.
        Err(err) if err.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => Err(failed(io::ErrorKind::AddrInUse.into())),
        Err(source) => Err(failed(source)),
    }
}
