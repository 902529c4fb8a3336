//! `cargo xtask codegen`: the pages in docs/reference that are written from the code.
//!
//! The pages themselves come from the program in `src/reference/`, which links the crates that
//! they describe. Here they are compared with the committed ones, and written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::args::Mode;
use crate::error::Error;
use crate::place::Place;
use crate::report;

/// The folder that holds nothing but generated pages.
const FOLDER: &str = "docs/reference";

/// Why the reference pages are not in order.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodegenError {
    /// Pages differ from what the code says.
    #[error("{} out of date: run `cargo xtask codegen` and commit {FOLDER}", .pages.join(", "))]
    Outdated {
        /// Their names.
        pages: Vec<String>,
    },
    /// A page or folder cannot be used.
    #[error("cannot use `{path}`")]
    Io {
        /// The page or folder.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

/// Writes the reference pages, or tells which ones would change.
pub(crate) fn codegen(place: &Place, mode: Mode) -> Result<(), Error> {
    let scratch = place.target().join("xtask-reference");
    remove_folder(&scratch)?;
    report::step("generating the reference pages");
    place
        .cargo("run")
        .args(["--quiet", "--package", "xtask", "--features", "reference"])
        .args(["--bin", "xtask-reference", "--"])
        .arg(&scratch)
        .check()?;
    let folder = place.root().join(FOLDER);
    let generated = read(&scratch)?;
    let pages = differing(&read(&folder)?, &generated);
    match mode {
        Mode::Check if pages.is_empty() => Ok(()),
        Mode::Check => Err(CodegenError::Outdated { pages }.into()),
        Mode::Write => {
            for page in pages {
                report::note(&format!("{FOLDER}/{page}"));
                write(&folder.join(&page), generated.get(&page).map(Vec::as_slice))?;
            }
            Ok(())
        }
    }
}

type Pages = BTreeMap<String, Vec<u8>>;

/// Names the pages that are missing, changed, or no longer generated.
fn differing(committed: &Pages, generated: &Pages) -> Vec<String> {
    let changed = generated
        .iter()
        .filter(|&(name, page)| committed.get(name) != Some(page));
    let stale = committed
        .iter()
        .filter(|&(name, _)| !generated.contains_key(name));
    changed.chain(stale).map(|(name, _)| name.clone()).collect()
}

/// Reads a flat folder; one that does not exist holds no pages.
fn read(folder: &Path) -> Result<Pages, CodegenError> {
    let mut pages = Pages::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(pages),
        Err(err) => return Err(unusable(folder)(err)),
    };
    for entry in entries {
        let path = entry.map_err(unusable(folder))?.path();
        if let Some(name) = path.file_name() {
            let page = fs::read(&path).map_err(unusable(&path))?;
            pages.insert(name.to_string_lossy().into_owned(), page);
        }
    }
    Ok(pages)
}

/// Writes a page, or removes one that nothing generates any more.
fn write(path: &Path, page: Option<&[u8]>) -> Result<(), CodegenError> {
    match (page, path.parent()) {
        (Some(page), Some(folder)) => {
            fs::create_dir_all(folder).and_then(|()| fs::write(path, page))
        }
        (Some(page), None) => fs::write(path, page),
        (None, _) => fs::remove_file(path),
    }
    .map_err(unusable(path))
}

fn remove_folder(folder: &Path) -> Result<(), CodegenError> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(unusable(folder)(err)),
        _ => Ok(()),
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> CodegenError {
    move |source| CodegenError::Io {
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(pages: &[(&str, &str)]) -> Pages {
        pages
            .iter()
            .map(|&(name, page)| (name.to_owned(), page.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn missing_changed_and_stale_pages_differ() {
        let committed = pages(&[("same.md", "a"), ("changed.md", "a"), ("stale.md", "a")]);
        let generated = pages(&[("same.md", "a"), ("changed.md", "b"), ("new.md", "a")]);
        assert_eq!(
            differing(&committed, &generated),
            ["changed.md", "new.md", "stale.md"]
        );
        assert_eq!(differing(&generated, &generated), [""; 0]);
    }

    #[test]
    fn writing_makes_the_folder_and_removes_what_is_stale() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("docs/reference");
        write(&folder.join("a.md"), Some(b"a")).unwrap();
        write(&folder.join("b.md"), Some(b"b")).unwrap();
        write(&folder.join("a.md"), None).unwrap();
        assert_eq!(read(&folder).unwrap(), pages(&[("b.md", "b")]));
        assert_eq!(read(&dir.path().join("none")).unwrap(), Pages::new());
    }
}
