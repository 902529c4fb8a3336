//! What a search passes over: what `.gitignore` and `.ignore` files name, and git's own records.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use openclaw_sandbox::{EntryKind, Inside};

use crate::tools::place::Place;

/// The files that name what is ignored; the later one decides.
const FILES: [&str; 2] = [".gitignore", ".ignore"];

/// The folder of git's records.
const GIT: &str = ".git";

/// The longest such file that is read; more than that nobody writes.
const MAX_BYTES: u64 = 1024 * 1024;

/// What is ignored on the way through a folder.
#[derive(Debug)]
pub(crate) struct Ignored {
    /// Where the search begins, with a slash before it.
    start: PathBuf,
    /// The rules of the folders that it is in, the outermost first.
    rules: Vec<Gitignore>,
}

impl Ignored {
    /// Reads the rules of the folders above a place.
    pub(crate) async fn above(place: &Place) -> Self {
        let root = Path::new("/");
        let real = place.folder.real(&place.path).await.unwrap_or_default();
        let mut rules = Vec::new();
        let mut folder = PathBuf::new();
        let parts: Vec<_> = real.components().collect();
        // The folder itself is entered by the walk.
        for part in parts.iter().filter(|part| part.as_os_str() != ".") {
            let mut builder = GitignoreBuilder::new(root.join(&folder));
            for name in FILES {
                if let Ok(bytes) = place.folder.read(folder.join(name), MAX_BYTES).await {
                    add(&mut builder, &bytes);
                }
            }
            rules.extend(builder.build());
            folder.push(part);
        }
        Self {
            start: root.join(folder),
            rules,
        }
    }

    /// Takes the rules of a folder that is entered.
    pub(crate) fn enter(&mut self, inside: &Inside<'_>) {
        let mut builder = GitignoreBuilder::new(self.whole(inside.path));
        for name in FILES {
            let mut bytes = Vec::new();
            let read = inside
                .open(name)
                .map(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
            if let Ok(Ok(_)) = read {
                add(&mut builder, &bytes);
            }
        }
        self.rules
            .push(builder.build().unwrap_or_else(|_| Gitignore::empty()));
    }

    /// Leaves the folder that was entered last.
    pub(crate) fn leave(&mut self) {
        drop(self.rules.pop());
    }

    /// Says whether an entry of the folder that was entered last is passed over.
    pub(crate) fn hides(&self, path: &Path, kind: EntryKind) -> bool {
        if path.file_name().is_some_and(|name| name == GIT) {
            return true;
        }
        let whole = self.whole(path);
        let decided = self
            .rules
            .iter()
            .rev()
            .map(|rules| rules.matched(&whole, kind == EntryKind::Directory))
            .find(|found| !found.is_none());
        matches!(decided, Some(Match::Ignore(_)))
    }

    fn whole(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() {
            self.start.clone()
        } else {
            self.start.join(path)
        }
    }
}

fn add(builder: &mut GitignoreBuilder, bytes: &[u8]) {
    for line in String::from_utf8_lossy(bytes).lines() {
        // A line that is no rule says nothing, as for git.
        drop(builder.add_line(None, line));
    }
}
