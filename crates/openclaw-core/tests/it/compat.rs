//! Session keys recorded from TypeScript OpenClaw, where the recordings are at hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use openclaw_core::SessionKey;
use openclaw_testkit::{shared_dir, skip_note};

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_none_or(|end| end != "sqlite") {
            found.push(path);
        }
    }
}

/// Every quoted text in a file that starts like a session key.
fn quoted_keys(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|part| {
        part.starts_with("agent:")
            && !part.contains(|c: char| c.is_whitespace() || "<>\\*+".contains(c))
    })
}

#[test]
fn every_recorded_session_key_prints_back_byte_for_byte() {
    let recordings = shared_dir()
        .map(|dir| dir.join("compat"))
        .filter(|dir| dir.is_dir());
    let Some(recordings) = recordings else {
        skip_note(
            "session keys",
            "no recordings in ../shared/compat, and OPENCLAW_SHARED has none",
        );
        return;
    };
    let mut paths = Vec::new();
    files(&recordings, &mut paths);
    let mut keys = BTreeSet::new();
    for path in paths {
        let bytes = fs::read(path).unwrap();
        keys.extend(quoted_keys(&String::from_utf8_lossy(&bytes)).map(str::to_owned));
    }
    assert!(keys.len() >= 8, "{keys:?}");
    for key in keys {
        assert_eq!(
            SessionKey::parse(&key)
                .map(|key| key.to_string())
                .as_deref(),
            Ok(key.as_str())
        );
    }
}
