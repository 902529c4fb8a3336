//! A device that asks to come in, is let in, and is taken out.

use openclaw_testkit::GatewayProcess;
use serde_json::json;

use super::{Expected, PASSWORD, Stage};
use crate::openclaw_ws::{Connect, Device, Peer};

/// Where the device is.
const AFAR: &str = "203.0.113.7";

impl Stage {
    /// How a device comes and goes.
    pub(super) async fn devices(&mut self, gateway: &GatewayProcess) -> Vec<Expected> {
        let device = Device::new(7);
        let come = || {
            let shown = Connect::auth(json!({ "password": PASSWORD }));
            Peer::connect(gateway.addr(), &device, shown.by_proxy())
        };
        let (error, _) = come().await.unwrap_err();
        let request = error["details"]["requestId"].as_str().unwrap();
        self.ran(&["devices", "approve", request]).await;
        let mut peer = come().await.unwrap();
        self.secret(&peer.hello["auth"]["deviceToken"]);
        self.ran(&["devices", "revoke", &device.id]).await;
        assert_eq!(peer.closed().await, 4001);

        let named = |kind: &'static str, mut value: serde_json::Value| {
            value["device"] = json!(device.id);
            Expected::once(kind, value)
        };
        vec![
            named("device.requested", json!({ "peer": AFAR })),
            named("device.paired", json!({ "by": "token" })),
            named("device.ended", json!({ "reason": "revoked by token" })),
        ]
    }
}
