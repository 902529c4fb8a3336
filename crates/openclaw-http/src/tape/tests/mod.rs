//! Cassettes on their own, without a client.

mod damage;

use std::fs;
use std::path::PathBuf;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use openclaw_core::{ApiKey, redaction};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::cassette::{Chain, Part, Record};
use super::scrub::Scrub;
use super::*;
use crate::error::{Endpoint, HttpError};
use crate::request::PostJson;

/// The first line of a cassette.
const HEAD: &str =
    "{\"record\":\"cassette\",\"format\":\"openclaw-cassette\",\"version\":1,\"program\":\"x\"}\n";

fn endpoint() -> Endpoint {
    Endpoint::of(&reqwest::Url::parse("http://api.example/").unwrap())
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("tape.jsonl")
}

fn request(body: &Value) -> Request {
    PostJson::new("https://api.example/v1/chat?key=hunter2-key&alt=sse", body)
        .unwrap()
        .secret_header(AUTHORIZATION, "Bearer ", &ApiKey::new("sk-tape".into()))
        .unwrap()
        .0
}

fn turn(text: &str) -> Value {
    json!({ "model": "m", "messages": [{ "role": "user", "content": text }] })
}

/// Records one exchange that is answered in these pieces.
fn record(tape: &Tape, body: &Value, pieces: &[&[u8]]) {
    let mut recording = tape.begin(&request(body)).unwrap();
    let header = |name, value| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    recording.head(
        200,
        &HeaderMap::from_iter([
            header("content-type", "text/event-stream"),
            header("set-cookie", "session=stolen"),
        ]),
    );
    for piece in pieces {
        recording.piece(piece);
    }
    recording.whole();
}

/// Plays one exchange and returns its pieces.
async fn play(tape: &Tape, body: &Value) -> Vec<Vec<u8>> {
    let mut played = tape.deck().unwrap().answer(&request(body)).unwrap();
    let mut pieces = Vec::new();
    let (status, _) = played.head(&endpoint()).await.unwrap();
    assert_eq!(status, 200);
    while let Some(piece) = played.next(&endpoint()).await.unwrap() {
        pieces.push(piece.to_vec());
    }
    pieces
}

fn refused(tape: &Tape, body: &Value) -> TapeError {
    tape.deck().unwrap().answer(&request(body)).unwrap_err()
}

#[tokio::test]
async fn an_answer_is_played_byte_for_byte_and_piece_for_piece() {
    redaction::learn_text("secret-that-begins-with-s");
    let folder = tempfile::tempdir().unwrap();
    let pieces: &[&[u8]] = &[
        b"data: {\"text\":\"yes",
        b"s",
        b"ecret thing\"}\n\n",
        b"h\xc3",
        b"\xa9\n",
        b"\xff\xfe and \xc3(",
        b"data: [DONE]\n\n\xe2\x82",
    ];
    let tape = Tape::record(&path(&folder)).unwrap();
    record(&tape, &turn("hello"), pieces);
    assert_eq!(tape.finish().unwrap(), 1);
    let tape = Tape::play(&path(&folder)).unwrap();
    assert_eq!(play(&tape, &turn("hello")).await, pieces);
}

#[test]
fn a_cassette_is_private_and_takes_no_other_file_s_place() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    drop(tape);
    let mode = fs::metadata(path(&folder)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = Tape::record(&path(&folder)).unwrap_err();
    assert!(matches!(error, TapeError::Exists { .. }), "{error}");
}

