//! A client whose connection is cut a hundred times sees the log as it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use openclaw_ipc::client::{Client, Endpoint};
use openclaw_ipc::{Cursor, Notification};
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{log, new_session, positions};
use crate::OPENCLAW;

/// How often the connection is cut.
const CUTS: usize = 100;
/// How many sessions talk meanwhile.
const SESSIONS: usize = 4;
/// One cut of how many is a reset.
const RESETS: usize = 4;
/// The most bytes that come through before a cut.
const MOST: u64 = 8000;
const PATIENCE: Duration = Duration::from_mins(2);

/// Numbers that look like chance and follow from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Passes on what comes, and cuts a connection in the midst of what the gateway sends.
async fn pass_on(listener: TcpListener, gateway: SocketAddr, cuts: Arc<AtomicUsize>, seed: u64) {
    let mut chance = Chance(seed);
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(gateway).await.unwrap();
        if cuts.load(Ordering::Relaxed) == CUTS {
            tokio::spawn(async move {
                drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
            });
            continue;
        }
        let (mut from_client, mut to_client) = client.split();
        let (from_server, mut to_server) = server.split();
        let mut from_server = from_server.take(chance.below(MOST));
        tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
            _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        }
        drop(to_client.flush().await);
        // Now and then a reset, which also takes what had come and was not read yet.
        if cuts.fetch_add(1, Ordering::Relaxed).is_multiple_of(RESETS) {
            client.set_zero_linger().unwrap();
        }
    }
}

/// Has turns in a session, of which each has a tool call, until it is told to stop.
async fn talk(gateway: openclaw_testkit::rpc::RpcClient, session: String, stop: Arc<AtomicBool>) {
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        let params = json!({"sessionKey": session, "content": format!("turn {turn}")});
        gateway
            .call("session.message", params)
            .await
            .unwrap()
            .unwrap();
        turn += 1;
    }
}

fn provider() -> FakeProvider {
    let provider = FakeProvider::start();
    provider.keep_requests(8);
    provider.otherwise(|seen| {
        if seen.ends_with_results() {
            Reply::text("It is as it was: nothing to see, and a few more words to stream.")
        } else {
            Reply::tool_calls([FakeCall::new("ls", &json!({}))]).with_text("Looking around.")
        }
    });
    provider
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_cuts_while_sessions_stream_cost_no_event_and_repeat_none() {
    let (home, provider) = (TestHome::new(), provider());
    home.use_provider(&provider, WireFormat::OpenAi);
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    let cuts = Arc::new(AtomicUsize::new(0));
    let passing = tokio::spawn(pass_on(listener, gateway.addr(), Arc::clone(&cuts), seed));
    let stop = Arc::new(AtomicBool::new(false));
    let mut talking = JoinSet::new();
    for n in 0..SESSIONS {
        let session = new_session(&gateway, &format!("p{n}")).await;
        talking.spawn(talk(gateway.rpc_client(), session, Arc::clone(&stop)));
    }

    // The first connection may be cut before anything is followed.
    let mut client = loop {
        if let Ok(mut client) = Client::connect(&endpoint, gateway.token()).await
            && client.follow(Some(Cursor::START), None).await.is_ok()
        {
            break client;
        }
    };
    let mut seen: Vec<u64> = Vec::new();
    let mut pieces = 0;
    let mut last = None;
    while last.is_none_or(|last| seen.last() != Some(&last)) {
        if cuts.load(Ordering::Relaxed) == CUTS && last.is_none() {
            stop.store(true, Ordering::Relaxed);
            timeout(PATIENCE, talking.join_all()).await.unwrap();
            talking = JoinSet::new();
            last = positions(&log(&gateway).await).pop();
            continue;
        }
        let next = timeout(PATIENCE, client.next_notification()).await.unwrap();
        match next.unwrap() {
            Notification::SessionEvent(fact) => seen.push(fact.event.position),
            _ => pieces += 1,
        }
    }
    passing.abort();
    let all = positions(&log(&gateway).await);
    println!(
        "{} events, {pieces} pieces, {} cuts",
        all.len(),
        cuts.load(Ordering::Relaxed)
    );
    assert_eq!(seen, all);
    assert_eq!(cuts.load(Ordering::Relaxed), CUTS);
    let kinds: Vec<Value> = log(&gateway)
        .await
        .into_iter()
        .map(|event| event["kind"].clone())
        .collect();
    assert!(kinds.contains(&json!("ToolResult")) && pieces > 0);
}
