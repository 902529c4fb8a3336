//! Where things are: the checkout, the target directory, the tools installed for it.
//!
//! The one file of this crate that reads the environment.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::run::Run;

/// The places that chores work in.
#[derive(Debug)]
pub(crate) struct Place {
    root: PathBuf,
    target: PathBuf,
    tools: PathBuf,
    cargo: OsString,
    search: Vec<PathBuf>,
}

/// Why the checkout was not found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// The manifest of this crate has no folder above it.
    #[error("no workspace above `{0}`")]
    NoWorkspace(PathBuf),
}

impl Place {
    /// Finds everything from the environment that cargo and the user's shell give.
    pub(crate) fn find() -> Result<Self, PlaceError> {
        // Cargo names the manifest at run time; the path known at compile time may be that of
        // another checkout which shares the target directory.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = match manifest.parent() {
            Some(root) => root.to_path_buf(),
            None => return Err(PlaceError::NoWorkspace(manifest)),
        };
        let cache = cache(
            env::var_os("XDG_CACHE_HOME"),
            env::var_os("HOME"),
            &root.join("target"),
        );
        let target = env::var_os("CARGO_TARGET_DIR")
            .filter(|dir| !dir.is_empty())
            .map_or_else(|| cache.join("target"), PathBuf::from);
        let tools = cache.join("tools");
        let mut search = vec![tools.join("bin")];
        search.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        Ok(Self {
            // Children run in the root, so a path relative to where we stand must become absolute.
            target: std::path::absolute(&target).unwrap_or(target),
            root,
            tools,
            cargo: env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")),
            search,
        })
    }

    /// Returns the root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory that everything is built in.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns the directory whose `bin` holds the cargo tools that chores installed.
    pub(crate) fn tools(&self) -> &Path {
        &self.tools
    }

    /// Returns the folders that programs are looked for in, ours before those of `PATH`.
    pub(crate) fn search(&self) -> &[PathBuf] {
        &self.search
    }

    /// Returns the folder of recorded OpenClaw data that some tests compare with, if there is one.
    pub(crate) fn recorded(&self) -> Option<PathBuf> {
        let dir = env::var_os("OPENCLAW_SHARED")
            .map_or_else(|| self.root.join("../shared"), PathBuf::from);
        dir.is_dir().then_some(dir)
    }

    /// Starts the description of a program that is run in the root.
    pub(crate) fn program(&self, program: impl Into<OsString>) -> Run {
        let run = Run::new(program, &self.root).env("CARGO_TARGET_DIR", &self.target);
        match env::join_paths(&self.search) {
            Ok(path) => run.env("PATH", path),
            // A folder with a `:` in its name cannot be in `PATH`; the inherited one stays.
            Err(_) => run,
        }
    }

    /// Starts the description of a cargo command.
    pub(crate) fn cargo(&self, command: &str) -> Run {
        self.program(self.cargo.clone()).arg(command)
    }
}

/// Tells whether a machine rather than a person waits, as hosted build services say by `CI`.
pub(crate) fn unattended() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

fn cache(xdg: Option<OsString>, home: Option<OsString>, otherwise: &Path) -> PathBuf {
    // The specification of XDG_CACHE_HOME says that a relative path is to be ignored.
    let xdg = xdg.map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = home.filter(|dir| !dir.is_empty());
    xdg.or_else(|| home.map(|dir| PathBuf::from(dir).join(".cache")))
        .map_or_else(|| otherwise.to_path_buf(), |dir| dir.join("openclaw-rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_outside_the_checkout_unless_there_is_no_home() {
        let otherwise = Path::new("/checkout/target");
        let cache = |xdg: Option<&str>, home: Option<&str>| {
            cache(xdg.map(OsString::from), home.map(OsString::from), otherwise)
        };
        assert_eq!(
            cache(Some("/var/cache"), Some("/home/a")),
            Path::new("/var/cache/openclaw-rs")
        );
        assert_eq!(
            cache(Some("relative"), Some("/home/a")),
            Path::new("/home/a/.cache/openclaw-rs")
        );
        assert_eq!(cache(None, None), otherwise);
    }
}
