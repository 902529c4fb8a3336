//! `$include`: which files a config consists of, and what they say together.
//!
//! A file may lie in the directory of the config or in one that `OPENCLAW_INCLUDE_ROOTS` names,
//! by its name and again after its symbolic links are resolved.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{self, Demands, FileFault, Links, Text};
use super::part::{Members, Part, Shape, Spot};
use super::roots::{Roots, normal};
use crate::document::tree::{Entry, Node, NodeKind};
use crate::document::{Document, MAX_DEPTH, layout};
use crate::problem::{KeyPath, Place, Problem};

/// The member that includes files into the object it stands in.
pub(crate) const INCLUDE: &str = "$include";
/// A member that OpenClaw reads and never sees again: it sets the prototype of a copy.
const UNHEARD: &str = "__proto__";
/// How many files may include each other in a row.
const MAX_INCLUDES: usize = 10;
/// The largest file that is included, in bytes.
const MAX_SIZE: u64 = 2_097_152;
/// How many files a config consists of at most.
const MAX_FILES: usize = 1000;
/// How much is included in all, in bytes: a file may be included many times.
const MAX_TOTAL: usize = 50_000_000;
/// The length that a path stays under, in characters.
const MAX_PATH: usize = 4096;

/// A file that was read.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Its path as it is named, without `.` and `..`.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) document: Arc<Document>,
    /// Whether the document's text is exactly what the file has.
    pub(crate) faithful: bool,
}

/// An `$include` that was followed.
#[derive(Clone, Debug)]
pub(crate) struct Included {
    /// The path of the object that it stands in, in the merged document.
    pub(crate) at: KeyPath,
    /// Which file it stands in.
    pub(crate) by: usize,
    /// Which files it names.
    pub(crate) targets: Vec<usize>,
    /// Whether it names them in a list.
    pub(crate) list: bool,
    /// The other members of the object.
    pub(crate) siblings: Vec<String>,
    /// Whether the object is somewhere in an array.
    pub(crate) in_array: bool,
}

/// What is said for files instead of what they have on disk.
pub(crate) type Overlay = BTreeMap<PathBuf, String>;

/// Follows includes, and collects what it meets.
#[derive(Debug)]
pub(super) struct Includes<'a> {
    roots: Roots,
    overlay: &'a Overlay,
    /// How many bytes were included.
    total: usize,
    pub(super) files: Vec<SourceFile>,
    /// Files that were looked for, there or not, by name and by what the name leads to.
    pub(super) looked_for: Vec<PathBuf>,
    pub(super) followed: Vec<Included>,
    pub(super) problems: Vec<Problem>,
}

/// Where in the files an object stands.
#[derive(Clone)]
struct Scope {
    file: usize,
    /// The files from the config to this one.
    chain: Arc<Vec<PathBuf>>,
    in_array: bool,
}

impl<'a> Includes<'a> {
    pub(super) fn new(roots: Roots, overlay: &'a Overlay) -> Self {
        Self {
            roots,
            overlay,
            total: 0,
            files: Vec::new(),
            looked_for: Vec::new(),
            followed: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Reads a file's text, unless something else is said for it.
    pub(super) fn text(&mut self, path: &Path, demands: Demands) -> Result<Text, FileFault> {
        self.looked_for.push(path.to_path_buf());
        match self.overlay.get(path) {
            Some(text) => Ok(Text {
                text: text.clone(),
                faithful: true,
            }),
            None => file::read(path, demands),
        }
    }

    /// Adds the config itself and everything that it includes.
    pub(super) fn add_root(&mut self, file: SourceFile) -> Part {
        let document = Arc::clone(&file.document);
        let scope = Scope {
            file: 0,
            chain: Arc::new(vec![file.path.clone()]),
            in_array: false,
        };
        self.files.push(file);
        self.part(document.root(), None, &KeyPath::root(), &scope)
    }

    fn part(&mut self, node: &Node, entry: Option<&Entry>, at: &KeyPath, scope: &Scope) -> Part {
        let spot = Spot {
            file: scope.file,
            at: entry.map_or(node.span.start, Entry::start),
        };
        if at.segments().len() > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} levels of nesting, with what is included");
            self.problem(spot, at.clone(), message);
            return Part::empty(spot);
        }
        let shape = match &node.kind {
            NodeKind::Null | NodeKind::Bool(_) | NodeKind::String(_) => Shape::Scalar(node.value()),
            NodeKind::Number(number) if number.is_finite() => Shape::Scalar(node.value()),
            NodeKind::Number(number) => Shape::NonFinite(*number),
            NodeKind::Array(elements) => {
                let scope = Scope {
                    in_array: true,
                    ..scope.clone()
                };
                let elements = elements.iter().enumerate();
                Shape::Array(
                    elements
                        .map(|(index, entry)| {
                            self.part(&entry.value, Some(entry), &at.index(index), &scope)
                        })
                        .collect(),
                )
            }
            NodeKind::Object(_) => return self.object(node, spot, at, scope),
        };
        Part { spot, shape }
    }

