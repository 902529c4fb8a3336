//! What a patch does to files, and what it leaves alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use openclaw_sandbox::Workspace;
use proptest::prelude::*;
use tempfile::TempDir;

use super::files::Files;
use super::hunks::apply;
use super::parse::{Action, Problem, parse};
use crate::tools::ToolError;

/// Applies the hunks of an update to a text.
fn updated(text: &str, hunks: &str) -> Result<String, String> {
    let patch = format!("*** Begin Patch\n*** Update File: f\n{hunks}\n*** End Patch");
    let files = parse(&patch).map_err(|err| err.to_string())?;
    let [file] = files.as_slice() else {
        return Err("not one file".to_owned());
    };
    let Action::Update { hunks, .. } = &file.action else {
        return Err("no update".to_owned());
    };
    apply(text, hunks).map_err(|err| err.to_string())
}

#[test]
fn hunks_change_what_they_name_and_nothing_else() {
    let text = "a\nb\nc\nd\ne\n";
    for (hunks, wanted) in [
        ("@@\n b\n-c\n+C\n d", "a\nb\nC\nd\ne\n"),
        ("-a\n+A\n@@\n-e\n+E", "A\nb\nc\nd\nE\n"),
        ("@@ b\n+between", "a\nb\nbetween\nc\nd\ne\n"),
        ("@@\n+last\n*** End of File", "a\nb\nc\nd\ne\nlast\n"),
        ("@@\n d\n e\n+f\n*** End of File", "a\nb\nc\nd\ne\nf\n"),
        ("@@ -1,2 +1,2 @@\n-a\n+A", "A\nb\nc\nd\ne\n"),
        ("@@\n-a\n-b\n-c\n-d\n-e", ""),
    ] {
        assert_eq!(updated(text, hunks).unwrap(), wanted, "{hunks}");
    }
}

#[test]
fn a_line_before_says_which_of_several_places_is_meant() {
    let text = "fn a() {\n    x();\n}\nfn b() {\n    x();\n}\n";
    let several = updated(text, "@@\n-    x();\n+    y();").unwrap_err();
    assert_eq!(
        several,
        "hunk 1 (line 3 of the patch): its lines are there more than once, at lines 2, 5; add \
         lines around them, or a line before them after `@@`"
    );
    assert_eq!(
        updated(text, "@@ fn b() {\n-    x();\n+    y();").unwrap(),
        "fn a() {\n    x();\n}\nfn b() {\n    y();\n}\n"
    );
}

#[test]
fn blanks_at_the_ends_of_lines_do_not_matter_and_stay() {
    assert_eq!(
        updated("a  \nb\t\nc\n", "@@\n a\n-b\n+B\n c").unwrap(),
        "a  \nB\nc\n"
    );
    assert_eq!(
        updated("a\r\nb\r\nc\r\n", "@@\n a\n-b\n+B").unwrap(),
        "a\r\nB\r\nc\r\n"
    );
    // Where one place is exactly as the hunk has it, that is the one.
    assert_eq!(updated("a \na\n", "@@\n-a\n+b").unwrap(), "a \nb\n");
}

#[test]
fn a_file_whose_last_line_has_no_end_keeps_it_so() {
    assert_eq!(updated("a\nb", "@@\n-b\n+c").unwrap(), "a\nc");
    assert_eq!(updated("a\nb", "@@\n b\n+c").unwrap(), "a\nb\nc");
    assert_eq!(updated("", "@@\n+a").unwrap(), "a\n");
}

#[test]
fn an_error_names_the_hunk_and_the_line_that_differs() {
    let text = "one\ntwo\nthree\nfour\n";
    for (hunks, wanted) in [
        (
            "@@\n one\n-two!\n+2",
            "hunk 1 (line 3 of the patch): its lines are not in the file; the nearest is at line \
             2, which is \"two\" and not \"two!\"",
        ),
        (
            "@@ nowhere\n-two\n+2",
            "hunk 1 (line 3 of the patch): the line \"nowhere\" after `@@` is not in the file",
        ),
        (
            "@@\n-four\n+4\n@@\n-one\n+1",
            "hunk 2 (line 6 of the patch): its lines come before those of the hunk before, at line \
             1; hunks come in the order of the file",
        ),
        (
            "@@\n-two\n*** End of File",
            "hunk 1 (line 3 of the patch): its lines are not the last ones of the file",
        ),
    ] {
        assert_eq!(updated(text, hunks).unwrap_err(), wanted);
    }
}

