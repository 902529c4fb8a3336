//! The power goes while a process writes: what could be on the disk then, and whether the store
//! opens from it with everything that was acknowledged.
//!
//! A writing process runs under `strace`, which records every operation on its files with the
//! bytes, and every acknowledgement, in the order in which they happened (`trace`). From the record, the
//! disk is rebuilt as a power loss at a chosen moment may leave it (`disk`): what a sync had
//! covered is there, and of everything after that any part may be. The store is opened from each
//! such image.
//!
//! A recording was preferred to a FUSE layer or a snapshotting block device: it needs no mount and
//! no privilege, sees the process exactly as it is, and one run gives any number of crash points.
//! That it is complete is checked each time: with nothing lost, the rebuilt files must equal those
//! that the process left.

mod disk;
mod trace;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use openclaw_testkit::skip_note;
use tempfile::TempDir;

use super::chance::Chance;
use super::image::{Findings, check_image};
use super::ledger::Ledger;
use super::soak::{self, Form};
use super::writer::{Job, Writer, program_command};
use disk::{Image, Syncs};
use trace::Recording;

/// How many processes every test run records.
const RECORDINGS: u32 = 2;
/// How many crash points of each process every test run tries.
const POINTS: u32 = 30;
/// How many the long form tries.
const LONG_POINTS: u32 = 400;
/// How many of the kill loop's rounds stand for one recording.
const ROUNDS_PER_RECORDING: u32 = 5;
/// How many processes write to a disk before the next one gets an empty disk.
const RECORDINGS_PER_DISK: u32 = 3;

/// How many append at the same time.
const WRITERS: u32 = 8;
/// How many appends each of them makes in each life of its process: enough for checkpoints.
const APPENDS: u32 = 16;

/// Where the store is, from the folder that stands for the disk.
const STORE: &str = "state/events.sqlite";

/// A process that was recorded, and what had been acknowledged before it began.
struct Recorded {
    dir: TempDir,
    recording: Recording,
    before: Ledger,
}

impl Recorded {
    /// Lets a process write to an empty disk under `strace`.
    fn on_an_empty_disk(name: &str) -> Self {
        Self::on(Image::default(), Ledger::default(), name)
    }

    /// Lets a process write to such a disk; `name` sets its events apart.
    fn on(disk: Image, before: Ledger, name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The record names the files by the paths that the process used.
        let root = dir.path().join("disk");
        std::fs::create_dir(&root).unwrap();
        disk.write(&root);
        let job = Job {
            appends: Some(APPENDS),
            lives: 2,
            ..Job::endless(&root.join(STORE), name, WRITERS)
        };
        let record = dir.path().join("record");
        let (program, arguments, (name, value)) = job.arguments();
        let mut strace = program_command(Path::new("strace"));
        strace
            .args(trace::OPTIONS)
            .arg("-o")
            .arg(&record)
            .arg("--")
            .arg(program)
            .args(arguments)
            .env(name, value);
        let told = Writer::start_command(&mut strace).finish();
        let text = std::fs::read_to_string(&record).unwrap();
        let recorded = Self {
            recording: Recording::read(&text, &root, disk),
            dir,
            before,
        };
        let acknowledged = recorded.recording.acknowledged(usize::MAX);
        assert_eq!(acknowledged.len(), told.len());
        recorded.assert_complete(&root);
        recorded
    }

    /// Checks that the record explains every byte that the process left.
    fn assert_complete(&self, root: &Path) {
        let rebuilt = disk::everything(&self.recording);
        let left = Image::read(root);
        let names = |image: &Image| image.files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&rebuilt), names(&left));
        for (name, bytes) in &left.files {
            assert!(
                rebuilt.files[name] == *bytes,
                "the record does not explain `{}`",
                name.display()
            );
        }
    }

    /// Returns a disk as a power loss at this moment may leave it, and what had been acknowledged.
    fn crash(&self, moment: usize, syncs: Syncs, chance: &mut Chance) -> (Image, Ledger) {
        let image = disk::left(&self.recording, moment, syncs, chance);
        let mut acknowledged = self.recording.acknowledged(moment);
        acknowledged.extend(self.before.clone());
        (image, acknowledged)
    }

    /// Returns the disk as it is when the process is killed at this moment and the power stays, and
    /// what had been acknowledged.
    fn kill(&self, moment: usize) -> (Image, Ledger) {
        let mut acknowledged = self.recording.acknowledged(moment);
        acknowledged.extend(self.before.clone());
        (disk::killed(&self.recording, moment), acknowledged)
    }

    /// Keeps the record for whoever looks into a failure.
    fn keep(self) -> PathBuf {
        self.dir.keep().join("record")
    }
}

