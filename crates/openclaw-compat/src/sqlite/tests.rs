//! Databases of their own, and writers beside them.

use rusqlite::params;

use super::*;
use crate::home::{Home, Role};

const SCHEMA: &str = "
    PRAGMA user_version = 23;
    CREATE TABLE session_nodes (session_key TEXT, current_session_id TEXT, entry_json TEXT, updated_at INTEGER);
    CREATE TABLE session_windows (session_id TEXT, session_key TEXT, updated_at INTEGER);
    CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, event_json TEXT, created_at INTEGER,
                                    event_zstd BLOB, event_utf8_bytes INTEGER);
    INSERT INTO session_nodes VALUES ('agent:main:main', 's2', '{\"sessionId\":\"s2\"}', 2000);
    INSERT INTO session_windows VALUES ('s1', 'agent:main:main', 1000), ('s2', 'agent:main:main', 2000);
    INSERT INTO transcript_events VALUES
      ('s1', 0, '{\"type\":\"session\",\"version\":4,\"id\":\"s1\"}', 1000, NULL, NULL),
      ('s2', 0, '{\"type\":\"session\",\"version\":4,\"id\":\"s2\"}', 2000, NULL, NULL);";

struct Made {
    folder: TempDir,
    file: PathBuf,
}

impl Made {
    fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder
            .path()
            .join("agents/main/agent/openclaw-agent.sqlite");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let made = Self { folder, file };
        made.open().execute_batch(sql).unwrap();
        made
    }

    fn open(&self) -> Connection {
        Connection::open(&self.file).unwrap()
    }

    fn home(&self) -> Home {
        Home::open(self.folder.path())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.file.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn packed(&self, bytes: &[u8], size: i64) {
        self.open()
            .execute(
                "INSERT INTO transcript_events VALUES ('s2', (SELECT count(*) FROM transcript_events), NULL, 3000, ?1, ?2)",
                params![bytes, size],
            )
            .unwrap();
    }
}

fn packed(text: &str) -> Vec<u8> {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};
    compress_to_vec(text.as_bytes(), CompressionLevel::Fastest)
}

fn keys(home: &Home) -> Vec<(String, Role)> {
    home.found()
        .iter()
        .map(|found| (found.key.to_string(), found.role))
        .collect()
}

fn said(home: &Home) -> Vec<String> {
    home.troubles()
        .iter()
        .map(|trouble| trouble.fault.to_string())
        .collect()
}

#[test]
fn earlier_windows_of_a_key_are_history_beside_it() {
    let made = Made::new(SCHEMA);
    assert_eq!(
        keys(&made.home()),
        [
            ("agent:main:main".to_owned(), Role::Current),
            ("agent:main:main:window:s1".to_owned(), Role::Window),
        ]
    );
}

#[test]
fn compressed_rows_are_read_and_bad_ones_named() {
    let made = Made::new(SCHEMA);
    let text = format!(
        "{{\"type\":\"custom\",\"id\":\"a\",\"data\":\"{}\"}}",
        "x".repeat(2000)
    );
    made.packed(&packed(&text), i64::try_from(text.len()).unwrap());
    made.packed(&packed(&text), 10);
    made.packed(b"not zstd at all", 10);
    let home = made.home();
    let read = home.read(&home.found()[0]);
    assert_eq!(read.entries.len(), 2);
    assert_eq!(read.entries[1].raw, text);
    assert_eq!(read.entries[1].time.unwrap().as_millisecond(), 3000);
    let spots: Vec<String> = read
        .troubles
        .iter()
        .map(|trouble| trouble.spot.to_string())
        .collect();
    assert_eq!(spots, [" session s2 row 3", " session s2 row 4"]);
}

#[test]
fn a_database_in_place_leaves_nothing_beside_it() {
    let made = Made::new(&format!("PRAGMA journal_mode = WAL; {SCHEMA}"));
    let before = (fs::read(&made.file).unwrap(), made.names());
    assert_eq!(before.1, ["openclaw-agent.sqlite"]);
    let home = made.home();
    for found in home.found() {
        assert_eq!(home.read(found).entries.len(), 1);
    }
    assert_eq!((fs::read(&made.file).unwrap(), made.names()), before);
}

