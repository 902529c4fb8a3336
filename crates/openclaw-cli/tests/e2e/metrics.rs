//! `GET /metrics`: that Prometheus can read it, what it says of a turn, and who may read it.

use std::collections::{BTreeMap, BTreeSet};

use openclaw_testkit::http::{HttpAnswer, HttpRequest};
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

/// The samples of a scrape, by name and labels as they stand.
type Samples = BTreeMap<String, f64>;

/// Reads the text format 0.0.4 as strictly as it is specified.
fn read(text: &str) -> Samples {
    let mut samples = Samples::new();
    let mut described: BTreeMap<String, String> = BTreeMap::new();
    let mut helped = BTreeSet::new();
    let mut family = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            name.clone_into(&mut family);
            continue;
        }
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(name, family, "the type does not follow the help");
            let again = described.insert(name.to_owned(), kind.to_owned());
            assert_eq!(again, None, "{name} stands twice");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let name = series.split('{').next().unwrap();
        let kind = &described[&family];
        let base = match kind.as_str() {
            "histogram" => ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name),
            _ => name,
        };
        assert_eq!(base, family, "{line} stands among others");
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        check_labels(series);
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(
            samples.insert(series.to_owned(), value),
            None,
            "{line} twice"
        );
    }
    for (name, kind) in &described {
        if kind == "histogram" {
            check_histogram(name, &samples);
        }
    }
    samples
}

fn check_labels(series: &str) {
    let Some((_, labels)) = series.split_once('{') else {
        return;
    };
    let mut rest = labels.strip_suffix('}').unwrap();
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(legal), "{series}");
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (_, after) = value.split_at(end.unwrap() + 1);
        rest = after.strip_prefix(',').unwrap_or(after);
    }
}

/// The buckets of a histogram only grow, and the last one has all.
fn check_histogram(name: &str, samples: &Samples) {
    let sums = samples.keys().filter_map(|series| {
        let labels = series.strip_prefix(&format!("{name}_sum"))?;
        Some(labels.trim_matches(['{', '}']).to_owned())
    });
    for labels in sums {
        let mut buckets: Vec<(f64, f64)> = samples
            .iter()
            .filter_map(|(series, count)| {
                let inner = series.strip_prefix(&format!("{name}_bucket{{"))?;
                let (of, bound) = inner.strip_suffix("\"}")?.rsplit_once("le=\"")?;
                let bound = bound.replace("+Inf", "inf").parse().unwrap();
                (of.trim_end_matches(',') == labels).then_some((bound, *count))
            })
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(
            buckets.is_sorted_by(|a, b| a.1 <= b.1),
            "{name}: {buckets:?}"
        );
        let (last, all) = buckets[buckets.len() - 1];
        assert!(last.is_infinite());
        let count = match labels.as_str() {
            "" => samples[&format!("{name}_count")],
            labels => samples[&format!("{name}_count{{{labels}}}")],
        };
        assert!((count - all).abs() < 0.5, "{name}");
    }
}

async fn get(gateway: &GatewayProcess, path: &str, token: Option<&str>) -> HttpAnswer {
    let mut request = HttpRequest::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.send(gateway.addr()).await.unwrap()
}

