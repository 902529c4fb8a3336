//! The front matter of a `SKILL.md`: a block of YAML between two `---` lines, read as OpenClaw
//! 2026.9 reads it.
//!
//! Every value ends up as text; a value that is a list or an object, as its JSON. Where YAML and
//! a plain reading by lines differ, OpenClaw has rules of its own, and they are followed here: a
//! key that YAML leaves empty has the text of its lines, an object on the line of its key is
//! taken as it was written, and a description that is no YAML is taken as plain text.
//!
//! `yaml` is the parser with its bounds, `lines` the reading by lines, `number` how numbers print.

mod lines;
mod number;
mod yaml;

use std::collections::BTreeMap;

use self::yaml::Node;

/// How deep lists and objects may be nested.
pub const MAX_DEPTH: usize = 64;
/// How many values a block may have, those that aliases repeat included.
pub const MAX_VALUES: usize = 10_000;
/// How many bytes of text the values of a block may have, those that aliases repeat included.
pub const MAX_TEXT: usize = 1_000_000;

/// The texts that a writer may have left unquoted although YAML wants quotes.
const FREE_TEXT: [&str; 3] = ["description", "read_when", "summary"];

/// The fields of a front matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontMatter {
    fields: BTreeMap<String, String>,
}

/// What is wrong with a front matter, and where in its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct FrontMatterError {
    /// The line in the file, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    #[source]
    pub fault: Fault,
}

/// What can be wrong with a front matter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The block has no end.
    #[error("the front matter has no closing `---` line")]
    Unclosed,
    /// The block is not YAML.
    #[error("the front matter is no YAML: {}", .0.info())]
    Syntax(granit_parser::ScanError),
    /// The block is something else than keys with values.
    #[error("the front matter has no keys with values")]
    NotKeys,
    /// A second document begins inside the block.
    #[error("the front matter has more than one YAML document")]
    Documents,
    /// An object has a key twice.
    #[error("the key `{0}` is there twice")]
    Duplicate(String),
    /// An alias stands inside of what it names.
    #[error("an alias stands inside of what it names")]
    Cycle,
    /// The block becomes too large when its aliases are filled in.
    #[error(
        "the front matter has more than {MAX_VALUES} values or {MAX_TEXT} bytes, aliases filled in"
    )]
    TooLarge,
}

impl FrontMatter {
    /// Reads the front matter of a file; a file without one has no fields.
    pub fn parse(file: &str) -> Result<Self, FrontMatterError> {
        let text = normalized(file);
        let block = match block(&text) {
            Block::None => return Ok(Self::default()),
            Block::Unclosed => {
                return Err(FrontMatterError {
                    line: 1,
                    column: 1,
                    fault: Fault::Unclosed,
                });
            }
            Block::Closed(block) => block,
        };
        if block.is_empty() {
            return Ok(Self::default());
        }
        let by_lines = lines::fields(block);
        let (read, block) = read_leniently(block)?;
        Ok(Self {
            fields: merged(read, by_lines, &block),
        })
    }

    /// Returns a field's text, unless the field is missing.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(String::as_str)
    }

    /// Returns whether a field says yes or no, unless it says something else.
    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// Returns all fields, sorted by key.
    pub const fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }
}

/// A key of the block's outermost object, where it stands, and its value.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    key: String,
    /// The byte of the block at which the key begins.
    offset: usize,
    value: Node,
}

enum Block<'a> {
    None,
    Unclosed,
    Closed(&'a str),
}

/// Returns the text without a byte order mark, and with lines that end as in Unix.
fn normalized(file: &str) -> String {
    file.strip_prefix('\u{feff}')
        .unwrap_or(file)
        .replace("\r\n", "\n")
        .replace('\r', "\n")
}

fn block(text: &str) -> Block<'_> {
    let Some((first, rest)) = text.split_once('\n') else {
        return Block::None;
    };
    if !is_fence(first) {
        return Block::None;
    }
    let mut offset = 0_usize;
    for line in rest.split_inclusive('\n') {
        if is_fence(line.strip_suffix('\n').unwrap_or(line)) {
            let block = rest.get(..offset.saturating_sub(1)).unwrap_or_default();
            return Block::Closed(block);
        }
        offset = offset.saturating_add(line.len());
    }
    Block::Unclosed
}

fn is_fence(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.chars().all(char::is_whitespace))
}

/// Reads a block; a free text that breaks it is quoted, and the block read once more.
///
/// Returns the fields, and the block that they were read from.
fn read_leniently(block: &str) -> Result<(Vec<Field>, String), FrontMatterError> {
    let first = match yaml::fields(block) {
        Ok(fields) => return Ok((fields, block.to_owned())),
        Err(err) => err,
    };
    let (mut quoted, mut at) = (block.to_owned(), first.line);
    for _ in FREE_TEXT {
        let Some(next) = lines::quote_free_text(&quoted, at) else {
            break;
        };
        quoted = next;
        match yaml::fields(&quoted) {
            Ok(fields) => return Ok((fields, quoted)),
            Err(err) => at = err.line,
        }
    }
    // The block begins on the second line of the file.
    Err(FrontMatterError {
        line: first.line.saturating_add(1),
        ..first
    })
}

fn merged(
    read: Vec<Field>,
    mut by_lines: BTreeMap<String, String>,
    block: &str,
) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for Field { key, offset, value } in read {
        let name = key.trim();
        let Some(text) = value.text().filter(|_| !name.is_empty()) else {
            continue;
        };
        let as_written = value.is_structured() && lines::has_colon_after_key(block, offset, &key);
        let text = by_lines
            .get(name)
            .filter(|_| as_written)
            .cloned()
            .unwrap_or(text);
        fields.insert(name.to_owned(), text);
    }
    by_lines.retain(|key, _| !fields.contains_key(key));
    fields.append(&mut by_lines);
    fields
}

#[cfg(test)]
mod tests;
