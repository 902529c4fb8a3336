//! What a gateway puts on record about its callers.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use openclaw_core::access::SharedSecret;
use openclaw_core::events::AuditEntry;
use openclaw_core::{EventStore, SessionKey};
use openclaw_gateway::agents::TaskScope;
use serde_json::json;

use crate::{builder, key, running};

async fn entries(store: &EventStore) -> Vec<AuditEntry> {
    let events = store
        .read(&SessionKey::audit(), 1..=u64::MAX)
        .await
        .unwrap();
    events.iter().filter_map(AuditEntry::of).collect()
}

#[tokio::test]
async fn who_asks_too_often_is_on_record_once_with_how_often() {
    let (dir, scope) = (tempfile::tempdir().unwrap(), TaskScope::new());
    let gateway = builder(&dir)
        .with_token(SharedSecret::token(key()).unwrap())
        .with_rate_limit(2, Duration::from_hours(1))
        .build();
    let client = running(gateway, &scope).await;
    for _ in 0..7 {
        drop(client.call("tools.list", json!({})).await.unwrap());
    }
    assert_eq!(scope.close(Duration::from_secs(10)).await, 0);
    let store = EventStore::open(&dir.path().join("events.sqlite")).unwrap();
    let (mut limited, mut allowed) = (0, 0);
    for entry in entries(&store).await {
        match entry {
            AuditEntry::RateLimited {
                principal, count, ..
            } => {
                assert_eq!(principal, "token");
                limited += count;
            }
            AuditEntry::AuthAllowed { peer, count, .. } => {
                assert_eq!(peer, Some(IpAddr::from(Ipv4Addr::LOCALHOST).to_string()));
                allowed += count;
            }
            other => assert_eq!(Some(other), None),
        }
    }
    assert_eq!((limited, allowed), (5, 7));
}