async fn scrape(gateway: &GatewayProcess) -> Samples {
    let answer = get(gateway, "/metrics", Some(gateway.token().expose_secret())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let kind = answer.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    read(&answer.text())
}

async fn ask(gateway: &GatewayProcess, text: &str) -> Result<Value, Value> {
    let params = json!({ "sessionKey": "agent:main:main", "content": text });
    gateway.rpc("session.message", params).await
}

/// What is counted of the turns of the test below, and no more than that.
const EXACTLY: &[(&str, f64)] = &[
    ("openclaw_run_completed_total{outcome=\"ok\"}", 1.0),
    ("openclaw_run_completed_total{outcome=\"unavailable\"}", 1.0),
    ("openclaw_run_duration_seconds_count{outcome=\"ok\"}", 1.0),
    ("openclaw_run_steps_total", 2.0),
    (
        "openclaw_model_call_total{provider=\"fake\",model=\"fake-model\",outcome=\"ok\"}",
        2.0,
    ),
    (
        "openclaw_model_call_total{provider=\"fake\",model=\"fake-model\",outcome=\"unavailable\"}",
        1.0,
    ),
    (
        "openclaw_model_call_duration_seconds_count{provider=\"fake\",model=\"fake-model\"}",
        3.0,
    ),
    (
        "openclaw_tool_execution_total{tool=\"exec\",outcome=\"ok\"}",
        1.0,
    ),
    (
        "openclaw_tool_execution_total{tool=\"read\",outcome=\"failed\"}",
        1.0,
    ),
    (
        "openclaw_tool_execution_duration_seconds_count{tool=\"exec\"}",
        1.0,
    ),
    ("openclaw_websocket_clients{dialect=\"jsonrpc\"}", 1.0),
    (
        "openclaw_gateway_rpc_requests_total{dialect=\"jsonrpc\",outcome=\"ok\"}",
        1.0,
    ),
    (
        "openclaw_http_requests_total{dialect=\"jsonrpc\",route=\"/rpc\",status=\"200\"}",
        2.0,
    ),
    (
        "openclaw_http_requests_total{dialect=\"http\",route=\"none\",status=\"401\"}",
        1.0,
    ),
    ("openclaw_approvals_pending", 0.0),
    ("openclaw_session_queue_depth", 0.0),
    ("openclaw_runs_active", 0.0),
];

#[tokio::test]
async fn a_turn_is_counted_in_every_metric_that_it_is_about() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::Anthropic)
        .lift_limits();
    provider
        .reply(Reply::tool_calls([
            FakeCall::new("exec", &json!({ "command": "true" })),
            FakeCall::new("read", &json!({ "path": "no-such-file" })),
        ]))
        .reply(Reply::text("done"))
        .reply(Reply::status(400).saying("no"));
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let socket = gateway.client().await;
    drop(ask(&gateway, "one").await.unwrap());
    drop(ask(&gateway, "two").await.unwrap_err());
    drop(get(&gateway, "/nowhere/4711", None).await);
    let samples = scrape(&gateway).await;
    let model = "provider=\"fake\",model=\"fake-model\"";
    for (series, wanted) in EXACTLY {
        let value = samples.get(*series);
        assert_eq!(value, Some(wanted), "{series} in {samples:#?}");
    }
    let least = |series: &str, least: f64| {
        assert!(
            samples.get(series).is_some_and(|n| *n >= least),
            "{series} in {samples:#?}"
        );
    };
    least(
        &format!("openclaw_model_tokens_total{{{model},token_type=\"input\"}}"),
        1.0,
    );
    least("openclaw_event_log_events_total", 8.0);
    least("openclaw_event_log_append_seconds_count", 4.0);
    least("process_resident_memory_bytes", 1_000_000.0);
    least("process_start_time_seconds", 1_700_000_000.0);
    assert!(
        samples.keys().all(|series| !series.contains("4711")),
        "a stranger's path is a label: {samples:#?}"
    );
    drop(socket);
    let gone = "openclaw_websocket_clients{dialect=\"jsonrpc\"}";
    for _ in 0..200 {
        if scrape(&gateway).await[gone] < 0.5 {
            return;
        }
    }
    panic!("the socket is still counted");
}

#[tokio::test]
async fn the_metrics_are_for_who_may_read_unless_the_config_says_otherwise() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let issued = async |scope: &str| {
        let params = json!({ "name": scope, "scopes": [scope] });
        let issued = gateway.rpc("tokens.create", params).await.unwrap();
        issued["accessToken"].as_str().unwrap().to_owned()
    };
    let (read, write) = (
        issued("operator.read").await,
        issued("operator.approvals").await,
    );
    for path in ["/metrics", "/api/diagnostics/prometheus"] {
        assert_eq!(get(&gateway, path, None).await.status, 401);
        assert_eq!(get(&gateway, path, Some("wrong")).await.status, 401);
        assert_eq!(get(&gateway, path, Some(&write)).await.status, 403);
        assert_eq!(get(&gateway, path, Some(&read)).await.status, 200);
    }
    let post = HttpRequest::post("/metrics", "")
        .send(gateway.addr())
        .await
        .unwrap();
    assert_eq!(post.status, 401, "a stranger is told what is there");
    drop(gateway);

    home.write_own(r#"{ diagnostics: { metrics: "open" } }"#);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let answer = get(&gateway, "/metrics", None).await;
    assert_eq!(answer.status, 200);
    assert!(read_is_fine(&answer.text()));
    let post = HttpRequest::post("/metrics", "")
        .send(gateway.addr())
        .await
        .unwrap();
    assert_eq!(post.status, 405);
}

fn read_is_fine(text: &str) -> bool {
    !read(text).is_empty()
}

#[tokio::test]
async fn nothing_is_measured_where_the_config_does_not_want_it() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["diagnostics"] = json!({ "enabled": false });
    home.write_config(&config.to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let answer = get(&gateway, "/metrics", Some(gateway.token().expose_secret())).await;
    assert_eq!((answer.status, answer.text()), (200, String::new()));
}

#[tokio::test]
async fn a_changed_config_says_who_may_read_and_what_waits_for_the_next_start() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    let config = TestHome::config_for(&provider, WireFormat::OpenAi);
    home.write_config(&config.to_string()).lift_limits();
    home.write_own(r#"{ diagnostics: { metrics: "open" } }"#);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    assert_eq!(get(&gateway, "/metrics", None).await.status, 200);
    let comes = async |done: &dyn Fn(u16, String) -> bool| {
        for _ in 0..2000 {
            let answer = get(&gateway, "/metrics", None).await;
            if done(answer.status, gateway.stderr()) {
                return;
            }
        }
        panic!("it does not come: {}", gateway.stderr());
    };
    home.write_own("{}");
    comes(&|status, _| status == 401).await;
    let told = gateway.stderr();
    assert!(!told.contains("waits for the next start"), "{told}");

    let mut config = config;
    config["diagnostics"] = json!({ "otel": { "enabled": true, "traces": false } });
    config["logging"] = json!({ "level": "debug" });
    home.write_config(&config.to_string());
    comes(&|_, told| {
        ["setting=logging", "setting=diagnostics"]
            .iter()
            .all(|setting| told.contains(setting))
    })
    .await;
}
