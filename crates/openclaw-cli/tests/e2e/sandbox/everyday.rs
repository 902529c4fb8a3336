//! Everyday work at level strict.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_testkit::{Ran, TestHome};

use super::{installed, strict};

/// A compiler is slow on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

async fn work(home: &TestHome, script: &str) -> Ran {
    let ran = strict(home, &[], script).timeout(PATIENCE).run().await;
    ran.assert_code(0)
}

#[tokio::test]
async fn a_repository_is_made_and_committed_to_and_the_host_can_read_it() {
    if !installed("a_repository_is_made", "git") {
        return;
    }
    let home = TestHome::new();
    let ran = work(
        &home,
        "git init -q . && git config user.email a@b.example && git config user.name a \
         && echo one > file && git add file && git commit -qm one \
         && git checkout -qb side && echo two >> file && git commit -qam two && git log --format=%s",
    )
    .await;
    assert_eq!(ran.stdout, "two\none\n");

    // The next run finds it, and goes on with it.
    let ran = work(
        &home,
        "git switch -q - && git merge -q side && git status --short && cat file",
    )
    .await;
    assert_eq!(ran.stdout, "one\ntwo\n");
    let head = fs::read_to_string(home.workspace().join(".git/HEAD")).unwrap();
    assert!(head.starts_with("ref: refs/heads/"), "{head}");
}

#[tokio::test]
async fn interpreters_run() {
    let home = TestHome::new();
    if installed("interpreters_run", "python3") {
        let script =
            "python3 -c 'import json, ssl, sqlite3, threading; print(json.dumps({\"a\": 6 * 7}))'";
        assert_eq!(work(&home, script).await.stdout, "{\"a\": 42}\n");
    }
    if installed("interpreters_run", "node") {
        let script = "node -e 'new (require(\"worker_threads\").Worker)(\"console.log(6 * 7)\", { eval: true })'";
        assert_eq!(work(&home, script).await.stdout, "42\n");
    }
}

#[tokio::test]
async fn a_script_of_npm_runs_without_a_network() {
    if !installed("a_script_of_npm", "npm") {
        return;
    }
    let home = TestHome::new();
    let package = r#"{ "name": "p", "version": "1.0.0", "scripts": { "hi": "node -p 6*7" } }"#;
    fs::write(home.workspace().join("package.json"), package).unwrap();
    assert_eq!(work(&home, "npm run -s hi").await.stdout, "42\n");
}

/// Returns the folder of the compiler that built this, with `bin/cargo` in it.
async fn toolchain(home: &TestHome) -> Option<PathBuf> {
    let rustc = home
        .command("rustc")
        .args(["--print", "sysroot"])
        .run()
        .await;
    let folder = PathBuf::from(rustc.stdout.trim_end());
    (rustc.code == Some(0) && folder.join("bin/cargo").is_file()).then_some(folder)
}

#[tokio::test]
async fn cargo_builds_with_a_toolchain_that_is_named() {
    let home = TestHome::new();
    if !installed("cargo_builds", "cc") || !installed("cargo_builds", "rustc") {
        return;
    }
    let Some(toolchain) = toolchain(&home).await else {
        return openclaw_testkit::skip_note("cargo_builds", "rustc has no cargo beside it");
    };
    let script = "cargo new -q --vcs none app && cd app && cargo -q run --offline && cargo -q test --offline";
    let flags = ["--toolchain", toolchain.to_str().unwrap()];
    let ran = strict(&home, &flags, script).timeout(PATIENCE).run().await;
    let ran = ran.assert_code(0);
    assert!(ran.stdout.starts_with("Hello, world!\n"), "{ran}");
    // What was built is there, and the toolchain is as it was.
    assert!(home.workspace().join("app/target/debug/app").is_file());
    let script = "echo evil > \"$(dirname \"$(command -v cargo)\")/evil\"";
    let ran = strict(&home, &flags, script).run().await;
    assert_ne!(ran.code, Some(0), "{ran}");
    assert!(!toolchain.join("bin/evil").exists());
}

#[tokio::test]
async fn a_shell_does_what_shells_do() {
    let home = TestHome::new();
    for (script, printed) in [
        ("printf 'b\\na\\n' | sort | tr ab AB", "A\nB\n"),
        ("cat <<END | wc -l\none\ntwo\nEND", "2\n"),
        ("sleep 0.1 & wait; echo $(( 6 * 7 )) > n; cat < n", "42\n"),
        ("mkfifo p; echo through > p & cat p; rm p", "through\n"),
        (
            "set -e; trap 'echo bye' EXIT; (exit 3) || echo $?",
            "3\nbye\n",
        ),
        ("find . -name n -exec stat -c %s {} +", "3\n"),
        ("tar -cf t.tar n && tar -tf t.tar && rm t.tar", "n\n"),
        (
            "mktemp > /dev/null && echo ok > \"$HOME/x\" && cat \"$HOME/x\"",
            "ok\n",
        ),
    ] {
        assert_eq!(work(&home, script).await.stdout, printed, "{script}");
    }
    let script = "#!/bin/sh\necho \"I am $(basename \"$0\") with $#\"\n";
    fs::write(home.workspace().join("own"), script).unwrap();
    let ran = work(&home, "chmod 755 own && ./own a b").await;
    assert_eq!(ran.stdout, "I am own with 2\n");
}
