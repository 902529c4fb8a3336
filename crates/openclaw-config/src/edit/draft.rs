//! A config while it is being changed: which file owns a path, and what comes out of it.

use std::fmt;
use std::path::{Path, PathBuf};

use openclaw_core::env::Env;
use serde_json::Value;

use super::SaveError;
use crate::document::Document;
use crate::problem::KeyPath;
use crate::source::{self, INCLUDE, Included, Overlay, Source, normal};

/// What a config that is not there yet is edited from.
const NEW: &str = "{}\n";

/// The files of a config while they are being changed; nothing is on disk yet.
pub struct Draft {
    path: PathBuf,
    env: Env,
    /// The files as they were when the draft was begun.
    before: Overlay,
    overlay: Overlay,
    source: Source,
}

// The values may be secrets, so that only the name of the file is printed.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A file that a draft changes.
#[derive(Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) path: &'a Path,
    /// What it has now; `None` when it is not there.
    pub(super) before: Option<&'a str>,
    pub(super) after: &'a str,
}

/// Where an edit has to be made.
struct Owner {
    file: PathBuf,
    /// The path in that file.
    path: KeyPath,
}

impl Draft {
    pub(super) fn read(path: &Path, env: &Env) -> Result<Self, SaveError> {
        let path = normal(&std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
        let source = source::read(&path, env).map_err(SaveError::Unreadable)?;
        let files = source.sources().iter();
        let before = files
            .map(|file| (file.path.clone(), file.document.text().to_owned()))
            .collect();
        Ok(Self {
            path,
            env: env.clone(),
            before,
            overlay: Overlay::new(),
            source,
        })
    }

    /// Returns the merged document as it is now, with `${VAR}` as written.
    pub const fn value(&self) -> &Value {
        self.source.written()
    }

    /// Returns the config as it is now.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Returns the text of the config's own file as it is now; nothing when there is none.
    pub fn text(&self) -> &str {
        let overlay = self.overlay.get(&self.path);
        let text = overlay.or_else(|| self.before.get(&self.path));
        text.map_or("", String::as_str)
    }

    /// Sets a value, in the file that owns the path.
    pub fn set(&mut self, path: &KeyPath, value: &Value) -> Result<(), SaveError> {
        if let Some(included) = self.divided(path) {
            let included = included.clone();
            return self.set_members(path, value, &included);
        }
        self.change(path, |document, path| {
            document.set(path, value).map(|()| true)
        })?;
        Ok(())
    }

    /// Removes a value from the file that owns it; returns whether there was one.
    pub fn unset(&mut self, path: &KeyPath) -> Result<bool, SaveError> {
        if let Some(included) = self.source.included().iter().find(|it| it.at == *path) {
            return Err(self.refusal(path, included, "as a whole"));
        }
        if let Some(included) = self.divided(path) {
            return Err(self.refusal(path, included, "in part"));
        }
        self.change(path, |document, path| Ok(document.unset(path)))
    }

    /// Makes the merged document say `value`, with as few edits as that takes.
    pub fn reshape(&mut self, value: &Value) -> Result<(), SaveError> {
        self.set(&KeyPath::root(), value)
    }

    /// Returns the files that are different from what they were.
    pub(super) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.overlay.iter().filter_map(|(path, after)| {
            let before = self.before.get(path).map(String::as_str);
            let change = Change {
                path,
                before,
                after,
            };
            (before != Some(after.as_str())).then_some(change)
        })
    }

    /// Returns an include that has a part of what is at a path, but not all of it.
    fn divided(&self, path: &KeyPath) -> Option<&Included> {
        self.source.included().iter().find(|included| {
            let below = included.at.segments().strip_prefix(path.segments());
            match below {
                Some([]) => !is_sole(included),
                Some(_) => true,
                None => false,
            }
        })
    }

    /// Sets what is different in an object that files make together.
    fn set_members(
        &mut self,
        path: &KeyPath,
        value: &Value,
        included: &Included,
    ) -> Result<(), SaveError> {
        let (Some(Value::Object(old)), Value::Object(new)) = (at(self.value(), path), value) else {
            return Err(self.refusal(path, included, "in part"));
        };
        let (old, new) = (old.clone(), new.clone());
        for key in old.keys().filter(|key| !new.contains_key(*key)) {
            self.unset(&path.key(key))?;
        }
        for (key, value) in &new {
            if old.get(key) != Some(value) {
                self.set(&path.key(key), value)?;
            }
        }
        Ok(())
    }

