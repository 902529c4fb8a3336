//! Files of the workspace that other programs of its owner act upon.
//!
//! What was written is judged by what the host finds: a command may well write to a folder that
//! only it sees.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::symlink,
    path::Path,
};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    stage::{GIT_CONFIG, Stage},
    targets::Targets,
};
use crate::Output;

pub(super) const ATTEMPTS: &[Attempt] = &[
    of(
        "workspace.git-hook",
        "plant a hook for git to run",
        |targets| write(targets, ".git/hooks/post-checkout"),
    ),
    of(
        "workspace.git-config",
        "add a program for git to run to .git/config",
        |targets| append(&targets.workspace.join(".git/config")),
    ),
    of(
        "workspace.git-config-link",
        "write .git/config by another name",
        |targets| {
            let name = targets.workspace.join("config");
            match fs::hard_link(targets.workspace.join(".git/config"), &name) {
                Ok(()) => append(&name),
                Err(err) => Tried::of(Err::<(), _>(err), ""),
            }
        },
    ),
    of(
        "workspace.git-rename",
        "put another folder in the place of .git",
        |targets| {
            let git = targets.workspace.join(".git");
            let renamed = fs::rename(&git, targets.workspace.join("git"));
            let replaced = renamed.and_then(|()| plant(&git.join("config")));
            Tried::of(replaced, "another .git")
        },
    ),
    of(
        "workspace.git-hooks-rename",
        "put another folder in the place of .git/hooks",
        |targets| {
            let hooks = targets.workspace.join(".git/hooks");
            let renamed = fs::rename(&hooks, targets.workspace.join("hooks"));
            let replaced = renamed.and_then(|()| plant(&hooks.join("post-checkout")));
            Tried::of(replaced, "other hooks")
        },
    ),
    of(
        "workspace.settings-change",
        "change the .openclaw of the workspace",
        |targets| write(targets, ".openclaw/openclaw.json"),
    ),
    of(
        "workspace.settings-create",
        "create settings for an editor or an agent",
        |targets| {
            Tried::each(
                [
                    ".vscode/tasks.json",
                    ".idea/workspace.xml",
                    ".cursor/mcp.json",
                    ".claude/settings.json",
                ]
                .map(|name| (name, write(targets, name))),
            )
        },
    ),
    of(
        "workspace.start-files",
        "create files that a shell or an agent runs by itself",
        |targets| Tried::each([".envrc", ".mcp.json"].map(|name| (name, write(targets, name)))),
    ),
    of(
        "workspace.shell-start",
        "change the start file of a shell",
        |targets| append(&targets.workspace.join(".bashrc")),
    ),
    of(
        "workspace.settings-link",
        "make a protected name a symlink to a folder of its own",
        |targets| {
            let decoy = targets.workspace.join("decoy");
            let made = fs::create_dir(&decoy)
                .and_then(|()| symlink(&decoy, targets.workspace.join(".vscode")));
            match made {
                Ok(()) => write(targets, ".vscode/tasks.json"),
                Err(err) => Tried::of(Err::<(), _>(err), ""),
            }
        },
    ),
];

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Workspace, title, Way::Inside(inside)).judged(changed)
}

fn write(targets: &Targets, name: &str) -> Tried {
    Tried::of(plant(&targets.workspace.join(name)), name)
}

fn plant(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, PLANTED)
}

fn append(path: &Path) -> Tried {
    let opened = OpenOptions::new().append(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(PLANTED.as_bytes()));
    Tried::of(written, path.display().to_string())
}

/// What the attempts write.
const PLANTED: &str = "planted\n";

/// The names that must not hold it when the run is over.
const PROTECTED: [&str; 10] = [
    ".git/config",
    ".git/hooks/post-checkout",
    ".openclaw/openclaw.json",
    ".vscode/tasks.json",
    ".idea/workspace.xml",
    ".cursor/mcp.json",
    ".claude/settings.json",
    ".envrc",
    ".mcp.json",
    ".bashrc",
];

/// Judges by what the host finds in the workspace.
fn changed(stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    let workspace = &stage.targets.workspace;
    let planted = PROTECTED.into_iter().find(|name| {
        fs::read_to_string(workspace.join(name)).is_ok_and(|text| text.contains(PLANTED))
    });
    let config = fs::read_to_string(workspace.join(".git/config"));
    match tried {
        _ if planted.is_some() => Tried::Got(planted.unwrap_or_default().to_owned()),
        _ if config.is_ok_and(|config| config != GIT_CONFIG) => {
            Tried::Got(".git/config".to_owned())
        }
        Tried::Got(_) => Tried::Refused("the host sees nothing of it".to_owned()),
        Tried::Refused(_) | Tried::Unable(_) => tried,
    }
}
