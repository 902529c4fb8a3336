//! What can become of an answer on its way, and what the script does.

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{Chunking, FakeProvider, Reply, Rule, SeenRequest, WireFormat};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::ask::{ask, post, request};

#[tokio::test]
async fn a_cut_answer_ends_without_its_end() {
    for wire in WireFormat::ALL {
        let provider = FakeProvider::start();
        provider.reply(Reply::text("one two three"));
        provider.reply(Reply::text("one two three").cut_after(2));
        let whole = ask(&provider, wire).await.text();
        let cut = ask(&provider, wire).await;
        let expected: String = whole.split_inclusive("\n\n").take(2).collect();
        assert_eq!(
            (cut.text().replace("000002", "000001"), cut.complete),
            (expected, false)
        );
        assert_eq!(provider.hang_ups().len(), 0);
    }
}

#[tokio::test]
async fn a_silence_lasts_until_the_test_ends_it() {
    for wire in WireFormat::ALL {
        let reply = Reply::text("one two three");
        let provider = FakeProvider::scripted([
            reply.clone(),
            reply.clone().hold_after(3).chunked(Chunking::Bytes(50)),
            reply.hold_headers(),
        ]);
        let whole = ask(&provider, wire).await.text();
        for n in 1..=2 {
            let release = async {
                provider.wait_for_holds(n).await;
                provider.release();
            };
            let (answer, ()) = tokio::join!(ask(&provider, wire), release);
            let number = format!("{:06}", n + 1);
            assert_eq!(answer.text().replace(&number, "000001"), whole);
        }
        assert_eq!(provider.hang_ups().len(), 0);
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_noted() {
    for wire in WireFormat::ALL {
        let provider = FakeProvider::scripted([Reply::hang(), Reply::hang().hold_headers()]);
        for n in 1..=2 {
            let mut stream = TcpStream::connect(provider.addr()).await.unwrap();
            let body = request(wire).to_string();
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 anthropic-version: 2023-06-01\r\ncontent-length: {}\r\n\r\n",
                wire.path(),
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body.as_bytes()).await.unwrap();
            provider.wait_for_holds(n).await;
            drop(stream);
            provider.wait_for_hang_ups(n).await;
        }
    }
}

#[tokio::test]
async fn errors_have_the_form_of_the_api() {
    let mut seen = Vec::new();
    for wire in WireFormat::ALL {
        let provider = FakeProvider::scripted([
            Reply::status(429).retry_after(1),
            Reply::status(529),
            Reply::status(401).saying("no such key: sk-test"),
            Reply::html(502),
        ]);
        for _ in 0..4 {
            let answer = ask(&provider, wire).await;
            seen.push(format!(
                "{} {} {:?}\n{}",
                answer.status,
                answer.header("content-type").unwrap(),
                answer.header("retry-after"),
                answer.text().replace('\r', "")
            ));
        }
    }
    insta::assert_snapshot!(seen.join("\n\n"));
}

#[tokio::test]
async fn the_default_answer_follows_the_script_and_sees_the_request() {
    let provider = FakeProvider::scripted([Reply::text("first")]);
    provider.otherwise(|seen: &SeenRequest| Reply::text(format!("to: {}", seen.last_user_text())));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut body = request(WireFormat::OpenAi);
        body["stream"] = json!(false);
        let request = post(WireFormat::OpenAi, &body);
        let answer = request.send(provider.addr()).await.unwrap().json();
        answers.push(answer["choices"][0]["message"]["content"].clone());
    }
    assert_eq!(answers, ["first", "to: And then?"]);
}

#[tokio::test]
async fn a_request_beyond_the_script_is_a_violation() {
    let provider = FakeProvider::start();
    let answer = ask(&provider, WireFormat::Anthropic).await;
    let found = provider.take_violations();
    assert_eq!((answer.status, found.len()), (400, 1));
    assert_eq!((found[0].rule, found[0].request), (Rule::Script, 1));
}

#[tokio::test]
async fn a_reply_function_that_panics_is_a_violation() {
    let provider = FakeProvider::start();
    provider.otherwise(|seen| Reply::text(seen.header("no-such-header").unwrap()));
    ask(&provider, WireFormat::OpenAi).await;
    let found = provider.take_violations();
    assert_eq!(
        found.iter().map(|found| found.rule).collect::<Vec<_>>(),
        [Rule::Script]
    );
}

#[tokio::test]
async fn requests_are_kept_as_they_were_seen() {
    for wire in WireFormat::ALL {
        let provider = FakeProvider::start();
        provider.keep_requests(1).otherwise(|_| Reply::text("ok"));
        ask(&provider, wire).await;
        ask(&provider, wire).await;
        provider.wait_for_requests(2).await;
        let requests = provider.requests();
        let seen = provider.last_request();
        assert_eq!((requests.len(), seen.number, seen.wire), (1, 2, Some(wire)));
        assert_eq!(seen.body, request(wire));
        assert_eq!(
            (seen.model(), seen.system.as_deref(), seen.tools()),
            ("some-model", Some("You are a test."), vec!["exec"])
        );
        assert_eq!(seen.user_texts(), ["List the files.", "And then?"]);
        let calls: Vec<_> = seen
            .calls()
            .iter()
            .map(|call| (&*call.id, &call.arguments))
            .collect();
        assert_eq!(calls, [("a", &json!({"command": "ls"})), ("b", &json!({}))]);
        let results: Vec<_> = seen
            .results()
            .iter()
            .map(|result| (&*result.call_id, &*result.content))
            .collect();
        assert_eq!(results, [("b", "two"), ("a", "one")]);
        assert!(!seen.ends_with_results());
    }
}

#[tokio::test]
#[should_panic(expected = "nothing answers `GET /v1/models`")]
async fn dropping_the_provider_fails_the_test_that_broke_a_rule() {
    let provider = FakeProvider::start();
    let answer = HttpRequest::get("/v1/models")
        .send(provider.addr())
        .await
        .unwrap();
    assert_eq!(answer.status, 404);
    drop(provider);
}
