//! Reading a patch.

/// One file that a patch is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePatch {
    /// The line of the patch that it begins at, from 1.
    pub(super) line: usize,
    pub(super) path: String,
    pub(super) action: Action,
}

/// What is done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It is made with this content.
    Add(String),
    /// It is removed.
    Delete,
    /// It is changed, and goes by another path afterwards if there is one.
    Update {
        moved: Option<String>,
        hunks: Vec<Hunk>,
    },
}

/// One passage that is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hunk {
    /// The line of the patch that it begins at, from 1.
    pub(super) line: usize,
    /// Lines of the file that come somewhere before, one after the other.
    pub(super) anchors: Vec<String>,
    pub(super) lines: Vec<Line>,
    /// Whether it ends where the file does.
    pub(super) is_at_end: bool,
}

/// A line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It is there and stays.
    Keep(String),
    /// It is there and goes.
    Remove(String),
    /// It comes.
    Insert(String),
}

/// Why a text is no patch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the patch: {problem}")]
pub(super) struct ParseError {
    pub(super) line: usize,
    pub(super) problem: Problem,
}

/// What is wrong with a line of a patch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("a patch begins with `*** Begin Patch`")]
    NoBegin,
    #[error("a patch ends with `*** End Patch`")]
    NoEnd,
    #[error("something follows after `*** End Patch`")]
    AfterEnd,
    #[error(
        "expected `*** Add File: PATH`, `*** Update File: PATH`, `*** Delete File: PATH` or \
         `*** End Patch`"
    )]
    NoFile,
    #[error("the path is missing")]
    NoPath,
    #[error("the path has more than {MAX_PATH} bytes")]
    LongPath,
    #[error("the patch is about no file")]
    Empty,
    #[error("a line of a new file begins with `+`")]
    NoAdded,
    #[error(
        "a line of a hunk begins with a blank, `+` or `-`, or is `@@`, alone or with a line of the file"
    )]
    NoHunkLine,
    #[error("there is nothing to change in this file")]
    NoHunk,
    #[error("the hunk has no line")]
    EmptyHunk,
}

/// The longest path, as systems have it.
const MAX_PATH: usize = 4096;

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";
const MOVE: &str = "*** Move to:";
const END_OF_FILE: &str = "*** End of File";
const MARK: &str = "***";

/// The lines of a patch.
struct Lines<'a> {
    lines: Vec<&'a str>,
    /// How many have been read.
    read: usize,
}

