//! Searching files.

use std::fs;

use openclaw_core::redaction::learn_text;
use serde_json::json;

use super::Bench;

async fn project() -> Bench {
    let bench = Bench::new().await;
    bench.put(&[
        (".gitignore", "target/\n*.log\n!kept.log\n"),
        (".git/config", "needle"),
        (
            "src/a.rs",
            "one\ntwo\nthe needle\nfour\nfive\nsix\nseven\nneedle again\n",
        ),
        ("src/b.txt", "Needle (x)\n"),
        ("src/.gitignore", "secret.txt\n"),
        ("src/secret.txt", "needle\n"),
        ("target/out.rs", "needle\n"),
        ("x.log", "needle\n"),
        ("kept.log", "needle\n"),
    ]);
    fs::write(bench.path("binary"), b"needle\0").unwrap();
    bench
}

#[tokio::test]
async fn lines_that_match_are_shown_with_where_they_are() {
    let bench = project().await;
    insta::assert_snapshot!(bench.said("grep", json!({ "pattern": "needle" })).await, @r"
    kept.log:1: needle
    src/a.rs:3: the needle
    src/a.rs:8: needle again
    [3 matches in 2 of 5 files; not text: 1 file]
    ");
    let context = json!({ "pattern": "needle", "path": "src", "context": 1, "glob": "*.rs" });
    insta::assert_snapshot!(bench.said("grep", context).await, @r"
    src/a.rs-2- two
    src/a.rs:3: the needle
    src/a.rs-4- four
    --
    src/a.rs-7- seven
    src/a.rs:8: needle again
    [2 matches in 1 of 1 file]
    ");
    let ignoring = json!({ "pattern": "NEEDLE (X)", "literal": true, "ignoreCase": true });
    insta::assert_snapshot!(bench.said("grep", ignoring).await, @r"
    src/b.txt:1: Needle (x)
    [1 match in 1 of 5 files; not text: 1 file]
    ");
    let one = json!({ "pattern": "^needle", "path": "src/a.rs" });
    insta::assert_snapshot!(bench.said("grep", one).await, @r"
    src/a.rs:8: needle again
    [1 match in 1 of 1 file]
    ");
    insta::assert_snapshot!(bench.said("grep", json!({ "pattern": "nothing" })).await, @"[no match in 5 files; not text: 1 file]");
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_said() {
    let bench = project().await;
    insta::assert_snapshot!(bench.refused("grep", json!({ "pattern": "a(b" })).await, @"`pattern` is no regular expression: unclosed group; set `literal` to search for it as it is");
    let glob = json!({ "pattern": "a", "glob": "[" });
    insta::assert_snapshot!(bench.refused("grep", glob).await, @"`glob` cannot be used: `[` is no glob: unclosed character class; missing ']'");
    insta::assert_snapshot!(bench.refused("find", json!({ "pattern": "[" })).await, @"`pattern` cannot be used: `[` is no glob: unclosed character class; missing ']'");
    let outside = json!({ "pattern": "root", "path": "/etc" });
    assert!(
        bench
            .refused("grep", outside)
            .await
            .contains("leads out of the workspace")
    );
}

#[tokio::test]
async fn a_pattern_that_takes_more_than_its_share_is_refused() {
    let bench = Bench::new().await;
    bench.put(&[("line", &"A".repeat(1_000_000))]);
    insta::assert_snapshot!(bench.refused("grep", json!({ "pattern": "(A{1,500}){1,50}B" })).await, @"`pattern` takes too much memory: compiled regex exceeds size limit of 524288; search for less at once");
    for literal in [true, false] {
        let long = json!({ "pattern": "A".repeat(4097), "literal": literal });
        let said = bench.refused("grep", long).await;
        assert!(said.contains("pattern"), "{said}");
    }
    // One that is just small enough takes long, and ends within the line when it is told to.
    let large = json!({ "pattern": "(A{1,60}){1,60}B" });
    let stop = async { bench.cx.stop.cancel() };
    let (said, ()) = tokio::join!(bench.said("grep", large), stop);
    assert!(said.contains("incomplete"), "{said}");
}

#[tokio::test]
async fn many_matches_come_page_by_page_and_none_twice() {
    let bench = Bench::new().await;
    let lines: Vec<String> = (0..3000)
        .map(|n| format!("hit {n}: {}\n", "x".repeat(100)))
        .collect();
    let text = lines.concat();
    bench.put(&[("a", &text), ("b", &text)]);
    let (mut hits, mut offset) = (Vec::new(), 0);
    loop {
        let search = json!({ "pattern": "^hit", "offset": offset, "limit": 2000 });
        let said = bench.said("grep", search).await;
        assert!(said.len() < 70_000);
        let (lines, note) = said.rsplit_once('\n').unwrap();
        hits.extend(
            lines
                .lines()
                .map(|line| line.split(": x").next().unwrap().to_owned()),
        );
        match note.split_once("continue with offset ") {
            Some((_, next)) => offset = next.trim_end_matches(']').parse().unwrap(),
            None => break,
        }
    }
    let wanted: Vec<String> = ["a", "b"]
        .into_iter()
        .flat_map(|file| (0..3000).map(move |n| format!("{file}:{}: hit {n}", n + 1)))
        .collect();
    assert_eq!(hits, wanted);
}

#[tokio::test]
async fn a_search_says_nothing_about_secrets() {
    let bench = Bench::new().await;
    let secret = "cnry-of-a-search-tool-0123456789";
    learn_text(secret);
    bench.put(&[
        ("env", &format!("KEY={secret}\n")),
        ("long", &format!("{}{secret}", "x".repeat(490))),
    ]);
    let said = bench.said("grep", json!({ "pattern": "KEY" })).await;
    assert!(said.starts_with("env:1: KEY=[REDACTED]\n"), "{said}");
    // Whether a part of it is there cannot be found out either.
    let said = bench
        .said("grep", json!({ "pattern": "KEY=cnry-of-a-s" }))
        .await;
    assert_eq!(said, "[no match in 2 files]");
    let said = bench.said("grep", json!({ "pattern": "xxxx" })).await;
    assert!(!said.contains("cnry"), "{said}");
}

#[tokio::test]
async fn long_lines_are_cut_and_large_files_are_searched_to_their_end() {
    let bench = Bench::new().await;
    bench.put(&[
        ("min.js", &format!("{}needle", "x".repeat(100_000))),
        ("big.log", &format!("{}needle\n", "x\n".repeat(10_000_000))),
    ]);
    let said = bench.said("grep", json!({ "pattern": "needle" })).await;
    assert!(
        said.starts_with("big.log:10000001: needle\nmin.js:1: xxx"),
        "{} bytes",
        said.len()
    );
    assert!(said.ends_with("xxx…\n[2 matches in 2 of 2 files; long lines are cut]"));
}

#[tokio::test]
async fn files_are_found_by_name_by_path_and_by_kind() {
    let bench = project().await;
    insta::assert_snapshot!(bench.said("find", json!({ "pattern": "*" })).await, @r"
    .gitignore
    binary
    kept.log
    src/
    src/.gitignore
    src/a.rs
    src/b.txt
    [7 found]
    ");
    insta::assert_snapshot!(bench.said("find", json!({ "pattern": "src/*.rs" })).await, @r"
    src/a.rs
    [1 found]
    ");
    let below = json!({ "pattern": "*.txt", "path": "src" });
    insta::assert_snapshot!(bench.said("find", below).await, @r"
    src/b.txt
    [1 found]
    ");
    let folders = json!({ "pattern": "*", "kind": "folder" });
    insta::assert_snapshot!(bench.said("find", folders).await, @r"
    src/
    [1 found]
    ");
    let paged = json!({ "pattern": "*", "limit": 2, "offset": 1 });
    insta::assert_snapshot!(bench.said("find", paged).await, @r"
    binary
    kept.log
    [2 found; more: continue with offset 3]
    ");
}

#[tokio::test]
async fn a_search_that_is_cancelled_ends() {
    let bench = project().await;
    bench.cx.stop.cancel();
    let said = bench.said("grep", json!({ "pattern": "needle" })).await;
    assert!(
        said.contains("incomplete, because it was cancelled"),
        "{said}"
    );
}
