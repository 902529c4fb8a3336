//! From a policy and a command to a run.

use std::{ffi::OsStr, path::PathBuf, process::Stdio, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    Command, Output, Reach, Running, SandboxConfig, SandboxError, SandboxLevel, Stdin, launcher,
    places::Places,
    running::Job,
    variables::{self, PROGRAMS},
};

/// The means by which this machine contains commands.
///
/// They are looked up at each launch: bubblewrap that is removed meanwhile refuses the next command
/// rather than running it without.
#[derive(Clone, Debug)]
pub struct Sandbox {
    search: Vec<PathBuf>,
    /// The executable that acts as the first program inside, if it is not this one.
    init: Option<PathBuf>,
    /// Whether to run with what this machine has.
    degradable: bool,
    reach: Reach,
    /// Folders of programs that commands may use beside those of the system.
    toolchains: Vec<PathBuf>,
    /// Folders that no workspace may hold, or lie in.
    off_limits: Vec<PathBuf>,
    /// Paths of workspaces that are protected beside the usual ones.
    protected: Vec<PathBuf>,
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

/// A process that is ready to be started.
#[derive(Debug)]
struct Prepared {
    program: PathBuf,
    process: std::process::Command,
    #[cfg(target_os = "linux")]
    report: Option<std::fs::File>,
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
            protected: Vec::new(),
        }
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

    /// Refuses every workspace that holds one of these folders or lies in one.
    #[must_use]
    pub fn with_off_limits(mut self, folders: impl IntoIterator<Item = PathBuf>) -> Self {
        self.off_limits.extend(folders);
        self
    }

    /// Protects paths of every workspace, relative to it, beside the usual ones.
    #[must_use]
    pub fn with_protected(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protected.extend(paths);
        self
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
        let started = stop.run_until_cancelled(self.start(config, command)).await;
        let job = started.ok_or(SandboxError::Cancelled)??;
        Ok(Running::start(job, stop))
    }

    /// Runs `true` at level Strict; see [`probe`](crate::probe).
    pub async fn probe(&self) -> Result<Probe, SandboxError> {
        let output = self
            .execute(&SandboxConfig::default(), &Command::new("true"))
            .await?;
        if !output.status.success() {
            return Err(SandboxError::SetupFailed {
                detail: format!("`true` ended as {:?}", output.status),
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
            report: None,
        };
        let job = prepared
            .start(SandboxLevel::None, &Command::new("bwrap"))
            .await?;
        let output = Running::start(job, CancellationToken::new()).wait().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok((
            program,
            text.trim().trim_start_matches("bubblewrap ").to_owned(),
        ))
    }

    #[cfg(not(target_os = "linux"))]
    async fn version(&self) -> Result<(PathBuf, String), SandboxError> {
        Err(SandboxError::Unsupported {
            level: SandboxLevel::Strict,
            os: std::env::consts::OS,
        })
    }

    async fn start(&self, config: &SandboxConfig, command: &Command) -> Result<Job, SandboxError> {
        command.check()?;
        if config.level == SandboxLevel::Strict && config.network_access {
            return Err(SandboxError::NetworkAtStrict);
        }
        let prepared = {
            let (this, config, command) = (self.clone(), config.clone(), command.clone());
            blocking(move || {
                let places = Places::survey(&config, &command)?;
                match config.level {
                    SandboxLevel::None => Ok(directly(&config, &command, &places)),
                    SandboxLevel::Relaxed | SandboxLevel::Strict => {
                        this.contained(&config, &command, &places)
                    }
                }
            })
            .await?
        };
        prepared.start(config.level, command).await
    }

    #[cfg(target_os = "linux")]
    fn contained(
        &self,
        config: &SandboxConfig,
        command: &Command,
        places: &Places,
    ) -> Result<Prepared, SandboxError> {
        let program = crate::bwrap::find::bwrap(&self.search, &places.workspaces)?;
        let crate::bwrap::Prepared { process, report } =
            crate::bwrap::prepare(&program, config, command, places)?;
        Ok(Prepared {
            program,
            process,
            report: Some(report),
        })
    }

    /// Refuses: a level that cannot be enforced must not be reported as enforced.
    #[cfg(not(target_os = "linux"))]
    fn contained(
        &self,
        config: &SandboxConfig,
        _command: &Command,
        _places: &Places,
    ) -> Result<Prepared, SandboxError> {
        Err(SandboxError::Unsupported {
            level: config.level,
            os: std::env::consts::OS,
        })
    }
}

/// Prepares a run without a sandbox.
fn directly(config: &SandboxConfig, command: &Command, places: &Places) -> Prepared {
    // Windows has no shell to set limits with; Job Objects will do that.
    #[cfg(unix)]
    let argv = crate::limits::limited(config, command);
    #[cfg(not(unix))]
    let argv = command.argv.clone();
    let mut argv = argv.into_iter();
    let program = PathBuf::from(argv.next().unwrap_or_default());
    let mut process = launcher::command(&program);
    process
        .args(argv)
        .envs(variables::environment(config.level, command));
    if let Some(cwd) = &places.cwd {
        process.current_dir(cwd);
    }
    Prepared {
        program,
        process,
        #[cfg(target_os = "linux")]
        report: None,
    }
}

impl Prepared {
    async fn start(mut self, level: SandboxLevel, command: &Command) -> Result<Job, SandboxError> {
        let input = match &command.stdin {
            Stdin::Null => None,
            Stdin::Inherit => {
                self.process.stdin(Stdio::inherit());
                None
            }
            Stdin::Bytes(bytes) => {
                self.process.stdin(Stdio::piped());
                Some(bytes.clone())
            }
        };
        let program = self.program;
        let tree = launcher::spawn(self.process)
            .await
            .map_err(|source| SandboxError::Spawn { program, source })?;
        Ok(Job {
            tree,
            level,
            input,
            limits: command.limits.clone(),
            #[cfg(target_os = "linux")]
            report: self.report,
        })
    }
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
