//! From a policy and a command to a run.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

#[cfg(not(any(target_os = "macos", windows)))]
use crate::launcher;
#[cfg(target_os = "linux")]
use crate::linux;
use crate::{
    Command, Guard, Output, Reach, Running, SandboxConfig, SandboxError, SandboxLevel, Status,
    init::orders::Then,
    places::{self, Bounds, Places},
    prepared::Prepared,
    running::Job,
    variables::{self, PROGRAMS},
};

/// How long a look at the sandbox may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The means by which this machine contains commands.
///
/// They are looked up at each launch: bubblewrap that is removed meanwhile refuses the next command
/// rather than running it without.
#[derive(Clone, Debug)]
pub struct Sandbox {
    pub(crate) search: Vec<PathBuf>,
    /// The executable that acts as the first program inside, if it is not this one.
    pub(crate) init: Option<PathBuf>,
    /// Whether to run with what this machine has.
    pub(crate) degradable: bool,
    pub(crate) reach: Reach,
    /// Folders of programs that commands may use beside those of the system.
    pub(crate) toolchains: Vec<PathBuf>,
    /// Folders that no workspace may hold, or lie in.
    off_limits: Vec<PathBuf>,
    /// Folders within those that commands may be shown all the same.
    exempt: Vec<PathBuf>,
    /// Paths of workspaces that are protected beside the usual ones.
    pub(crate) protected: Vec<PathBuf>,
    /// Guards that are left out; only tests do so, to see that something escapes then.
    pub(crate) left_out: Vec<Guard>,
}

/// The sandbox of this machine, as it was found to work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The bubblewrap in use.
    pub program: PathBuf,
    /// Its version, as it says itself.
    pub version: String,
    /// How long a command that does nothing took at level Strict.
    pub duration: Duration,
}

impl Sandbox {
    /// Returns the sandbox that searches bubblewrap in the PATH of this process.
    pub fn from_environment() -> Self {
        Self::with_search_path(variables::inherited("PATH").unwrap_or_else(|| PROGRAMS.into()))
    }

    /// Returns the sandbox that searches bubblewrap in `path`, written as PATH is.
    ///
    /// Directories that are not absolute are left out.
    pub fn with_search_path(path: impl AsRef<OsStr>) -> Self {
        let search = std::env::split_paths(path.as_ref()).filter(|path| path.is_absolute());
        Self {
            search: search.collect(),
            init: None,
            degradable: false,
            reach: Reach::default(),
            toolchains: Vec::new(),
            off_limits: Vec::new(),
            exempt: Vec::new(),
            protected: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Leaves a guard out.
    #[cfg(test)]
    pub(crate) fn without(mut self, guard: Guard) -> Self {
        self.left_out.push(guard);
        self
    }

    /// Takes the executable at `path` for the first program inside; see [`crate::init`].
    #[must_use]
    pub fn with_init(mut self, path: impl Into<PathBuf>) -> Self {
        self.init = Some(path.into());
        self
    }

    /// Runs commands with those guards that this machine has, and says in each
    /// [`Output::degraded`] which it has not.
    #[must_use]
    pub fn allow_degraded(mut self) -> Self {
        self.degradable = true;
        self
    }

    /// Sets how far a command gets at level Relaxed with
    /// [`network_access`](SandboxConfig::network_access).
    #[must_use]
    pub fn with_reach(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// Adds folders of programs, each readable inside and, with its `bin`, in PATH.
    #[must_use]
    pub fn with_toolchains(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.toolchains.extend(folders);
        self
    }

    /// Refuses every workspace, toolchain and folder to read that holds one of these or lies in one.
    #[must_use]
    pub fn with_off_limits(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.off_limits.extend(folders);
        self
    }

    /// Lets commands read these folders, which lie in folders that are off limits.
    #[must_use]
    pub fn with_exempt(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.exempt.extend(folders);
        self
    }

    /// Protects paths of every workspace, relative to it, beside the usual ones.
    #[must_use]
    pub fn with_protected(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected.extend(paths);
        self
    }

    /// Returns where a workspace is, without symlinks, if commands could work in it.
    ///
    /// One that does not exist yet is judged by where it would be made. Blocks on the file system.
    pub fn judge_workspace(&self, path: &Path) -> Result<PathBuf, SandboxError> {
        places::judged_ahead(path, self.bounds())
    }

    /// Returns where a folder is, without symlinks, if commands could be shown all that it holds.
    ///
    /// Blocks on the file system.
    pub fn judge_readable(&self, path: &Path) -> Result<PathBuf, SandboxError> {
        places::shown(path, self.bounds()).map_err(|fault| SandboxError::BadReadable {
            path: path.to_owned(),
            fault,
        })
    }

    fn bounds(&self) -> Bounds<'_> {
        Bounds {
            off_limits: &self.off_limits,
            exempt: &self.exempt,
            toolchains: &self.toolchains,
            protected: &self.protected,
        }
    }

    /// Runs `command` under `config`; see [`execute`](crate::execute).
    pub async fn execute(
        &self,
        config: &SandboxConfig,
        command: &Command,
    ) -> Result<Output, SandboxError> {
        self.launch(config, command, CancellationToken::new())
            .await?
            .wait()
            .await
    }

    /// Starts `command` under `config`; see [`launch`](crate::launch).
    pub async fn launch(
        &self,
        config: &SandboxConfig,
        command: &Command,
        stop: CancellationToken,
    ) -> Result<Running, SandboxError> {
        self.launch_then(config, command, Then::Command, stop).await
    }

    /// Runs `true` at level Strict; see [`probe`](crate::probe).
    pub async fn probe(&self) -> Result<Probe, SandboxError> {
        let output = self
            .execute(
                &SandboxConfig::default(),
                &Command::new("true").wall_time(PATIENCE),
            )
            .await?;
        if !output.status.success() {
            return Err(SandboxError::SetupFailed {
                detail: match output.status {
                    Status::TimedOut => format!("`true` takes longer than {PATIENCE:?}"),
                    status => format!("`true` ended as {status:?}"),
                },
            });
        }
        let (program, version) = self.version().await?;
        Ok(Probe {
            program,
            version,
            duration: output.duration,
        })
    }

    #[cfg(target_os = "linux")]
    async fn version(&self) -> Result<(PathBuf, String), SandboxError> {
        let search = self.search.clone();
        let program = blocking(move || crate::bwrap::find::bwrap(&search, &[])).await?;
        let mut process = launcher::command(&program);
        process.arg("--version");
        let prepared = Prepared {
            program: program.clone(),
            process,
            input: linux::Input::Nothing,
            means: None,
        };
        let job = prepared
            .start(
                SandboxLevel::None,
                &Command::new("bwrap").wall_time(PATIENCE),
            )
            .await?;
        let output = Running::start(job, &CancellationToken::new())?
            .wait()
            .await?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok((
            program,
            text.trim().trim_start_matches("bubblewrap ").to_owned(),
        ))
    }

    /// The system's own program has no version of its own.
    #[cfg(target_os = "macos")]
    #[expect(
        clippy::unused_async,
        clippy::unused_self,
        reason = "on Linux there is something to ask"
    )]
    async fn version(&self) -> Result<(PathBuf, String), SandboxError> {
        Ok((crate::seatbelt::PROGRAM.into(), String::new()))
    }

    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    async fn version(&self) -> Result<(PathBuf, String), SandboxError> {
        Err(SandboxError::Unsupported {
            level: SandboxLevel::Strict,
            os: std::env::consts::OS,
        })
    }

