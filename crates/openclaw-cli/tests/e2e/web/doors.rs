//! What leads out of a session: to another session, and to a model that can see.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_testkit::{FakeCall, FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use super::result;

/// A picture of one pixel, in base64.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";

fn send(session: &Value, message: &str) -> Reply {
    let args = json!({ "sessionKey": session, "message": message });
    Reply::tool_calls([FakeCall::new("sessions_send", &args)])
}

async fn say(gateway: &GatewayProcess, text: &str) -> String {
    let params = json!({ "sessionKey": "agent:main:main", "content": text });
    let reply = gateway.rpc("session.message", params).await.unwrap();
    reply["content"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_session_asks_another_and_gets_its_answer_but_is_not_asked_back() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, crate::OPENCLAW).await;
    let params = json!({ "agentId": "main", "channel": "telegram", "peerId": "tides" });
    let other = gateway.rpc("session.create", params).await.unwrap();
    let other = &other["sessionKey"];

    provider.reply(send(other, "when is the tide?"));
    // The other session answers, after it has tried to ask back.
    provider.reply(send(&json!("agent:main:main"), "which tide?"));
    provider.reply(Reply::text("at noon"));
    provider.reply(Reply::text("it comes at noon"));
    assert_eq!(
        say(&gateway, "ask about the tide").await,
        "it comes at noon"
    );
    let requests = provider.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(
        requests[1].last_user_text().lines().collect::<Vec<_>>(),
        [
            "[Inter-session message from agent:main:main; isUser=false]",
            "when is the tide?",
        ]
    );
    let back = &requests[2].results()[0].content;
    assert!(
        back.contains("came from the session `agent:main:main`"),
        "{back}"
    );
    let told = result(&provider);
    assert!(
        told.contains("status: ok") && told.contains("reply: at noon"),
        "{told}"
    );

    let params = json!({ "sessionKey": other });
    let history = gateway.rpc("session.history", params).await.unwrap();
    let message = &history["events"].as_array().unwrap()[1];
    let marks = json!([{ "from": "principal", "trust": "trusted" }]);
    assert_eq!(message["payload"]["marks"], marks, "{message}");
    provider.assert_clean();
}

/// A home whose own model is blind, with one that can see beside it.
fn with_eyes(provider: &FakeProvider, is_named: impl Fn(&mut Value)) -> TestHome {
    let home = TestHome::new();
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    let models = &mut config["models"]["providers"]["fake"]["models"];
    models[0]["input"] = json!(["text"]);
    let seeing = json!({ "id": "eyes", "name": "Eyes", "input": ["text", "image"] });
    models.as_array_mut().unwrap().push(seeing);
    is_named(&mut config["agents"]["defaults"]);
    home.write_config(&config.to_string());
    fs::write(
        home.workspace().join("tide.png"),
        STANDARD.decode(PNG).unwrap(),
    )
    .unwrap();
    home
}

#[tokio::test]
async fn a_picture_is_looked_at_by_the_model_that_can_see() {
    let provider = FakeProvider::start();
    let home = with_eyes(&provider, |defaults| {
        defaults["imageModel"] = json!({ "primary": "fake/eyes" });
    });
    let gateway = GatewayProcess::start(&home, crate::OPENCLAW).await;
    let args = json!({ "image": "tide.png", "prompt": "What is the tide?" });
    provider.reply(Reply::tool_calls([FakeCall::new("image", &args)]));
    provider.reply(Reply::text("It is high."));
    provider.reply(Reply::text("high, then"));
    assert_eq!(say(&gateway, "look at tide.png").await, "high, then");
    let requests = provider.requests();
    let models: Vec<&str> = requests.iter().map(|seen| seen.model()).collect();
    assert_eq!(models, ["fake-model", "eyes", "fake-model"]);
    assert!(requests[0].tools().contains(&"image"));
    assert_eq!(requests[1].last_user_text(), "What is the tide?");
    assert!(
        requests[1]
            .body
            .to_string()
            .contains(&format!("data:image/png;base64,{PNG}"))
    );
    let told = result(&provider);
    assert!(
        told.contains("model: fake/eyes") && told.contains("text: It is high."),
        "{told}"
    );

    // What is no picture is not shown to anybody.
    fs::write(home.workspace().join("tide.png"), "no picture").unwrap();
    provider.reply(Reply::tool_calls([FakeCall::new("image", &args)]));
    provider.reply(Reply::text("none"));
    say(&gateway, "look again").await;
    assert!(result(&provider).contains("no picture that a model can see"));
    assert_eq!(provider.requests().len(), 5);
    provider.assert_clean();
}

#[tokio::test]
async fn an_agent_without_eyes_is_not_offered_pictures() {
    let provider = FakeProvider::start();
    let home = with_eyes(&provider, |_| {});
    let gateway = GatewayProcess::start(&home, crate::OPENCLAW).await;
    let args = json!({ "image": "tide.png" });
    provider.reply(Reply::tool_calls([FakeCall::new("image", &args)]));
    provider.reply(Reply::text("I cannot see"));
    say(&gateway, "look at tide.png").await;
    assert!(!provider.last_request().tools().contains(&"image"));
    let told = result(&provider);
    assert!(told.contains("agents.defaults.imageModel"), "{told}");
    let listed = gateway.rpc("tools.list", json!({})).await.unwrap();
    assert!(!listed.to_string().contains("\"image\""), "{listed}");

    let home = with_eyes(&provider, |defaults| {
        defaults["model"]["primary"] = json!("fake/eyes");
    });
    let gateway = GatewayProcess::start(&home, crate::OPENCLAW).await;
    provider.reply(Reply::text("hello"));
    say(&gateway, "hello").await;
    assert!(provider.last_request().tools().contains(&"image"));
    provider.assert_clean();
}
