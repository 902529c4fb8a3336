//! What the host sets out for one attempt: secrets, listeners and a process, each gone with it.

use std::{
    env, fs,
    fs::File,
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, Ipv6Addr},
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt as _,
        unix::{fs::symlink, net},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat, open},
    process::{Pid, test_kill_process},
};
use tempfile::{NamedTempFile, TempDir};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, UdpSocket, UnixListener},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{Group, targets::Targets};
use crate::{
    Command, Running, Sandbox, SandboxConfig, SandboxLevel,
    variables::{self, Additions, environment},
};

/// What stands in the workspace's `.git/config`.
pub(super) const GIT_CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n";

/// Variables that a shell or the sandbox itself may set anew.
const ANEW: [&str; 4] = ["OLDPWD", "PWD", "SHLVL", "_"];

/// Everything that one attempt may try to get; dropping it takes it all away.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) targets: Targets,
    life: File,
    servers: JoinSet<()>,
    process: Option<Running>,
    inheritable: Vec<OwnedFd>,
    // What is dropped only with the stage.
    _files: Vec<NamedTempFile>,
    _folder: TempDir,
}

/// What the pipe in the workspace tells about the one who writes to it.
#[derive(Debug)]
pub(super) enum Life {
    /// It never wrote.
    Never,
    /// It wrote this.
    Began { said: String, goes_on: bool },
}

impl Stage {
    /// Sets out what attempts of `group` are after.
    pub(super) async fn set(sandbox: &Sandbox, group: Group) -> io::Result<Self> {
        let mut stage = tokio::task::spawn_blocking(Self::files)
            .await
            .map_err(io::Error::other)??;
        match group {
            Group::Network => stage.listen().await,
            Group::Files | Group::Processes | Group::Kernel => stage.process(sandbox).await,
            Group::Secrets => {
                stage.process(sandbox).await;
                // Without CLOEXEC, as a careless library might open it.
                let beside = stage.targets.beside();
                let opened = open(beside, OFlags::RDONLY, Mode::empty());
                stage.inheritable.extend(opened);
            }
            Group::Workspace | Group::Limits => {}
        }
        Ok(stage)
    }

