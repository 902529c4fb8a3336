//! Files that nobody wrote: whatever stands in them, the reader ends and keeps what it can.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use openclaw_compat::{Fault, Home, preview, read_jsonl};
use openclaw_testkit::fuzz;
use proptest::prelude::*;

use crate::fixture::Written;
use crate::versions::{V1, V2, V3};

#[test]
fn whatever_the_bytes_the_reader_ends() {
    let cases = proptest::collection::vec(any::<u8>(), 0..2000);
    fuzz("JSONL of any bytes", &cases, |bytes| {
        read_jsonl(Cursor::new(bytes), Path::new("f"));
        Ok(())
    });
}

#[test]
fn any_truncation_has_the_entries_before_it() {
    let cases = 0..V3.len();
    fuzz("JSONL, cut", &cases, |cut| {
        let whole = read_jsonl(Cursor::new(V3), Path::new("f"));
        let part = read_jsonl(Cursor::new(&V3.as_bytes()[..cut]), Path::new("f"));
        let complete = V3.match_indices('\n').filter(|(at, _)| *at < cut).count();
        prop_assert!(part.entries.len() >= complete);
        prop_assert_eq!(&part.entries[..], &whole.entries[..part.entries.len()]);
        let cut_short = part
            .troubles
            .iter()
            .filter(|trouble| matches!(trouble.fault, Fault::CutShort { .. }))
            .count();
        prop_assert!(cut_short <= 1);
        Ok(())
    });
}

#[test]
fn a_line_that_was_changed_costs_no_other() {
    let cases = (0..V2.lines().count(), 0_usize..400, any::<u8>());
    fuzz("JSONL, one byte changed", &cases, |(line, at, byte)| {
        let mut lines: Vec<Vec<u8>> = V2.lines().map(|line| line.as_bytes().to_vec()).collect();
        let length = lines[line].len();
        lines[line][at % length] = byte;
        let read = read_jsonl(Cursor::new(lines.join(&b'\n')), Path::new("f"));
        let raws: Vec<&str> = read
            .entries
            .iter()
            .map(|entry| entry.raw.as_str())
            .collect();
        for (n, original) in V2.lines().enumerate() {
            prop_assert!(n == line || raws.contains(&original));
        }
        Ok(())
    });
}

#[test]
fn a_home_of_anything_is_looked_through() {
    let cases = (
        "[ -~]{0,60}",
        proptest::collection::vec(any::<u8>(), 0..300),
    );
    fuzz("homes of any bytes", &cases, |(store, transcript)| {
        let home = Written::new();
        home.session("sessions.json", store);
        home.session("s.jsonl", &transcript);
        home.file("agents/main/agent/openclaw-agent.sqlite", &transcript);
        let found = Home::open(home.path());
        for one in found.found() {
            preview(one, &found.read(one));
        }
        prop_assert_eq!(
            fs::read_dir(home.path().join("agents/main/agent"))
                .unwrap()
                .count(),
            1
        );
        Ok(())
    });
}

#[test]
fn every_entry_of_a_transcript_that_was_changed_is_kept_once() {
    let cases = (
        prop_oneof![Just(V1), Just(V2), Just(V3)],
        proptest::collection::vec(
            (any::<prop::sample::Index>(), "[a-z0-9\"{}\\[\\],:]{0,6}"),
            1..6,
        ),
    );
    fuzz("transcripts, changed", &cases, |(text, changes)| {
        let mut changed = text.to_owned();
        for (at, piece) in changes {
            let at = at.index(changed.len());
            changed.replace_range(at..changed.len().min(at + piece.len()), &piece);
        }
        let home = Written::new();
        home.session("s.jsonl", &changed);
        let found = Home::open(home.path());
        for one in found.found() {
            let read = found.read(one);
            let raws: Vec<String> = preview(one, &read)
                .into_iter()
                .filter_map(|event| event.raw.map(|raw| raw.get().to_owned()))
                .collect();
            let entries: Vec<&str> = read
                .entries
                .iter()
                .map(|entry| entry.raw.as_str())
                .collect();
            prop_assert_eq!(raws, entries);
        }
        Ok(())
    });
}
