//! What the first program of a sandbox says about its own work, one JSON object a line.

use std::{
    fs::File,
    io::{self, Write as _},
    os::fd::{AsFd as _, BorrowedFd},
};

use serde::{Deserialize, Serialize};

use super::memory;
use crate::{Guard, SandboxError};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// This kernel does not have the guard, and it was left out.
    Missing(Guard),
    /// The command is not run.
    Refused(Refusal),
    /// The command begins with the next step.
    Began,
}

/// Why the command is not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// The guard that is missing, if it is that.
    pub(crate) guard: Option<Guard>,
    /// What was to be done, and what the operating system said.
    pub(crate) detail: String,
}

/// The side that writes.
#[derive(Debug)]
pub(super) struct Report(File);

impl Report {
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub(super) fn missing(&mut self, guard: Guard) -> io::Result<()> {
        self.write(&Line::Missing(guard))
    }

    pub(super) fn refused(&mut self, refusal: Refusal) -> io::Result<()> {
        self.write(&Line::Refused(refusal))
    }

    pub(super) fn began(&mut self) -> io::Result<()> {
        self.write(&Line::Began)
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.0.write_all(&text)
    }
}

/// Everything that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// What was left out.
    pub(crate) missing: Vec<Guard>,
    /// Whether the command began.
    pub(crate) began: bool,
    refusal: Option<Refusal>,
}

impl Account {
    /// Reads what was written up to now.
    pub(crate) fn read(file: &File) -> io::Result<Self> {
        Ok(Self::parse(&memory::content(file)?))
    }

    fn parse(text: &[u8]) -> Self {
        let mut account = Self::default();
        // What cannot be read is treated as not written, which is a refusal.
        let lines = serde_json::Deserializer::from_slice(text).into_iter::<Line>();
        for line in lines.map_while(Result::ok) {
            match line {
                Line::Missing(guard) => account.missing.push(guard),
                Line::Refused(refusal) => account.refusal = Some(refusal),
                Line::Began => account.began = true,
            }
        }
        account
    }

    /// Returns why the command was not run, if the first program said so.
    pub(crate) fn refusal(&self) -> Option<SandboxError> {
        let Refusal { guard, detail } = self.refusal.clone()?;
        Some(match guard {
            Some(guard) => SandboxError::GuardMissing { guard, detail },
            None => SandboxError::SetupFailed { detail },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_writes_the_other_reads() {
        let file = memory::file("report", b"").unwrap();
        let mut report = Report::new(file.try_clone().unwrap());
        report.missing(Guard::Landlock).unwrap();
        report.began().unwrap();
        let account = Account::read(&file).unwrap();
        assert_eq!(
            account,
            Account {
                missing: vec![Guard::Landlock],
                began: true,
                refusal: None,
            }
        );
        assert!(account.refusal().is_none());
    }

    #[test]
    fn a_report_that_cannot_be_read_is_none() {
        assert_eq!(Account::parse(b"\"began"), Account::default());
        assert_eq!(Account::parse(b"{\"began\": 1}"), Account::default());
        let refused = br#"{"refused":{"guard":"seccomp","detail":"it is not there"}}"#;
        assert_eq!(
            Account::parse(refused).refusal().unwrap().to_string(),
            "the sandbox needs seccomp: it is not there"
        );
    }
}
