//! Writing, putting aside, reading back and following log files.

use std::fs;

use jiff::Timestamp;

use super::*;
use crate::clock::Clock;

fn clock() -> Clock {
    Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap())
}

fn names(files: &LogFiles) -> Vec<String> {
    let paths = files.existing().unwrap();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(name).collect()
}

fn dated(folder: &Path) -> LogFiles {
    LogFiles {
        folder: folder.join("logs"),
        name: Name::Dated,
    }
}

fn line(n: usize) -> String {
    format!("line {n:04}\n")
}

#[test]
fn a_full_file_is_put_aside_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    let mut writer = LogWriter::new(files.clone(), 20, clock());
    for n in 0..100 {
        writer.write(line(n).as_bytes()).unwrap();
    }
    let names = names(&files);
    assert_eq!(names.len(), 6, "{names:?}");
    assert_eq!(names[5], "openclaw-2026-11-23.log");
    assert_eq!(names[4], "openclaw-2026-11-23.49.log");
    let kept: u64 = files
        .existing()
        .unwrap()
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert_eq!(kept, 120);
    let last = files.last_lines(3, |_| true).unwrap();
    assert_eq!(last, ["line 0097", "line 0098", "line 0099"]);
    let odd = files.last_lines(2, |line| line.ends_with('1')).unwrap();
    assert_eq!(odd, ["line 0091"]);
}

#[test]
fn every_day_has_a_file_until_it_is_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let (files, clock) = (dated(dir.path()), clock());
    let mut writer = LogWriter::new(files.clone(), 1000, clock.clone());
    for day in ["2026-11-23", "2026-11-24", "2026-12-07", "2026-12-08"] {
        let noon: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
        clock.set(noon);
        writer.write(b"x\n").unwrap();
    }
    assert_eq!(
        names(&files),
        [
            "openclaw-2026-11-24.log",
            "openclaw-2026-12-07.log",
            "openclaw-2026-12-08.log"
        ]
    );
}

#[test]
fn a_chosen_file_keeps_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let files = LogFiles::at(&dir.path().join("my.txt"));
    fs::write(dir.path().join("my-other.txt"), "not ours").unwrap();
    let mut writer = LogWriter::new(files.clone(), 12, clock());
    for n in 0..3 {
        writer.write(line(n).as_bytes()).unwrap();
    }
    assert_eq!(names(&files), ["my.1.txt", "my.2.txt", "my.txt"]);
}

#[test]
fn two_writers_share_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    let mut writers = [20, 20].map(|max| LogWriter::new(files.clone(), max, clock()));
    for n in 0..10 {
        writers[n % 2].write(line(n).as_bytes()).unwrap();
    }
    let all = files.last_lines(100, |_| true).unwrap();
    let wanted: Vec<String> = (0..10).map(|n| line(n).trim().to_owned()).collect();
    assert_eq!(all, wanted);
}

#[test]
fn whoever_follows_misses_nothing_when_files_are_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    let mut writer = LogWriter::new(files.clone(), 25, clock());
    let mut write = |n: usize| writer.write(line(n).as_bytes()).unwrap();
    write(0);
    let mut follow = Follow::from_end(files).unwrap();
    assert_eq!(follow.lines().unwrap(), Vec::<String>::new());
    let mut heard = Vec::new();
    for n in 1..30 {
        write(n);
        if n % 4 == 0 {
            loop {
                let lines = follow.lines().unwrap();
                if lines.is_empty() {
                    break;
                }
                heard.extend(lines);
            }
        }
    }
    heard.extend(follow.lines().unwrap());
    let wanted: Vec<String> = (1..30).map(|n| line(n).trim().to_owned()).collect();
    assert_eq!(heard, wanted);
}

#[test]
fn a_line_is_told_when_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    let mut writer = LogWriter::new(files.clone(), 1000, clock());
    writer.write(b"before\n").unwrap();
    let mut follow = Follow::from_end(files).unwrap();
    writer.write(b"half ").unwrap();
    assert_eq!(follow.lines().unwrap(), Vec::<String>::new());
    writer.write(b"and half\n").unwrap();
    assert_eq!(follow.lines().unwrap(), ["half and half"]);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    let mut writer = LogWriter::new(files.clone(), 1000, clock());
    writer.write(b"x\n").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = files.existing().unwrap().remove(0);
    assert_eq!((mode(&file), mode(files.folder())), (0o600, 0o700));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    LogWriter::new(files, 1000, clock()).write(b"y\n").unwrap();
    assert_eq!(mode(&file), 0o600);
}
