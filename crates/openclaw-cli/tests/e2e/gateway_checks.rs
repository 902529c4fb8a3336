//! The shared attack cases, tried on the real binary.
//!
//! `../shared/checks/gateway` holds cases that hurt programs of this kind, and a runner for them.
//! It runs against two gateways: one without limits worth the name, so that the cases do not get
//! in each other's way, and one as it comes.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use openclaw_testkit::{GatewayProcess, TestHome, shared_dir, skip_note};
use tokio::process::Command;

use crate::OPENCLAW;

/// Cases that wait for the gateway to lose patience; each takes up to a minute.
const SLOW: &str = "^(slow-01|slow-02|conn-03)$";

/// Cases about the limits that are counted for a client, of which the runner is one.
const LIMITS_OFF: &str =
    "{ rateLimit: { requestsPerMinute: 1000000, messagesPerMinute: 1000000 } }";

/// Runs cases and returns what the runner printed, or what it lacks.
async fn checks(runner: &Path, gateway: &GatewayProcess, args: &[&str]) -> Result<String, String> {
    let output = Command::new("python3")
        .arg(runner)
        .args(["--base", &format!("http://{}", gateway.addr())])
        .args(["--token", gateway.token().expose_secret()])
        .args(["--pid", &gateway.pid().to_string()])
        .arg("--log")
        .arg(gateway.stderr_file())
        .args(args)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|err| format!("python3: {err}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("'ok':"),
        "{said}{}\n-- the gateway --\n{}",
        String::from_utf8_lossy(&output.stderr),
        gateway.stderr()
    );
    Ok(said)
}

fn runner(test: &str) -> Option<PathBuf> {
    let runner = shared_dir().map(|shared| shared.join("checks/gateway/run.py"));
    let runner = runner.filter(|runner| runner.is_file());
    if runner.is_none() {
        skip_note(test, "there is no ../shared/checks/gateway");
    }
    runner
}

#[expect(
    clippy::print_stderr,
    reason = "what fell short of `should` is to be seen"
)]
fn show(what: &str, said: &Result<String, String>) {
    match said {
        Ok(said) => eprintln!("{what}:\n{said}"),
        Err(lacking) => skip_note(what, lacking),
    }
}

#[tokio::test]
async fn shared_cases_find_nothing_to_break() {
    let Some(runner) = runner("shared_cases_find_nothing_to_break") else {
        return;
    };
    let home = TestHome::new();
    let own = home.state_dir().root().join("openclaw-rs.json5");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(own, LIMITS_OFF).unwrap();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    // Those that only wait do so side by side with the others.
    let (quick, slow) = tokio::join!(
        checks(&runner, &gateway, &["--skip-last", "--skip", SLOW]),
        checks(&runner, &gateway, &["--only", SLOW]),
    );
    show("quick cases", &quick);
    show("slow cases", &slow);
}

#[tokio::test]
async fn shared_cases_run_into_the_limits() {
    let Some(runner) = runner("shared_cases_run_into_the_limits") else {
        return;
    };
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let said = checks(&runner, &gateway, &["--rate-only"]).await;
    show("cases about limits", &said);
}