    /// Makes an edit in the file that owns a path, and makes sure that it has come to what was
    /// asked for.
    fn change(
        &mut self,
        path: &KeyPath,
        edit: impl Fn(&mut Document, &KeyPath) -> Result<bool, crate::document::EditError>,
    ) -> Result<bool, SaveError> {
        let owner = self.owner(path)?;
        let mut expected = parsed(&self.value().to_string());
        let expected_change = expected.as_mut().map(|document| edit(document, path));
        let known = self
            .overlay
            .get(&owner.file)
            .or_else(|| self.before.get(&owner.file));
        let text = known.map_or(NEW, String::as_str);
        let Some(mut document) = parsed(text) else {
            return Err(SaveError::NotText { file: owner.file });
        };
        let changed = edit(&mut document, &owner.path)?;
        if document.text() == text && matches!(expected_change, Some(Ok(false))) {
            return Ok(changed);
        }
        let mut overlay = self.overlay.clone();
        overlay.insert(owner.file.clone(), document.text().to_owned());
        let source =
            source::compose(&self.path, &self.env, &overlay).map_err(SaveError::Refused)?;
        let directive = path.segments().iter().any(|segment| segment == INCLUDE);
        let same = expected.is_some_and(|expected| expected.value() == *source.written());
        if !same && !directive {
            return Err(SaveError::Included {
                path: path.clone(),
                file: self.another_file(&owner.file),
                reason: "which the edit would not change",
            });
        }
        self.overlay = overlay;
        self.source = source;
        Ok(changed)
    }

    /// Finds the file that says what is at a path, or would.
    fn owner(&self, path: &KeyPath) -> Result<Owner, SaveError> {
        let sources = self.source.sources();
        let mut file = 0;
        let mut base = 0;
        loop {
            let segments = path.segments();
            let next = self.source.included().iter().find(|included| {
                included.by == file
                    && included.at.segments().len() >= base
                    && segments.starts_with(included.at.segments())
                    && !says_itself(included, segments)
            });
            let Some(included) = next else { break };
            if let Some(reason) = obstacle(included) {
                return Err(self.refusal(path, included, reason));
            }
            let Some(target) = included.targets.first() else {
                break;
            };
            file = *target;
            base = included.at.segments().len();
            if let Some(reason) = self.foreign(file) {
                return Err(self.refusal(path, included, reason));
            }
        }
        let Some(source) = sources.get(file) else {
            return Ok(Owner {
                file: self.path.clone(),
                path: path.clone(),
            });
        };
        if !source.faithful {
            let file = source.path.clone();
            return Err(SaveError::NotText { file });
        }
        Ok(Owner {
            file: source.path.clone(),
            path: path.segments().iter().skip(base).collect(),
        })
    }

    /// Returns why an included file is not for an edit of this config to change.
    fn foreign(&self, file: usize) -> Option<&'static str> {
        let sources = self.source.sources();
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let target = real(&sources.get(file)?.path);
        let again = sources
            .iter()
            .enumerate()
            .any(|(other, source)| other != file && real(&source.path) == target);
        if again {
            return Some("which is included more than once");
        }
        let own = self.path.parent().map(real)?;
        (!target.starts_with(own)).then_some("which lies outside of the config's directory")
    }

    fn refusal(&self, path: &KeyPath, included: &Included, reason: &'static str) -> SaveError {
        let target = included.targets.first().copied().unwrap_or(included.by);
        let file = self.source.sources().get(target);
        SaveError::Included {
            path: path.clone(),
            file: file.map_or_else(|| self.path.clone(), |file| file.path.clone()),
            reason,
        }
    }

    fn another_file(&self, owner: &Path) -> PathBuf {
        let mut sources = self.source.sources().iter().rev();
        let other = sources.find(|source| source.path != owner);
        other.map_or_else(|| owner.to_path_buf(), |source| source.path.clone())
    }
}

/// Returns whether one file alone says what the object is.
fn is_sole(included: &Included) -> bool {
    obstacle(included).is_none()
}

/// Returns why an edit below an include cannot go to the file that it names.
fn obstacle(included: &Included) -> Option<&'static str> {
    if included.in_array {
        Some("in an array")
    } else if included.list {
        Some("among other files")
    } else if !included.siblings.is_empty() {
        Some("with members beside the `$include`")
    } else if included.at.segments().is_empty() {
        Some("as a whole")
    } else {
        None
    }
}

/// Returns whether a path leads to a member beside an `$include`, which the including file says.
fn says_itself(included: &Included, path: &[String]) -> bool {
    let member = path.get(included.at.segments().len());
    member.is_some_and(|member| member == INCLUDE || included.siblings.contains(member))
}

fn parsed(text: &str) -> Option<Document> {
    Document::parse(text).ok()
}

fn at<'a>(value: &'a Value, path: &KeyPath) -> Option<&'a Value> {
    path.segments()
        .iter()
        .try_fold(value, |value, segment| match value {
            Value::Object(members) => members.get(segment),
            Value::Array(elements) => elements.get(crate::document::tree::index(segment)?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
}
