//! The keyring's tool, played by a script.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use openclaw_core::Kind;
use tempfile::TempDir;

use super::super::{VaultError, password};
use super::*;

/// A machine with a session bus, and with what stands in for `secret-tool`.
struct Machine {
    dir: TempDir,
    env: Env,
}

impl Machine {
    fn new(script: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["bin", "run", "state"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("run/bus"), "").unwrap();
        let env = [
            (PATH.name, dir.path().join("bin")),
            (XDG_RUNTIME_DIR.name, dir.path().join("run")),
        ];
        let machine = Self {
            env: env.into_iter().collect(),
            dir,
        };
        machine.tool("bin", script);
        machine
    }

    fn tool(&self, folder: &str, script: &str) -> PathBuf {
        let path = self.dir.path().join(folder).join(SECRET_TOOL);
        let asked = self.dir.path().join("asked");
        let script = format!("#!/bin/sh\necho \"$@\" >> {}\n{script}\n", asked.display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::canonicalize(path).unwrap()
    }

    fn keyring(&self) -> Keyring {
        Keyring::new(&self.dir.path().join("state"))
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.dir.path().join("asked")).unwrap_or_default()
    }

    fn found(&self) -> Option<(PasswordSource, String)> {
        let found = self.keyring().password(&self.env).unwrap()?;
        Some((found.source, found.secret.expose_secret().to_owned()))
    }

    fn failure(&self) -> PasswordError {
        self.keyring().password(&self.env).unwrap_err()
    }
}

/// What says what is in the environment, but for the values that every command gets.
const VARIABLES: &str = "env | grep -v -E '^(PATH|HOME|LANG|TERM|USER|PWD|SHLVL|_|OLDPWD)='";

#[test]
fn the_password_is_what_the_tool_prints_and_one_line_end_is_dropped() {
    for (script, password) in [
        ("printf 'a b '", "a b "),
        ("echo 'a b'; echo careful >&2", "a b"),
        ("printf 'a\\n\\n'", "a\n"),
    ] {
        let machine = Machine::new(script);
        let program = machine.tool("bin", script);
        let source = PasswordSource::Keyring(program.clone());
        assert!(source.to_string().contains(&program.display().to_string()));
        assert_eq!(machine.found(), Some((source, password.to_owned())));
        let question = "lookup service openclaw account credentials\n";
        assert_eq!(machine.asked(), question);
    }
}

#[test]
fn the_tool_gets_the_bus_and_none_of_our_secrets() {
    let mut machine = Machine::new(VARIABLES);
    machine
        .env
        .set("OPENCLAW_CREDENTIALS_PASSWORD", "canary password");
    machine.env.set("ANTHROPIC_API_KEY", "canary key");
    machine
        .env
        .set(DBUS_SESSION_BUS_ADDRESS.name, "unix:path=/x");
    let (_, said) = machine.found().unwrap();
    let mut lines: Vec<_> = said.lines().collect();
    lines.sort_unstable();
    let run = format!("XDG_RUNTIME_DIR={}/run", machine.dir.path().display());
    assert_eq!(
        lines,
        ["DBUS_SESSION_BUS_ADDRESS=unix:path=/x", "LC_ALL=C", &*run]
    );
}

#[test]
fn a_keyring_that_has_no_such_entry_is_no_error() {
    assert_eq!(Machine::new("exit 1").found(), None);
}

#[test]
fn nothing_is_asked_without_a_bus_or_a_tool() {
    let mut machine = Machine::new("echo password");
    machine.env = [(PATH.name, machine.dir.path().join("bin"))]
        .into_iter()
        .collect();
    assert_eq!(machine.found(), None);
    machine.env.set(XDG_RUNTIME_DIR.name, "/nowhere");
    assert_eq!(machine.found(), None);
    machine
        .env
        .set(DBUS_SESSION_BUS_ADDRESS.name, "unix:path=/x");
    assert!(machine.found().is_some());
    machine.env.set(PATH.name, "/nowhere:bin:");
    assert_eq!(machine.found(), None);
}

#[test]
fn a_bus_that_sandboxed_commands_could_reach_is_not_used() {
    let mut machine = Machine::new("echo password");
    for address in [
        "unix:abstract=/tmp/dbus-x,guid=1",
        "unix:guid=1,abstract=/path=x",
        "unix:path=/x;unix:abstract=y",
        "tcp:host=localhost,port=1,path=/x",
        "unixexec:path=/bin/sh",
        "autolaunch:",
        "path=/x",
    ] {
        machine.env.set(DBUS_SESSION_BUS_ADDRESS.name, address);
        let err = machine.failure();
        let exposed = matches!(err, PasswordError::Keyring(KeyringError::Exposed));
        assert!(exposed, "{address}: {err}");
    }
    assert_eq!(machine.asked(), "");
    for address in ["unix:path=/run/user/1/bus,guid=1", "unix:runtime=yes"] {
        machine.env.set(DBUS_SESSION_BUS_ADDRESS.name, address);
        assert!(machine.found().is_some(), "{address}");
    }
}

