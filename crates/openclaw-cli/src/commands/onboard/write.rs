//! Writing a file that must not exist yet: whole or not at all, for the owner only.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use openclaw_core::state_dir::{private_dir, private_file, publish};

use super::OnboardError;

/// Writes the config unless there is one.
pub(super) fn write(path: &Path, text: &str) -> Result<(), OnboardError> {
    expect_none(path, text)?;
    match write_new(path, text) {
        Ok(()) => Ok(()),
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Err(exists(path, text)),
        Err(source) => Err(OnboardError::Write {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Fails where there is a config already.
pub(super) fn expect_none(path: &Path, text: &str) -> Result<(), OnboardError> {
    // A link that leads nowhere counts as a file of the user's, too.
    match path.symlink_metadata() {
        Ok(_) => Err(exists(path, text)),
        Err(_) => Ok(()),
    }
}

fn exists(path: &Path, text: &str) -> OnboardError {
    OnboardError::Exists {
        path: path.to_owned(),
        addition: text.to_owned(),
    }
}

/// The file appears under its name only when it is whole, and only if nobody else was faster.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    private_dir(folder)?;
    let draft = folder.join(format!(".openclaw.json.{}", std::process::id()));
    let mut file = private_file(&draft)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| publish(&draft, path))
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn the_config_is_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/openclaw.json");
        write(&path, "{}\n").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}\n");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_or_link_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (
            dir.path().join("openclaw.json"),
            dir.path().join("link.json"),
        );
        fs::write(&file, "mine").unwrap();
        symlink("nowhere", &link).unwrap();
        for path in [&file, &link] {
            let err = write(path, "{}").unwrap_err();
            assert!(matches!(err, OnboardError::Exists { .. }), "{err}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
