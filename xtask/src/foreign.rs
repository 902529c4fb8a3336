//! Programs that nobody here wrote, for the tests of openclaw-cli: servers of model APIs to speak to,
//! and OpenClaw's own clients, which speak to the gateway.
//!
//! `fixtures/foreign-servers` and `fixtures/openclaw-clients` pin them, with the hash of everything
//! that they need. They come from the npm registry and from `PyPI` once, into the cache, and nothing
//! of them is installed anywhere else. Where npm or pip is missing, the tests that need what they
//! install say that they were skipped; where one of them fails, the tests fail.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::place::Place;
use crate::report;
use crate::run::{Run, RunError};

/// The file that tells what an installation was made from.
const MADE_FROM: &str = "made-from";

/// Why a program is not there.
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

/// A program, or what it needs, as tests are told of it.
pub(crate) type Variable = (&'static str, PathBuf);

/// A package manager and what is installed with it.
struct Source {
    /// The name of its folder in the cache.
    name: &'static str,
    /// The folder of what pins it, in the checkout.
    folder: &'static str,
    /// Commands that succeed where it can be used; the first tells which release runs the servers.
    needs: [&'static [&'static str]; 2],
    /// The files that pin what is installed.
    pins: &'static [&'static str],
    install: fn(&Place, &Path) -> Result<(), RunError>,
    /// The variables by which tests find it, and where each is in its folder.
    variables: &'static [(&'static str, &'static str)],
}

/// Where the modules of OpenClaw's clients are in their folder.
const MODULES: &str = "node_modules";

/// OpenClaw itself and its client library, with a Node that both run on (800 MB).
const OPENCLAW: Source = Source {
    name: "openclaw-clients",
    folder: "fixtures/openclaw-clients",
    needs: [&["node", "--version"], &["npm", "--version"]],
    pins: NPM,
    install: |place, folder| {
        place
            .program("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            // The Node that the packages ask for comes with them.
            .args(["--omit=dev", "--omit=optional", "--loglevel=error"])
            .arg("--prefix")
            .arg(folder)
            .check()
    },
    variables: &[("OPENCLAW_FOREIGN_OPENCLAW", MODULES)],
};

/// What pins packages of npm.
const NPM: &[&str] = &["package.json", "package-lock.json"];

const SERVERS: [Source; 2] = [
    Source {
        name: "npm",
        folder: "fixtures/foreign-servers",
        needs: [&["node", "--version"], &["npm", "--version"]],
        pins: NPM,
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
        folder: "fixtures/foreign-servers",
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

/// Sees to it that the programs are there; returns how tests find them.
pub(crate) fn programs(place: &Place) -> Vec<Variable> {
    let mut variables = Vec::new();
    for source in SERVERS {
        variables.extend(source.variables(place));
    }
    if runs_openclaw() {
        variables.extend(OPENCLAW.variables(place));
    } else {
        report::note("OpenClaw's clients are not tried: the Node for them is for Linux on x86-64");
    }
    variables
}

/// Sees to it that OpenClaw is there; returns the folder of its modules.
pub(crate) fn openclaw(place: &Place) -> Result<PathBuf, ForeignError> {
    let folder = OPENCLAW.place(place);
    OPENCLAW.provide(place, &folder)?;
    Ok(folder.join(MODULES))
}

/// Tells whether the Node that comes with OpenClaw's clients is for this machine.
const fn runs_openclaw() -> bool {
    cfg!(all(target_os = "linux", target_arch = "x86_64"))
}

fn run(place: &Place, command: &[&'static str]) -> Run {
    let mut words = command.iter().copied();
    let program = words.next().unwrap_or_default();
    place.program(program).args(words)
}

impl Source {
    /// Returns its folder in the cache.
    fn place(&self, place: &Place) -> PathBuf {
        place.tools().join("foreign").join(self.name)
    }

    /// Sees to it that its programs are there; returns how tests find them.
    fn variables(&self, place: &Place) -> Vec<Variable> {
        let mut needs = self.needs.into_iter();
        if let Some(missing) = needs.find(|need| !run(place, need).succeeds()) {
            report::note(&format!(
                "`{}` does not work: what {} pins ({}) is not tried",
                missing.join(" "),
                self.folder,
                self.name
            ));
            return Vec::new();
        }
        let folder = self.place(place);
        if let Err(err) = self.provide(place, &folder) {
            report::error(&err);
        }
        // Named even if it is not there, so that the tests fail instead of being skipped.
        let named = self.variables.iter();
        named
            .map(|(name, path)| (*name, folder.join(path)))
            .collect()
    }

    /// Installs it, unless that was done with the same pins.
    fn provide(&self, place: &Place, folder: &Path) -> Result<(), ForeignError> {
        let pins = place.root().join(self.folder);
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
        report::step(&format!("installing {}", self.name));
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
