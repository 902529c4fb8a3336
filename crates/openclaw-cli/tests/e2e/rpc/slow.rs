//! Clients that do not read cost little, lose no fact, and are closed in the end.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{call, log, new_session, next_message};
use crate::OPENCLAW;
use crate::socket::Socket;

/// How many do not read.
const CLIENTS: usize = 8;
/// How many turns there are meanwhile, each with a message and an answer of that many bytes.
const TURNS: usize = 100;
const SIZE: usize = 80_000;
/// The most that the gateway may grow by: a mebibyte of events for each client, as text, as values
/// and as the message that is being written, and what the turns themselves take.
const GROWTH: u64 = 40 << 20;

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .unwrap();
    kibibytes.trim().parse::<u64>().unwrap() << 10
}

/// Returns how many sockets a process has open.
fn sockets(pid: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let names = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let is_socket = |name: &PathBuf| name.to_string_lossy().starts_with("socket:");
    names.filter(is_socket).count()
}

async fn turns(gateway: &GatewayProcess, session: &str, count: usize) {
    for _ in 0..count {
        let params = json!({"sessionKey": session, "content": "x".repeat(SIZE)});
        gateway.rpc("session.message", params).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_are_bounded_and_miss_no_event() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.keep_requests(1);
    provider.otherwise(|_| Reply::text("y".repeat(SIZE)));
    home.use_provider(&provider, WireFormat::OpenAi);
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let warm = new_session(&gateway, "warm").await;
    turns(&gateway, &warm, 10).await;
    let (mut cursor, open) = (Value::Null, sockets(gateway.pid()));
    let mut stuck = Vec::new();
    for _ in 0..CLIENTS {
        let mut socket = Socket::open(&gateway).await;
        let answer = call(&mut socket, "events.subscribe", json!({}))
            .await
            .unwrap();
        cursor = answer["cursor"].clone();
        stuck.push(socket);
    }
    let before = resident(gateway.pid());
    let mut most = before;
    for n in 0..TURNS / 10 {
        // A session of its own each, so that no model call has all of it.
        let session = new_session(&gateway, &format!("p{n}")).await;
        turns(&gateway, &session, 10).await;
        most = most.max(resident(gateway.pid()));
    }
    let queued = CLIENTS * TURNS * 2 * SIZE;
    println!(
        "grew by {} KiB; {} KiB were not read",
        (most - before) >> 10,
        queued >> 10
    );
    assert!(most - before < GROWTH, "it grew by {} bytes", most - before);

    // Nobody waits for them for ever. They still do not read: that would be a sign of life.
    let closed = async {
        while sockets(gateway.pid()) > open {
            sleep(Duration::from_millis(100)).await;
        }
    };
    let closed = timeout(Duration::from_mins(1), closed).await;
    assert!(closed.is_ok(), "clients that do not read are not closed");
    drop(stuck);
    // What they have not read is there for them.
    let mut socket = Socket::open(&gateway).await;
    let params = json!({"cursor": cursor});
    call(&mut socket, "events.subscribe", params).await.unwrap();
    let known: u64 = cursor
        .as_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let all = log(&gateway).await;
    let missed = all
        .iter()
        .filter(|event| event["position"].as_u64().unwrap() > known);
    let missed: Vec<&Value> = missed.collect();
    for kind in ["MessageReceived", "AgentResponse"] {
        let of_kind = missed.iter().filter(|event| event["kind"] == kind);
        assert_eq!(of_kind.count(), TURNS, "{kind}");
    }
    for event in missed {
        let told = loop {
            let mut message = next_message(&mut socket).await;
            if message["method"] == "session.event" {
                break message["params"]["event"].take();
            }
        };
        assert_eq!(told, *event);
    }
}
