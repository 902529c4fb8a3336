//! What a new repository keeps in the working tree of an older one.
//!
//! Git has dozens of settings that run programs, and gets more. So the list is of those that git
//! writes by itself or that are of use and run nothing; all others go, with the hooks.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Write as _},
};

use rustix::{
    fs::{FileType, Mode, OFlags, openat, renameat},
    io::Errno,
};

use crate::protected::{
    folder::{Folder, Next},
    gitconfig::{self, Entry},
    relics::remove,
};

/// How much of a file is read. What comes after it goes.
const LONGEST: u64 = 1024 * 1024;

/// Where settings are written before they take the place of the old ones.
const NEW: &str = "config.openclaw-new";

/// What hooks are called that are there as examples.
const SAMPLE: &[u8] = b".sample";

/// Settings that run nothing and lead nowhere, by section; `*` is every key of it.
const PLAIN: [(&str, &[&str]); 22] = [
    ("advice", &["*"]),
    ("author", &["name", "email"]),
    (
        "branch",
        &["remote", "merge", "rebase", "pushremote", "description"],
    ),
    ("color", &["*"]),
    ("commit", &["verbose"]),
    ("committer", &["name", "email"]),
    (
        "core",
        &[
            "abbrev",
            "autocrlf",
            "bare",
            "bigfilethreshold",
            "checkstat",
            "commentchar",
            "compression",
            "eol",
            "filemode",
            "hidedotfiles",
            "ignorecase",
            "logallrefupdates",
            "longpaths",
            "precomposeunicode",
            "protecthfs",
            "protectntfs",
            "quotepath",
            "repositoryformatversion",
            "safecrlf",
            "sparsecheckout",
            "sparsecheckoutcone",
            "splitindex",
            "symlinks",
            "trustctime",
            "untrackedcache",
            "whitespace",
        ],
    ),
    (
        "extensions",
        &[
            "compatobjectformat",
            "noop",
            "objectformat",
            "preciousobjects",
            "refstorage",
            "relativeworktrees",
            "worktreeconfig",
        ],
    ),
    ("fetch", &["prune", "prunetags", "writecommitgraph"]),
    ("gc", &["auto"]),
    ("index", &["*"]),
    ("init", &["defaultbranch"]),
    ("lfs", &["repositoryformatversion"]),
    ("merge", &["conflictstyle", "ff"]),
    ("pack", &["threads", "windowmemory"]),
    ("pull", &["ff", "rebase"]),
    ("push", &["autosetupremote", "default", "followtags"]),
    ("rebase", &["autosquash", "autostash", "updaterefs"]),
    (
        "remote",
        &[
            "fetch", "mirror", "prune", "push", "pushurl", "tagopt", "url",
        ],
    ),
    ("rerere", &["enabled", "autoupdate"]),
    ("submodule", &["active", "branch", "url"]),
    ("user", &["name", "email"]),
];

/// Takes from a repository what runs programs.
pub(super) fn repository(git: &Folder) -> io::Result<()> {
    for name in ["config", "config.worktree"] {
        settings(git, name)?;
    }
    hooks(git)
}

fn settings(git: &Folder, name: &str) -> io::Result<()> {
    let Some(found) = git.find(name)? else {
        return Ok(());
    };
    if found.kind != FileType::RegularFile {
        return remove(git, name.as_ref());
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(&git.handle, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        // Git cannot read it either, until somebody lets it.
        Err(_) => return remove(git, name.as_ref()),
    };
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let entries = gitconfig::entries(&String::from_utf8_lossy(&bytes));
    let kept: Vec<&Entry> = entries.iter().filter(|entry| is_plain(entry)).collect();
    if kept.len() == entries.len() && length <= LONGEST {
        return Ok(());
    }
    let path = git.path.join(name);
    let path = path.display();
    tracing::warn!(%path, "settings of a repository that is new in an older one were removed, \
        since they may run programs");
    replace(git, name, gitconfig::text(&kept).as_bytes())
}

/// Puts a file in the place of another at once, so that nobody reads half of it.
fn replace(git: &Folder, name: &str, text: &[u8]) -> io::Result<()> {
    remove(git, NEW.as_ref())?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let make = || openat(&git.handle, NEW, flags, Mode::from_raw_mode(0o644));
    let file = match make() {
        Err(Errno::ACCESS) => {
            git.mend()?;
            make()?
        }
        made => made?,
    };
    File::from(file).write_all(text)?;
    Ok(renameat(&git.handle, NEW, &git.handle, name)?)
}

/// Removes the hooks that are no examples.
fn hooks(git: &Folder) -> io::Result<()> {
    let Some(hooks) = git.child("hooks")? else {
        return Ok(());
    };
    let mut names: Vec<OsString> = Vec::new();
    hooks.entries(|name, _| {
        if !name.as_encoded_bytes().ends_with(SAMPLE) {
            names.push(name.to_owned());
        }
        Ok(Next::More)
    })?;
    names.iter().try_for_each(|name| remove(&hooks, name))
}

fn is_plain(entry: &Entry) -> bool {
    let mut plain = PLAIN.iter();
    let Some((_, keys)) = plain.find(|(section, _)| *section == entry.section) else {
        return false;
    };
    let value = entry.value.as_deref().unwrap_or_default();
    // A remote of the form `helper::address` is spoken to by a program of that name.
    let leads_nowhere = !value.contains("::") && !value.starts_with('-');
    leads_nowhere && keys.iter().any(|key| *key == "*" || *key == entry.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let entries = gitconfig::entries(text);
        let kept: Vec<&Entry> = entries.iter().filter(|entry| is_plain(entry)).collect();
        gitconfig::text(&kept)
    }

    #[test]
    fn what_git_writes_is_kept() {
        let text = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
                    \tlogallrefupdates = true\n[remote \"origin\"]\n\
                    \turl = git@github.com:a/b.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\
                    [branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n\
                    [user]\n\temail = a@b\n";
        assert_eq!(kept(text), text);
    }

    #[test]
    fn what_runs_a_program_or_leads_elsewhere_goes() {
        for setting in [
            "[core]\n\tfsmonitor = ./evil\n",
            "[core]\n\thooksPath = h\n",
            "[core]\n\tsshCommand = evil\n",
            "[core]\n\tworktree = ../../..\n",
            "[filter \"x\"]\n\tclean = evil\n",
            "[diff \"x\"]\n\ttextconv = evil\n",
            "[alias]\n\tst = !evil\n",
            "[credential]\n\thelper = !evil\n",
            "[include]\n\tpath = ../x\n",
            "[includeIf \"gitdir:/\"]\n\tpath = ../x\n",
            "[merge \"x\"]\n\tdriver = evil\n",
            "[gpg]\n\tprogram = evil\n",
            "[remote \"a\"]\n\turl = ext::sh -c evil\n",
            "[remote \"a\"]\n\tuploadpack = evil\n",
            "[protocol \"ext\"]\n\tallow = always\n",
            "[submodule \"a\"]\n\tupdate = !evil\n",
            "[x][core]fsmonitor=evil\n",
        ] {
            assert_eq!(kept(setting), "", "{setting}");
        }
    }
}
