//! The standard tools, as a model uses them.

use openclaw_core::SessionEventKind;
use openclaw_testkit::{FakeCall, FakeProvider, Reply};
use serde_json::{Value, json};

use super::Fixture;

/// Lets a model make one call after the other and returns what each came to.
async fn results(fixture: &mut Fixture, calls: &[(&str, Value)]) -> Vec<(bool, Value)> {
    for (tool, arguments) in calls {
        fixture
            .provider
            .reply(Reply::tool_calls([FakeCall::new(*tool, arguments)]));
    }
    fixture.provider.reply(Reply::text("done"));
    let runtime = fixture.runtime();
    runtime
        .process_message(&mut fixture.context, "work")
        .await
        .unwrap();
    fixture.provider.assert_clean();
    fixture
        .events()
        .await
        .into_iter()
        .filter_map(|event| match event.kind {
            SessionEventKind::ToolResult {
                success, result, ..
            } => Some((success, result)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn files_are_written_edited_read_and_listed() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let results = results(
        &mut fixture,
        &[
            (
                "write",
                json!({ "path": "notes/a.txt", "content": "one\ntwo\n" }),
            ),
            (
                "edit",
                json!({ "path": "notes/a.txt", "oldText": "two", "newText": "2" }),
            ),
            (
                "edit",
                json!({ "path": "notes/a.txt", "oldText": "gone", "newText": "" }),
            ),
            ("read_file", json!({ "path": "notes/a.txt", "offset": 2 })),
            ("ls", json!({})),
            ("ls", json!({ "path": "notes" })),
        ],
    )
    .await;
    assert_eq!(
        results,
        [
            (
                true,
                json!("wrote 8 bytes, 2 lines, to notes/a.txt, a new file")
            ),
            (
                true,
                json!("replaced one passage, at line 2, of notes/a.txt")
            ),
            (
                false,
                json!(
                    "nothing of `notes/a.txt` was changed: `oldText` of edit 1 does not occur in it; \
                     the nearest is at line 1, which is \"one\" and not \"gone\""
                )
            ),
            (
                true,
                json!("2\n[lines 2 to 2 of 2, 2 bytes of 6 bytes; this is the end]")
            ),
            (true, json!("notes/\n")),
            (true, json!("a.txt  6 bytes\n")),
        ]
    );
}

#[tokio::test]
async fn files_outside_of_the_workspace_are_out_of_reach() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let outside = fixture.dir.path().join("outside");
    std::fs::write(&outside, "secret").unwrap();
    std::os::unix::fs::symlink(&outside, fixture.workspace().join("link")).unwrap();
    let results = results(
        &mut fixture,
        &[
            ("read", json!({ "path": "../outside" })),
            ("read", json!({ "path": outside })),
            ("read", json!({ "path": "link" })),
            ("write", json!({ "path": "link", "content": "x" })),
            ("write", json!({ "path": "../new", "content": "x" })),
            (
                "exec",
                json!({ "command": format!("cat {}", outside.display()) }),
            ),
        ],
    )
    .await;
    for (success, result) in &results {
        assert!(
            !success && !result.to_string().contains("secret"),
            "{result}"
        );
    }
    assert_eq!(results.len(), 6);
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "secret");
    assert!(!fixture.dir.path().join("new").exists());
}

#[tokio::test]
async fn a_command_reports_its_exit_code_and_its_output() {
    let mut fixture = Fixture::new(FakeProvider::start());
    let results = results(
        &mut fixture,
        &[
            (
                "exec",
                json!({ "command": "echo out; echo err >&2; exit 7" }),
            ),
            ("bash", json!({ "command": "pwd", "workdir": "." })),
            (
                "exec",
                json!({ "command": "sleep 60", "timeoutSeconds": 1 }),
            ),
        ],
    )
    .await;
    let (success, failed) = &results[0];
    assert!(!success);
    assert!(failed["durationMs"].is_u64(), "{failed}");
    for (name, value) in [
        ("exitCode", json!(7)),
        ("stdout", json!("out\n")),
        ("stderr", json!("err\n")),
        ("sandbox", json!("strict")),
    ] {
        assert_eq!(failed[name], value, "{name}");
    }
    let root = fixture.workspace().canonicalize().unwrap();
    assert_eq!(results[1].1["stdout"], format!("{}\n", root.display()));
    assert_eq!(results[2].1["timedOutAfterSeconds"], 1);
    assert_eq!(results[2].1["endedByLimit"], "wallSeconds");
}

#[tokio::test]
async fn no_part_of_a_secret_is_left_where_a_result_is_cut() {
    let secret = "cnry-of-a-result-0123456789";
    openclaw_core::redaction::learn_text(secret);
    let mut fixture = Fixture::new(FakeProvider::start());
    let limit = 64 * 1024;
    let text = |before: usize| format!("{}{secret}{}", "x".repeat(before), "y".repeat(limit));
    std::fs::write(fixture.workspace().join("page"), text(limit - 10)).unwrap();
    std::fs::write(fixture.workspace().join("printed"), text(limit / 2 - 10)).unwrap();
    let calls = [
        ("read", json!({ "path": "page" })),
        ("exec", json!({ "command": "cat printed; cat printed >&2" })),
    ];
    for (success, result) in results(&mut fixture, &calls).await {
        let result = result.to_string();
        assert!(success, "{result}");
        assert!(!result.contains("cnry"), "a part of the secret is left");
        assert!(result.contains("[REDACT"), "the secret was not there");
    }
}