    fn object(&mut self, node: &Node, spot: Spot, at: &KeyPath, scope: &Scope) -> Part {
        let mut include = None;
        let mut others = Vec::new();
        for (_, entry) in node.effective() {
            match &entry.key {
                Some(key) if key.name == INCLUDE => include = Some(entry),
                Some(key) if key.name == UNHEARD => {}
                Some(key) => others.push((key.name.as_str(), entry)),
                None => {}
            }
        }
        let siblings: Vec<_> = others.iter().map(|(name, _)| (*name).to_owned()).collect();
        let included = include.map(|entry| self.include(entry, at, scope, siblings));
        if let Some(included) = &included {
            if others.is_empty() {
                return Part {
                    spot,
                    shape: included.shape.clone(),
                };
            }
            if !included.is_object()
                && let Some(entry) = include
            {
                let message = "what is included is no object, so that nothing can stand beside it";
                self.at_include(entry, at, scope, message.to_owned());
                return Part::empty(spot);
            }
        }
        let mut members = Members::default();
        for (name, entry) in others {
            let part = self.part(&entry.value, Some(entry), &at.key(name), scope);
            members.insert(name.to_owned(), part);
        }
        let own = Part {
            spot,
            shape: Shape::Object(members),
        };
        match included {
            Some(included) => included.merge(own),
            None => own,
        }
    }

    fn include(
        &mut self,
        entry: &Entry,
        at: &KeyPath,
        scope: &Scope,
        siblings: Vec<String>,
    ) -> Part {
        let spot = Spot {
            file: scope.file,
            at: entry.start(),
        };
        let mut targets = Vec::new();
        let mut parts = Vec::new();
        let list = matches!(entry.value.kind, NodeKind::Array(_));
        let named: Vec<&Node> = match &entry.value.kind {
            NodeKind::Array(elements) => elements.iter().map(|entry| &entry.value).collect(),
            _ => vec![&entry.value],
        };
        for node in named {
            let loaded = match &node.kind {
                NodeKind::String(path) => self.load(path, entry, at, scope),
                other => {
                    let message = format!(
                        "`{INCLUDE}` takes a path or a list of paths, and here is {}",
                        name_of(other)
                    );
                    self.at_include(entry, at, scope, message);
                    None
                }
            };
            if let Some((target, part)) = loaded {
                targets.push(target);
                parts.push(part);
            }
        }
        self.followed.push(Included {
            at: at.clone(),
            by: scope.file,
            targets,
            list,
            siblings,
            in_array: scope.in_array,
        });
        if list {
            // As OpenClaw does, from an empty object on, so that the same keys are dropped.
            parts.into_iter().fold(Part::empty(spot), Part::merge)
        } else {
            parts.pop().unwrap_or_else(|| Part::empty(spot))
        }
    }

