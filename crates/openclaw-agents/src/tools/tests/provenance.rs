//! Where results say that they come from.

use std::fs;
use std::path::Path;

use openclaw_core::events::Change;
use openclaw_core::provenance::{Mark, Source, Trust};
use serde_json::json;

use super::{Bench, session};

fn written(path: &str) -> Mark {
    Mark {
        source: Source::Written {
            path: path.to_owned(),
        },
        trust: Trust::Untrusted,
    }
}

/// Records that a file was written while a web page was in view.
async fn taint(bench: &Bench, path: &str) {
    let web = Mark {
        source: Source::Web {
            host: "example.org".to_owned(),
        },
        trust: Trust::Untrusted,
    };
    let change = Change::file_written(bench.cx.workspace.root(), Path::new(path), vec![web]);
    let store = &bench.cx.world.store;
    let event = change.to_event().unwrap();
    store.append(&session(), vec![event]).await.unwrap();
}

#[tokio::test]
async fn a_file_of_the_workspace_is_marked_once_a_strangers_words_went_into_it() {
    let bench = Bench::new().await;
    bench.put(&[
        ("notes/a", "word\n"),
        ("notes/b", "word\n"),
        ("c", "other\n"),
    ]);
    std::os::unix::fs::symlink("notes/a", bench.path("link")).unwrap();
    let marks = async |tool: &str, arguments| bench.call(tool, arguments).await.unwrap().marks;
    assert_eq!(marks("read", json!({ "path": "notes/a" })).await, []);
    taint(&bench, "notes/a").await;
    for path in ["notes/a", "./notes/../notes/a", "link"] {
        assert_eq!(
            marks("read", json!({ "path": path })).await,
            [written("notes/a")],
            "{path}"
        );
    }
    assert_eq!(marks("read", json!({ "path": "notes/b" })).await, []);
    // Only what is shown counts.
    assert_eq!(
        marks("grep", json!({ "pattern": "word" })).await,
        [written("notes/a")]
    );
    assert_eq!(marks("grep", json!({ "pattern": "other" })).await, []);
    assert_eq!(
        marks("find", json!({ "pattern": "a" })).await,
        [written("notes/a")]
    );
    assert_eq!(
        marks("ls", json!({ "path": "notes" })).await,
        [written("notes/a")]
    );
    assert_eq!(marks("ls", json!({})).await, []);
    taint(&bench, "").await;
    assert_eq!(marks("read", json!({ "path": "c" })).await, [written("c")]);
}

#[tokio::test]
async fn what_lies_beside_the_workspace_is_a_skill_or_a_file_of_somebody() {
    let bench = Bench::new().await;
    let folder = bench.cx.readable[0].clone();
    let page = folder.join("page.md");
    fs::write(&page, "hello\n").unwrap();
    let marks = async |tool: &str, arguments| bench.call(tool, arguments).await.unwrap().marks;
    let file = Mark {
        source: Source::File {
            path: page.display().to_string(),
        },
        trust: Trust::Untrusted,
    };
    assert_eq!(marks("read", json!({ "path": page })).await, [file]);
    fs::write(folder.join("SKILL.md"), "a skill").unwrap();
    let skill = Mark {
        source: Source::Skill {
            name: "greet".to_owned(),
        },
        trust: Trust::Trusted,
    };
    assert_eq!(
        marks("read", json!({ "path": page })).await,
        std::slice::from_ref(&skill)
    );
    let found = bench
        .call("grep", json!({ "pattern": "hello", "path": folder }))
        .await
        .unwrap();
    assert_eq!(found.marks, [skill]);
    let wanted = format!("{}:1: hello\n", page.display());
    assert!(
        found.result.as_str().unwrap().starts_with(&wanted),
        "{}",
        found.result
    );
    // What lies next to it stays out of reach.
    let beside = bench.dir.path().join("events.sqlite");
    assert!(
        bench
            .refused("read", json!({ "path": beside }))
            .await
            .contains("leads out")
    );
}