#[test]
fn no_secret_gets_onto_a_cassette() {
    let secret = "cnry-of-a-tape-0123456789";
    redaction::learn_text(secret);
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    let cut = secret.split_at(9);
    record(
        &tape,
        &turn(&format!("my key is {secret}")),
        &[cut.0.as_bytes(), cut.1.as_bytes()],
    );
    // As a model writes it: a few characters in each event.
    let events: Vec<String> = format!("it is {secret}, and that is it")
        .as_bytes()
        .chunks(3)
        .map(|piece| {
            let text = str::from_utf8(piece).unwrap();
            let event = json!({ "type": "delta", "delta": { "index": 0, "text": text } });
            format!("event: delta\ndata: {event}\n\n")
        })
        .collect();
    let pieces: Vec<&[u8]> = events.iter().map(String::as_bytes).collect();
    record(&tape, &turn("and now"), &pieces);
    let written = fs::read_to_string(path(&folder)).unwrap();
    for leak in [
        secret,
        "sk-tape",
        "hunter2-key",
        "stolen",
        "cnry-of",
        "0123",
    ] {
        assert!(!written.contains(leak), "{leak}");
    }
    assert!(written.contains("alt=sse"));

    let records = written
        .lines()
        .map(|line| Chain::default().read(line.as_bytes()).unwrap());
    let said: String = records
        .filter_map(|record| match record {
            Record::Chunk {
                exchange: 2,
                text: Some(text),
                ..
            } => Some(text),
            _ => None,
        })
        .collect();
    let said: String = said
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|event| serde_json::from_str::<Value>(event).unwrap())
        .map(|event| event["delta"]["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(said, "it is [REDACTED], and that is it");
}

#[test]
fn what_is_no_secret_is_the_same_however_it_is_cut() {
    redaction::learn_text("data-of-a-secret-that-looks-innocent");
    let text = "event: a\r\ndata: {\"text\":\"data-of-a-\"}\n\ndata: {\"text\":\"bird\"}\n\n{\"x\":[\"data\"]}\ndata: nothing é\n";
    for cut in 0..=text.len() {
        let (head, tail) = text.as_bytes().split_at(cut);
        let mut scrub = Scrub::default();
        let parts = [scrub.push(head), scrub.push(tail), scrub.finish()].concat();
        let whole: Vec<u8> = parts
            .into_iter()
            .flat_map(|part| match part {
                Part::Text(text) => text.into_bytes(),
                Part::Bytes(bytes) => bytes,
            })
            .collect();
        assert_eq!(str::from_utf8(&whole).unwrap(), text, "cut at {cut}");
    }
}

#[test]
fn a_line_without_an_end_is_not_held_back_for_ever() {
    let mut scrub = Scrub::default();
    let piece = "x".repeat(64 * 1024);
    let mut out = 0;
    for _ in 0..64 {
        for part in scrub.push(piece.as_bytes()) {
            let Part::Text(text) = part else {
                panic!("text is text")
            };
            out += text.len();
        }
    }
    assert!(out > 3 * 1024 * 1024, "{out}");
}

#[tokio::test]
async fn exchanges_that_run_at_the_same_time_keep_apart() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    record(&tape, &turn("first"), &[b"one"]);
    record(&tape, &turn("second"), &[b"two"]);
    let tape = Tape::play(&path(&folder)).unwrap();
    assert_eq!(play(&tape, &turn("second")).await, [b"two"]);
    // Other words, but nothing else differs.
    assert_eq!(play(&tape, &turn("third")).await, [b"one"]);
    let error = refused(&tape, &turn("first"));
    assert!(matches!(error, TapeError::AtEnd { exchanges: 2, .. }));
}

#[test]
fn what_differs_from_the_recording_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    let tools = json!([{ "name": "ls" }, { "function": { "name": "exec" } }]);
    let recorded = json!({ "model": "m", "messages": [{}], "tools": tools });
    record(&tape, &recorded, &[b"one"]);
    let tape = Tape::play(&path(&folder)).unwrap();
    let shown = path(&folder).display().to_string();
    for (name, value, message) in [
        (
            "model",
            json!("n"),
            "the model differs from line 2 of the cassette `FILE`: `m` was recorded, `n` is asked for",
        ),
        (
            "messages",
            json!([{}, {}]),
            "the number of messages differs from line 2 of the cassette `FILE`: 1 was recorded, 2 is asked for",
        ),
        (
            "tools",
            json!([{ "name": "ls" }]),
            "the list of tools differs from line 2 of the cassette `FILE`: `ls`, `exec` was recorded, `ls` is asked for",
        ),
    ] {
        let mut asked = recorded.clone();
        asked[name] = value;
        let error = refused(&tape, &asked).to_string();
        assert_eq!(error.replace(&shown, "FILE"), message);
    }
}

#[test]
fn every_byte_that_is_flipped_shows() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    record(&tape, &turn("hello"), &[b"one", b"two"]);
    let whole = fs::read(path(&folder)).unwrap();
    for at in 0..whole.len() {
        for bit in [1, 0x20, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            fs::write(path(&folder), &bytes).unwrap();
            let line = whole[..at].split(|byte| *byte == b'\n').count();
            match Tape::play(&path(&folder)) {
                Err(TapeError::Damaged { line: told, .. }) => assert_eq!(told, line, "{at}"),
                Err(TapeError::NotACassette { .. }) => assert_eq!(line, 1, "{at}"),
                // The end of the last line is not needed.
                Ok(_) => assert_eq!(at, whole.len() - 1),
                Err(other) => panic!("{other}"),
            }
        }
    }
}

