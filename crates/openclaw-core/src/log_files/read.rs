//! Following the files while they are written and put aside.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::LogFiles;
use super::write::FileId;

/// The most that is read at once; more waits for the next time.
const PIECE: u64 = 1_000_000;

/// A place in the log that moves on as lines are taken.
#[derive(Debug)]
pub struct Follow {
    files: LogFiles,
    open: Option<(File, FileId)>,
    /// The beginning of a line whose end is not written yet.
    begun: Vec<u8>,
}

impl Follow {
    /// Begins at the end of the log as it is now.
    pub fn from_end(files: LogFiles) -> io::Result<Self> {
        let mut follow = Self {
            open: None,
            begun: Vec::new(),
            files,
        };
        if let Some(newest) = follow.files.existing()?.pop() {
            follow.enter(newest)?;
            if let Some((file, _)) = &mut follow.open {
                file.seek(SeekFrom::End(0))?;
            }
        }
        Ok(follow)
    }

    /// Returns the lines that were written since the last call; none when there is nothing new.
    pub fn lines(&mut self) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            // Looked for first: what is written to the last file after this has a later look.
            let next = self.next_file()?;
            let read = self.read(&mut lines)?;
            if read > 0 {
                return Ok(lines);
            }
            let Some(next) = next else {
                return Ok(lines);
            };
            self.enter(next)?;
        }
    }

    fn read(&mut self, lines: &mut Vec<String>) -> io::Result<usize> {
        let Some((file, _)) = &mut self.open else {
            return Ok(0);
        };
        let mut piece = Vec::new();
        let read = file.take(PIECE).read_to_end(&mut piece)?;
        let mut rest = piece.as_slice();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.begun.extend_from_slice(line);
            lines.push(String::from_utf8_lossy(&self.begun).into_owned());
            self.begun.clear();
            rest = after.get(1..).unwrap_or_default();
        }
        self.begun.extend_from_slice(rest);
        Ok(read)
    }

    /// Returns the file after the one that is read; the oldest one when that is gone.
    fn next_file(&self) -> io::Result<Option<PathBuf>> {
        let mut found = None;
        for path in self.files.existing()?.into_iter().rev() {
            let id = fs::metadata(&path).map(|about| FileId::of(&about)).ok();
            if id.is_some() && id == self.open.as_ref().map(|(_, id)| *id) {
                return Ok(found);
            }
            found = Some(path);
        }
        Ok(found)
    }

    fn enter(&mut self, path: PathBuf) -> io::Result<()> {
        match File::open(path) {
            Ok(file) => {
                let id = FileId::of(&file.metadata()?);
                self.open = Some((file, id));
                Ok(())
            }
            // It was put aside just now; the next look finds it under its number.
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(err) => Err(err),
        }
    }
}
