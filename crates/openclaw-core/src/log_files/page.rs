//! Reading the log a page at a time, each from where the last one ended.

use std::fmt;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::str::FromStr;

use super::LogFiles;
use super::write::FileId;
use crate::kind::Kind;

/// Between the parts of a place in writing.
const BETWEEN: char = '.';

/// How much of a file's beginning tells it from another one.
const BEGINNING: u64 = 64;

/// A place in the log that outlasts a call: a byte of a file, whatever that is called by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPlace {
    file: FileId,
    offset: u64,
    /// A hash of how the file began, as far as the offset: a new file may be given the number of
    /// one that was removed.
    began: u64,
}

/// A text is no place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no place in a log")]
pub struct NoLogPlace;

/// How much a page has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    /// So many lines.
    pub lines: usize,
    /// So many bytes of them; a single line may be longer.
    pub bytes: usize,
}

impl PageSize {
    /// Returns the size of a page with so many lines, however long they are.
    pub const fn of_lines(lines: usize) -> Self {
        Self {
            lines,
            bytes: usize::MAX,
        }
    }
}

/// Some lines of the log, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<String>,
    /// The place behind them; nothing where there is no log yet.
    pub end: Option<LogPlace>,
    /// Whether there are lines of that kind that the page has no room for: later ones where a
    /// place was asked for, earlier ones otherwise.
    pub more: bool,
}

/// The whole lines in a piece of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// How large the file is.
    pub size: u64,
    /// The lines, each with the byte behind its end.
    pub lines: Vec<(String, u64)>,
}

impl LogFiles {
    /// Returns the last lines for which `keep` holds.
    ///
    /// Each file is held in memory while it is looked through.
    pub fn last_page(
        &self,
        size: PageSize,
        mut keep: impl FnMut(&str) -> bool,
    ) -> io::Result<LogPage> {
        let mut page = LogPage::default();
        let mut room = Room::of(size);
        for path in self.existing()?.iter().rev() {
            let Some(mut file) = opened(path)? else {
                continue;
            };
            let piece = piece(&mut file, 0, u64::MAX)?;
            if page.end.is_none() {
                let offset = piece.lines.last().map_or(0, |(_, end)| *end);
                page.end = Some(LogPlace::in_file(&mut file, offset)?);
            }
            for (line, _) in piece.lines.into_iter().rev() {
                if !keep(&line) {
                    continue;
                }
                page.more = !room.takes(&line);
                if page.more {
                    break;
                }
                page.lines.push(line);
            }
            if page.more {
                break;
            }
        }
        page.lines.reverse();
        Ok(page)
    }

    /// Returns the first lines behind a place for which `keep` holds; nothing if the file that it
    /// is in is gone.
    pub fn page_after(
        &self,
        place: LogPlace,
        size: PageSize,
        mut keep: impl FnMut(&str) -> bool,
    ) -> io::Result<Option<LogPage>> {
        let mut page = LogPage::default();
        let mut room = Room::of(size);
        for path in self.existing()? {
            let Some(mut file) = opened(&path)? else {
                continue;
            };
            let from = match page.end {
                None if LogPlace::in_file(&mut file, place.offset)? != place => continue,
                None => place.offset,
                Some(_) => 0,
            };
            let mut end = from;
            for (line, behind) in piece(&mut file, from, u64::MAX)?.lines {
                if keep(&line) {
                    page.more = !room.takes(&line);
                    if page.more {
                        break;
                    }
                    page.lines.push(line);
                }
                end = behind;
            }
            page.end = Some(LogPlace::in_file(&mut file, end)?);
            if page.more {
                break;
            }
        }
        Ok(page.end.is_some().then_some(page))
    }
}

/// Reads the whole lines of a file from a byte on, out of so many bytes at most.
///
/// The end of the last line may not be written yet; it comes the next time.
pub fn lines_from(path: &Path, from: u64, most: u64) -> io::Result<Piece> {
    piece(&mut File::open(path)?, from, most)
}

fn piece(file: &mut File, from: u64, most: u64) -> io::Result<Piece> {
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    let mut piece = Piece {
        size,
        lines: Vec::new(),
    };
    let mut behind = from;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        behind = behind.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        let text = String::from_utf8_lossy(text).into_owned();
        piece.lines.push((text, behind));
    }
    Ok(piece)
}

/// Opens a file, unless it was put aside or removed just now.
fn opened(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err),
    }
}

/// What is left of a page.
struct Room {
    left: PageSize,
    empty: bool,
}

impl Room {
    const fn of(size: PageSize) -> Self {
        Self {
            left: size,
            empty: true,
        }
    }

    /// Takes the room for a line, if there is any; the first line has it in any case.
    fn takes(&mut self, line: &str) -> bool {
        let fits = self.left.lines > 0 && (self.empty || line.len() <= self.left.bytes);
        if fits {
            self.left.lines = self.left.lines.saturating_sub(1);
            self.left.bytes = self.left.bytes.saturating_sub(line.len());
            self.empty = false;
        }
        fits
    }
}

impl NoLogPlace {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl LogPlace {
    fn in_file(file: &mut File, offset: u64) -> io::Result<Self> {
        let mut beginning = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(offset.min(BEGINNING))
            .read_to_end(&mut beginning)?;
        let mut hasher = DefaultHasher::new();
        beginning.hash(&mut hasher);
        Ok(Self {
            file: FileId::of(&file.metadata()?),
            offset,
            began: hasher.finish(),
        })
    }
}

impl fmt::Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (device, number) = self.file.parts();
        write!(
            f,
            "{device:x}{BETWEEN}{number:x}{BETWEEN}{:x}{BETWEEN}{:x}",
            self.offset, self.began
        )
    }
}

impl FromStr for LogPlace {
    type Err = NoLogPlace;

    fn from_str(text: &str) -> Result<Self, NoLogPlace> {
        let number = |text: &str| {
            let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
            let read = digits.then(|| u64::from_str_radix(text, 16).ok());
            read.flatten().ok_or(NoLogPlace)
        };
        let parts: Vec<&str> = text.split(BETWEEN).collect();
        let [device, file, offset, began] = parts.as_slice() else {
            return Err(NoLogPlace);
        };
        Ok(Self {
            file: FileId::from_parts(number(device)?, number(file)?),
            offset: number(offset)?,
            began: number(began)?,
        })
    }
}
