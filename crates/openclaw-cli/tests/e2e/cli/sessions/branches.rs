//! `openclaw sessions fork`: branches, and where they come from.

use openclaw_testkit::{FakeProvider, Reply, WireFormat};
use serde_json::json;

use super::{MAIN, data, ok, openclaw, refused, shown, with_a_session};

#[tokio::test]
async fn a_branch_shares_a_beginning_and_goes_its_own_way() {
    let (home, provider) = (with_a_session().await, FakeProvider::start());
    home.use_provider(&provider, WireFormat::OpenAi);
    provider.reply(Reply::text("Low tide at noon."));
    let fork = ok(&home, &["sessions", "fork", MAIN, "--at", "5"]).await;
    let branch = fork.stdout.trim();
    assert!(branch.starts_with("agent:main:main:fork-"), "{fork}");

    let ask = ["agent", "--session", branch, "--message", "when?"];
    assert_eq!(ok_answer(&home, &ask).await, "Low tide at noon.\n");
    assert_eq!(
        provider.last_request().user_texts(),
        ["remember the tide", "when?"]
    );
    let events = |session: &'static str| async { data(&home, &["events", session]).await };
    let stem = events(MAIN).await;
    let own = data(&home, &["events", branch]).await;
    let hashes = |events: &serde_json::Value| -> Vec<String> {
        let events = events["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["hash"].to_string())
            .collect()
    };
    assert_eq!(hashes(&stem), hashes(&own)[..5]);
    assert_eq!(hashes(&own).len(), 8);
}

async fn ok_answer(home: &openclaw_testkit::TestHome, args: &[&str]) -> String {
    openclaw(home, args).run().await.assert_code(0).stdout
}

#[tokio::test]
async fn where_a_branch_comes_from_is_seen_everywhere() {
    let home = with_a_session().await;
    let branch = "agent:main:what-if";
    let made = data(&home, &["fork", MAIN, "--at", "4", "--as", branch]).await;
    let parent = json!({"sessionKey": MAIN, "at": 4});
    assert_eq!(
        made,
        json!({"sessionKey": branch, "parent": parent, "events": 5})
    );
    let twig = "agent:main:twig";
    data(&home, &["fork", branch, "--at", "5", "--as", twig]).await;

    let list = ok(&home, &["sessions", "list", "--json"]).await.json();
    let rows = list["sessions"].as_array().unwrap();
    let of = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap();
    assert_eq!(of(branch)["parent"], parent);
    assert_eq!(of(MAIN).get("parent"), None);
    let show = data(&home, &["show", twig]).await;
    let lineage = json!([{"sessionKey": branch, "at": 5}, {"sessionKey": MAIN, "at": 4}]);
    assert_eq!((&show["parent"], &show["lineage"]), (&lineage[0], &lineage));
    assert_eq!(data(&home, &["state", branch]).await["parent"], parent);

    let list = ok(&home, &["sessions", "list"]).await;
    insta::assert_snapshot!(shown(&home, &list), @r"
    SESSION  UPDATED  EVENTS  STATUS  MODEL  BRANCH OF
    agent:main:twig  [DURATION] ago  6  done  agent:main:what-if at 5
    agent:main:what-if  [DURATION] ago  5  done  agent:main:main at 4
    agent:main:main  [DURATION] ago  5  done  fake-model
    ");
    let show = ok(&home, &["sessions", "show", twig]).await;
    insta::assert_snapshot!(shown(&home, &show), @r"
    (events 1 to 5 come from agent:main:what-if)
    (events 1 to 4 come from agent:main:main)

    you  [TIME]
    remember the tide
    ");
}

#[tokio::test]
async fn a_branch_needs_a_key_of_its_own() {
    let home = with_a_session().await;
    let args = ["fork", MAIN, "--at", "2", "--as", MAIN];
    let told = refused(&home, &args, 1, "conflict").await;
    assert!(told.contains("--as"), "{told}");
    refused(&home, &["fork", MAIN, "--at", "0"], 3, "notfound").await;
    refused(&home, &["fork", MAIN], 2, "invalid").await;
    let args = ["fork", MAIN, "--at", "2", "--as", "nonsense"];
    refused(&home, &args, 2, "invalid").await;
    let args = ["fork", MAIN, "--at", "2", "--as", "agent:_system:x"];
    refused(&home, &args, 6, "denied").await;
    let told = refused(
        &home,
        &["fork", "agent:main:mian", "--at", "2"],
        3,
        "notfound",
    )
    .await;
    assert!(told.contains("did you mean `agent:main:main`?"), "{told}");
}
