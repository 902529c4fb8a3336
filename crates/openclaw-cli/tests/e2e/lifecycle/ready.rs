//! `GET /ready`.

use std::time::Duration;

use openclaw_testkit::http::HttpRequest;
use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WireFormat};
use serde_json::{Value, json};

use super::bearer;
use crate::OPENCLAW;

async fn ready(gateway: &GatewayProcess, credential: Option<&str>) -> (u16, Value) {
    let mut request = HttpRequest::get("/ready");
    if let Some(credential) = credential {
        request = request.header("authorization", credential);
    }
    let answer = request.send(gateway.addr()).await.unwrap();
    (answer.status, answer.json())
}

/// Asks until the causes have these codes.
async fn until(gateway: &GatewayProcess, codes: &[&str]) -> Value {
    let mut asked = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..100 {
        asked.tick().await;
        let (_, answer) = ready(gateway, Some(&bearer(gateway))).await;
        let causes = answer["causes"].as_array().unwrap();
        if causes.iter().map(|cause| &cause["code"]).eq(codes) {
            return answer;
        }
    }
    panic!("the causes do not become {codes:?}\n{}", gateway.stderr());
}

#[tokio::test]
async fn a_gateway_whose_agents_can_answer_is_ready() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.use_provider(&provider, WireFormat::Anthropic);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    // It answers before what a crash cut off is closed.
    until(&gateway, &[]).await;
    assert_eq!(ready(&gateway, None).await, (200, json!({ "ready": true })));
    let all_well = (200, json!({ "ready": true, "causes": [] }));
    assert_eq!(ready(&gateway, Some(&bearer(&gateway))).await, all_well);
}

#[tokio::test]
async fn why_it_is_not_ready_is_told_to_those_who_may_read() {
    let home = TestHome::new();
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    until(&gateway, &["model"]).await;
    assert_eq!(
        ready(&gateway, None).await,
        (503, json!({ "ready": false }))
    );
    let (status, answer) = ready(&gateway, Some(&bearer(&gateway))).await;
    let cause = json!({ "code": "model", "message": "the agent main has no model" });
    assert_eq!(
        (status, answer),
        (503, json!({ "ready": false, "causes": [cause] }))
    );
    let health = HttpRequest::get("/health").send(gateway.addr()).await;
    assert_eq!(health.unwrap().status, 200);
    let wrong = format!("Bearer {}", "x".repeat(64));
    assert_eq!(ready(&gateway, Some(&wrong)).await.0, 401);
}

#[tokio::test]
async fn a_refused_config_is_a_cause_until_it_is_good_again() {
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    home.lift_limits();
    let good = TestHome::config_for(&provider, WireFormat::Anthropic);
    home.write_config(&good.to_string());
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    until(&gateway, &[]).await;
    home.write_config("{ gateway: { port: 'x' } }");
    let answer = until(&gateway, &["config"]).await;
    let message = answer["causes"][0]["message"].as_str().unwrap();
    assert!(message.contains("gateway.port"), "{message}");
    home.write_config(&format!("{good:#}"));
    until(&gateway, &[]).await;
}