    /// Starts what follows when everything is given up that a command must not have.
    pub(crate) async fn launch_then(
        &self,
        config: &SandboxConfig,
        command: &Command,
        then: Then,
        stop: CancellationToken,
    ) -> Result<Running, SandboxError> {
        let started = stop
            .run_until_cancelled(self.start(config, command, then))
            .await;
        let job = started.ok_or(SandboxError::Cancelled)??;
        Running::start(job, &stop)
    }

    async fn start(
        &self,
        config: &SandboxConfig,
        command: &Command,
        then: Then,
    ) -> Result<Job, SandboxError> {
        command.check()?;
        if config.level == SandboxLevel::Strict && config.network_access {
            return Err(SandboxError::NetworkAtStrict);
        }
        let prepared = {
            let (this, config, command) = (self.clone(), config.clone(), command.clone());
            blocking(move || {
                let places = Places::survey(&config, &command, this.bounds())?;
                this.prepare(&config, &command, places, then)
            })
            .await?
        };
        prepared.start(config.level, command).await
    }

    #[cfg(target_os = "linux")]
    fn prepare(
        &self,
        config: &SandboxConfig,
        command: &Command,
        places: Places,
        then: Then,
    ) -> Result<Prepared, SandboxError> {
        linux::prepare(self, config, command, places, then)
    }

    #[cfg(target_os = "macos")]
    fn prepare(
        &self,
        config: &SandboxConfig,
        command: &Command,
        places: Places,
        _then: Then,
    ) -> Result<Prepared, SandboxError> {
        crate::seatbelt::prepare_run(self, config, command, &places)
    }

    #[cfg(windows)]
    fn prepare(
        &self,
        config: &SandboxConfig,
        command: &Command,
        places: Places,
        _then: Then,
    ) -> Result<Prepared, SandboxError> {
        crate::job_objects::prepare(self, config, command, &places)
    }

    /// Refuses: a level that cannot be enforced must not be reported as enforced.
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    fn prepare(
        &self,
        config: &SandboxConfig,
        command: &Command,
        places: Places,
        _then: Then,
    ) -> Result<Prepared, SandboxError> {
        match config.level {
            SandboxLevel::None => Ok(directly(config, command, &places)),
            SandboxLevel::Relaxed | SandboxLevel::Strict => Err(SandboxError::Unsupported {
                level: config.level,
                os: std::env::consts::OS,
            }),
        }
    }
}

/// Prepares a run without a sandbox.
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn directly(config: &SandboxConfig, command: &Command, places: &Places) -> Prepared {
    let argv = crate::limits::shell(&crate::limits::of(config, &command.limits), &command.argv);
    let mut argv = argv.into_iter();
    let program = PathBuf::from(argv.next().unwrap_or_default());
    let mut process = launcher::command(&program);
    process.args(argv).envs(variables::environment(
        config.level,
        command,
        &variables::Additions::default(),
    ));
    if let Some(cwd) = &places.cwd {
        process.current_dir(cwd);
    }
    Prepared { program, process }
}

/// Runs `work`, which waits for the file system, where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SandboxError> + Send + 'static,
) -> Result<T, SandboxError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(SandboxError::Lost {
            task: "the look at the file system",
        }),
    }
}
