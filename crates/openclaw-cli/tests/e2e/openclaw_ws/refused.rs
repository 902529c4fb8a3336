//! Who is not let in is told why in OpenClaw's words, as OpenClaw closes.

use openclaw_testkit::{FakeProvider, GatewayProcess, TestHome, WireFormat};

use super::{Connect, Device, Peer};
use crate::OPENCLAW;

#[tokio::test]
async fn a_wrong_token_and_a_protocol_that_is_too_old_are_refused_in_openclaws_words() {
    let (provider, home) = (FakeProvider::start(), TestHome::new());
    home.use_provider(&provider, WireFormat::OpenAi);
    let gateway = GatewayProcess::start(&home, OPENCLAW).await;
    let device = Device::new(4);
    let wrong = Peer::connect(gateway.addr(), &device, Connect::token("wrong")).await;
    let (error, code) = wrong.unwrap_err();
    assert_eq!(code, 1008);
    assert_eq!(error["code"], "INVALID_REQUEST");
    assert_eq!(
        error["message"],
        "unauthorized: gateway token mismatch (provide gateway auth token)"
    );
    assert_eq!(error["details"]["code"], "AUTH_TOKEN_MISMATCH");
    assert_eq!(error["details"]["authReason"], "token_mismatch");

    let token = gateway.token().expose_secret();
    let old = Connect::token(token).protocol(2);
    let (error, code) = Peer::connect(gateway.addr(), &device, old)
        .await
        .unwrap_err();
    assert_eq!(code, 1002);
    assert_eq!(error["message"], "protocol mismatch");
    assert_eq!(error["details"]["expectedProtocol"], 4);

    let older = Connect::token(token).protocol(3);
    let older = Peer::connect(gateway.addr(), &device, older).await.unwrap();
    assert_eq!(older.hello["protocol"], 3);
}
