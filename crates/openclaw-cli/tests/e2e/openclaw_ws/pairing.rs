//! How devices come in for the first time and again, and how they are taken out.

use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WireFormat};
use serde_json::{Value, json};

use super::{Connect, Device, Peer};
use crate::OPENCLAW;
use crate::audit::openclaw;

#[tokio::test]
async fn a_device_of_this_machine_is_let_in_silently_and_comes_again_with_its_own_token() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let device = Device::new(1);
    let token = gateway.token().expose_secret();
    let first = Peer::connect(gateway.addr(), &device, Connect::token(token)).await;
    let first = first.unwrap();
    assert_eq!(first.hello["auth"]["method"], "token");
    let own = first.hello["auth"]["deviceToken"].as_str().unwrap();
    assert_ne!(own, token);

    let shown = Connect::auth(json!({ "deviceToken": own }));
    let again = Peer::connect(gateway.addr(), &device, shown).await.unwrap();
    assert_eq!(again.hello["auth"]["method"], "device-token");

    // Whoever finds the token has not got the key.
    let stolen = Connect::auth(json!({ "deviceToken": own }));
    let thief = Peer::connect(gateway.addr(), &Device::new(2), stolen).await;
    let (error, code) = thief.unwrap_err();
    assert_eq!(error["details"]["code"], "AUTH_DEVICE_TOKEN_MISMATCH");
    assert_eq!(code, 1008);
}

#[tokio::test]
async fn a_device_from_afar_waits_until_the_owner_approves_it_and_a_revoked_one_is_cut_off() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    let mut config = TestHome::config_for(&provider, WireFormat::OpenAi);
    config["gateway"] = json!({ "trustedProxies": ["127.0.0.1"] });
    home.write_config(&config.to_string()).lift_limits();
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let device = Device::new(3);
    let come = || {
        let shown = Connect::token(gateway.token().expose_secret());
        Peer::connect(gateway.addr(), &device, shown.by_proxy())
    };
    let (error, code) = come().await.unwrap_err();
    assert_eq!(code, 1008);
    assert_eq!(error["code"], "NOT_PAIRED", "{error}");
    assert_eq!(error["details"]["code"], "PAIRING_REQUIRED", "{error}");
    let request = error["details"]["requestId"].as_str().unwrap();

    let approve = openclaw(&home, &["devices", "approve", request, "--json"]);
    let approved = approve.run().await.assert_code(0).stdout;
    let approved: Value = serde_json::from_str(&approved).unwrap();
    assert_eq!(approved["data"]["deviceId"], device.id.as_str());
    let mut peer = come().await.unwrap();
    assert!(peer.hello["auth"]["deviceToken"].is_string());

    let revoke = openclaw(&home, &["devices", "revoke", &device.id]);
    drop(revoke.run().await.assert_code(0));
    assert_eq!(peer.closed().await, 4001);
    let own = peer.hello["auth"]["deviceToken"].clone();
    let shown = Connect::auth(json!({ "deviceToken": own })).by_proxy();
    let late = Peer::connect(gateway.addr(), &device, shown).await;
    let (error, code) = late.unwrap_err();
    assert_eq!(error["details"]["code"], "AUTH_DEVICE_TOKEN_MISMATCH");
    assert_eq!(code, 1008);
}