#[test]
fn what_is_no_patch_is_refused_with_its_line() {
    for (patch, line, problem) in [
        ("", 1, Problem::NoBegin),
        ("*** Begin Patch", 1, Problem::NoEnd),
        ("*** Begin Patch\n*** End Patch", 2, Problem::Empty),
        (
            "*** Begin Patch\n*** Delete File: a\n*** End Patch\nx",
            4,
            Problem::AfterEnd,
        ),
        (
            "*** Begin Patch\n*** Rename File: a\n*** End Patch",
            2,
            Problem::NoFile,
        ),
        (
            "*** Begin Patch\n*** Add File:\n+x\n*** End Patch",
            2,
            Problem::NoPath,
        ),
        (
            "*** Begin Patch\n*** Add File: a\nx\n*** End Patch",
            3,
            Problem::NoAdded,
        ),
        (
            "*** Begin Patch\n*** Update File: a\n*** End Patch",
            2,
            Problem::NoHunk,
        ),
        (
            "*** Begin Patch\n*** Update File: a\n@@\n*** End Patch",
            3,
            Problem::EmptyHunk,
        ),
        (
            "*** Begin Patch\n*** Update File: a\n@@\nx\n*** End Patch",
            4,
            Problem::NoHunkLine,
        ),
    ] {
        let err = parse(patch).unwrap_err();
        assert_eq!((err.line, err.problem), (line, problem), "{patch}");
    }
}

/// Applies a patch to a folder.
async fn patched(folder: &Path, patch: &str) -> Result<String, ToolError> {
    let workspace = Workspace::open(folder).await?;
    let patch = parse(patch).map_err(|err| ToolError::ForModel(err.to_string()))?;
    let mut files = Files::new(&workspace);
    for file in &patch {
        files.apply(file).await?;
    }
    let said = files.said();
    workspace.change(files.changes()?).await?;
    Ok(said)
}

/// Returns what lies in a folder, with folders as `None`.
fn all(folder: &Path) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
                found.insert(name, None);
            } else {
                found.insert(name, Some(fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn files(files: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
    all(folder(files).path())
}

#[tokio::test]
async fn several_files_are_added_updated_moved_and_deleted_at_once() {
    let folder = folder(&[
        ("a", "one\n"),
        ("src/b", "two\n"),
        ("c", "three\n"),
        ("d", "four\n"),
    ]);
    let patch = "*** Begin Patch\n*** Add File: new/deep/e\n+five\n+six\n*** Update File: ./a\n@@\n\
         -one\n+1\n\n*** Update File: src/b\n*** Move to: dst/b\n@@\n-two\n+2\n*** Delete File: c\n\
         *** Delete File: d\n*** Add File: d\n+4\n*** End Patch\n";
    let said = patched(folder.path(), patch).await.unwrap();
    insta::assert_snapshot!(said, @r"
    added new/deep/e (+2)
    updated ./a (+1 -1)
    moved src/b to dst/b (+1 -1)
    deleted c
    deleted d
    added d (+1)
    ");
    let mut wanted = files(&[
        ("a", "1\n"),
        ("dst/b", "2\n"),
        ("d", "4\n"),
        ("new/deep/e", "five\nsix\n"),
    ]);
    wanted.insert("src".to_owned(), None);
    assert_eq!(all(folder.path()), wanted);
}

#[tokio::test]
async fn a_file_that_is_moved_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[("run", "#!/bin/sh\n")]);
    let run = folder.path().join("run");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o751)).unwrap();
    let patch = "*** Begin Patch\n*** Update File: run\n*** Move to: bin/run\n*** End Patch";
    patched(folder.path(), patch).await.unwrap();
    let moved = fs::metadata(folder.path().join("bin/run")).unwrap();
    assert_eq!(moved.permissions().mode() & 0o777, 0o751);
    assert!(!run.exists());
}

#[tokio::test]
async fn one_change_that_cannot_be_made_leaves_all_files_as_they_are() {
    let content = [("a", "one\n"), ("b", "two\n")];
    for (last, wanted) in [
        (
            "*** Update File: b\n@@\n-none\n+2",
            "its lines are not in the file",
        ),
        ("*** Add File: b\n+2", "exists already"),
        ("*** Delete File: c", "there is no such file"),
        ("*** Update File: c\n@@\n-a\n+b", "there is no such file"),
        ("*** Add File: ../out\n+x", "leads out of the workspace"),
        ("*** Add File: .git/hooks/pre-commit\n+x", "is protected"),
        ("*** Add File: a/b\n+x", "not a directory"),
        (
            "*** Update File: b\n*** Move to: a\n@@\n-two\n+2",
            "exists already",
        ),
    ] {
        let folder = folder(&content);
        let patch = format!(
            "*** Begin Patch\n*** Update File: a\n@@\n-one\n+1\n*** Add File: n/e/w\n+x\n{last}\n\
             *** End Patch"
        );
        let err = patched(folder.path(), &patch)
            .await
            .unwrap_err()
            .model_text();
        assert!(err.contains(wanted), "{last}: {err}");
        assert_eq!(all(folder.path()), files(&content), "{last}");
    }
}

