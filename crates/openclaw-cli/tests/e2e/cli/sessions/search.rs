//! `openclaw sessions search`: what was said, found by its words.

use openclaw_testkit::TestHome;
use serde_json::{Value, json};

use super::{MAIN, data, log, ok, openclaw, refused, shown, talk, with_a_session};

fn places(found: &Value) -> Vec<(String, u64)> {
    let hits = found["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| {
            let key = hit["sessionKey"].as_str().unwrap().to_owned();
            (key, hit["seq"].as_u64().unwrap())
        })
        .collect()
}

fn at(session: &str, seq: u64) -> (String, u64) {
    (session.to_owned(), seq)
}

#[tokio::test]
async fn messages_answers_and_tool_calls_are_found() {
    let home = with_a_session().await;
    let found = data(&home, &["search", "TIDE"]).await;
    assert_eq!(places(&found), [at(MAIN, 3), at(MAIN, 2)]);
    let hit = &found["hits"][1];
    assert_eq!(
        (&hit["kind"], &hit["snippet"]),
        (
            &json!("MessageReceived"),
            &json!([{"text": "remember the ", "hit": false}, {"text": "tide", "hit": true}])
        )
    );
    let args = ["search", "tide", "--kind", "messagereceived"];
    assert_eq!(places(&data(&home, &args).await), [at(MAIN, 2)]);
    assert_eq!(
        places(&data(&home, &["search", "anyth*", "else"]).await),
        [at(MAIN, 5)]
    );

    let text = ok(&home, &["sessions", "search", "remember"]).await;
    insta::assert_snapshot!(shown(&home, &text), @r"
    agent:main:main  event 2  [TIME]  MessageReceived
    remember the tide
    ");
    let ran = openclaw(
        &home,
        &["sessions", "search", "remember", "--color", "always"],
    );
    let ran = ran.run().await.assert_code(0);
    assert!(
        ran.stdout.contains("\u{1b}[1mremember\u{1b}[0m the tide"),
        "{ran}"
    );
    let ran = openclaw(&home, &["sessions", "search", "ebb"]).run().await;
    let ran = ran.assert_code(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", "nothing found\n")
    );
}

#[tokio::test]
async fn pages_and_sessions_narrow_it() {
    let home = TestHome::new();
    let store = log(&home);
    talk(
        &store,
        MAIN,
        &["tide one", "x", "tide two", "y", "tide three"],
    )
    .await;
    talk(&store, "agent:main:other", &["tide four"]).await;
    drop(store);
    let first = data(&home, &["search", "tide", "--limit", "2"]).await;
    assert_eq!(places(&first), [at("agent:main:other", 2), at(MAIN, 6)]);
    let before = first["nextCursor"].to_string();
    let rest = data(
        &home,
        &["search", "tide", "--limit", "3", "--before", &before],
    )
    .await;
    assert_eq!(places(&rest), [at(MAIN, 4), at(MAIN, 2)]);
    assert_eq!(rest["nextCursor"], json!(null));
    let found = data(&home, &["search", "tide", "--session", MAIN]).await;
    assert_eq!(found["hits"].as_array().unwrap().len(), 3);
    // A deleted session is not found any more.
    data(&home, &["delete", MAIN, "--yes"]).await;
    let found = data(&home, &["search", "tide"]).await;
    assert_eq!(places(&found), [at("agent:main:other", 2)]);
}

#[tokio::test]
async fn what_cannot_be_searched_is_said() {
    let home = with_a_session().await;
    refused(&home, &["search", "?!"], 2, "invalid").await;
    refused(&home, &["search"], 2, "invalid").await;
    refused(&home, &["search", "x", "--limit", "201"], 2, "invalid").await;
    let args = ["search", "x", "--session", "agent:main:mian"];
    let told = refused(&home, &args, 3, "notfound").await;
    assert!(told.contains("did you mean `agent:main:main`?"), "{told}");
    let empty = TestHome::new();
    refused(&empty, &["search", "x"], 3, "notfound").await;
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}