/// Reads a patch.
pub(super) fn parse(text: &str) -> Result<Vec<FilePatch>, ParseError> {
    let mut lines = Lines {
        lines: text.trim().lines().collect(),
        read: 0,
    };
    if lines.take_if(|line| line.trim_end() == BEGIN).is_none() {
        return Err(lines.fault(Problem::NoBegin));
    }
    let mut files = Vec::new();
    loop {
        let Some(line) = lines.peek() else {
            return Err(lines.fault(Problem::NoEnd));
        };
        if line.trim_end() == END {
            break;
        }
        if line.trim().is_empty() {
            lines.skip();
            continue;
        }
        files.push(lines.file()?);
    }
    lines.skip();
    if lines.peek().is_some() {
        return Err(lines.fault(Problem::AfterEnd));
    }
    if files.is_empty() {
        return Err(lines.fault(Problem::Empty));
    }
    Ok(files)
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.read).copied()
    }

    const fn skip(&mut self) {
        self.read = self.read.saturating_add(1);
    }

    fn take_if(&mut self, is_it: impl Fn(&str) -> bool) -> Option<&'a str> {
        let line = self.peek().filter(|line| is_it(line))?;
        self.skip();
        Some(line)
    }

    /// Returns the number of the next line, from 1.
    const fn number(&self) -> usize {
        self.read.saturating_add(1)
    }

    fn fault(&self, problem: Problem) -> ParseError {
        ParseError {
            line: self.number().min(self.lines.len().max(1)),
            problem,
        }
    }

    fn check_path(&self, path: &str) -> Result<(), ParseError> {
        match path.len() {
            0 => Err(self.fault(Problem::NoPath)),
            1..=MAX_PATH => Ok(()),
            _ => Err(self.fault(Problem::LongPath)),
        }
    }

    fn file(&mut self) -> Result<FilePatch, ParseError> {
        let line = self.number();
        let headed = |head: &str| self.peek().and_then(|line| line.strip_prefix(head));
        let (path, head) = if let Some(path) = headed(ADD) {
            (path, ADD)
        } else if let Some(path) = headed(DELETE) {
            (path, DELETE)
        } else if let Some(path) = headed(UPDATE) {
            (path, UPDATE)
        } else {
            return Err(self.fault(Problem::NoFile));
        };
        let path = path.trim().to_owned();
        self.check_path(&path)?;
        self.skip();
        let action = match head {
            ADD => Action::Add(self.added()?),
            DELETE => Action::Delete,
            _ => self.updated(line)?,
        };
        Ok(FilePatch { line, path, action })
    }

    fn added(&mut self) -> Result<String, ParseError> {
        let mut content = String::new();
        while let Some(line) = self.take_if(|line| line.starts_with('+')) {
            content.push_str(line.get(1..).unwrap_or_default());
            content.push('\n');
        }
        match self.peek() {
            Some(line) if !line.trim().is_empty() && !line.starts_with(MARK) => {
                Err(self.fault(Problem::NoAdded))
            }
            Some(_) | None => Ok(content),
        }
    }

    fn updated(&mut self, line: usize) -> Result<Action, ParseError> {
        let moved = match self.take_if(|line| line.starts_with(MOVE)) {
            Some(line) => {
                let path = line
                    .strip_prefix(MOVE)
                    .unwrap_or_default()
                    .trim()
                    .to_owned();
                self.check_path(&path)?;
                Some(path)
            }
            None => None,
        };
        let mut hunks = Vec::new();
        while let Some(next) = self.peek() {
            if next.starts_with(MARK) && next.trim_end() != END_OF_FILE {
                break;
            }
            match self.hunk()? {
                Some(hunk) => hunks.push(hunk),
                None => break,
            }
        }
        if hunks.is_empty() && moved.is_none() {
            return Err(ParseError {
                line,
                problem: Problem::NoHunk,
            });
        }
        Ok(Action::Update { moved, hunks })
    }

    /// Reads a hunk; nothing, if there are only empty lines before the next file.
    fn hunk(&mut self) -> Result<Option<Hunk>, ParseError> {
        let mut hunk = Hunk {
            line: self.number(),
            ..Hunk::default()
        };
        while let Some(line) = self.take_if(|line| line.starts_with("@@")) {
            hunk.anchors.extend(anchor(line));
        }
        let is_headed = self.number() > hunk.line;
        // Empty lines at the end of a hunk are there to set it off, if another file follows.
        let mut empty = 0_usize;
        while let Some(line) = self.peek() {
            let text = line.get(1..).unwrap_or_default().to_owned();
            match line.chars().next() {
                None => {
                    empty = empty.saturating_add(1);
                    self.skip();
                    continue;
                }
                Some('@') if line.starts_with("@@") => break,
                Some('*') if line.starts_with(MARK) => break,
                Some(' ' | '+' | '-') => {}
                Some(_) => return Err(self.fault(Problem::NoHunkLine)),
            }
            hunk.lines
                .extend(std::iter::repeat_n(Line::Keep(String::new()), empty));
            empty = 0;
            hunk.lines.push(match line.chars().next() {
                Some('+') => Line::Insert(text),
                Some('-') => Line::Remove(text),
                Some(_) | None => Line::Keep(text),
            });
            self.skip();
        }
        hunk.is_at_end = self
            .take_if(|line| line.trim_end() == END_OF_FILE)
            .is_some();
        if !hunk.lines.is_empty() {
            return Ok(Some(hunk));
        }
        if is_headed || hunk.is_at_end {
            return Err(ParseError {
                line: hunk.line,
                problem: Problem::EmptyHunk,
            });
        }
        Ok(None)
    }
}

/// Returns the line that `@@` names. Line numbers, as other kinds of patches have them, say nothing
/// here.
fn anchor(line: &str) -> Option<String> {
    let text = line.strip_prefix("@@").unwrap_or_default();
    let text = text.strip_prefix(' ').unwrap_or(text);
    let is_numbers = text.strip_suffix("@@").is_some_and(|numbers| {
        let known = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | ',' | ' ');
        numbers.starts_with('-') && numbers.chars().all(known)
    });
    (!text.trim().is_empty() && !is_numbers).then(|| text.to_owned())
}
