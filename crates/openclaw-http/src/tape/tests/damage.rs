//! Lines that are missing, and keys that a server wrote in its own way.

use super::*;

/// Returns the lines of a cassette with one exchange.
fn lines(folder: &TempDir) -> Vec<String> {
    let tape = Tape::record(&path(folder)).unwrap();
    record(&tape, &turn("hello"), &[b"one\n", b"two\n", b"two\n"]);
    let written = fs::read_to_string(path(folder)).unwrap();
    written.lines().map(str::to_owned).collect()
}

fn read(folder: &TempDir, lines: &[String]) -> Result<Tape, TapeError> {
    fs::write(path(folder), lines.join("\n")).unwrap();
    Tape::play(&path(folder))
}

#[test]
fn a_line_that_is_missing_moved_or_repeated_shows_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let whole = lines(&folder);
    assert_eq!(whole.len(), 7);
    read(&folder, &whole).unwrap();
    let damaged_at = |lines: &[String], expected: usize| {
        let error = read(&folder, lines).unwrap_err();
        let (TapeError::Damaged { line, .. }, text) = (&error, error.to_string()) else {
            panic!("{error}");
        };
        assert_eq!(*line, expected, "{text}");
    };
    for at in 1..whole.len() - 1 {
        let mut missing = whole.clone();
        missing.remove(at);
        damaged_at(&missing, at + 1);
        let mut repeated = whole.clone();
        repeated.insert(at, whole[at].clone());
        damaged_at(&repeated, at + 2);
        let mut swapped = whole.clone();
        swapped.swap(at, at + 1);
        damaged_at(&swapped, at + 1);
    }
}

#[test]
fn a_line_that_was_changed_by_hand_unties_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = lines(&folder);
    let mut record: Value = serde_json::from_str(&lines[3]).unwrap();
    assert_eq!(record["text"], "one\n");
    record["text"] = json!("ONE\n");
    record.as_object_mut().unwrap().remove("sum");
    lines[3] = record.to_string();
    read(&folder, &lines).unwrap();
    record["text"] = json!("only\n");
    lines[3] = record.to_string();
    let error = read(&folder, &lines).unwrap_err();
    let TapeError::Damaged {
        line: 7, source, ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(
        source.to_string(),
        "the answer has 13 bytes, and 12 by the `bytes` of its lines"
    );
}

#[tokio::test]
async fn a_recording_that_breaks_off_says_so_when_it_is_asked_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines(&folder);
    let tape = read(&folder, &lines[..5]).unwrap();
    let mut played = tape
        .deck()
        .unwrap()
        .answer(&request(&turn("hello")))
        .unwrap();
    played.head(&endpoint()).await.unwrap();
    for _ in 0..2 {
        played.next(&endpoint()).await.unwrap();
    }
    played.next(&endpoint()).await.unwrap_err();
    let again = refused(&tape, &turn("hello")).to_string();
    assert!(
        again.ends_with("breaks off in the answer to the request on line 2"),
        "{again}"
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let old = HEAD.replace(":1,", ":0,").trim().to_owned();
    let error = read(&folder, &[old]).unwrap_err();
    assert!(matches!(error, TapeError::Version { version: 0, .. }));
    for (path, why) in [
        (folder.path().to_owned(), "it is a folder"),
        (folder.path().join("none"), "there is no such file"),
        (PathBuf::from("/dev/null"), "it is no regular file"),
    ] {
        let error = Tape::play(&path).unwrap_err().to_string();
        assert!(error.ends_with(why), "{error}");
    }
}

#[test]
fn a_key_that_a_server_escapes_does_not_get_onto_a_cassette() {
    let key = "sk/abc+TAPE/ghi=jkl9mno/pqr&stu=vwx";
    redaction::learn_text(key);
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    for escaped in [
        r#"{"error":{"message":"k sk/abc\u002BTAPE/ghi\u003Djkl9mno/pqr\u0026stu\u003Dvwx"}}"#,
        "<p>sk/abc&#x2B;TAPE/ghi=jkl9mno/pqr&amp;stu=vwx</p>",
    ] {
        for size in [1, 7, 1_000] {
            let pieces: Vec<&[u8]> = escaped.as_bytes().chunks(size).collect();
            record(&tape, &turn("hello"), &pieces);
        }
    }
    let written = fs::read_to_string(path(&folder)).unwrap();
    for part in ["TAPE", "jkl9mno"] {
        assert!(!written.contains(part), "{written}");
    }
    assert_eq!(written.matches("[REDACTED]").count(), 6);
    Tape::play(&path(&folder)).unwrap();
}
