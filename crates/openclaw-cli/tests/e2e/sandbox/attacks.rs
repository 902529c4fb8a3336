//! The shared collection of attacks and everyday uses, against this binary.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use openclaw_testkit::{TestHome, shared_dir, skip_note};

use super::installed;
use crate::OPENCLAW;

/// A user without any rights of its own, who exists on every system.
const NOBODY: &str = "65534";

/// One part of the collection takes half a minute.
const PATIENCE: Duration = Duration::from_mins(4);

/// The binary at a place where every user may execute it.
struct ForEveryone {
    folder: tempfile::TempDir,
}

impl ForEveryone {
    fn new() -> Self {
        // A private `/tmp` would hide it for the wrong reason.
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let this = Self { folder };
        if fs::hard_link(OPENCLAW, this.program()).is_err() {
            fs::copy(OPENCLAW, this.program()).unwrap();
        }
        this
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("openclaw")
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs the cases whose ids match `only`, at the levels that contain.
async fn run(test: &str, only: &str, user: Option<&str>) {
    let collection = shared_dir().map(|shared| shared.join("checks/sandbox/run.py"));
    let Some(collection) = collection.filter(|path| path.is_file()) else {
        return skip_note(test, "there is no shared collection of attacks");
    };
    if !installed(test, "python3") {
        return;
    }
    if user.is_some() && !is_root() {
        return skip_note(test, "only root can become another user");
    }
    let binary = ForEveryone::new();
    let home = TestHome::new();
    let ran = home
        .command("python3")
        .arg(&collection)
        .args(["--levels", "relaxed,strict", "--only", only, "--template"])
        .arg(template(&binary.program()))
        .args(user.into_iter().flat_map(|user| ["--user", user]))
        .timeout(PATIENCE)
        .run()
        .await;
    // The last lines count the verdicts; without them the collection itself has failed.
    let verdicts: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("relaxed {") || line.starts_with("strict {"))
        .collect();
    assert_eq!(verdicts.len(), 2, "{ran}");
    for verdict in verdicts {
        assert!(verdict.contains("'ok'"), "nothing was tried: {ran}");
        for bad in ["BREACH", "BROKEN"] {
            assert!(!verdict.contains(bad), "{ran}");
        }
    }
    // An attack that was refused as a whole is only then a good sign when it is for its own sake.
    for line in ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("refused "))
    {
        assert!(
            line.contains("cannot be protected: it is a symlink"),
            "{ran}"
        );
    }
    drop(ran.assert_code(0));
}

fn template(binary: &Path) -> String {
    format!(
        "{} sandbox exec --level {{level}} --workspace {{ws}} --timeout {{timeout}} -- /bin/bash -c {{cmd}}",
        binary.display()
    )
}

macro_rules! parts {
    ($($part:ident: $only:literal,)*) => {
        $(
            mod $part {
                #[tokio::test]
                async fn holds_for_a_gateway_of_root() {
                    super::run(concat!("attacks::", stringify!($part)), $only, None).await;
                }

                #[tokio::test]
                async fn holds_for_a_gateway_of_a_plain_user() {
                    let user = Some(super::NOBODY);
                    super::run(concat!("attacks::", stringify!($part)), $only, user).await;
                }
            }
        )*
    };
}

// In parts, so that they run side by side and each stays within a test's time.
parts! {
    files: "^fsr|^fsw-0",
    workspace: "^fsw-[12]",
    network: "^net",
    processes: "^proc|^inf",
    kernel: "^krn",
    resources: "^res",
    everyday_tools: "^ok-[01]",
    everyday_systems: "^ok-[23]",
}
