//! Programs that chores need and that are not part of the Rust toolchain.
//!
//! They are installed without asking only where that cannot surprise anybody: on Debian and its
//! kin as root, which is a container or a build machine, or where `CI` is set. Elsewhere the person
//! is told what to install.

use std::path::{Path, PathBuf};

use crate::place::{self, Place};
use crate::report;

/// A cargo subcommand that is installed from crates.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CargoTool {
    /// The test runner.
    Nextest,
    /// The check of licences, duplicates and advisories.
    Deny,
}

impl CargoTool {
    const fn package(self) -> &'static str {
        match self {
            Self::Nextest => "cargo-nextest",
            Self::Deny => "cargo-deny",
        }
    }

    /// The version that is installed where none is there; a later one may ask for a later Rust.
    const fn version(self) -> &'static str {
        match self {
            Self::Nextest => "0.9.143",
            Self::Deny => "0.20.2",
        }
    }
}

/// Sees to it that bubblewrap is there, and says how to get it where it is not.
///
/// Its absence is no error here: the sandbox refuses to run without it and says so itself.
pub(crate) fn bubblewrap(place: &Place) {
    if !system_program(place, "bwrap", "bubblewrap") {
        report::note("bubblewrap (the program `bwrap`) is missing: tools will be refused, not run");
        hint("bubblewrap");
    }
}

/// Sees to it that strace is there, and says how to get it where it is not.
///
/// Its absence is no error here: the test that records a process says so itself.
pub(crate) fn strace(place: &Place) {
    if !system_program(place, "strace", "strace") {
        report::note("strace is missing: the simulation of a power loss cannot run");
        hint("strace");
    }
}

/// Sees to it that Chromium is there, and says how to get it where it is not.
///
/// Its absence is no error here: the tests that look at the gateway with it say so themselves.
pub(crate) fn chromium(place: &Place) {
    if !system_program(place, "chromium", "chromium") {
        report::note("chromium is missing: no browser is tried at the gateway");
        hint("chromium");
    }
}

/// Returns whether a program of the system is there, installing it first where that is allowed.
fn system_program(place: &Place, program: &str, package: &str) -> bool {
    if find(program, place.search()).is_some() {
        return true;
    }
    if !debian_root(place) {
        return false;
    }
    report::step(&format!("installing {package}"));
    let apt = || {
        place
            .program("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
    };
    let installed = apt().args(["update", "--quiet"]).check().and_then(|()| {
        apt()
            .args(["install", "--yes", "--no-install-recommends", package])
            .check()
    });
    match installed {
        Ok(()) => true,
        Err(err) => {
            report::error(&err);
            false
        }
    }
}

fn hint(package: &str) {
    report::note(&format!(
        "install it: apt install {package} | dnf install {package} | pacman -S {package} | apk add {package}"
    ));
}

/// Returns whether a cargo tool is there, installing it first where that is allowed.
pub(crate) fn cargo_tool(place: &Place, tool: CargoTool) -> bool {
    let package = tool.package();
    if find(package, place.search()).is_some() {
        return true;
    }
    if !(place::unattended() || debian_root(place)) {
        report::note(&format!(
            "{package} is not installed: cargo install --locked {package}"
        ));
        return false;
    }
    report::step(&format!(
        "installing {package} into {}, which takes some minutes once",
        place.tools().display()
    ));
    // Unoptimised, because that halves the wait and neither tool is where the time goes; and not
    // in the shared target directory, which would keep hundreds of objects that nothing else uses.
    let installed = place
        .cargo("install")
        .without_env("CARGO_TARGET_DIR")
        .args(["--locked", "--quiet", "--debug", "--root"])
        .arg(place.tools())
        .arg(format!("{package}@{}", tool.version()))
        .check();
    match installed {
        Ok(()) => true,
        Err(err) => {
            report::error(&err);
            false
        }
    }
}

/// Returns the first executable file of that name in these folders.
fn find(program: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    folders
        .iter()
        .map(|folder| folder.join(&name))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn debian_root(place: &Place) -> bool {
    find("apt-get", place.search()).is_some()
        && place
            .program("id")
            .arg("-u")
            .stdout()
            .is_ok_and(|uid| uid.trim_ascii() == b"0")
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_an_executable_file_counts_as_a_program() {
        let dir = tempfile::tempdir().unwrap();
        let [plain, folder, program] =
            ["a", "b", "c"].map(|name| dir.path().join(name).join("tool"));
        fs::create_dir_all(&folder).unwrap();
        for file in [&plain, &program] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let folders = ["a", "b", "c"].map(|name| dir.path().join(name));

        assert_eq!(find("tool", &folders), Some(program));
        assert_eq!(find("other", &folders), None);
    }
}