#[test]
fn a_cassette_that_is_cut_is_damaged_where_it_is_cut_or_ends_there() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    record(&tape, &turn("hello"), &[b"one"]);
    let whole = fs::read(path(&folder)).unwrap();
    for end in 0..whole.len() {
        fs::write(path(&folder), &whole[..end]).unwrap();
        let at_line_end =
            [None, Some(&b'\n')].contains(&whole[..end].last()) || whole[end] == b'\n';
        match Tape::play(&path(&folder)) {
            Ok(_) => assert!(at_line_end && end > 0, "{end}"),
            Err(TapeError::NotACassette { .. }) => {
                assert!(!whole[..end].contains(&b'\n'), "{end}");
            }
            Err(TapeError::Damaged { .. }) => assert!(!at_line_end, "{end}"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn what_a_crash_left_is_played_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    let tape = Tape::record(&path(&folder)).unwrap();
    record(&tape, &turn("hello"), &[b"one\n", b"two\n"]);
    let whole = fs::read_to_string(path(&folder)).unwrap();
    let left: Vec<&str> = whole.lines().take(4).collect();
    fs::write(path(&folder), left.join("\n")).unwrap();
    let tape = Tape::play(&path(&folder)).unwrap();
    let mut played = tape
        .deck()
        .unwrap()
        .answer(&request(&turn("hello")))
        .unwrap();
    played.head(&endpoint()).await.unwrap();
    let piece = played.next(&endpoint()).await.unwrap();
    assert_eq!(piece.unwrap(), "one\n");
    let error = played.next(&endpoint()).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken { .. }), "{error}");
}

#[test]
fn other_files_and_lines_that_do_not_belong_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        fs::write(path(&folder), text).unwrap();
        Tape::play(&path(&folder)).unwrap_err()
    };
    for other in [
        "",
        "hello",
        "{}",
        "[1]",
        "{\"record\":\"end\",\"exchange\":1,\"how\":\"whole\"}",
    ] {
        let error = read(other);
        assert!(
            matches!(error, TapeError::NotACassette { .. }),
            "{other}: {error}"
        );
    }
    let newer = read(&HEAD.replace(":1,", ":2,"));
    assert!(matches!(newer, TapeError::Version { version: 2, .. }));
    let asked =
        "{\"record\":\"request\",\"exchange\":1,\"method\":\"POST\",\"url\":\"http://x/\"}\n";
    for line in [
        "{\"record\":\"chunk\",\"exchange\":1,\"text\":\"before its head\"}",
        "{\"record\":\"response\",\"exchange\":2,\"status\":200}",
        "{\"record\":\"response\",\"exchange\":1,\"status\":70}",
        "{\"record\":\"response\",\"exchange\":1,\"status\":200,\"headers\":{\"a b\":\"\"}}",
        asked.trim(),
        HEAD.trim(),
        "{\"record\":\"end\",\"exchange\":1,\"how\":\"unheard of\"}",
        "{\"record\":\"end\",\"exchange\":1,\"how\":\"whole\",\"more\":1}",
        "",
    ] {
        let error = read(&format!("{HEAD}{asked}{line}\n"));
        assert!(
            matches!(error, TapeError::Damaged { line: 3, .. }),
            "{line}: {error}"
        );
    }
    let missing = Tape::play(&folder.path().join("missing")).unwrap_err();
    assert!(matches!(missing, TapeError::Read { .. }));
    let a_folder = Tape::play(folder.path()).unwrap_err();
    assert!(matches!(a_folder, TapeError::Read { .. }));
}

#[tokio::test]
async fn a_cassette_can_be_written_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"record":"cassette","format":"openclaw-cassette","version":1,"program":"by hand"}
{"record":"request","exchange":7,"method":"POST","url":"https://api.example/v1/chat","body":{"model":"m","messages":[1]}}
{"record":"response","exchange":7,"status":200}
{"record":"chunk","exchange":7,"text":"one"}
{"record":"end","exchange":7,"how":"whole"}
"#;
    fs::write(path(&folder), text).unwrap();
    let tape = Tape::play(&path(&folder)).unwrap();
    let error = tape.upcoming().unwrap_err();
    assert!(matches!(error, TapeError::Unlabelled { line: 2, .. }));
    assert_eq!(play(&tape, &turn("hello")).await, [b"one"]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_refused_at_once() {
    let taken = Tape::record(Path::new("/dev/full")).unwrap_err();
    assert!(matches!(taken, TapeError::Exists { .. }));
    let missing = Tape::record(Path::new("/nowhere/tape.jsonl")).unwrap_err();
    assert!(matches!(missing, TapeError::Write { .. }));
}
