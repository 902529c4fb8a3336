//! Reading, writing, changing and listing files.

use std::fs;

use openclaw_core::redaction::learn_text;
use serde_json::json;

use super::Bench;
use crate::tools::MAX_RESULT_BYTES;

#[tokio::test]
async fn a_long_file_is_read_part_by_part_as_each_part_says() {
    let bench = Bench::new().await;
    let lines: Vec<String> = (0..9000)
        .map(|n| format!("line {n} {}\n", "x".repeat(n % 50)))
        .collect();
    let whole = lines.concat();
    bench.put(&[("long", &whole)]);
    let (mut read, mut offset) = (String::new(), 1);
    loop {
        let said = bench
            .said("read", json!({ "path": "long", "offset": offset }))
            .await;
        assert!(said.len() < MAX_RESULT_BYTES + 200);
        let (part, note) = said.rsplit_once("\n[").unwrap();
        read.push_str(part);
        read.push('\n');
        let Some((_, next)) = note.split_once("continue with offset ") else {
            assert!(
                note.ends_with("of 9000, 56.3 KB of 318.3 KB; this is the end]"),
                "{note}"
            );
            break;
        };
        offset = next.trim_end_matches(']').parse().unwrap();
    }
    assert_eq!(read, whole);
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_read_part_by_part() {
    let bench = Bench::new().await;
    bench.put(&[("min.js", &"é".repeat(500_000))]);
    let first = bench.said("read", json!({ "path": "min.js" })).await;
    assert!(
        first.ends_with(
            "[lines 1 to 1 of 1, 65.5 KB of 1.0 MB; more: continue with offset 1 and cursor 32768]"
        ),
        "{} bytes",
        first.len()
    );
    let next = json!({ "path": "min.js", "offset": 1, "cursor": 32768 });
    let second = bench.said("read", next).await;
    assert!(second.ends_with("and cursor 65536]"));
}

#[tokio::test]
async fn a_file_of_a_hundred_megabytes_comes_in_pages_too() {
    let bench = Bench::new().await;
    bench.put(&[("huge.log", &"a line of the log\n".repeat(6_000_000))]);
    let first = bench
        .said("read", json!({ "path": "huge.log", "limit": 3 }))
        .await;
    assert_eq!(
        first,
        "a line of the log\na line of the log\na line of the log\n[lines 1 to 3, 54 bytes of \
         108.0 MB; more: continue with offset 4]"
    );
    let edit = json!({ "path": "huge.log", "oldText": "a", "newText": "b" });
    assert!(
        bench
            .refused("edit", edit)
            .await
            .contains("longer than 10000000 bytes")
    );
}

#[tokio::test]
async fn what_is_no_text_is_named_with_its_kind_and_size() {
    let bench = Bench::new().await;
    fs::write(bench.path("shot.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    fs::write(bench.path("data"), b"some\0thing").unwrap();
    fs::write(bench.path("wide.txt"), b"\xff\xfea\0b\0").unwrap();
    fs::write(bench.path("latin.txt"), b"caf\xe9\n").unwrap();
    let read = |path: &str| json!({ "path": path });
    insta::assert_snapshot!(bench.refused("read", read("shot.png")).await, @"`shot.png` is not text in UTF-8 but image/png of 16 bytes; look at it with `image`, where there is that tool");
    insta::assert_snapshot!(bench.refused("read", read("data")).await, @"`data` is not text in UTF-8 but binary data of 10 bytes; use a command to look into it");
    insta::assert_snapshot!(bench.refused("read", read("wide.txt")).await, @"`wide.txt` is not text in UTF-8 but text in UTF-16 of 6 bytes; use a command to look into it");
    insta::assert_snapshot!(bench.said("read", read("latin.txt")).await, @r"
    caf�
    [what is not UTF-8 is shown as �]
    ");
    let edit = json!({ "path": "latin.txt", "oldText": "caf", "newText": "tea" });
    insta::assert_snapshot!(bench.refused("edit", edit).await, @"`latin.txt` is not text in UTF-8 from byte 3 on");
    assert_eq!(fs::read(bench.path("latin.txt")).unwrap(), b"caf\xe9\n");
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let bench = Bench::new().await;
    bench.put(&[("a", "1\n2\n")]);
    insta::assert_snapshot!(bench.refused("read", json!({ "path": "a", "offset": 9 })).await, @"`a` has 2 lines, so there is no line 9");
    insta::assert_snapshot!(bench.refused("read", json!({ "path": "b" })).await, @"`b` does not exist; list the directory to see what is there");
    let optional = bench
        .call("read", json!({ "path": "b", "optional": true }))
        .await
        .unwrap();
    assert_eq!(
        optional.result,
        json!({ "status": "not_found", "path": "b" })
    );
    fs::create_dir(bench.path("dir")).unwrap();
    insta::assert_snapshot!(bench.refused("read", json!({ "path": "dir" })).await, @"`dir` is not a regular file but a directory; name a file within the directory, or list it");
}

#[tokio::test]
async fn a_workspace_that_vanished_fails_the_call_and_nothing_else() {
    let bench = Bench::new().await;
    fs::remove_dir_all(bench.path("")).unwrap();
    for (tool, arguments) in [
        ("read", json!({ "path": "a" })),
        ("write", json!({ "path": "a", "content": "" })),
        ("ls", json!({})),
        ("grep", json!({ "pattern": "a" })),
        ("find", json!({ "pattern": "*" })),
        (
            "edit",
            json!({ "path": "a", "oldText": "a", "newText": "b" }),
        ),
        (
            "apply_patch",
            json!({ "input": "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch" }),
        ),
    ] {
        let result = bench.call(tool, arguments).await;
        // The handle of a folder that is gone shows an empty one.
        if let Ok(output) = result {
            assert!(
                output.wrote.is_empty() && matches!(tool, "ls" | "grep" | "find"),
                "{tool}"
            );
        }
    }
}

#[tokio::test]
async fn several_passages_are_replaced_at_once_or_none() {
    let bench = Bench::new().await;
    bench.put(&[("a.rs", "fn a() {\n    one();\n}\nfn b() {\n    two();\n}\n")]);
    let edits = json!({ "path": "a.rs", "edits": [
        { "oldText": "two()", "newText": "2()" },
        { "oldText": "one()", "newText": "1()" },
    ] });
    let done = bench.call("edit", edits).await.unwrap();
    assert_eq!(done.result, "replaced 2 passages, at lines 2, 5, of a.rs");
    assert_eq!(done.wrote, [std::path::Path::new("a.rs")]);
    let edits = json!({ "path": "a.rs", "edits": [
        { "oldText": "1()", "newText": "0()" },
        { "oldText": "fn b() {\n  2();", "newText": "" },
    ] });
    insta::assert_snapshot!(bench.refused("edit", edits).await, @r#"nothing of `a.rs` was changed: `oldText` of edit 2 does not occur in it; the nearest is at line 5, which is "    2();" and not "  2();""#);
    insta::assert_snapshot!(bench.refused("edit", json!({ "path": "a.rs", "edits": [] })).await, @"there is nothing to replace: `edits` is empty");
    let text = fs::read_to_string(bench.path("a.rs")).unwrap();
    assert_eq!(text, "fn a() {\n    1();\n}\nfn b() {\n    2();\n}\n");
}

#[tokio::test]
async fn edits_of_one_file_side_by_side_are_all_made() {
    let bench = Bench::new().await;
    bench.put(&[("a", "one two three four")]);
    let edit = |old: &str| {
        bench.call(
            "edit",
            json!({ "path": "a", "oldText": old, "newText": old.to_uppercase() }),
        )
    };
    let (a, b, c, d) = tokio::join!(edit("one"), edit("two"), edit("three"), edit("four"));
    for done in [a, b, c, d] {
        done.unwrap();
    }
    assert_eq!(
        fs::read_to_string(bench.path("a")).unwrap(),
        "ONE TWO THREE FOUR"
    );
}

#[tokio::test]
async fn what_was_written_is_said_with_its_size() {
    let bench = Bench::new().await;
    let write = json!({ "path": "./deep/a", "content": "1\n2\n" });
    let done = bench.call("write", write.clone()).await.unwrap();
    assert_eq!(
        done.result,
        "wrote 4 bytes, 2 lines, to ./deep/a, a new file"
    );
    assert_eq!(done.wrote, [std::path::Path::new("deep/a")]);
    assert_eq!(
        bench.said("write", write).await,
        "wrote 4 bytes, 2 lines, to ./deep/a, in place of 4 bytes"
    );
}

#[tokio::test]
async fn a_folder_is_listed_with_kinds_and_sizes_page_by_page() {
    let bench = Bench::new().await;
    bench.put(&[("a.txt", "12345"), ("b/c", ""), ("odd\nname", "")]);
    std::os::unix::fs::symlink("a.txt", bench.path("link")).unwrap();
    insta::assert_snapshot!(bench.said("ls", json!({})).await, @r#"
    a.txt  5 bytes
    b/
    link  a link
    "odd\nname"  0 bytes
    "#);
    insta::assert_snapshot!(bench.said("ls", json!({ "limit": 2 })).await, @r#"
    a.txt  5 bytes
    b/
    [2 entries; more: continue with after "b"]
    "#);
    insta::assert_snapshot!(bench.said("ls", json!({ "limit": 2, "after": "b" })).await, @r#"
    link  a link
    "odd\nname"  0 bytes
    "#);
    insta::assert_snapshot!(bench.said("ls", json!({ "after": "z" })).await, @"[nothing is there]");
}

#[tokio::test]
async fn a_secret_in_a_file_is_not_shown_by_an_error_either() {
    let bench = Bench::new().await;
    let secret = "cnry-of-a-file-tool-0123456789";
    learn_text(secret);
    bench.put(&[("env", &format!("A=1\nKEY={secret}\n"))]);
    let edit = json!({ "path": "env", "oldText": "A=1\nKEY=x", "newText": "" });
    let told = bench.refused("edit", edit).await;
    assert!(
        told.contains("KEY=[REDACTED]") && !told.contains("cnry"),
        "{told}"
    );
    let patch = "*** Begin Patch\n*** Update File: env\n@@\n A=1\n-KEY=x\n*** End Patch";
    let told = bench
        .refused("apply_patch", json!({ "input": patch }))
        .await;
    assert!(
        told.contains("KEY=[REDACTED]") && !told.contains("cnry"),
        "{told}"
    );
}
