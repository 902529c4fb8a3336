//! Servers of model APIs that nobody here wrote, for the tests of openclaw-cli to speak to.
//!
//! `fixtures/foreign-servers` pins them, with the hash of everything that they need. They come from
//! the npm registry and from `PyPI` once, into the cache, and nothing of them is installed anywhere
//! else. Where npm or pip is missing, the tests that need their servers say that they were skipped;
//! where one of them fails, the tests fail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::place::Place;
use crate::report;
use crate::run::{Run, RunError};

/// The folder of what pins them, in the checkout.
const PINS: &str = "fixtures/foreign-servers";

/// The file that tells what an installation was made from.
const MADE_FROM: &str = "made-from";

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForeignError {
    /// The folder cannot be made or the pins not read.
    #[error("cannot prepare `{path}`")]
    Folder {
        /// What cannot be read or written.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The package manager failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A server, or a program that it needs, as tests are told of it.
pub(crate) type Variable = (&'static str, PathBuf);

/// A package manager and what is installed with it.
struct Source {
    /// The name of its folder in the cache.
    name: &'static str,
    /// Commands that succeed where it can be used; the first tells which release runs the servers.
    needs: [&'static [&'static str]; 2],
    /// The files that pin what is installed.
    pins: &'static [&'static str],
    install: fn(&Place, &Path) -> Result<(), RunError>,
    /// The variables by which tests find it, and where each is in its folder.
    variables: &'static [(&'static str, &'static str)],
}

const SOURCES: [Source; 2] = [
    Source {
        name: "npm",
        needs: [&["node", "--version"], &["npm", "--version"]],
        pins: &["package.json", "package-lock.json"],
        install: |place, folder| {
            place
                .program("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .arg("--prefix")
                .arg(folder)
                .check()
        },
        variables: &[
            (
                "OPENCLAW_FOREIGN_AIMOCK",
                "node_modules/@copilotkit/aimock/dist/cli.js",
            ),
            ("OPENCLAW_FOREIGN_TSC", "node_modules/typescript/bin/tsc"),
        ],
    },
    Source {
        name: "python",
        needs: [
            &["python3", "--version"],
            &["python3", "-m", "pip", "--version"],
        ],
        pins: &["requirements.txt"],
        install: |place, folder| {
            place
                .program("python3")
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--require-hashes",
                    "--no-deps",
                ])
                .args([
                    "--only-binary",
                    ":all:",
                    "--disable-pip-version-check",
                    "--root-user-action=ignore",
                ])
                .arg("--requirement")
                .arg(folder.join("requirements.txt"))
                .arg("--target")
                .arg(folder.join("packages"))
                .check()
        },
        variables: &[("OPENCLAW_FOREIGN_LLMOCK", "packages")],
    },
];

/// Sees to it that the servers are there; returns how tests find them.
pub(crate) fn servers(place: &Place) -> Vec<Variable> {
    let mut variables = Vec::new();
    for source in SOURCES {
        let mut needs = source.needs.into_iter();
        if let Some(missing) = needs.find(|need| !run(place, need).succeeds()) {
            report::note(&format!(
                "`{}` does not work: the servers from {} are not tried",
                missing.join(" "),
                source.name
            ));
            continue;
        }
        let folder = place.tools().join("foreign-servers").join(source.name);
        if let Err(err) = source.provide(place, &folder) {
            report::error(&err);
        }
        // Named even if it is not there, so that the tests fail instead of being skipped.
        let named = source.variables.iter();
        variables.extend(named.map(|(name, path)| (*name, folder.join(path))));
    }
    variables
}

fn run(place: &Place, command: &[&'static str]) -> Run {
    let mut words = command.iter().copied();
    let program = words.next().unwrap_or_default();
    place.program(program).args(words)
}

impl Source {
    /// Installs it, unless that was done with the same pins.
    fn provide(&self, place: &Place, folder: &Path) -> Result<(), ForeignError> {
        let pins = place.root().join(PINS);
        // Packages with machine code fit one release of the interpreter.
        let [interpreter, _] = self.needs;
        let mut from = run(place, interpreter).stdout()?;
        for pin in self.pins {
            let path = pins.join(pin);
            from.extend(fs::read(&path).map_err(|source| ForeignError::Folder { path, source })?);
        }
        let stamp = folder.join(MADE_FROM);
        if fs::read(&stamp).is_ok_and(|made_from| made_from == from) {
            return Ok(());
        }
        report::step(&format!("installing servers from {}", self.name));
        self.empty(&pins, folder)
            .map_err(|source| ForeignError::Folder {
                path: folder.to_path_buf(),
                source,
            })?;
        (self.install)(place, folder)?;
        fs::write(&stamp, from).map_err(|source| ForeignError::Folder {
            path: stamp,
            source,
        })
    }

    /// Makes a folder with nothing but the pins in it.
    fn empty(&self, pins: &Path, folder: &Path) -> io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        for pin in self.pins {
            fs::copy(pins.join(pin), folder.join(pin))?;
        }
        Ok(())
    }
}
