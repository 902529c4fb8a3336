//! A copy of the large store, which may be changed.

use std::fs;
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::stores::{folder, million};

/// Returns a state directory with the large store, on the disk and in the page cache.
pub(crate) async fn million_copy() -> TempDir {
    let made = million().await;
    let copy = folder();
    copy_folder(&made, copy.path()).unwrap();
    copy
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            // Otherwise the copy would be written out while something is measured.
            fs::File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}
