//! Two processes append to the same store at the same time.

use super::image::check_image;
use super::ledger::{Ledger, Mark};
use super::soak;
use super::writer::{Job, Writer};

/// How many writers each of the processes has.
const WRITERS: u32 = 8;

/// How many appends each of these makes.
const APPENDS: u32 = 500;

/// Returns the first and the last position that a process was told.
fn extent(ledger: &Ledger) -> (u64, u64) {
    let positions = || ledger.iter().map(|(_, receipt)| receipt.position);
    (positions().min().unwrap(), positions().max().unwrap())
}

#[tokio::test]
async fn two_processes_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("events.sqlite");
    let writers = ["a", "b"].map(|name| {
        Writer::start(&Job {
            appends: Some(APPENDS),
            ..Job::endless(&store, name, WRITERS)
        })
    });
    let [mut ledger, other] = writers.map(Writer::finish);
    let ((first, last), (other_first, other_last)) = (extent(&ledger), extent(&other));
    assert!(
        first < other_last && other_first < last,
        "one process had ended before the other began"
    );
    ledger.extend(other);
    let expected: usize = ["a", "b"]
        .into_iter()
        .flat_map(|name| (0..WRITERS).map(move |writer| format!("{name}.0.{writer}")))
        .flat_map(|writer| (0..APPENDS).map(move |n| format!("{writer}.{n}")))
        .map(|append| Mark::of_append(&append).len())
        .sum();
    assert_eq!(ledger.len(), expected);
    let findings = check_image(&store, &ledger).await;
    soak::figures(
        "two processes",
        &[
            ("writers in each", &WRITERS),
            ("appends of each writer", &APPENDS),
            ("acknowledged", &findings.acknowledged),
            ("lost", &findings.lost),
            ("torn", &findings.torn),
            ("gaps", &findings.gaps),
            ("duplicates", &findings.duplicates),
            ("suspicions", &findings.suspicions),
        ],
    );
    assert_eq!(findings.problems, [""; 0]);
}
