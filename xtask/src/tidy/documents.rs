//! ARCHITECTURE.md: every path that it names exists, and every crate is named.
//!
//! Paths are read from two places: words in backticks, and the code map, which is the fenced block
//! below a heading that contains "Folders" or "Code map". A word with a placeholder (`<name>`, `*`)
//! stands for no single path and is passed over.

use super::Finding;

/// The document's path from the root.
pub(super) const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Endings that make a word in backticks a file.
const ENDINGS: [&str; 6] = [".rs", ".md", ".toml", ".json", ".sql", ".yml"];

/// First parts that make a word in backticks a path, whatever it ends with.
const STARTS: [&str; 7] = [
    ".cargo/",
    ".ci/",
    ".config/",
    "crates/",
    "docs/",
    "fixtures/",
    "xtask/",
];

/// What a path in the text may be relative to: a reader knows the crate by its short name.
const BASES: [&str; 3] = ["", "crates/", "crates/openclaw-"];

/// Returns every path that is named and not there, and every crate that is not named.
pub(super) fn check(text: &str, crates: &[&str], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, path) in named(text) {
        let found = BASES.iter().any(|base| exists(&format!("{base}{path}")));
        if !found {
            let place = format!("{ARCHITECTURE}:{number}");
            findings.push(Finding::new(place, format!("no `{path}`")));
        }
    }
    for name in crates {
        if !text.contains(name) {
            findings.push(Finding::new(ARCHITECTURE, format!("does not name {name}")));
        }
    }
    findings
}

/// Where in the document a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Map,
    Other,
}

/// Returns the paths with the numbers of their lines.
fn named(text: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    let mut block = Block::Text;
    let mut below_map_heading = false;
    let mut map = Map::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            block = match block {
                Block::Text if below_map_heading => Block::Map,
                Block::Text => Block::Other,
                Block::Map | Block::Other => Block::Text,
            };
            map = Map::default();
            continue;
        }
        match block {
            Block::Text => {
                if line.starts_with('#') {
                    let heading = line.to_ascii_lowercase();
                    below_map_heading = heading.contains("folders") || heading.contains("code map");
                }
                let words = line.split('`').skip(1).step_by(2);
                paths.extend(words.filter_map(path).map(|path| (number, path)));
            }
            Block::Map => paths.extend(map.read(line).into_iter().map(|path| (number, path))),
            Block::Other => {}
        }
    }
    paths
}

/// Returns the path that a word in backticks is, if it is one.
fn path(word: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    // `src/run.rs:12` names a place in a file.
    let word = word.split_once(':').map_or(word, |(path, _)| path);
    let is_path = ENDINGS.iter().any(|ending| word.ends_with(ending))
        || STARTS.iter().any(|start| word.starts_with(start));
    let absolute = word.starts_with('/');
    (is_path && !absolute && word.chars().all(plain)).then(|| word.to_owned())
}

/// The folders that the lines of a code map stand in.
#[derive(Default)]
struct Map {
    open: Vec<(usize, String)>,
}

impl Map {
    /// Reads one line: names, two spaces or more, and a remark.
    fn read(&mut self, line: &str) -> Vec<String> {
        let depth = line.len() - line.trim_start().len();
        while self.open.last().is_some_and(|(at, _)| *at >= depth) {
            self.open.pop();
        }
        let parent = self.open.last().map_or("", |(_, path)| path).to_owned();
        let cells = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        let mut paths = Vec::new();
        for (column, cell) in cells.enumerate() {
            let looks_like_a_path = cell.contains(['.', '/']) && !cell.contains(' ');
            if column > 0 && !looks_like_a_path {
                break;
            }
            if cell.contains(['<', '*', ' ']) {
                continue;
            }
            let path = format!("{parent}{cell}");
            if cell.ends_with('/') {
                self.open.push((depth, path.clone()));
            }
            paths.push(path);
        }
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "\
# Architecture
The loop is in `agents/src/run.rs`, one folder per channel is `channels/src/<name>/`.
Requests go to `POST /rpc`; `/ws` streams; types are `core::ids`; `docs/adr/` has decisions.

## Code map

```
README.md  LICENSE
crates/
  openclaw-core/    vocabulary; no network
    src/events/     the log
docs/adr/NNNN-*.md
xtask               chores
```

## Graph

```
cli/ ───► gateway
```
";

    fn named_paths(text: &str) -> Vec<String> {
        named(text).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn paths_come_from_backticks_and_from_the_code_map() {
        assert_eq!(
            named_paths(DOCUMENT),
            [
                "agents/src/run.rs",
                "docs/adr/",
                "README.md",
                "crates/",
                "crates/openclaw-core/",
                "crates/openclaw-core/src/events/",
                "xtask",
            ]
        );
    }

    #[test]
    fn a_path_that_is_not_there_is_named_with_its_line() {
        let there = |path: &str| !path.ends_with("src/events/") && !path.ends_with("docs/adr/");
        let problems: Vec<_> = check(DOCUMENT, &["openclaw-core", "openclaw-http"], there)
            .iter()
            .map(Finding::to_string)
            .collect();
        assert_eq!(
            problems,
            [
                "ARCHITECTURE.md:3: no `docs/adr/`",
                "ARCHITECTURE.md:11: no `crates/openclaw-core/src/events/`",
                "ARCHITECTURE.md: does not name openclaw-http",
            ]
        );
    }

    #[test]
    fn a_crate_may_go_by_its_short_name() {
        let exists = |path: &str| path == "crates/openclaw-agents/src/run.rs";
        assert_eq!(check("`agents/src/run.rs`", &[], exists), []);
        assert_eq!(check("`agents/src/walk.rs`", &[], exists).len(), 1);
    }
}