    fn files() -> io::Result<Self> {
        let mut random = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let secret = format!("{:032x}", u128::from_ne_bytes(random));
        let folder = tempfile::Builder::new()
            .prefix("openclaw-sandbox-test-")
            .tempdir()?;
        let path = fs::canonicalize(folder.path())?;
        let (workspace, outside) = (path.join("workspace"), path.join("outside"));
        fs::create_dir(&workspace)?;
        fs::create_dir(&outside)?;
        fs::write(outside.join("secret"), &secret)?;
        furnish(&workspace, &outside)?;
        let life = open(
            workspace.join("life"),
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let mut files = Vec::new();
        let mut leave = |folder: Option<PathBuf>| {
            let file = secret_in(&folder?, &secret).ok()?;
            let path = file.path().to_owned();
            files.push(file);
            Some(path)
        };
        let home = leave(variables::inherited("HOME").map(PathBuf::from));
        let shared = leave(Some("/dev/shm".into()));
        Ok(Self {
            targets: Targets {
                secret,
                workspace,
                outside,
                home,
                shared,
                tcp4: None,
                tcp6: None,
                udp: None,
                socket: None,
                unnamed: None,
                process: None,
                variables: own_variables(),
                users: users(),
                host: rustix::system::uname()
                    .nodename()
                    .to_string_lossy()
                    .into_owned(),
                room: false,
            },
            life: life.into(),
            servers: JoinSet::new(),
            process: None,
            inheritable: Vec::new(),
            _files: files,
            _folder: folder,
        })
    }

    /// Starts what listens; what this machine does not have stays away.
    async fn listen(&mut self) {
        let secret = self.targets.secret.clone();
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await {
            self.targets.tcp4 = listener.local_addr().ok();
            drop(self.servers.spawn(tell(listener, secret.clone())));
        }
        if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await {
            self.targets.tcp6 = listener.local_addr().ok();
            drop(self.servers.spawn(tell(listener, secret.clone())));
        }
        if let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await {
            self.targets.udp = socket.local_addr().ok();
            drop(self.servers.spawn(answer(socket, secret.clone())));
        }
        let path = self.targets.outside.join("socket");
        if let Ok(listener) = UnixListener::bind(&path) {
            self.targets.socket = Some(path);
            drop(self.servers.spawn(tell_local(listener, secret.clone())));
        }
        let name = format!("openclaw-sandbox-test-{secret}");
        if let Ok(listener) = unnamed(&name) {
            self.targets.unnamed = Some(name);
            drop(self.servers.spawn(tell_local(listener, secret)));
        }
    }

    /// Starts a process of this user, outside of any sandbox, that knows the secret.
    async fn process(&mut self, sandbox: &Sandbox) {
        let config = SandboxConfig {
            level: SandboxLevel::None,
            ..SandboxConfig::default()
        };
        // A shell can wait for ever without another program, which might be missing: nobody writes
        // to a pipe that only it has open.
        let command = Command::shell("echo $$; read -r _ <>\"$0\"; :")
            .arg(self.targets.outside.join("never"))
            .arg(&self.targets.secret)
            .env("SECRET", &self.targets.secret);
        let started = sandbox.launch(&config, &command, CancellationToken::new());
        let Ok(mut running) = started.await else {
            return;
        };
        if let Some(chunk) = running.next_output().await {
            self.targets.process = String::from_utf8_lossy(&chunk.bytes).trim().parse().ok();
            // What cannot be reached must be there, or else it is no wonder.
            if !self.process_lives() {
                self.targets.process = None;
            }
        }
        self.process = Some(running);
    }

    fn process_id(&self) -> Option<Pid> {
        self.targets.process.and_then(Pid::from_raw)
    }

    /// Says whether the process of the stage is alive.
    pub(super) fn process_lives(&self) -> bool {
        let state = self.targets.process.and_then(|process| {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
            stat.rsplit_once(") ")?.1.chars().next()
        });
        self.process_id()
            .is_some_and(|id| test_kill_process(id).is_ok())
            && state != Some('Z')
    }

    /// Says what became of the one who writes to the pipe in the workspace.
    pub(super) fn life(&self) -> Life {
        let mut said = Vec::new();
        let goes_on = match (&self.life).read_to_end(&mut said) {
            Ok(_) => false,
            Err(err) => err.kind() == ErrorKind::WouldBlock,
        };
        if said.is_empty() {
            return Life::Never;
        }
        let said = String::from_utf8_lossy(&said).into_owned();
        Life::Began { said, goes_on }
    }
}

/// Makes a workspace as it may look when a command begins.
fn furnish(workspace: &Path, outside: &Path) -> io::Result<()> {
    for folder in [".git/hooks", ".git/objects", ".git/refs", ".openclaw"] {
        fs::create_dir_all(workspace.join(folder))?;
    }
    fs::write(workspace.join(".git/HEAD"), "ref: refs/heads/main\n")?;
    fs::write(workspace.join(".git/config"), GIT_CONFIG)?;
    fs::write(workspace.join(".openclaw/openclaw.json"), "{}\n")?;
    fs::write(workspace.join(".bashrc"), "umask 022\n")?;
    symlink(outside.join("secret"), workspace.join("link"))?;
    for path in [
        workspace.join("life"),
        workspace.join("ready"),
        outside.join("never"),
    ] {
        let mode = Mode::from_raw_mode(0o600);
        mknodat(CWD, path, FileType::Fifo, mode, 0)?;
    }
    Ok(())
}

fn secret_in(folder: &Path, secret: &str) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix(".openclaw-sandbox-test-")
        .tempfile_in(folder)?;
    file.write_all(secret.as_bytes())?;
    Ok(file)
}

/// Returns the names of the variables that a command has no business with.
fn own_variables() -> Vec<String> {
    let given = environment(
        SandboxLevel::Strict,
        &Command::new("true"),
        &Additions::default(),
    );
    env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| !given.iter().any(|(given, _)| given == name))
        .filter_map(|name| name.into_string().ok())
        .filter(|name| !ANEW.contains(&name.as_str()))
        .collect()
}

/// Returns the users of this machine but for those that every machine has.
fn users() -> Vec<String> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split(':').next())
        .filter(|name| !["root", "nobody", "agent"].contains(name))
        .map(str::to_owned)
        .collect()
}

fn unnamed(name: &str) -> io::Result<UnixListener> {
    let name = net::SocketAddr::from_abstract_name(name)?;
    let listener = net::UnixListener::bind_addr(&name)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

async fn tell(listener: TcpListener, secret: String) {
    while let Ok((mut stream, _)) = listener.accept().await {
        // Whoever does not listen is not told.
        drop(stream.write_all(secret.as_bytes()).await);
    }
}

async fn tell_local(listener: UnixListener, secret: String) {
    while let Ok((mut stream, _)) = listener.accept().await {
        drop(stream.write_all(secret.as_bytes()).await);
    }
}

async fn answer(socket: UdpSocket, secret: String) {
    let mut question = [0; 16];
    while let Ok((_, from)) = socket.recv_from(&mut question).await {
        drop(socket.send_to(secret.as_bytes(), from).await);
    }
}
