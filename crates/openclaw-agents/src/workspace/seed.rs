//! The first files of a workspace that nobody has used yet.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use openclaw_core::Kind;
use openclaw_core::state_dir::{private_file, publish};
use uuid::Uuid;

use super::{DIARY, FILES};

/// The files and what stands in them; the last one is for the first conversation.
const TEMPLATES: [(&str, &str); 5] = [
    ("AGENTS.md", include_str!("templates/AGENTS.md")),
    ("SOUL.md", include_str!("templates/SOUL.md")),
    ("IDENTITY.md", include_str!("templates/IDENTITY.md")),
    ("USER.md", include_str!("templates/USER.md")),
    ("BOOTSTRAP.md", include_str!("templates/BOOTSTRAP.md")),
];

/// The files that the config may leave out.
const OPTIONAL: [&str; 3] = ["SOUL.md", "IDENTITY.md", "USER.md"];

/// Whether files are made, and which (`agents.defaults.skipBootstrap`,
/// `skipOptionalBootstrapFiles`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeding {
    /// None; the user keeps the workspace.
    Off,
    /// All but these.
    AllBut(Vec<String>),
}

impl Default for Seeding {
    fn default() -> Self {
        Self::AllBut(Vec::new())
    }
}

/// Why a workspace has not all of its first files.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the file `{path}` of a new workspace")]
pub struct SeedError {
    /// The file.
    pub path: PathBuf,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

impl SeedError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Unavailable
    }
}

/// Makes the first files of a workspace, unless anything in it shows that somebody uses it.
///
/// No file that exists is written to. Returns the names of the files that were made. Blocks on the
/// file system.
pub fn seed(workspace: &Path, seeding: &Seeding) -> Result<Vec<&'static str>, SeedError> {
    let Seeding::AllBut(left_out) = seeding else {
        return Ok(Vec::new());
    };
    if is_used(workspace) {
        return Ok(Vec::new());
    }
    let is_left_out =
        |name: &str| OPTIONAL.contains(&name) && left_out.iter().any(|other| other == name);
    let mut made = Vec::new();
    for (name, text) in TEMPLATES {
        if is_left_out(name) {
            continue;
        }
        let path = workspace.join(name);
        match write_new(&path, text) {
            Ok(()) => made.push(name),
            // Somebody else was quicker; what is there counts.
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SeedError { path, source }),
        }
    }
    Ok(made)
}

/// Tells whether a workspace has any file that an agent lives by, notes, or skills.
fn is_used(workspace: &Path) -> bool {
    let exists = |name: &str| fs::symlink_metadata(workspace.join(name)).is_ok();
    let names = FILES
        .iter()
        .flat_map(|known| [Some(known.name), known.formerly]);
    names.flatten().any(exists) || exists(DIARY) || has_skill(workspace)
}

fn has_skill(workspace: &Path) -> bool {
    let folders = fs::read_dir(workspace.join("skills"));
    folders
        .into_iter()
        .flatten()
        .flatten()
        .any(|folder| folder.path().join("SKILL.md").exists())
}

/// The file appears whole or not at all: another gateway may be looking.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = folder.join(format!(".openclaw-{}", Uuid::new_v4()));
    let written = private_file(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(err) = written {
        drop(fs::remove_file(&draft));
        return Err(err);
    }
    publish(&draft, path)
}
