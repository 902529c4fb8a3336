//! `openclaw status`: what is set up and what is running.

use openclaw_testkit::{GatewayProcess, TestHome};

use super::openclaw;
use crate::OPENCLAW;

#[tokio::test]
async fn without_a_gateway_it_is_not_reachable() {
    let home = TestHome::new();
    let ran = openclaw(&home, &["status"]).run().await.assert_code(4);
    assert!(ran.stdout.contains("not running"), "{ran}");
    assert!(ran.stderr.contains("openclaw gateway run"), "{ran}");
    let ran = openclaw(&home, &["status", "--json"]).run().await;
    let status = ran.assert_code(4).json();
    assert_eq!(status["gateway"]["reachable"], false);
    assert_eq!(status["sandbox"]["available"], true);
    assert_eq!(status["usageToday"]["costUsd"], 0.0);
    assert!(!home.state_dir().root().exists());
}

#[tokio::test]
async fn a_running_gateway_is_named() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let (addr, pid) = (gateway.addr(), gateway.pid());
    let ran = openclaw(&home, &["status"]).run().await.assert_code(0);
    let named = format!("http://{addr}, pid {pid}");
    assert!(ran.stdout.contains(&named), "{ran}");
    let ran = openclaw(&home, &["status", "--json"]).run().await;
    let status = ran.assert_code(0).json();
    assert_eq!(status["gateway"]["url"], format!("ws://{addr}"));
    assert_eq!(
        (&status["pid"], &status["gateway"]["reachable"]),
        (&pid.into(), &true.into())
    );

    let wrong = "fedcba9876543210".repeat(4);
    let ran = openclaw(&home, &["status"]).env("OPENCLAW_GATEWAY_TOKEN", wrong);
    drop(ran.run().await.assert_code(5));
}

#[tokio::test]
async fn a_gateway_that_died_is_not_running() {
    let home = TestHome::new();
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    gateway.kill9().await;
    let ran = openclaw(&home, &["status"]).run().await.assert_code(4);
    assert!(ran.stdout.contains("not running"), "{ran}");
}

#[tokio::test]
async fn a_broken_config_is_told_with_its_place() {
    let home = TestHome::new();
    home.write_config("{\n  gateway: { port: 'nine' }\n}\n");
    let config = home.state_dir().config_file().display().to_string();
    let ran = openclaw(&home, &["status"]).run().await.assert_code(78);
    assert!(
        ran.stdout.contains(&config) && ran.stdout.contains("gateway.port"),
        "{ran}"
    );
    let ran = openclaw(&home, &["status", "--json"]).run().await;
    let status = ran.assert_code(78).json();
    assert_eq!(status["config"]["path"], *config);
    assert_eq!(status["config"]["valid"], false);
}
