//! `.env` files: which there are, and what they add to the environment.
//!
//! What is set already stays, of two files the first one wins, and the file in the working
//! directory, which may have come with somebody's repository, may not set everything.

use std::path::{Path, PathBuf};

use openclaw_core::env::{self, Env};
use regex::Regex;

use super::file::{self, Demands, FileFault, Links};
use super::names;
use crate::problem::{KeyPath, Problem};

/// The largest `.env` file that is read, in bytes.
const MAX_SIZE: u64 = 1_048_576;

/// One assignment, as npm's `dotenv` finds them: `NAME=value` or `NAME: value`, perhaps after
/// `export`, the value bare, or in quotes over as many lines as it takes, perhaps with a comment.
const ASSIGNMENT: &str = concat!(
    r"(?m)^[\s\x{feff}]*(?:export[\s\x{feff}]+)?([0-9A-Za-z_.-]+)",
    r"(?:[\s\x{feff}]*=[\s\x{feff}]*?|:[\s\x{feff}]+?)",
    r#"([\s\x{feff}]*'(?:\\'|[^'])*'|[\s\x{feff}]*"(?:\\"|[^"])*"|[\s\x{feff}]*`(?:\\`|[^`])*`|[^#\r\n]+)?"#,
    r"[\s\x{feff}]*(?:#.*)?$",
);

/// Which names a file may set.
#[derive(Clone, Copy)]
enum Trust {
    /// The user's own file.
    Full,
    /// A file in the working directory.
    Workspace,
}

/// Adds what the `.env` files around a config say; returns the files that were looked for.
pub(super) fn load(config: &Path, env: &mut Env, warnings: &mut Vec<Problem>) -> Vec<PathBuf> {
    let mut looked_for = Vec::new();
    for (path, trust) in places(config, env) {
        match read(&path) {
            Ok(assignments) => {
                for (name, value) in assignments {
                    let Some(name) = names::portable(&name) else {
                        continue;
                    };
                    let allowed = match trust {
                        Trust::Full => true,
                        Trust::Workspace => names::workspace_may_set(name),
                    };
                    if allowed && !env.has(name) {
                        env.set(name, value);
                    }
                }
            }
            Err(FileFault::Missing) => {}
            Err(fault) => warnings.push(Problem::new(
                KeyPath::root(),
                format!("`{}` is not read: {fault}", path.display()),
            )),
        }
        looked_for.push(path);
    }
    looked_for
}

fn places(config: &Path, env: &Env) -> Vec<(PathBuf, Trust)> {
    let named = |variable: env::Variable| env.get_os(variable.name).map(PathBuf::from);
    let home = named(env::OPENCLAW_HOME).or_else(|| named(env::HOME));
    let default = home.as_ref().map(|home| home.join(".openclaw"));
    let beside = config.parent().map(Path::to_path_buf);
    let by_variable = named(env::OPENCLAW_CONFIG_PATH).is_some_and(|path| path == config);
    let state = named(env::OPENCLAW_STATE_DIR);
    let mut places = Vec::new();
    if let Some(here) = named(env::PWD) {
        places.push((here.join(".env"), Trust::Workspace));
    }
    // A config that a flag names belongs to another home than the one of the environment.
    let state_dir = if by_variable {
        state.clone().or_else(|| default.clone())
    } else {
        beside.clone()
    };
    for dir in [state_dir.clone(), beside].into_iter().flatten() {
        let path = dir.join(".env");
        if !places
            .iter()
            .any(|(known, trust)| *known == path && matches!(trust, Trust::Full))
        {
            places.push((path, Trust::Full));
        }
    }
    let is_default = state_dir == default || (by_variable && state.is_none());
    if let Some(home) = home.filter(|_| is_default) {
        places.push((home.join(".config/openclaw/gateway.env"), Trust::Full));
    }
    places
}

fn read(path: &Path) -> Result<Vec<(String, String)>, FileFault> {
    let demands = Demands {
        max_size: MAX_SIZE,
        links: Links::Any,
    };
    Ok(parse(&file::read(path, demands)?.text))
}

/// Reads the assignments of a `.env` file in the syntax of npm's `dotenv`; of two assignments to
/// the same name the last one counts.
fn parse(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let Ok(assignment) = Regex::new(ASSIGNMENT) else {
        return Vec::new();
    };
    let mut all: Vec<(String, String)> = Vec::new();
    for captures in assignment.captures_iter(&text) {
        let name = captures.get(1).map_or("", |name| name.as_str()).to_owned();
        let value = unquoted(captures.get(2).map_or("", |value| value.as_str()));
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => all.push((name, value)),
        }
    }
    all
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let quote = value
        .chars()
        .next()
        .filter(|first| matches!(first, '\'' | '"' | '`'));
    let Some(quote) = quote else {
        return value.to_owned();
    };
    let inner = value.strip_prefix(quote).unwrap_or(value);
    let inner = match inner.strip_suffix(quote) {
        Some(inner) => inner,
        None => value,
    };
    if quote == '"' {
        inner.replace("\\n", "\n").replace("\\r", "\r")
    } else {
        inner.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_npm_dotenv_reads() {
        let text = "\u{feff}A=1\nexport B = two words # comment\r\nC='x # y'\nD=\"a\\nb\"\nE=`it's`\n\
                    F: yaml\n# G=no\nH=\nI=\"multi\nline\"\nJ='\\n'\nK.a-b=1\nL=a=b\nM=\"open\nN\n\
                    O=x#y\n P  =  ' s ' \nA=3\nQ=\"a\"b\"\n";
        let expected = [
            ("A", "3"),
            ("B", "two words"),
            ("C", "x # y"),
            ("D", "a\nb"),
            ("E", "it's"),
            ("F", "yaml"),
            ("H", ""),
            ("I", "multi\nline"),
            ("J", "\\n"),
            ("K.a-b", "1"),
            ("L", "a=b"),
            ("M", "\"open"),
            ("O", "x"),
            ("P", " s "),
            ("Q", "a\"b"),
        ];
        let expected: Vec<_> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn quotes_that_do_not_match_stay() {
        let text = "B=1\nC=\"x\" y\nD='a' # b'\nE=\n\nF=`a\nb` # c\nG=#\nI=\"a\nJ=b\"\nK='a''b'\nM =\n  N=2\n\
                    O='unterminated\nQ=\"a\\\"b\"\nR:no\nS: 'q'";
        let expected = [
            ("B", "1"),
            ("C", "\"x\" y"),
            ("D", "a"),
            ("E", ""),
            ("F", "a\nb"),
            ("G", ""),
            ("I", "a\nJ=b"),
            ("K", "a''b"),
            ("M", ""),
            ("N", "2"),
            ("O", "'unterminated"),
            ("Q", "a\\\"b"),
            ("S", "q"),
        ];
        let expected: Vec<_> = expected
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(parse(text), expected);
    }
}
