//! The areas that are folders and are used where they are: workspace and skills.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use openclaw_compat::{Left, Mode};
use openclaw_core::state_dir::{private_dir, private_file};
use serde_json::json;

use super::{Area, MigrateError, Migration};
use crate::error::CliError;

/// How many files of one folder are copied; more are no workspace and no skills.
const MOST_FILES: usize = 100_000;

/// Takes the folders that OpenClaw has beside its config.
pub(super) fn take(migration: &Migration<'_>) -> Result<Vec<Area>, CliError> {
    Ok(vec![
        folders(migration, "workspace", &workspaces(&migration.from))?,
        folders(migration, "skills", &["skills".to_owned()])?,
    ])
}

/// In place folders are used as they are; from elsewhere they are copied, never over what is there.
fn folders(
    migration: &Migration<'_>,
    area: &'static str,
    names: &[String],
) -> Result<Area, CliError> {
    let mut left = Vec::new();
    let (mut many, mut copies) = (0_usize, 0_usize);
    for name in names {
        let (from, to) = (migration.from.join(name), migration.state.root().join(name));
        let Listed { files, others } = match fs::symlink_metadata(&from) {
            Ok(about) if about.is_dir() => listed(&from)?,
            _ => Listed::default(),
        };
        many = many.saturating_add(files.len());
        if !migration.in_place() {
            copies = copies.saturating_add(copy_all(migration, &from, &to, &files, &mut left)?);
            left.extend(others.iter().map(|other| Left {
                what: from.join(other).display().to_string(),
                why: "it is a link or no file, and is not copied".to_owned(),
            }));
        }
    }
    let summary = match (many, migration.in_place()) {
        (0, _) => "none".to_owned(),
        (many, true) => format!("{many} files, used where they are"),
        (many, false) => format!("{copies} of {many} files {}", migration.verb("copied")),
    };
    Ok(Area {
        name: area,
        taken: json!({ "folders": names, "files": many, "copied": copies }),
        left,
        notes: Vec::new(),
        summary,
    })
}

/// Copies the files that are not there yet, and returns how many those are.
fn copy_all(
    migration: &Migration<'_>,
    from: &Path,
    to: &Path,
    files: &[PathBuf],
    left: &mut Vec<Left>,
) -> Result<usize, CliError> {
    let mut copies = 0_usize;
    for file in files {
        let (source, target) = (from.join(file), to.join(file));
        if is_same(&source, &target) {
            continue;
        }
        if fs::symlink_metadata(&target).is_ok() {
            left.push(Left {
                what: source.display().to_string(),
                why: format!("{} exists already", target.display()),
            });
            continue;
        }
        if migration.mode == Mode::Take {
            copied(&source, &target)?;
        }
        copies = copies.saturating_add(1);
    }
    Ok(copies)
}

/// Returns the names of the workspaces: each agent may have one of its own, `workspace-<id>`.
fn workspaces(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name == "workspace" || name.starts_with("workspace-"))
        .collect();
    names.sort();
    names
}

/// What is below a folder.
#[derive(Debug, Default)]
struct Listed {
    /// The regular files.
    files: Vec<PathBuf>,
    /// Links, which are not followed, and what is no file at all.
    others: Vec<PathBuf>,
}

fn listed(folder: &Path) -> Result<Listed, CliError> {
    let mut listed = Listed::default();
    let mut open = vec![PathBuf::new()];
    while let Some(within) = open.pop() {
        let here = folder.join(&within);
        let failed = |source| MigrateError::file(&here, source);
        for entry in fs::read_dir(&here).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let path = within.join(entry.file_name());
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() && listed.files.len() < MOST_FILES {
                listed.files.push(path);
            } else {
                listed.others.push(path);
            }
        }
    }
    listed.files.sort();
    listed.others.sort();
    Ok(listed)
}

/// Copies a file to a place where there is none; only the owner can read the copy.
pub(super) fn copied(from: &Path, to: &Path) -> Result<(), CliError> {
    let failed = |source| MigrateError::file(from, source);
    if let Some(folder) = to.parent() {
        private_dir(folder).map_err(failed)?;
    }
    let copy = || {
        let mut source = fs::File::open(from)?;
        let mut target = private_file(to)?;
        io::copy(&mut source, &mut target)?;
        keep_runnable(&source, &target)?;
        target.sync_all()
    };
    copy().map_err(failed)?;
    Ok(())
}

/// A script that its owner can run stays one.
#[cfg(unix)]
fn keep_runnable(from: &fs::File, to: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let runnable = from.metadata()?.permissions().mode() & 0o100 != 0;
    if runnable {
        to.set_permissions(fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_runnable(_from: &fs::File, _to: &fs::File) -> io::Result<()> {
    Ok(())
}

/// Tells whether there is such a file already, with the same content.
fn is_same(from: &Path, to: &Path) -> bool {
    let content = |path| fs::read(path).ok();
    fs::symlink_metadata(to).is_ok_and(|about| about.is_file()) && content(from) == content(to)
}

/// Tells whether a file is the user's own rather than the home's, such as `.env` in another folder.
pub(super) fn is_private_name(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "env")
        || file.file_name().is_some_and(|name| name == ".env")
}