#[test]
fn a_tool_that_an_agent_may_have_written_is_passed_over() {
    let mut machine = Machine::new("echo right");
    let planted = machine.tool("state", "echo planted");
    let (linked, plain) = (machine.dir.path().join("linked"), "plain");
    fs::create_dir(&linked).unwrap();
    symlink(planted, linked.join(SECRET_TOOL)).unwrap();
    fs::create_dir(machine.dir.path().join(plain)).unwrap();
    let no_program = machine.tool(plain, "echo no program");
    fs::set_permissions(no_program, fs::Permissions::from_mode(0o644)).unwrap();
    let folders = ["state", "linked", plain, "bin"].map(|name| machine.dir.path().join(name));
    let path = std::env::join_paths(folders).unwrap();
    machine.env.set(PATH.name, path);
    assert_eq!(machine.found().unwrap().1, "right");
}

#[test]
fn what_the_keyring_has_and_is_no_password_is_an_error() {
    for (script, why) in [
        ("exit 0", "is empty"),
        ("echo", "is empty"),
        ("printf '\\377'", "is not UTF-8"),
        ("head -c 5000 /dev/zero", "4096"),
        ("head -c 5000000 /dev/zero", "4096"),
    ] {
        let err = Machine::new(script).failure();
        assert!(matches!(err, PasswordError::Unsafe { .. }), "{err}");
        assert!(err.to_string().contains(why), "{err}");
        assert!(err.to_string().contains("keyring"), "{err}");
    }
}

#[test]
fn a_tool_that_fails_is_told_in_its_own_words() {
    for (script, why) in [
        (
            "exec >&2; echo; echo '  no such bus\u{7}'; echo more; exit 1",
            "no such bus",
        ),
        ("exit 3", "it ended with code 3"),
        ("kill -9 $$", "signal 9 ended it"),
        ("echo canary password; exit 3", "it ended with code 3"),
    ] {
        let machine = Machine::new(script);
        let err = machine.failure();
        let text = err.to_string();
        assert!(text.ends_with(why), "{text}");
        assert!(!text.contains("canary"), "{text}");
        assert_eq!(err.kind(), Kind::Config);
        let hint = VaultError::from(err).hint().unwrap();
        assert!(hint.starts_with("unlock the keyring"), "{hint}");
    }
}

#[test]
fn a_keyring_that_does_not_answer_is_waited_for_once() {
    let machine = Machine::new("exec sleep 60");
    let keyring = Keyring {
        limit: Duration::from_millis(300),
        ..machine.keyring()
    };
    let began = Instant::now();
    for _ in 0..3 {
        let err = keyring.password(&machine.env).unwrap_err();
        let silent = matches!(err, PasswordError::Keyring(KeyringError::Silent { .. }));
        assert!(silent, "{err}");
    }
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!(machine.asked().lines().count(), 1);
}

#[test]
fn the_keyring_comes_after_the_file_and_before_the_environment() {
    let mut machine = Machine::new("echo in the keyring");
    let plain = "OPENCLAW_CREDENTIALS_PASSWORD";
    machine.env.set(plain, "in the environment");
    let found = |machine: &Machine| match password::unattended(&machine.env, &machine.keyring()) {
        Ok(password::Found::Password(found)) => found.secret.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(found(&machine), "in the keyring");
    // A keyring that has no password, or cannot be asked, does not stand in the way.
    for script in ["exit 1", "echo broken >&2; exit 1"] {
        machine.tool("bin", script);
        assert_eq!(found(&machine), "in the environment");
    }
    // One that has something else instead does.
    machine.tool("bin", "exit 0");
    let refused = password::unattended(&machine.env, &machine.keyring());
    assert!(matches!(refused, Err(PasswordError::Unsafe { .. })));

    let before = machine.asked();
    let file = machine.dir.path().join("password");
    fs::write(&file, "in the file").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    machine.env.set("OPENCLAW_CREDENTIALS_PASSWORD_FILE", &file);
    assert_eq!(found(&machine), "in the file");
    assert_eq!(machine.asked(), before);
}

#[tokio::test]
async fn the_keyring_can_be_asked_from_within_a_runtime() {
    assert_eq!(Machine::new("echo yes").found().unwrap().1, "yes");
}

#[test]
fn the_keychain_of_macos_is_asked_for_the_same_entry() {
    let command = Tool::Security.question(&Env::default(), LIMIT);
    let argv: Vec<_> = command.argv.iter().filter_map(|arg| arg.to_str()).collect();
    assert_eq!(
        argv.join(" "),
        "/usr/bin/security find-generic-password -s openclaw -a credentials -w"
    );
    assert_eq!(command.env, []);
}
