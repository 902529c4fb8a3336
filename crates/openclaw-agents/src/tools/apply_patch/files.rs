//! The files of a patch, as they are and as they are to be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use openclaw_sandbox::{Before, Change, FileError, Workspace};

use super::hunks::apply;
use super::parse::{Action, FilePatch, Hunk, Line};
use crate::tools::ToolError;
use crate::tools::page::{Page, count};
use crate::tools::read::MAX_FILE_BYTES;

/// The files that a patch is about; nothing of them changes before all are known.
pub(super) struct Files<'a> {
    workspace: &'a Workspace,
    /// By where they are, without symlinks.
    known: BTreeMap<PathBuf, File>,
    said: Vec<String>,
}

/// One file.
struct File {
    /// As the patch names it.
    named: String,
    before: Option<Vec<u8>>,
    now: Option<Vec<u8>>,
    /// The file that it was, if that had another path.
    moved_from: Option<PathBuf>,
}

impl<'a> Files<'a> {
    pub(super) const fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            known: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    /// Does to a file what a patch says, on paper.
    pub(super) async fn apply(&mut self, patch: &FilePatch) -> Result<(), ToolError> {
        let path = self.look(&patch.path).await?;
        match &patch.action {
            Action::Add(content) => {
                self.put(&path, patch, content.clone().into_bytes())?;
                let lines = content.lines().count();
                self.said.push(format!("added {} (+{lines})", patch.path));
            }
            Action::Delete => {
                self.refuse_link(patch, &path).await?;
                self.take(&path, patch)?;
                self.said.push(format!("deleted {}", patch.path));
            }
            Action::Update { moved, hunks } => {
                let old = self.take(&path, patch)?;
                let new = updated(patch, old, hunks)?;
                let target = match moved {
                    Some(moved) => self.look(moved).await?,
                    None => path.clone(),
                };
                if target == path {
                    self.set(&path, Some(new));
                    self.said
                        .push(format!("updated {} ({})", patch.path, counted(hunks)));
                } else {
                    self.refuse_link(patch, &path).await?;
                    self.put(&target, patch, new)?;
                    if let Some(file) = self.known.get_mut(&target) {
                        file.moved_from = Some(path);
                    }
                    let moved = moved.as_deref().unwrap_or_default();
                    self.said.push(format!(
                        "moved {} to {moved} ({})",
                        patch.path,
                        counted(hunks)
                    ));
                }
            }
        }
        Ok(())
    }

    /// Says what is done, one file a line.
    pub(super) fn said(&self) -> String {
        let mut page = Page::new();
        let fits = self.said.iter().all(|line| page.push(&format!("{line}\n")));
        let note = count(self.said.len(), "file", "files");
        page.close((!fits).then_some(note.as_str()))
            .trim_end()
            .to_owned()
    }

    /// Returns the changes that make the files what they are to be.
    pub(super) fn changes(self) -> Result<Vec<Change>, ToolError> {
        let changed = self
            .known
            .into_iter()
            .filter(|(_, file)| file.before != file.now);
        let changes: Vec<Change> = changed
            .map(|(path, file)| Change {
                path,
                before: match file.before {
                    Some(content) => Before::Exactly(content),
                    None => Before::Nothing,
                },
                after: file.now,
                like: file.moved_from,
            })
            .collect();
        if changes.is_empty() {
            return Err(ToolError::ForModel(
                "nothing was changed: the files are as the patch wants them already".to_owned(),
            ));
        }
        Ok(changes)
    }

    /// Reads a file, if it is not known yet, and returns where it is.
    async fn look(&mut self, named: &str) -> Result<PathBuf, ToolError> {
        let path = self.workspace.real(named).await?;
        if self.known.contains_key(&path) {
            return Ok(path);
        }
        let before = match self.workspace.read(named, MAX_FILE_BYTES).await {
            Ok(content) => Some(content),
            Err(FileError::Missing { .. }) => None,
            Err(err) => return Err(err.into()),
        };
        let file = File {
            named: named.to_owned(),
            now: before.clone(),
            before,
            moved_from: None,
        };
        self.known.insert(path.clone(), file);
        Ok(path)
    }

    /// Takes the content of a file away, which has to be there.
    fn take(&mut self, path: &Path, patch: &FilePatch) -> Result<Vec<u8>, ToolError> {
        let content = self.known.get_mut(path).and_then(|file| file.now.take());
        content.ok_or_else(|| refused(patch, "there is no such file"))
    }

    /// Puts content where no file may be.
    fn put(&mut self, path: &Path, patch: &FilePatch, content: Vec<u8>) -> Result<(), ToolError> {
        let taken = self.known.get(path).filter(|file| file.now.is_some());
        if let Some(file) = taken {
            let problem = format!(
                "`{}` exists already; update it, or delete it before in the same patch",
                file.named
            );
            return Err(refused(patch, &problem));
        }
        self.set(path, Some(content));
        Ok(())
    }

    fn set(&mut self, path: &Path, content: Option<Vec<u8>>) {
        if let Some(file) = self.known.get_mut(path) {
            file.now = content;
        }
    }

    /// Refuses to remove what is reached by a link: the file itself would go, and the link stay.
    async fn refuse_link(&self, patch: &FilePatch, real: &Path) -> Result<(), ToolError> {
        let named = Path::new(&patch.path);
        let folder = named.parent().unwrap_or(Path::new(""));
        let Some(name) = named.file_name() else {
            return Ok(());
        };
        let folder = self.workspace.real(folder).await?;
        let plain: PathBuf = folder.join(name).components().collect();
        let real: PathBuf = real.components().collect();
        if plain.strip_prefix(".").unwrap_or(&plain) == real.strip_prefix(".").unwrap_or(&real) {
            Ok(())
        } else {
            Err(refused(patch, "it is a link; use a command to remove it"))
        }
    }
}

fn updated(patch: &FilePatch, old: Vec<u8>, hunks: &[Hunk]) -> Result<Vec<u8>, ToolError> {
    let text = String::from_utf8(old).map_err(|err| {
        let at = err.utf8_error().valid_up_to();
        refused(patch, &format!("it is not text in UTF-8 from byte {at} on"))
    })?;
    match apply(&text, hunks) {
        Ok(new) => Ok(new.into_bytes()),
        Err(err) => Err(refused(patch, &err.to_string())),
    }
}

fn refused(patch: &FilePatch, problem: &str) -> ToolError {
    ToolError::ForModel(format!(
        "nothing was changed: `{}` (line {} of the patch): {problem}",
        patch.path, patch.line
    ))
}

fn counted(hunks: &[Hunk]) -> String {
    let lines = || hunks.iter().flat_map(|hunk| &hunk.lines);
    let added = lines()
        .filter(|line| matches!(line, Line::Insert(_)))
        .count();
    let removed = lines()
        .filter(|line| matches!(line, Line::Remove(_)))
        .count();
    format!("+{added} -{removed}")
}
