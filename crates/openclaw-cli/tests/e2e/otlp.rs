//! What is sent to a collector of OpenTelemetry, read with OpenTelemetry's own library.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use openclaw_testkit::collector::{Data, Span, attribute};
use openclaw_testkit::{
    Collector, FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat,
};
use serde_json::{Value, json};

use crate::OPENCLAW;

fn configure(home: &TestHome, provider: &FakeProvider, otel: &Value) {
    let mut config = TestHome::config_for(provider, WireFormat::Anthropic);
    config["diagnostics"] = json!({ "otel": otel });
    home.write_config(&config.to_string()).lift_limits();
}

async fn ask(gateway: &GatewayProcess, text: &str) -> Value {
    let params = json!({ "sessionKey": "agent:main:main", "content": text });
    gateway.rpc("session.message", params).await.unwrap()
}

#[tokio::test]
async fn a_turn_becomes_a_trace_with_the_names_of_the_conventions() {
    let (home, provider, collector) = (TestHome::new(), FakeProvider::start(), Collector::start());
    configure(
        &home,
        &provider,
        &json!({
            "enabled": true,
            "endpoint": collector.endpoint(),
            "protocol": "http/protobuf",
            "headers": { "x-collector-token": "cnry-of-the-collector" },
            "serviceName": "under-test",
            "flushIntervalMs": 1000,
        }),
    );
    let words = "words-that-nobody-else-may-read";
    provider
        .reply(
            Reply::tool_calls([FakeCall::new(
                "exec",
                &json!({ "command": format!("echo {words}") }),
            )
            .id("call-1")])
            .with_text(words),
        )
        .reply(Reply::text(words));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let answer = ask(&gateway, words).await;
    let spans = collector.wait_for_spans(4).await;
    assert_eq!(collector.services()[0], "under-test");
    check_spans(&spans, answer["runId"].as_str().unwrap());
    check_metrics(&collector).await;
    check_heads(&collector);
    let sent = collector.bytes();
    let told = |text: &str| sent.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(
        told("execute_tool exec") && !told(words),
        "what was said is sent"
    );
}

/// The spans of a turn belong together, and say what the conventions ask for.
fn check_spans(spans: &[Span], run: &str) {
    let named = |name: &str| {
        spans
            .iter()
            .filter(|span| span.name == name)
            .collect::<Vec<_>>()
    };
    let (root, chats) = (named("invoke_agent main"), named("chat fake-model"));
    let tools = named("execute_tool exec");
    assert_eq!(
        (root.len(), chats.len(), tools.len()),
        (1, 2, 1),
        "{spans:#?}"
    );
    let root = root[0];
    let run = run.replace('-', "");
    let trace = u128::from_be_bytes(root.trace_id.clone().try_into().unwrap());
    assert_eq!(format!("{trace:032x}"), run, "the run's id is the trace's");
    assert_eq!(root.parent_span_id, Vec::<u8>::new());
    let of = |span: &Span, name: &str| attribute(&span.attributes, name);
    assert_eq!(of(root, "gen_ai.operation.name").unwrap(), "invoke_agent");
    assert_eq!(of(root, "gen_ai.agent.name").unwrap(), "main");
    for span in chats.iter().chain(&tools) {
        assert_eq!(span.trace_id, root.trace_id);
        assert_eq!(span.parent_span_id, root.span_id);
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= root.end_time_unix_nano);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    for (name, wanted) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "fake"),
        ("gen_ai.request.model", "fake-model"),
    ] {
        assert_eq!(of(chats[0], name).unwrap(), wanted);
    }
    for name in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
        assert!(of(chats[0], name).unwrap().parse::<u64>().unwrap() > 0);
    }
    for (name, wanted) in [
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "exec"),
        ("gen_ai.tool.call.id", "call-1"),
    ] {
        assert_eq!(of(tools[0], name).unwrap(), wanted);
    }
}

