//! One taking at a time: two would each find that the other's sessions are not there yet.
//!
//! The lock is the operating system's, on a file beside the log, so that it ends with the process.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openclaw_core::EventStore;
use openclaw_core::events::StoreError;
use openclaw_core::state_dir::private_file;
use tokio::task;

/// Waits until nobody else takes sessions into the log; the lock lasts as long as the file is open.
pub(super) async fn wait(log: &EventStore) -> Result<File, StoreError> {
    let path = beside(log.path());
    let file = path.clone();
    let locked = task::spawn_blocking(move || locked(&file)).await;
    let locked = locked.unwrap_or_else(|err| Err(io::Error::other(err)));
    locked.map_err(|source| StoreError::Folder {
        path,
        source: Arc::new(source),
    })
}

fn beside(log: &Path) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push("-taking");
    PathBuf::from(name)
}

fn locked(path: &Path) -> io::Result<File> {
    let file = match private_file(path) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(path)
        }
        made => made,
    }?;
    file.lock()?;
    Ok(file)
}