async fn check((disk, acknowledged): &(Image, Ledger)) -> Findings {
    let dir = tempfile::tempdir().unwrap();
    disk.write(dir.path());
    check_image(&dir.path().join(STORE), acknowledged).await
}

#[tokio::test]
async fn a_power_loss_loses_nothing_that_was_acknowledged() {
    if !can_record() {
        return cannot_record("a_power_loss_loses_nothing_that_was_acknowledged");
    }
    let (recordings, points) = match soak::form() {
        Form::Short => (RECORDINGS, POINTS),
        Form::Long(rounds) => (rounds.div_ceil(ROUNDS_PER_RECORDING), LONG_POINTS),
    };
    let seed = soak::seed();
    let mut chance = Chance::new(seed);
    let (mut sum, mut operations) = (Findings::default(), 0);
    let mut disk = (Image::default(), Ledger::default());
    for n in 0..recordings {
        if n % RECORDINGS_PER_DISK == 0 {
            disk = (Image::default(), Ledger::default());
        }
        let recorded = Recorded::on(disk.0, disk.1, &format!("w{n}"));
        operations += recorded.recording.operations();
        for _ in 0..points {
            let moment = recorded.recording.moment(&mut chance);
            let left = recorded.crash(moment, Syncs::Kept, &mut chance);
            let findings = check(&left).await;
            if !findings.problems.is_empty() {
                let record = recorded.keep();
                panic!(
                    "power loss at line {moment} of {}, seed {seed}: {findings:#?}",
                    record.display()
                );
            }
            sum.add(&findings);
        }
        // The next process finds what a power loss or a kill has left of this one.
        let moment = recorded.recording.moment(&mut chance);
        disk = if chance.percent(50) {
            recorded.crash(moment, Syncs::Kept, &mut chance)
        } else {
            recorded.kill(moment)
        };
        let done = n + 1;
        soak::progress(&format!(
            "process {done} of {recordings}: {points} power losses"
        ));
    }
    soak::figures(
        "power loss",
        &[
            ("processes recorded", &recordings),
            ("operations", &operations),
            ("power losses", &(recordings * points)),
            ("acknowledged before them", &sum.acknowledged),
            ("lost", &sum.lost),
            ("torn", &sum.torn),
            ("gaps", &sum.gaps),
            ("duplicates", &sum.duplicates),
            ("suspicions", &sum.suspicions),
            ("seed", &seed),
        ],
    );
}

/// The test of the test: a disk that does not sync what it is told to sync is found out.
#[tokio::test]
async fn a_disk_that_does_not_sync_is_found_to_lose_events() {
    if !can_record() {
        return cannot_record("a_disk_that_does_not_sync_is_found_to_lose_events");
    }
    let recorded = Recorded::on_an_empty_disk("w");
    let mut chance = Chance::new(soak::seed());
    for syncs in [Syncs::Lost, Syncs::LostOn("-wal")] {
        let mut caught = 0;
        for _ in 0..10 {
            let moment = recorded.recording.moment(&mut chance);
            let findings = check(&recorded.crash(moment, syncs, &mut chance)).await;
            caught += u32::from(findings.lost > 0);
        }
        assert!(caught > 0, "{syncs:?}: every event is there in every image");
    }
}

/// Tells whether `strace` is there and the system lets it trace.
fn can_record() -> bool {
    program_command(Path::new("strace"))
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Says that nothing was checked; the long form must not pass by that.
fn cannot_record(test: &str) {
    let lacks = "strace is missing, or the system does not let it trace";
    assert_eq!(soak::form(), Form::Short, "{lacks}");
    skip_note(test, lacks);
}
