//! Landlock: which trees of the file system the command may use, whatever mounts there are.
//!
//! The mounts of bubblewrap say the same from outside. Landlock says it from within, and holds for
//! what was opened before, for other processes' roots, and where a mount should turn out to let
//! more through than it was meant to.

use std::{fs, path::Path};

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus, Scope,
};

use super::orders::Files;
use crate::protected::Seen;

/// What is asked for; a kernel that knows less restricts what it knows.
const NEWEST: ABI = ABI::V10;

/// Whether the kernel enforces anything of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enforced {
    Yes,
    No,
}

/// Leaves this process, and all that it starts, the trees of `files` and nothing else.
///
/// Where the kernel can do it, signals and abstract sockets reach nobody outside, either.
///
/// What was `seen` before is taken for what it was, or not at all.
pub(super) fn restrict(files: &Files, seen: &[Seen]) -> Result<Enforced, RulesetError> {
    let list = BitFlags::from(AccessFs::ReadDir);
    let read = AccessFs::from_read(NEWEST);
    // Whoever may make a device node, or connect to a socket that another made, is not contained.
    // Sockets of the command's own are not meant by the latter.
    let write = AccessFs::from_all(NEWEST)
        & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev | AccessFs::ResolveUnix);
    let device = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::IoctlDev;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for (paths, access) in [
        (&files.list, list),
        (&files.read, read),
        (&files.write, write),
        (&files.devices, device),
    ] {
        for path in paths {
            rules = match seen.iter().find(|one| one.path == *path) {
                Some(one) => match one.open() {
                    Some(tree) => rules.add_rule(PathBeneath::new(tree, access))?,
                    None => rules,
                },
                None => allow(rules, path, access)?,
            };
        }
    }
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Enforced::Yes,
        RulesetStatus::NotEnforced => Enforced::No,
    })
}

/// Allows one tree; what does not exist needs no permission.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let (Ok(tree), Ok(metadata)) = (PathFd::new(path), fs::metadata(path)) else {
        return Ok(rules);
    };
    let access = if metadata.is_dir() {
        access
    } else {
        access & AccessFs::from_file(NEWEST)
    };
    rules.add_rule(PathBeneath::new(tree, access))
}