#[test]
fn what_a_living_writer_has_in_its_log_is_seen_and_nothing_of_it_touched() {
    let made = Made::new(&format!("PRAGMA journal_mode = WAL; {SCHEMA}"));
    let writer = made.open();
    writer
        .execute_batch(
            "INSERT INTO transcript_events VALUES ('s2', 1, '{\"type\":\"custom\",\"id\":\"a\"}', 3000, NULL, NULL);",
        )
        .unwrap();
    let state = || {
        let files = ["", "-wal", "-shm"].map(|end| fs::read(beside(&made.file, end)).unwrap());
        (files, made.names())
    };
    let before = state();
    let home = made.home();
    assert_eq!(home.read(&home.found()[0]).entries.len(), 2);
    assert!(before == state());
    // A transaction that is not over is not seen, and does not hold the reader up.
    writer
        .execute_batch(
            "BEGIN IMMEDIATE; INSERT INTO transcript_events VALUES ('s2', 2, '{}', 1, NULL, NULL);",
        )
        .unwrap();
    let home = made.home();
    assert_eq!(home.read(&home.found()[0]).entries.len(), 2);
}

#[test]
fn a_change_while_it_is_read_in_place_makes_it_read_again() {
    let made = Made::new(SCHEMA);
    let database = Database::new(&made.file);
    let times = std::cell::Cell::new(0);
    let rows: i64 = database
        .read(|connection| {
            times.set(times.get() + 1);
            if times.get() == 1 {
                made.packed(&packed("{}"), 2);
            }
            let sql = "SELECT count(*) FROM transcript_events";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!((times.get(), rows), (2, 3));
}

#[cfg(unix)]
#[test]
fn a_home_that_cannot_be_written_to_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let made = Made::new(&format!("PRAGMA journal_mode = WAL; {SCHEMA}"));
    let folder = made.file.parent().unwrap();
    let mode = |mode| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(&made.file, fs::Permissions::from_mode(0o400)).unwrap();
    mode(0o500);
    let found = keys(&made.home()).len();
    mode(0o700);
    assert_eq!(found, 2);
}

#[test]
fn a_newer_schema_with_the_same_columns_is_read_and_said_so() {
    let made = Made::new(&format!("{SCHEMA} PRAGMA user_version = 31;"));
    let home = made.home();
    assert_eq!(home.found().len(), 2);
    assert_eq!(
        said(&home),
        ["schema version 31 is newer than 23, but has the columns that are needed"]
    );
}

#[test]
fn a_schema_without_the_columns_is_refused_by_their_name() {
    let made = Made::new(
        "PRAGMA user_version = 40; CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, body BLOB);",
    );
    let home = made.home();
    assert!(home.found().is_empty());
    assert_eq!(
        said(&home),
        ["schema version 40 does not have what is needed: transcript_events.event_json"]
    );
}

#[test]
fn a_database_from_before_there_were_transcripts_in_it_has_none() {
    let made = Made::new(
        "PRAGMA user_version = 1; CREATE TABLE auth_profile_store (store_key TEXT, store_json TEXT);",
    );
    let home = made.home();
    assert!(home.found().is_empty() && home.troubles().is_empty());
}

#[test]
fn the_first_schema_with_transcripts_is_read() {
    let made = Made::new(
        "PRAGMA user_version = 9;
         CREATE TABLE session_entries (session_key TEXT, session_id TEXT, entry_json TEXT, updated_at INTEGER);
         CREATE TABLE sessions (session_id TEXT, session_key TEXT, updated_at INTEGER);
         CREATE TABLE transcript_events (session_id TEXT, seq INTEGER, event_json TEXT, created_at INTEGER);
         INSERT INTO session_entries VALUES ('agent:main:main', 's', '{}', 1);
         INSERT INTO sessions VALUES ('s', 'agent:main:main', 1);
         INSERT INTO transcript_events VALUES ('s', 0, '{\"type\":\"session\",\"id\":\"s\"}', 1);",
    );
    let home = made.home();
    assert_eq!(keys(&home), [("agent:main:main".to_owned(), Role::Current)]);
    assert_eq!(home.read(&home.found()[0]).entries.len(), 1);
}

#[test]
fn transcripts_that_were_moved_out_are_found_there() {
    let made = Made::new(&format!(
        "{SCHEMA}
         CREATE TABLE session_transcript_archives (session_id TEXT, session_key TEXT, reason TEXT,
             encoding TEXT, archive_blob BLOB, archive_name TEXT, created_at INTEGER);
         CREATE TABLE session_transcript_cold_archives (session_id TEXT, archive_name TEXT,
             archive_sha256 TEXT, event_count INTEGER, storage TEXT, archive_blob BLOB);
         INSERT INTO session_windows VALUES ('s3', 'agent:main:main', 500), ('s4', 'agent:main:main', 400);"
    ));
    let lines = |id: &str| {
        format!(
            "{{\"type\":\"session\",\"version\":4,\"id\":\"{id}\"}}\n{{\"type\":\"custom\",\"id\":\"a\"}}\n"
        )
    };
    let cold = |id: &str| {
        let mut events = String::new();
        for (seq, line) in lines(id).lines().enumerate() {
            let row = serde_json::json!({"seq": seq, "event_json": line, "created_at": 1});
            events += &serde_json::json!({"kind": "event", "row": row}).to_string();
            events.push('\n');
        }
        packed(&format!(
            "{{\"kind\":\"header\",\"version\":1,\"sessionId\":\"{id}\"}}\n{events}"
        ))
    };
    let database = made.open();
    for (id, reason, encoding, bytes) in [
        ("s5", "reset", "zstd", packed(&lines("s5"))),
        ("s6", "reset", "identity", lines("s6").into_bytes()),
        ("s7", "deleted", "identity", lines("s7").into_bytes()),
    ] {
        let sql = "INSERT INTO session_transcript_archives VALUES (?1, 'agent:main:main', ?2, ?3, ?4, ?5, 1)";
        let name = format!("{id}.jsonl.{reason}.2026-09-01T00-00-00.000Z");
        database
            .execute(sql, params![id, reason, encoding, bytes, name])
            .unwrap();
    }
    let sessions = made.folder.path().join("agents/main/sessions/cold");
    fs::create_dir_all(&sessions).unwrap();
    fs::write(sessions.join("c.jsonl.zst"), cold("s3")).unwrap();
    for (id, name, storage, blob) in [
        ("s3", "c.jsonl.zst", "file", None),
        ("s4", "d.jsonl.zst", "sqlite", Some(cold("s4"))),
    ] {
        let hash = hex(&<sha2::Sha256 as sha2::Digest>::digest(cold(id)));
        let sql = "INSERT INTO session_transcript_cold_archives VALUES (?1, ?2, ?3, 2, ?4, ?5)";
        database
            .execute(sql, params![id, name, hash, storage, blob])
            .unwrap();
    }
    drop(database);
    let home = made.home();
    for id in ["s3", "s4", "s5", "s6"] {
        let found = home
            .found()
            .iter()
            .find(|found| found.session_id == id)
            .unwrap();
        let read = home.read(found);
        assert_eq!(read.entries.len(), 2, "{id} {:?}", read.troubles);
        assert_eq!(read.session_id().as_deref(), Some(id));
    }
    assert_eq!(said(&home), [Fault::Deleted.to_string()]);
    fs::write(sessions.join("c.jsonl.zst"), b"changed").unwrap();
    let found = home
        .found()
        .iter()
        .find(|found| found.session_id == "s3")
        .unwrap();
    let read = home.read(found);
    assert!(matches!(read.troubles[0].fault, Fault::WrongHash { .. }));
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let made = Made::new("");
    fs::write(&made.file, "hello".repeat(1000)).unwrap();
    let home = made.home();
    assert!(home.found().is_empty());
    assert!(
        said(&home)[0].contains("not a database"),
        "{:?}",
        said(&home)
    );
}
