//! Sockets that systemd has opened, and what it is told.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;
use std::{fs, str};

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{GatewayProcess, TestHome};
use tokio::net::UnixStream;

use super::ask;
use crate::OPENCLAW;

/// Opens sockets as systemd does, and becomes the program: `-` in place of what `LISTEN_FDS` says
/// takes their number.
const ACTIVATE: &str = r#"
import os, socket, sys
count, path, program, *args = sys.argv[1:]
tcp = [socket.socket() for _ in range(2)]
for one in tcp:
    one.bind(("127.0.0.1", 0)); one.listen()
unix = socket.socket(socket.AF_UNIX)
unix.bind(path); unix.listen(); os.chmod(path, 0o666)
sockets = [os.dup(one.fileno()) for one in (*tcp, unix)]
for place, one in enumerate(sockets):
    os.dup2(one, 3 + place, inheritable=True)
os.environ["LISTEN_FDS"] = str(len(sockets)) if count == "-" else count
os.environ.setdefault("LISTEN_PID", str(os.getpid()))
os.execv(program, [program, *args])
"#;

#[tokio::test]
async fn every_socket_that_is_handed_over_is_answered_at() {
    let home = TestHome::new();
    let (program, path) = (home.path().join("activate"), home.path().join("gw.sock"));
    let script = format!(
        "#!/bin/sh\nexec python3 -c '{ACTIVATE}' - {} {OPENCLAW} \"$@\"\n",
        path.display()
    );
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut gateway = GatewayProcess::start(&home, &program).await;
    // It names the further ones after the first.
    let mut looked = tokio::time::interval(Duration::from_millis(20));
    let others = loop {
        looked.tick().await;
        let said = gateway.stderr();
        let named = |line: &str| line.strip_prefix("listens on http://")?.parse().ok();
        let others: Vec<SocketAddr> = said.lines().filter_map(named).collect();
        if others.len() == 2 {
            break others;
        }
    };
    for addr in others {
        let answer = HttpRequest::get("/health").send(addr).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    let stream = UnixStream::connect(&path).await.unwrap();
    assert_eq!(
        ask(stream, "/health", &[("host", "localhost")]).await.0,
        200
    );
    assert_eq!(gateway.terminate().await.0, Some(0), "{}", gateway.stderr());
    assert!(path.exists(), "the socket is not ours to take away");
}

#[tokio::test]
async fn what_is_no_number_of_sockets_is_refused() {
    let home = TestHome::new();
    for (count, pid, named) in [
        ("x", "$$", "LISTEN_FDS"),
        ("-1", "$$", "LISTEN_FDS"),
        ("99999999999999999999", "$$", "LISTEN_FDS"),
        ("65", "$$", "LISTEN_FDS"),
        ("1", "me", "LISTEN_PID"),
        ("1", "", "LISTEN_PID"),
        ("1", "$$", "file descriptor 3"),
    ] {
        let script = format!(
            "exec 3</dev/null; LISTEN_FDS='{count}' LISTEN_PID=\"{pid}\" exec \"$0\" gateway run --port 0"
        );
        let args = ["-c", &script, OPENCLAW];
        let ran = home.command("/bin/sh").args(args).run().await;
        let ran = ran.assert_code(78);
        assert!(ran.stderr.contains(named), "{ran}");
    }
}

#[tokio::test]
async fn sockets_of_another_process_are_left_alone() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start_with(&home, OPENCLAW, |command| {
        command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1")
    })
    .await;
    let answer = HttpRequest::get("/health").send(gateway.addr()).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[tokio::test]
async fn the_service_manager_hears_of_the_start_the_stop_and_signs_of_life() {
    let home = TestHome::new();
    let path = home.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let heard = |wanted: &str| {
        let mut buffer = [0; 512];
        loop {
            let length = manager.recv(&mut buffer).unwrap();
            let text = str::from_utf8(&buffer[..length]).unwrap();
            if text.lines().any(|line| line == wanted) {
                return;
            }
        }
    };
    let mut gateway = GatewayProcess::start_with(&home, OPENCLAW, |command| {
        command
            .env("NOTIFY_SOCKET", &path)
            .env("WATCHDOG_USEC", "200000")
    })
    .await;
    heard("READY=1");
    heard("WATCHDOG=1");
    heard("WATCHDOG=1");
    assert_eq!(gateway.terminate().await.0, Some(0));
    heard("STOPPING=1");
}
