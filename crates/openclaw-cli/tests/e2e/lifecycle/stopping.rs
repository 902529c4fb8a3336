//! Stopping: how long what is under way may go on, and who is told.

use std::time::Duration;

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::OPENCLAW;
use crate::socket::{Frame, Socket};

/// A gateway with a run that does not end by itself, and the answer to who waits for it.
async fn busy(
    home: &TestHome,
    provider: &FakeProvider,
    args: &[&str],
) -> (
    GatewayProcess,
    tokio::task::JoinHandle<Result<Value, Value>>,
) {
    provider.reply(Reply::text("at last").hold_after(0));
    home.use_provider(provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start_with(home, OPENCLAW, |command| command.args(args)).await;
    let client = gateway.rpc_client();
    let params = json!({ "sessionKey": "agent:main:main", "content": "hi" });
    let said = tokio::spawn(async move { client.call("session.message", params).await.unwrap() });
    provider.wait_for_holds(1).await;
    (gateway, said)
}

fn tell(gateway: &GatewayProcess) {
    let pid = Pid::from_raw(gateway.pid().cast_signed()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

/// Waits until nobody answers at the gateway's address any more.
async fn shut(gateway: &GatewayProcess) {
    let mut tried = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..500 {
        tried.tick().await;
        if TcpStream::connect(gateway.addr()).await.is_err() {
            return;
        }
    }
    panic!("the gateway still listens\n{}", gateway.stderr());
}

async fn last_event(home: &TestHome) -> Value {
    let args = ["sessions", "events", "agent:main:main", "--json"];
    let events = home.command(OPENCLAW).args(args).run().await.assert_code(0);
    let events = events.json();
    events["data"]["events"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

#[tokio::test]
async fn with_time_to_drain_a_run_comes_to_its_end_and_nobody_new_is_let_in() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let (mut gateway, said) = busy(&home, &provider, &["--drain", "60"]).await;
    let mut idle = Socket::open(&gateway).await;
    tell(&gateway);
    assert_eq!(idle.next_frame().await, Frame::Close(1001));
    shut(&gateway).await;
    assert!(
        HttpRequest::get("/health")
            .send(gateway.addr())
            .await
            .is_err()
    );
    provider.release();
    assert_eq!(said.await.unwrap().unwrap()["content"], "at last");
    assert_eq!(gateway.terminate().await.0, Some(0), "{}", gateway.stderr());
    let last = last_event(&home).await;
    assert!(last.to_string().contains("at last"), "{last}");
}

#[tokio::test]
async fn what_takes_longer_than_that_is_cancelled_and_on_record() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.write_own("{ gateway: { drain: 1 } }");
    let (mut gateway, said) = busy(&home, &provider, &[]).await;
    let (code, took) = gateway.terminate().await;
    assert_eq!(code, Some(0), "{}", gateway.stderr());
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(said.await.unwrap().is_err());
    let last = last_event(&home).await.to_string();
    assert!(last.contains("cancelled"), "{last}");
}

#[tokio::test]
async fn told_once_more_it_stops_at_once() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let (mut gateway, said) = busy(&home, &provider, &["--drain", "3600"]).await;
    tell(&gateway);
    shut(&gateway).await;
    let (code, took) = gateway.terminate().await;
    assert_eq!(code, Some(0), "{}", gateway.stderr());
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(said.await.unwrap().is_err());
    let last = last_event(&home).await.to_string();
    assert!(last.contains("cancelled"), "{last}");
}

#[tokio::test]
async fn a_second_gateway_says_who_was_first() {
    let home = TestHome::new();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let args = ["gateway", "run", "--port", "0"];
    let second = home
        .command(OPENCLAW)
        .args(args)
        .run()
        .await
        .assert_code(69);
    let (pid, addr) = (gateway.pid(), gateway.addr());
    let named = format!("pid {pid}, http://{addr}");
    assert!(second.stderr.contains(&named), "{second}");
}
