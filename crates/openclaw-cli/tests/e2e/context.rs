//! What fills a model's window, and sessions that are summed up on somebody's order.

use openclaw_testkit::{FakeProvider, GatewayProcess, Ran, Reply, TestHome, WireFormat};
use serde_json::{Value, json};

use crate::OPENCLAW;

const KEY: &str = "agent:main:main";

/// A model with a window of 100,000 tokens, and a home that keeps little of what was said.
fn home(provider: &FakeProvider) -> TestHome {
    provider.otherwise(|request| {
        let system = request.system.as_deref().unwrap_or_default();
        if system.starts_with("You keep the record") {
            Reply::text("## Asked for\nNine greetings; all returned.")
        } else {
            Reply::text("Hello to you, and a good day.")
        }
    });
    let home = TestHome::new();
    let mut config = TestHome::config_for(provider, WireFormat::OpenAi);
    config["models"]["providers"]["fake"]["models"][0]["contextWindow"] = json!(100_000);
    config["agents"]["defaults"]["compaction"] =
        json!({ "keepRecentTokens": 100, "recentTurnsPreserve": 1 });
    home.write_config(&config.to_string());
    home
}

async fn openclaw(home: &TestHome, args: &[&str]) -> Ran {
    home.command(OPENCLAW).args(args).run().await
}

async fn json_of(home: &TestHome, args: &[&str]) -> Value {
    let args = [args, &["--json"]].concat();
    let ran = openclaw(home, &args).await.assert_code(0);
    ran.json()["data"].clone()
}

async fn greet(home: &TestHome, times: u32) {
    for n in 1..=times {
        let text = format!("Hello number {n}, {}", "and again ".repeat(12));
        let ran = openclaw(home, &["agent", "--message", &text]).await;
        drop(ran.assert_code(0));
    }
}

#[tokio::test]
async fn a_session_is_previewed_compacted_shown_and_restored() {
    let provider = FakeProvider::start();
    let home = home(&provider);
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    greet(&home, 5).await;

    let whole = json_of(&home, &["context", "show", KEY]).await;
    assert_eq!(whole["window"], 100_000);
    assert_eq!(whole["limit"], 80_000);
    assert_eq!(whole["compactions"], json!([]));
    let kinds: Vec<&str> = whole["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"tool") && kinds.contains(&"answers"),
        "{kinds:?}"
    );

    let requests = provider.requests().len();
    let preview = openclaw(&home, &["sessions", "compact", KEY, "--preview"]).await;
    let preview = preview.assert_code(0);
    assert!(
        preview.stdout.contains("[person] Hello number 1,"),
        "{preview}"
    );
    assert!(!preview.stdout.contains("+ "), "{preview}");
    assert_eq!(provider.requests().len(), requests);

    let args = ["sessions", "compact", KEY, "--preview=summary"];
    let told = openclaw(&home, &args).await.assert_code(0);
    assert!(
        told.stdout.contains("+ Nine greetings; all returned."),
        "{told}"
    );
    assert_eq!(provider.requests().len(), requests + 1);

    let done = json_of(&home, &["sessions", "compact", KEY]).await;
    assert!(done["seq"].is_u64(), "{done}");
    let short = json_of(&home, &["context", "show", KEY]).await;
    assert_eq!(short["compactions"][0]["seq"], done["seq"]);
    assert_eq!(short["compactions"][0]["trigger"], "manual");
    greet(&home, 1).await;
    let seen = provider.last_request();
    let said = seen.user_texts().join("\n");
    assert!(
        said.contains("Nine greetings") && !said.contains("number 2"),
        "{said}"
    );

    let undone = json_of(&home, &["sessions", "compact", KEY, "--undo"]).await;
    assert_eq!(undone["undone"], json!([done["seq"]]));
    greet(&home, 1).await;
    let said = provider.last_request().user_texts().join("\n");
    assert!(
        !said.contains("Nine greetings") && said.contains("number 2"),
        "{said}"
    );
    let table = openclaw(&home, &["context", "show", KEY])
        .await
        .assert_code(0);
    assert!(table.stdout.contains("undone"), "{table}");
}

#[tokio::test]
async fn a_session_with_a_run_under_way_is_left_alone() {
    let provider = FakeProvider::start();
    let home = home(&provider);
    let _gateway = GatewayProcess::start(&home, OPENCLAW).await;
    greet(&home, 3).await;
    provider.reply(Reply::text("At last.").hold_after(1));
    let waiting = home
        .command(OPENCLAW)
        .args(["agent", "--message", "wait"])
        .run();
    let meanwhile = async {
        provider.wait_for_holds(1).await;
        for args in [
            &["sessions", "compact", KEY, "--json"][..],
            &["sessions", "compact", KEY, "--undo", "--json"],
        ] {
            let ran = openclaw(&home, args).await;
            assert_eq!(ran.json()["error"]["code"], "busy", "{ran}");
        }
        provider.release();
    };
    let (ran, ()) = tokio::join!(waiting, meanwhile);
    drop(ran.assert_code(0));
}
