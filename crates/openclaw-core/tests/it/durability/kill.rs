//! A writing process is killed at any moment, again and again over the same store.

use std::path::Path;
use std::time::{Duration, Instant};

use super::chance::Chance;
use super::image::{Findings, check_image};
use super::ledger::Ledger;
use super::soak::{self, Form};
use super::writer::{Job, Writer};

/// How many rounds every test run makes.
const ROUNDS: u32 = 5;
/// How many append at the same time.
const WRITERS: u32 = 16;

/// Returns how long a process lives: from before it has opened the store to some hundred appends.
fn life(round: u32, chance: &mut Chance) -> Duration {
    let most = match round % 4 {
        0 => 400,
        1 => 30,
        2 => 150,
        _ => 800,
    };
    Duration::from_micros(chance.below(most * 1000))
}

/// Copies the files of a store as they lie there.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let rounds = match soak::form() {
        Form::Short => ROUNDS,
        Form::Long(rounds) => rounds,
    };
    let seed = soak::seed();
    let mut chance = Chance::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("events.sqlite");
    let mut ledger = Ledger::default();
    let mut last = Findings::default();
    let mut cut = 0;
    for round in 0..rounds {
        let moment = Instant::now() + life(round, &mut chance);
        let job = Job::endless(&store, format!("r{round}"), WRITERS);
        let acknowledged = Writer::start(&job).kill_at(moment);
        cut += u32::from(acknowledged.len() > 0);
        ledger.extend(acknowledged);
        // Every other time the next process, not this one, finds what the killed one left behind.
        let aside = tempfile::tempdir().unwrap();
        let path = if round % 2 == 0 {
            store.clone()
        } else {
            copy(dir.path(), aside.path());
            aside.path().join("events.sqlite")
        };
        last = check_image(&path, &ledger).await;
        assert_eq!(last.problems, [""; 0], "round {round}, seed {seed}");
        soak::progress(&format!(
            "round {} of {rounds}: {} events, {} acknowledged",
            round + 1,
            last.events,
            last.acknowledged
        ));
    }
    soak::figures(
        "kill -9",
        &[
            ("rounds", &rounds),
            ("in the midst of appends", &cut),
            ("acknowledged", &last.acknowledged),
            ("lost", &last.lost),
            ("torn", &last.torn),
            ("gaps", &last.gaps),
            ("duplicates", &last.duplicates),
            ("suspicions", &last.suspicions),
            ("seed", &seed),
        ],
    );
    assert!(cut > 0, "no process lived until its first acknowledgement");
}