#[tokio::test]
async fn a_link_is_followed_to_change_a_file_and_not_to_remove_it() {
    let folder = folder(&[("real", "one\n")]);
    std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
    let delete = "*** Begin Patch\n*** Delete File: link\n*** End Patch";
    let err = patched(folder.path(), delete)
        .await
        .unwrap_err()
        .model_text();
    assert!(err.contains("it is a link"), "{err}");
    let update = "*** Begin Patch\n*** Update File: link\n@@\n-one\n+1\n*** End Patch";
    patched(folder.path(), update).await.unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("real")).unwrap(),
        "1\n"
    );
    assert!(folder.path().join("link").is_symlink());
}

/// Writes a patch that makes one text of another: all lines go, and all lines come.
fn rewriting(old: &[String], new: &[String]) -> String {
    let removed = old.iter().map(|line| format!("-{line}\n"));
    let added = new.iter().map(|line| format!("+{line}\n"));
    format!(
        "@@\n{}*** End of File",
        removed.chain(added).collect::<String>()
    )
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ab ]{0,3}", 1..6)
}

proptest! {
    #[test]
    fn a_text_becomes_what_the_patch_says(old in lines(), new in lines()) {
        let text = old.join("\n") + "\n";
        let wanted = new.join("\n") + "\n";
        prop_assert_eq!(updated(&text, &rewriting(&old, &new)), Ok(wanted));
    }

    #[test]
    fn lines_that_no_hunk_names_are_kept_byte_for_byte(
        before in "[ab\r\n\t ]{0,20}",
        after in "[ab\r\n\t ]{0,20}",
    ) {
        let text = format!("{before}\nmiddle\n{after}");
        let end = if text.matches("\r\n").count() * 2 > text.matches('\n').count() { "\r\n" } else { "\n" };
        let wanted = format!("{before}\nMIDDLE{end}{after}");
        prop_assert_eq!(updated(&text, "@@\n-middle\n+MIDDLE"), Ok(wanted));
    }

    #[test]
    fn no_text_makes_the_reader_or_the_hunks_panic(patch in "(\\*\\*\\* (Begin Patch|End Patch|Update File: f|Add File: g|Delete File: h|End of File|Move to: i)|@@( a)?|[-+ ]?[ab]{0,2})(\n(\\*\\*\\* (Begin Patch|End Patch|Update File: f|Add File: g|End of File)|@@( a)?|[-+ ]?[ab]{0,2})){0,9}", text in "[ab\n]{0,12}") {
        if let Ok(files) = parse(&patch) {
            for file in files {
                if let Action::Update { hunks, .. } = file.action {
                    drop(apply(&text, &hunks));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_patch_is_applied_as_a_whole_or_not_at_all(
        actions in prop::collection::vec((0_usize..4, 0_usize..3, 0_usize..3), 1..5),
    ) {
        let names = ["a", "b", "sub/c"];
        let content = [("a", "x\ny\n"), ("b", "x\n"), ("other", "never touched")];
        let mut patch = "*** Begin Patch\n".to_owned();
        for (action, one, other) in actions {
            let (one, other) = (names[one], names[other]);
            let part = match action {
                0 => format!("*** Add File: {one}\n+new\n"),
                1 => format!("*** Delete File: {one}\n"),
                2 => format!("*** Update File: {one}\n@@\n-x\n+z\n"),
                _ => format!("*** Update File: {one}\n*** Move to: {other}\n@@\n-x\n+w\n"),
            };
            patch.push_str(&part);
        }
        patch.push_str("*** End Patch");
        let folder = folder(&content);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let done = runtime.block_on(patched(folder.path(), &patch));
        let now = all(folder.path());
        prop_assert_eq!(now.get("other"), Some(&Some("never touched".to_owned())));
        if done.is_err() {
            prop_assert_eq!(&now, &files(&content));
        }
        let left = now.keys().find(|name| name.contains(".openclaw-"));
        prop_assert!(left.is_none(), "{:?} is left", left);
    }
}
