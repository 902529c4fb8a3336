//! The unix socket.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use openclaw_testkit::{GatewayProcess, TestHome};
use serde_json::json;
use tokio::net::UnixStream;

use super::{ask, bearer};
use crate::OPENCLAW;

async fn start(home: &TestHome) -> (GatewayProcess, std::path::PathBuf) {
    let path = home.path().join("gw.sock");
    let gateway =
        GatewayProcess::start_with(home, OPENCLAW, |command| command.arg("--unix").arg(&path))
            .await;
    (gateway, path)
}

#[tokio::test]
async fn it_is_its_owners_and_the_same_rules_hold_there() {
    let home = TestHome::new();
    home.lift_limits();
    let (mut gateway, path) = start(&home).await;
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let get = async |what: &'static str, headers: &[(&str, &str)]| {
        let stream = UnixStream::connect(&path).await.unwrap();
        ask(stream, what, headers).await.0
    };
    let bearer = bearer(&gateway);
    let (good, host) = (("authorization", &*bearer), ("host", "localhost"));
    assert_eq!(get("/health", &[host]).await, 200);
    assert_eq!(get("/status", &[host]).await, 401);
    assert_eq!(get("/status", &[host, good]).await, 200);
    assert_eq!(get("/status", &[good]).await, 400);
    assert_eq!(get("/status", &[("host", "evil.example"), good]).await, 421);
    let origin = ("origin", "http://evil.example");
    assert_eq!(get("/status", &[host, good, origin]).await, 403);
    assert_eq!(get("/health", &[host, origin]).await, 403);
    assert_eq!(gateway.terminate().await.0, Some(0));
    assert!(!path.exists(), "the socket goes with its gateway");
}

#[tokio::test]
async fn whoever_comes_by_it_is_local_unless_it_speaks_for_others() {
    let home = TestHome::new();
    let open = json!({ "gateway": { "auth": { "mode": "none" } } });
    home.write_config(&open.to_string()).lift_limits();
    let (_gateway, path) = start(&home).await;
    let host = ("host", "localhost");
    for (headers, status) in [
        (&[host][..], 200),
        (&[host, ("x-forwarded-for", "198.51.100.7")], 401),
    ] {
        let stream = UnixStream::connect(&path).await.unwrap();
        assert_eq!(
            ask(stream, "/status", headers).await.0,
            status,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn the_command_line_comes_by_it() {
    let home = TestHome::new();
    let (gateway, path) = start(&home).await;
    let status = home
        .command(OPENCLAW)
        .args(["status", "--json"])
        .run()
        .await;
    let file = fs::read_to_string(home.state_dir().gateway_file()).unwrap();
    assert!(file.contains(&*path.to_string_lossy()), "{file}");
    assert_eq!(
        status.json()["gateway"]["reachable"],
        true,
        "{status}\n{}",
        gateway.stderr()
    );
    // Nobody is there any more: the same file leads nowhere, and that is said.
    fs::remove_file(&path).unwrap();
    let listed = home.command(OPENCLAW).args(["dashboard"]).run().await;
    let listed = listed.assert_code(4);
    assert!(listed.stderr.contains("gw.sock"), "{listed}");
}

#[tokio::test]
async fn a_dead_socket_is_replaced_and_nothing_else_is() {
    let home = TestHome::new();
    let path = home.path().join("gw.sock");
    // Its name stays when nobody listens any more.
    drop(UnixListener::bind(&path).unwrap());
    let (mut gateway, _) = start(&home).await;
    assert_eq!(gateway.terminate().await.0, Some(0));

    let again = async || {
        let args = ["gateway", "run", "--port", "0", "--unix"];
        home.command(OPENCLAW).args(args).arg(&path).run().await
    };
    let live = UnixListener::bind(&path).unwrap();
    let refused = again().await.assert_code(69);
    assert!(refused.stderr.contains("in use"), "{refused}");
    drop(live);
    fs::remove_file(&path).unwrap();

    fs::write(&path, "precious").unwrap();
    let refused = again().await.assert_code(78);
    assert!(refused.stderr.contains("is no socket"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();

    fs::create_dir(&path).unwrap();
    drop(again().await.assert_code(78));
    fs::remove_dir(&path).unwrap();
    let nowhere = path.join("missing/gw.sock");
    let args = ["gateway", "run", "--port", "0", "--unix"];
    let refused = home.command(OPENCLAW).args(args).arg(nowhere).run().await;
    drop(refused.assert_code(69));
}