    /// Reads an included file and what that includes; returns which file it is.
    fn load(
        &mut self,
        named: &str,
        entry: &Entry,
        at: &KeyPath,
        scope: &Scope,
    ) -> Option<(usize, Part)> {
        match self.open(named, scope) {
            Ok((path, text)) => {
                let document = match Document::parse(&text.text) {
                    Ok(document) => Arc::new(document),
                    Err(err) => {
                        let place = Place {
                            file: path,
                            line: err.line,
                            column: err.column,
                        };
                        self.problems.push(Problem {
                            place: Some(place),
                            ..Problem::new(at.key(INCLUDE), format!("`{named}`: {err}"))
                        });
                        return None;
                    }
                };
                let file = self.files.len();
                let mut chain = scope.chain.as_ref().clone();
                chain.push(path.clone());
                self.files.push(SourceFile {
                    path,
                    document: Arc::clone(&document),
                    faithful: text.faithful,
                });
                let scope = Scope {
                    file,
                    chain: Arc::new(chain),
                    in_array: scope.in_array,
                };
                Some((file, self.part(document.root(), None, at, &scope)))
            }
            Err(message) => {
                self.at_include(entry, at, scope, message);
                None
            }
        }
    }

    /// Finds and reads a file, if it may be included.
    fn open(&mut self, named: &str, scope: &Scope) -> Result<(PathBuf, Text), String> {
        if named.contains('\0') {
            return Err("a path cannot have a null character in it".to_owned());
        }
        let base = scope.chain.last().and_then(|file| file.parent());
        let path = normal(&base.unwrap_or_else(|| Path::new("/")).join(named));
        if named.chars().count() >= MAX_PATH || path.as_os_str().len() >= MAX_PATH {
            return Err(format!("a path has less than {MAX_PATH} characters"));
        }
        let outside = |how: &str| {
            let roots = self.roots.listed();
            format!("`{named}` {how} outside of {roots}; OPENCLAW_INCLUDE_ROOTS names further ones")
        };
        if !self.roots.name_one_of(&path) {
            return Err(outside("lies"));
        }
        match path.canonicalize() {
            Ok(real) if !self.roots.hold(&real) => {
                return Err(outside("leads by a symbolic link"));
            }
            Ok(real) if real != path => self.looked_for.push(real),
            Ok(_) => {}
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(err) => {
                return Err(format!(
                    "cannot include `{named}`: {}",
                    FileFault::from(err)
                ));
            }
        }
        if scope.chain.contains(&path) {
            let chain = scope.chain.iter().chain([&path]);
            let names: Vec<_> = chain.map(|file| file.display().to_string()).collect();
            return Err(format!(
                "files include each other in a circle: {}",
                names.join(" -> ")
            ));
        }
        if scope.chain.len() > MAX_INCLUDES {
            return Err(format!(
                "`{named}` is more than {MAX_INCLUDES} includes deep"
            ));
        }
        let demands = Demands {
            max_size: MAX_SIZE,
            links: Links::Single,
        };
        let text = self.text(&path, demands);
        let text = text.map_err(|fault| format!("cannot include `{named}`: {fault}"))?;
        self.total = self.total.saturating_add(text.text.len());
        if self.files.len() >= MAX_FILES || self.total > MAX_TOTAL {
            return Err(format!(
                "a config includes at most {MAX_FILES} files and {MAX_TOTAL} bytes"
            ));
        }
        Ok((path, text))
    }

    fn at_include(&mut self, entry: &Entry, at: &KeyPath, scope: &Scope, message: String) {
        let spot = Spot {
            file: scope.file,
            at: entry.start(),
        };
        self.problem(spot, at.key(INCLUDE), message);
    }

    fn problem(&mut self, spot: Spot, path: KeyPath, message: String) {
        self.problems.push(Problem {
            place: place(&self.files, spot),
            ..Problem::new(path, message)
        });
    }
}

/// Returns where a spot is.
pub(super) fn place(files: &[SourceFile], spot: Spot) -> Option<Place> {
    let file = files.get(spot.file)?;
    let (line, column) = layout::place(file.document.text(), spot.at);
    Some(Place {
        file: file.path.clone(),
        line,
        column,
    })
}

const fn name_of(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Null => "null",
        NodeKind::Bool(_) => "a boolean",
        NodeKind::Number(_) => "a number",
        NodeKind::String(_) => "a string",
        NodeKind::Array(_) => "an array",
        NodeKind::Object(_) => "an object",
    }
}
