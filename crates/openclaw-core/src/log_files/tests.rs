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
    let last = files.last_page(lines_of(3), |_| true).unwrap();
    assert_eq!(last.lines, ["line 0097", "line 0098", "line 0099"]);
    let odd = files.last_page(lines_of(2), |line| line.ends_with('1'));
    assert_eq!(odd.unwrap().lines, ["line 0091"]);
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
    let all = files.last_page(ALL, |_| true).unwrap().lines;
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

const ALL: PageSize = PageSize {
    lines: 100,
    bytes: 1 << 20,
};

const fn lines_of(lines: usize) -> PageSize {
    PageSize { lines, ..ALL }
}

#[test]
fn pages_follow_each_other_through_files_that_are_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    let mut writer = LogWriter::new(files.clone(), 40, clock());
    let mut write = |from: usize, to: usize| {
        for n in from..to {
            writer.write(line(n).as_bytes()).unwrap();
        }
    };
    write(0, 3);
    let last = files.last_page(lines_of(2), |_| true).unwrap();
    assert_eq!(last.lines, ["line 0001", "line 0002"]);
    assert!(last.more, "there is an earlier line");

    write(3, 9);
    let mut seen = Vec::new();
    let mut place = last.end.unwrap();
    loop {
        let read: LogPlace = place.to_string().parse().unwrap();
        let page = files.page_after(read, lines_of(4), |_| true).unwrap();
        let page = page.unwrap();
        assert!(page.lines.len() <= 4);
        seen.extend(page.lines);
        place = page.end.unwrap();
        if !page.more {
            break;
        }
    }
    let expected: Vec<String> = (3..9).map(|n| line(n).trim_end().to_owned()).collect();
    assert_eq!(seen, expected);
    let nothing = files.page_after(place, ALL, |_| true).unwrap().unwrap();
    assert_eq!((nothing.lines.len(), nothing.more), (0, false));

    write(9, 60);
    assert_eq!(
        files.page_after(place, ALL, |_| true).unwrap(),
        None,
        "its file is gone"
    );
}

#[test]
fn a_page_has_the_lines_that_are_wanted_and_no_more_bytes_than_there_is_room_for() {
    let dir = tempfile::tempdir().unwrap();
    let files = dated(dir.path());
    assert_eq!(
        files.last_page(ALL, |_| true).unwrap(),
        LogPage::default(),
        "there is no log yet"
    );
    let mut writer = LogWriter::new(files.clone(), 1000, clock());
    for n in 0..20 {
        writer.write(line(n).as_bytes()).unwrap();
    }
    writer.write(b"half a li").unwrap();
    let odd = |line: &str| line.ends_with('1');
    let page = files.last_page(ALL, odd).unwrap();
    assert_eq!(page.lines, ["line 0001", "line 0011"]);
    assert!(!page.more);
    writer.write(b"ne 1\n").unwrap();
    let rest = files.page_after(page.end.unwrap(), ALL, odd).unwrap();
    assert_eq!(rest.unwrap().lines, ["half a line 1"]);

    let narrow = PageSize {
        lines: 100,
        bytes: 20,
    };
    let page = files
        .last_page(narrow, |line| !line.starts_with('h'))
        .unwrap();
    assert_eq!(page.lines, ["line 0018", "line 0019"]);
    let tiny = PageSize { lines: 1, bytes: 1 };
    let page = files.last_page(tiny, |_| true).unwrap();
    assert_eq!(
        page.lines,
        ["half a line 1"],
        "one line has room in any case"
    );
}

#[test]
fn a_text_that_is_no_place_is_refused() {
    for text in [
        "",
        "1",
        "1.2",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.x",
        "1.2.-3.4",
        "1.2.+3.4",
        "...",
        "1..3.4",
    ] {
        assert!(text.parse::<LogPlace>().is_err(), "{text}");
    }
}
