//! A home directory of a test's own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use openclaw_core::env::{self, Env};
use openclaw_core::state_dir::{Overrides, StateDir};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake_provider::{FakeProvider, WireFormat};
use crate::process::HomeCommand;
use crate::redact;

/// The name under which [`TestHome::config_for`] puts the fake provider.
pub const PROVIDER: &str = "fake";
/// The model that it configures.
pub const MODEL: &str = "fake-model";

/// A home directory that nobody else uses, deleted at the end of the test.
///
/// Programs that run in it see `HOME` and `PATH` and what [`TestHome::set_env`] adds, and nothing
/// else of the environment of the test.
#[derive(Debug)]
pub struct TestHome {
    dir: TempDir,
    env: BTreeMap<OsString, OsString>,
}

impl TestHome {
    /// Makes an empty home.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("openclaw-test-")
            .tempdir()
            .expect("a temporary directory");
        let mut home = Self {
            dir,
            env: BTreeMap::new(),
        };
        for place in [home.path(), home.captures()] {
            fs::create_dir(place).expect("a folder in the temporary directory");
        }
        let process = Env::from_process();
        if let Some(path) = process.get_os(env::PATH.name) {
            home.set_env(env::PATH.name, path);
        }
        home.set_env(env::HOME.name, home.path());
        home
    }

    /// Returns the home directory.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Sets a variable for every program that runs here from now on, such as
    /// `OPENCLAW_STATE_DIR`, which [`TestHome::state_dir`] follows too.
    pub fn set_env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        let (name, value) = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.env.insert(name, value);
        self
    }

    /// Takes a variable away from every program that runs here from now on.
    pub fn remove_env(&mut self, name: &str) -> &mut Self {
        self.env.remove(OsStr::new(name));
        self
    }

    /// Returns the environment of the programs that run in it.
    pub fn env(&self) -> Env {
        self.env.clone().into_iter().collect()
    }

    /// Returns the layout of the state directory, which need not be there yet.
    pub fn state_dir(&self) -> StateDir {
        StateDir::locate(&self.env(), &Overrides::default()).expect("a state directory")
    }

    /// Returns the agents' workspace, made if need be.
    pub fn workspace(&self) -> PathBuf {
        let workspace = self.state_dir().default_workspace();
        fs::create_dir_all(&workspace).expect("the workspace");
        workspace
    }

    /// Returns a config that makes a fake provider the only one.
    pub fn config_for(provider: &FakeProvider, wire: WireFormat) -> Value {
        let mut settings = json!({
            "baseUrl": provider.base_url(wire),
            "api": wire.api(),
            "models": [{"id": MODEL, "name": MODEL, "maxTokens": 4096}],
        });
        if let (Some(key), Some(settings)) = (provider.key(), settings.as_object_mut()) {
            settings.insert("apiKey".to_owned(), key.into());
        }
        json!({
            "agents": {"defaults": {"model": {"primary": format!("{PROVIDER}/{MODEL}")}}},
            "models": {"providers": {PROVIDER: settings}},
        })
    }

    /// Writes [`TestHome::config_for`] as the config file.
    pub fn use_provider(&self, provider: &FakeProvider, wire: WireFormat) -> &Self {
        let config = Self::config_for(provider, wire);
        self.write_config(&format!("{config:#}\n"))
    }

    /// Writes the config file.
    pub fn write_config(&self, text: &str) -> &Self {
        let file = self.state_dir().config_file().to_owned();
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).expect("the config's folder");
        }
        fs::write(&file, text).expect("the config file");
        // As the real tools leave it.
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(&file, private).expect("the config file's mode");
        self
    }

    /// Lets clients call and write as often as a test needs to.
    ///
    /// # Panics
    /// When the settings cannot be written.
    pub fn lift_limits(&self) -> &Self {
        let lifted = json!({
            "rateLimit": {"requestsPerMinute": 1_000_000, "messagesPerMinute": 1_000_000},
        });
        self.write_own(&lifted.to_string())
    }

    /// Writes the settings that only this program knows.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write_own(&self, text: &str) -> &Self {
        let config = self.state_dir().config_file().to_owned();
        if let Some(folder) = config.parent() {
            fs::create_dir_all(folder).expect("the config's folder");
        }
        fs::write(config.with_file_name("openclaw-rs.json5"), text).expect("the settings file");
        self
    }

    /// Prepares to run a program here.
    pub fn command(&self, program: impl AsRef<Path>) -> HomeCommand {
        HomeCommand::new(program.as_ref(), &self.path(), &self.captures(), &self.env)
    }

    /// Returns a port that nobody listens on, as long as nobody else takes it.
    ///
    /// Prefer port 0 where the program can say which one it got.
    pub fn free_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("its address").port()
    }

    /// Replaces what differs between runs: the home's path, ports, ids, tokens, times, durations
    /// and process ids.
    pub fn redact(&self, text: &str) -> String {
        let written = self.path();
        // On macOS the temporary directory is a link, and programs may print either name.
        let real = written.canonicalize().unwrap_or_else(|_| written.clone());
        let shown = |path: &Path| path.to_string_lossy().into_owned();
        redact::redact(
            text,
            &[(shown(&real), "[HOME]"), (shown(&written), "[HOME]")],
        )
    }

    /// The folder for what programs print; outside of the home, so that they cannot find it.
    pub(crate) fn captures(&self) -> PathBuf {
        self.dir.path().join("captures")
    }
}

impl Default for TestHome {
    fn default() -> Self {
        Self::new()
    }
}
