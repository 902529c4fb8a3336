//! Through which folders of a workspace a look goes, and in what order.
//!
//! It goes through all folders of one depth before the next, so that what lies near the top is found
//! however much lies deeper, and through what was fetched or built in the end.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
};

use rustix::fs::FileType;

use super::{
    Where,
    folder::{Folder, Next},
    names,
    relics::{COMMONDIR, HEAD, PARTS},
};

/// How many folders down it goes.
const DEPTH: usize = 8;

/// How many entries it looks at.
pub(super) const ENTRIES: usize = 65_536;

/// Folders of what was fetched or built, with more entries than everything else together. Only
/// what lies in their own folders is looked at, and no more entries than this.
const BULKY: [&str; 2] = ["node_modules", "target"];
const BULKY_ENTRIES: usize = 8_192;

/// The file of git's settings in a repository.
const SETTINGS: &str = "config";

/// What an entry is to a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Find {
    Folder,
    Socket,
    Name(Where),
}

/// A folder that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) within: PathBuf,
    depth: usize,
    /// How deep it goes from here.
    most: usize,
}

/// What lies in one folder.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) finds: Vec<(OsString, Find)>,
    /// Which of the names are there that tell a repository.
    signs: Vec<&'static str>,
    /// Whether there was more than could be looked at.
    pub(super) cut: bool,
}

impl Sight {
    /// Says whether git could take the folder itself for a repository.
    pub(super) fn is_like_bare(&self) -> bool {
        let [objects, refs] = PARTS;
        self.has(HEAD) && (self.has(COMMONDIR) || self.has(objects) && self.has(refs))
    }

    /// Says whether there is a file that may be settings of git.
    pub(super) fn has_settings(&self) -> bool {
        self.has(SETTINGS)
    }

    fn has(&self, sign: &str) -> bool {
        self.signs.contains(&sign)
    }

    fn note(&mut self, name: &str, kind: FileType) {
        let [objects, refs] = PARTS;
        let signs = [HEAD, COMMONDIR, objects, refs, SETTINGS];
        let is_file = kind != FileType::Directory;
        self.signs.extend(
            signs
                .into_iter()
                .find(|sign| *sign == name)
                .filter(|sign| is_file || PARTS.contains(sign)),
        );
    }
}

/// The way through one workspace.
#[derive(Debug)]
pub(super) struct Route {
    waiting: VecDeque<Step>,
    bulky: VecDeque<Step>,
    /// Whether it has come to what was fetched or built.
    late: bool,
    /// How many entries may still be looked at.
    left: usize,
    /// Folders that it did not come to.
    pub(super) skipped: VecDeque<Step>,
}

impl Route {
    /// Begins at the top.
    pub(super) fn new() -> Self {
        let top = Step {
            within: PathBuf::new(),
            depth: 0,
            most: DEPTH,
        };
        Self {
            waiting: VecDeque::from([top]),
            bulky: VecDeque::new(),
            late: false,
            left: ENTRIES,
            skipped: VecDeque::new(),
        }
    }

    /// Returns the next folder.
    pub(super) fn next(&mut self) -> Option<Step> {
        if !self.late {
            if self.left > 0
                && let Some(step) = self.waiting.pop_front()
            {
                return Some(step);
            }
            self.late = true;
            self.skipped = std::mem::take(&mut self.waiting);
            self.left = self.left.min(BULKY_ENTRIES);
        }
        if self.left == 0 {
            return None;
        }
        self.bulky.pop_front()
    }

    /// Looks at the entries of a folder.
    pub(super) fn look(&mut self, folder: &Folder, step: &Step) -> io::Result<Sight> {
        let mut sight = Sight::default();
        folder.entries(|name, kind| {
            let text = name.to_str();
            sight.note(text.unwrap_or_default(), kind);
            if let Some(find) = find(text, kind, step.depth) {
                sight.finds.push((name.to_owned(), find));
            }
            self.left = self.left.saturating_sub(1);
            Ok(if self.left > 0 {
                Next::More
            } else {
                Next::Enough
            })
        })?;
        sight.cut = self.left == 0;
        Ok(sight)
    }

    /// Adds a folder that was found, and says whether it is one to tell of because it lies too deep.
    pub(super) fn add(&mut self, step: &Step, name: &OsStr) -> bool {
        let (within, depth, most) = (step.within.join(name), step.depth + 1, step.most);
        let bulky = BULKY.iter().any(|bulky| name == *bulky);
        if depth > most {
            return !bulky && most == DEPTH;
        }
        // Packages of one owner lie in a folder of their own.
        let scope = most < DEPTH && name.to_string_lossy().starts_with('@');
        let most = if bulky {
            depth + 1
        } else {
            most + usize::from(scope)
        };
        let step = Step {
            within,
            depth,
            most,
        };
        if bulky || self.late {
            self.bulky.push_back(step);
        } else {
            self.waiting.push_back(step);
        }
        false
    }
}

/// Says what an entry of this kind is to a look, which has come `depth` folders down.
pub(super) fn find(name: Option<&str>, kind: FileType, depth: usize) -> Option<Find> {
    if kind == FileType::Socket {
        return Some(Find::Socket);
    }
    // What lies at the top is looked for by name, however many entries there are.
    let known = name
        .filter(|name| name.starts_with('.'))
        .and_then(names::find);
    match known {
        Some(_) if depth == 0 => None,
        Some(Where::Records) => Some(Find::Name(Where::Records)),
        // The settings of one folder are often those of another by a symlink.
        Some(place @ (Where::Closed | Where::Kept)) if kind != FileType::Symlink => {
            Some(Find::Name(place))
        }
        Some(_) | None => (kind == FileType::Directory).then_some(Find::Folder),
    }
}