/// The metrics of a turn have the names, units and shapes of the conventions.
async fn check_metrics(collector: &Collector) {
    let metric = collector.wait_for_metric("gen_ai.client.token.usage").await;
    assert_eq!(metric.unit, "{token}");
    let Some(Data::Histogram(histogram)) = metric.data else {
        panic!("no histogram");
    };
    let point = &histogram.data_points[0];
    assert_eq!(
        attribute(&point.attributes, "gen_ai.provider.name").unwrap(),
        "fake"
    );
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    let runs = collector.wait_for_metric("openclaw.run.completed").await;
    assert!(matches!(runs.data, Some(Data::Sum(sum)) if sum.is_monotonic));
}

/// Every request says what it has, and carries the configured header.
fn check_heads(collector: &Collector) {
    let heads = collector.heads();
    for head in &heads {
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("content-type: application/x-protobuf"),
            "{head}"
        );
        assert!(
            head.contains("x-collector-token: cnry-of-the-collector"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_part_of_the_turns_and_no_metrics_are_sent_where_the_config_says_so() {
    let (home, provider, collector) = (TestHome::new(), FakeProvider::start(), Collector::start());
    configure(
        &home,
        &provider,
        &json!({ "enabled": true, "endpoint": collector.endpoint(), "sampleRate": 0, "metrics": false }),
    );
    provider.otherwise(|_| Reply::text("yes"));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    drop(ask(&gateway, "hello").await);
    gateway.terminate().await;
    assert_eq!(collector.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_not_sent_yet_is_sent_when_the_gateway_stops() {
    let (home, provider, collector) = (TestHome::new(), FakeProvider::start(), Collector::start());
    configure(
        &home,
        &provider,
        &json!({ "enabled": true, "endpoint": collector.endpoint() }),
    );
    provider.otherwise(|_| Reply::text("yes"));
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    drop(ask(&gateway, "hello").await);
    gateway.terminate().await;
    assert_eq!(collector.spans().len(), 2);
    drop(collector.wait_for_metric("openclaw.run.completed").await);
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_nobody_up_and_is_told_of_once() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let time = async |otel: Value| {
        configure(&home, &provider, &otel);
        let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
        let began = Instant::now();
        for _ in 0..40 {
            drop(ask(&gateway, "well?").await);
        }
        let took = began.elapsed();
        (took, gateway.terminate().await.1, gateway.stderr())
    };
    provider.otherwise(|_| Reply::text("yes"));
    let (plain, _, _) = time(json!({ "enabled": false })).await;
    let (held, stopping, _) =
        time(json!({ "enabled": true, "endpoint": endpoint, "flushIntervalMs": 1000 })).await;
    assert!(
        held < plain * 2 + Duration::from_secs(1),
        "{plain:?} became {held:?}"
    );
    assert!(stopping < Duration::from_secs(3), "{stopping:?}");
    drop(silent);

    // Nobody listens there any more: each attempt fails at once.
    configure(
        &home,
        &provider,
        &json!({ "enabled": true, "endpoint": endpoint, "flushIntervalMs": 1000 }),
    );
    let mut gateway = GatewayProcess::start(&home, OPENCLAW).await;
    drop(ask(&gateway, "well?").await);
    for _ in 0..300 {
        let failed = "openclaw_telemetry_exporter_total{signal=\"metrics\",outcome=\"failed\"}";
        let samples = openclaw_testkit::http::HttpRequest::get("/metrics")
            .header(
                "authorization",
                format!("Bearer {}", gateway.token().expose_secret()),
            )
            .send(gateway.addr())
            .await
            .unwrap()
            .text();
        let times = samples
            .lines()
            .find_map(|line| line.strip_prefix(failed)?.trim().parse::<u32>().ok());
        if times.is_some_and(|times| times >= 3) {
            gateway.terminate().await;
            let told = gateway.stderr();
            let times = told.matches("the collector does not take").count();
            assert_eq!(times, 1, "{told}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing is tried");
}
