//! Many at once, and what is put on record.

use serde_json::json;

use super::{COMMENTED, fine, home_with, ran};
use crate::audit::{copied, entries, recorded};

#[tokio::test]
async fn two_who_change_the_config_at_once_lose_nothing() {
    let home = home_with(COMMENTED);
    let twenty = async |name: &str| {
        for n in 0..20 {
            let path = format!("env.vars.{name}{n}");
            fine(&home, &["set", &path, &format!("v{n}")]).await;
        }
    };
    tokio::join!(twenty("LEFT_"), twenty("RIGHT_"));
    let vars = ran(&home, &["get", "env.vars", "--json"])
        .await
        .assert_code(0)
        .json();
    let vars = vars.as_object().unwrap();
    assert_eq!(vars.len(), 42, "two from before and forty new ones");
    for n in 0..20 {
        assert_eq!(vars[&format!("LEFT_{n}")], format!("v{n}"));
        assert_eq!(vars[&format!("RIGHT_{n}")], format!("v{n}"));
    }
    fine(&home, &["validate"]).await;
}

#[tokio::test]
async fn a_change_is_put_on_record_where_there_is_a_log() {
    let home = copied(&recorded().await);
    home.write_config(COMMENTED);
    let before = entries(&home, "config").await.len();
    fine(&home, &["set", "gateway.port", "19001"]).await;
    fine(&home, &["set", "gateway.port", "19001"]).await;
    let after = entries(&home, "config").await;
    assert_eq!(after.len(), before + 1, "{after:#?}");
    let last = after.last().unwrap();
    assert!(last.to_string().contains("openclaw config set"), "{last:#}");

    let home = home_with(COMMENTED);
    fine(&home, &["set", "gateway.port", "19001"]).await;
    assert!(!home.state_dir().event_log().exists());
    assert_eq!(
        super::beside(&home),
        ["openclaw.json", "openclaw.json.bak"].map(|name| json!(name).as_str().unwrap().to_owned())
    );
}
