//! A client that records what its servers answer, and one that is answered by the recording.

use std::path::PathBuf;

use openclaw_http::{
    Body, HttpClient, HttpError, Label, Phase, PostJson, Retry, Tape, TapeError, Timeouts,
};
use serde_json::{Map, json};
use tempfile::TempDir;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use crate::server::Server;
use crate::{AT_ONCE, BUSY, HELLO, short, text};

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("tape.jsonl")
}

fn request(url: &str) -> PostJson {
    PostJson::new(url, &json!({ "model": "m", "messages": [] })).unwrap()
}

async fn ask(tape: &Tape, timeouts: Timeouts, request: PostJson) -> Result<Body, HttpError> {
    let client = HttpClient::new(timeouts).with_tape(Some(tape.clone()));
    client.post_json(request, &CancellationToken::new()).await
}

#[tokio::test]
async fn every_attempt_is_played_as_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let label = Label {
        api: "some-api".to_owned(),
        provider: "mine".to_owned(),
        base_url: None,
        params: Map::new(),
    };
    let tape = Tape::record(&path(&folder))
        .unwrap()
        .labelled(label.clone());
    let server = Server::start(["", BUSY, HELLO]);
    let url = server.url("/v1/chat");
    let recorded = ask(&tape, short(), request(&url).retry(AT_ONCE)).await;
    assert_eq!(text(recorded.unwrap()).await.unwrap(), "hello");
    assert_eq!(tape.finish().unwrap(), 3);

    let tape = Tape::play(&path(&folder)).unwrap();
    assert_eq!(tape.upcoming().unwrap().label, label);
    let mut errors = Vec::new();
    let played = loop {
        match ask(&tape, short(), request(&url).retry(Retry::NEVER)).await {
            Ok(body) => break text(body).await.unwrap(),
            Err(error) => errors.push(error),
        }
    };
    assert_eq!(played, "hello");
    let [
        HttpError::Broken { .. },
        HttpError::Status {
            status: 503,
            body_excerpt,
            ..
        },
    ] = &errors[..]
    else {
        panic!("{errors:?}");
    };
    assert_eq!(body_excerpt, "busy");
    let error = ask(&tape, short(), request(&url)).await.unwrap_err();
    assert!(
        matches!(
            &error,
            HttpError::Tape(end) if matches!(**end, TapeError::AtEnd { exchanges: 3, .. })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_and_one_that_hangs_do_so_again() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    let cut =
        Server::start(["HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhello"]);
    let hangs = Server::hanging("HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n");
    let gone = Server::start::<0>([]).url("/v1");
    let soon = Timeouts {
        idle: Duration::from_millis(50),
        ..short()
    };
    let body = ask(&tape, short(), request(&cut.url("/cut"))).await;
    text(body.unwrap()).await.unwrap_err();
    let body = ask(&tape, soon, request(&hangs.url("/hangs"))).await;
    text(body.unwrap()).await.unwrap_err();
    let never = request(&gone).retry(Retry::NEVER);
    ask(&tape, short(), never.clone()).await.unwrap_err();

    let tape = Tape::play(&path(&folder)).unwrap();
    let body = ask(&tape, short(), request(&cut.url("/cut"))).await;
    let error = text(body.unwrap()).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken { .. }), "{error:?}");
    let body = ask(&tape, short(), request(&hangs.url("/hangs"))).await;
    let error = text(body.unwrap()).await.unwrap_err();
    let HttpError::Timeout { phase, limit, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!((phase, limit), (Phase::Idle, Duration::from_millis(50)));
    let error = ask(&tape, short(), never).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn a_recording_takes_as_long_as_it_took_when_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r#"{"record":"cassette","format":"openclaw-cassette","version":1,"program":"by hand"}
{"record":"request","exchange":1,"method":"POST","url":"http://api.example/v1","body":{"model":"m","messages":[]}}
{"record":"response","exchange":1,"afterMs":1000,"status":200}
{"record":"chunk","exchange":1,"afterMs":61000,"text":"hello"}
{"record":"end","exchange":1,"afterMs":62000,"how":"whole"}
"#;
    std::fs::write(path(&folder), lines).unwrap();
    let patient = Timeouts {
        idle: Duration::from_mins(2),
        total: Duration::from_mins(5),
        ..short()
    };
    tokio::time::pause();
    for (timed, took) in [(true, 62), (false, 0)] {
        let tape = Tape::play(&path(&folder)).unwrap();
        let tape = if timed { tape.with_timing() } else { tape };
        let began = Instant::now();
        let body = ask(&tape, patient, request("http://api.example/v1")).await;
        assert_eq!(text(body.unwrap()).await.unwrap(), "hello");
        assert_eq!(began.elapsed().as_secs(), took);
    }
}
