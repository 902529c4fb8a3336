//! What the config file says: a JSON5 document with every key kept.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::{Map, Value};

use super::ConfigError;
use crate::problem::{KeyPath, Place, Problem};

/// The largest config file that is read, in bytes.
const MAX_CONFIG_SIZE: u64 = 10_000_000;

/// The config file's document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawConfig(Map<String, Value>);

impl RawConfig {
    /// Reads the file; a missing one is an empty document.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        match read(path) {
            Ok(text) => Self::parse(&text).map_err(|mut problem| {
                if let Some(place) = &mut problem.place {
                    path.clone_into(&mut place.file);
                }
                ConfigError::Invalid {
                    path: path.to_owned(),
                    problems: vec![problem],
                }
            }),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Reads JSON5 text (<https://spec.json5.org>); a byte order mark is allowed.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match json5::from_str(text) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(whole(
                "the config has to be an object: `{ … }`".to_owned(),
                None,
            )),
            Err(err) => Err(syntax(&err)),
        }
    }

    /// Returns the value at a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.0.get(*first)?, |value, key| value.get(key))
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    file.take(MAX_CONFIG_SIZE.saturating_add(1))
        .read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|size| size > MAX_CONFIG_SIZE) {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("a config has at most {MAX_CONFIG_SIZE} bytes"),
        ));
    }
    Ok(text)
}

fn whole(message: String, position: Option<(usize, usize)>) -> Problem {
    Problem {
        place: position.map(|(line, column)| Place {
            file: std::path::PathBuf::new(),
            line,
            column,
        }),
        ..Problem::new(KeyPath::root(), message)
    }
}

fn syntax(err: &json5::Error) -> Problem {
    let position = err
        .position()
        .map(|at| (at.line.saturating_add(1), at.column.saturating_add(1)));
    whole(format!("not JSON5: {err}"), position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_json5_and_keeps_unknown_keys() {
        let raw = RawConfig::parse("\u{feff}{ // c\n a: 'x', \"b\": [0x10, 1,], a: 'y' }").unwrap();
        assert_eq!(
            (raw.get(&["a"]), raw.get(&["b"])),
            (Some(&json!("y")), Some(&json!([16, 1])))
        );
    }

    #[test]
    fn names_line_and_column_of_a_mistake() {
        let problem = RawConfig::parse("{\n  a: 1,\n  b: ]\n}").unwrap_err();
        assert_eq!(problem.place.map(|at| (at.line, at.column)), Some((3, 6)));
        assert!(RawConfig::parse("").is_err());
        assert!(RawConfig::parse("[]").is_err());
    }
}
