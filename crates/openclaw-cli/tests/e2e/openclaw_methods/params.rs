//! Params that do not fit are refused with their field's name, and scopes are those that are
//! published.

use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WireFormat};
use serde_json::{Map, Value, json};

use super::peer::Peer;
use super::published::protocol;
use crate::OPENCLAW;

/// The methods that this gateway answers, of those whose params are published.
fn methods(protocol: &Value) -> Vec<(String, Value)> {
    let methods = protocol["methods"].as_object().unwrap();
    let with_params = methods.iter().map(|(method, named)| {
        let definition = named["params"].as_str().unwrap();
        (method.clone(), protocol["definitions"][definition].clone())
    });
    with_params.collect()
}

/// Returns what makes a request whole but for what is tried.
fn needed(params: &Value) -> Map<String, Value> {
    let names = params["required"].as_array().cloned().unwrap_or_default();
    let of = |name: &str| match params["properties"][name]["type"].as_str() {
        Some("array") => json!(["x"]),
        _ => json!("x"),
    };
    let members = names.iter().map(|name| {
        let name = name.as_str().unwrap();
        (name.to_owned(), of(name))
    });
    members.collect()
}

#[tokio::test]
async fn a_member_of_another_type_is_refused_by_its_name() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    for (method, params) in methods(&protocol()) {
        let properties = params["properties"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for name in properties.keys() {
            let mut request = needed(&params);
            request.insert(name.clone(), json!({ "wrong": true }));
            let error = peer.call(&method, request.into()).await.unwrap_err();
            assert_eq!(error["code"], "INVALID_REQUEST", "{method} {name}: {error}");
            let message = error["message"].as_str().unwrap();
            let begins = format!("invalid {method} params: ");
            assert!(message.starts_with(&begins), "{method} {name}: {message}");
            assert!(message.contains(name), "{method} {name}: {message}");
        }
        let mut request = needed(&params);
        request.insert("nosuch".to_owned(), json!(1));
        let error = peer.call(&method, request.into()).await.unwrap_err();
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("unexpected property 'nosuch'"),
            "{method}: {message}"
        );
        for name in needed(&params).keys() {
            let mut request = needed(&params);
            request.remove(name);
            let error = peer.call(&method, request.into()).await.unwrap_err();
            let missing = format!("invalid {method} params: must have required property '{name}'");
            assert_eq!(error["message"], missing.as_str());
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_is_unknown_and_not_listed() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let mut peer = Peer::connect(&gateway).await;
    for method in [
        "nosuch.method",
        "sessions.rewind",
        "wake",
        "config.set",
        "cron.add",
    ] {
        let error = peer.call(method, json!({})).await.unwrap_err();
        assert_eq!(error["code"], "INVALID_REQUEST", "{method}");
        assert!(!peer.methods.iter().any(|listed| listed == method));
        let message = format!("unknown method: {method}");
        assert_eq!(error["message"], message.as_str());
    }
}

#[tokio::test]
async fn a_method_needs_the_scope_that_is_published() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi)
        .lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let token = gateway.token().expose_secret();
    let protocol = protocol();
    for own in ["operator.pairing", "operator.questions"] {
        let mut peer = Peer::with_scopes(gateway.addr(), token, &[own]).await;
        for method in peer.methods.clone() {
            let Some(scope) = protocol["scopes"][&method].as_str() else {
                continue;
            };
            // What OpenClaw decides by the params.
            let needed = match (scope, method.as_str()) {
                ("dynamic", "sessions.delete") => "operator.admin",
                ("dynamic", _) => "operator.write",
                (scope, _) => scope,
            };
            let answer = peer.call(&method, json!({})).await;
            let refused = answer.err().map(|error| error["message"].clone());
            let missing = json!(format!("missing scope: {needed}"));
            assert_eq!(
                refused == Some(missing),
                needed != own,
                "{method} with {own}"
            );
        }
    }
}
