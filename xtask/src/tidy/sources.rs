//! What every source file keeps to.

use std::fs;
use std::path::Path;

use super::{Finding, TidyError};

/// Above this many lines of code a file is split, whatever it holds.
const MOST_LINES: usize = 500;

/// The folders that hold Rust sources.
const FOLDERS: [&str; 3] = ["benches", "crates", "xtask"];

/// Written in two halves, so that this file does not break its own rules.
const FORBIDDEN: [(&str, &str); 2] = [
    (
        concat!("#[ig", "nore"),
        "a test that does not run is deleted",
    ),
    (concat!("to", "do!("), "unfinished code is not committed"),
];

/// One source file.
pub(super) struct Source {
    /// Its path from the root, with `/` between the parts.
    pub(super) name: String,
    /// What it holds.
    pub(super) text: String,
}

/// Reads every Rust file of the checkout.
pub(super) fn find(root: &Path) -> Result<Vec<Source>, TidyError> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        if root.join(folder).is_dir() {
            collect(root, &root.join(folder), &mut sources)?;
        }
    }
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result<(), TidyError> {
    let unreadable = |path: &Path| {
        let path = path.to_path_buf();
        |source| TidyError::Io { path, source }
    };
    for entry in fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let (path, name) = (entry.path(), entry.file_name());
        // A link is not followed: it could lead out of the checkout, or in a circle.
        let kind = entry.file_type().map_err(unreadable(&path))?;
        let name = name.to_string_lossy();
        if kind.is_dir() && !matches!(name.as_ref(), "target" | "node_modules") {
            collect(root, &path, sources)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            sources.push(Source {
                name: parts.join("/"),
                text,
            });
        }
    }
    Ok(())
}

/// Checks one file by its text.
pub(super) fn check(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !text.starts_with("//!") {
        findings.push(Finding::new(
            name,
            "does not open with `//!`: say what it is and what it leaves out",
        ));
    }
    let lines = lines_of_code(text);
    let is_test = name
        .split('/')
        .any(|part| matches!(part, "tests" | "tests.rs"));
    if lines > MOST_LINES && !is_test {
        findings.push(Finding::new(
            name,
            format!("{lines} lines without its tests; split it, {MOST_LINES} are the most"),
        ));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split_once("//").map_or(line, |(code, _)| code);
        for (text, problem) in FORBIDDEN {
            if code.contains(text) {
                findings.push(Finding::new(format!("{name}:{number}"), problem));
            }
        }
    }
    findings
}

/// Checks the root file of a crate.
pub(super) fn check_root(name: &str, text: &str) -> Option<Finding> {
    let forbids = text
        .lines()
        .any(|line| line.trim() == "#![forbid(unsafe_code)]");
    (!forbids).then(|| Finding::new(name, "a crate's root says `#![forbid(unsafe_code)]`"))
}

/// Counts the lines before the module of tests, which stands at the end of a file.
fn lines_of_code(text: &str) -> usize {
    let mut lines = text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let opens_tests = line.starts_with("#[cfg(")
            && line.contains("test")
            && lines
                .peek()
                .is_some_and(|next| next.starts_with("mod ") && next.trim_end().ends_with('{'));
        if opens_tests {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "//! A module.\n";

    fn problems(name: &str, text: &str) -> Vec<String> {
        check(name, text).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_file_opens_with_its_documentation() {
        assert_eq!(problems("a.rs", HEAD), [""; 0]);
        assert_eq!(
            problems("a.rs", "use std::fs;\n"),
            ["a.rs: does not open with `//!`: say what it is and what it leaves out"]
        );
    }

    #[test]
    fn a_long_file_is_refused_unless_tests_make_it_long() {
        let long = format!("{HEAD}{}", "fn f() {}\n".repeat(MOST_LINES));
        let tested = format!(
            "{HEAD}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn f() {}\n".repeat(MOST_LINES)
        );
        assert_eq!(
            problems("crates/a/src/lib.rs", &long),
            ["crates/a/src/lib.rs: 501 lines without its tests; split it, 500 are the most"]
        );
        assert_eq!(problems("crates/a/src/lib.rs", &tested), [""; 0]);
        assert_eq!(problems("crates/a/tests/all.rs", &long), [""; 0]);
        assert_eq!(problems("crates/a/src/b/tests.rs", &long), [""; 0]);
    }

    #[test]
    fn unfinished_code_and_tests_that_do_not_run_are_refused() {
        for (text, problem) in FORBIDDEN {
            let found = problems("a.rs", &format!("{HEAD}    {text}\n"));
            assert_eq!(found, [format!("a.rs:2: {problem}")]);
            assert_eq!(problems("a.rs", &format!("{HEAD}// {text}\n")), [""; 0]);
        }
    }

    #[test]
    fn a_crate_root_forbids_unsafe_code() {
        let good = format!("{HEAD}#![forbid(unsafe_code)]\n");
        assert_eq!(check_root("lib.rs", &good), None);
        assert!(check_root("lib.rs", HEAD).is_some());
    }

    #[test]
    fn links_and_build_output_are_not_searched() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["crates/a/src/lib.rs", "crates/a/target/b.rs", "docs/c.rs"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, HEAD).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path(), dir.path().join("crates/loop")).unwrap();
        let found = find(dir.path()).unwrap();
        let names: Vec<_> = found.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["crates/a/src/lib.rs"]);
    }
}
