//! A folder to work in, and short ways to run something there.

use std::{
    fs,
    path::{Path, PathBuf},
};

use openclaw_sandbox::{Command, Output, SandboxConfig, SandboxLevel, execute};
use tempfile::TempDir;

/// A temporary workspace, named without symlinks, beside a folder that no command may see.
pub(crate) struct Bench {
    _folder: TempDir,
    pub(crate) workspace: PathBuf,
    pub(crate) outside: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let (workspace, outside) = (root.join("workspace"), root.join("outside"));
        fs::create_dir(&workspace).unwrap();
        fs::create_dir(&outside).unwrap();
        Self {
            _folder: folder,
            workspace,
            outside,
        }
    }

    pub(crate) fn config(&self, level: SandboxLevel) -> SandboxConfig {
        SandboxConfig {
            level,
            allowed_paths: vec![self.workspace.clone()],
            ..SandboxConfig::default()
        }
    }

    pub(crate) async fn run(&self, level: SandboxLevel, command: Command) -> Output {
        execute(&self.config(level), &command).await.unwrap()
    }

    pub(crate) async fn shell(&self, level: SandboxLevel, script: impl AsRef<str>) -> Output {
        self.run(level, Command::shell(script.as_ref())).await
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        fs::read_to_string(self.workspace.join(name)).unwrap()
    }
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}
