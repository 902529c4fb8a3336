//! `gateway` in `openclaw-rs.json5`: how the gateway stops, and where else it listens.

use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::env::Env;
use serde_json::Value;

use super::own_providers::unknown;
use super::reader::{expand, whole_number};
use crate::problem::{KeyPath, Problem};

/// The key of the file.
pub(super) const KEY: &str = "gateway";

const DRAIN: &str = "drain";
const UNIX_SOCKET: &str = "unixSocket";
/// The longest that a gateway may take to stop, in seconds.
const LONGEST: u64 = 3600;

/// What `openclaw-rs.json5` says about the gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnGateway {
    /// How long runs may go on once the gateway is told to stop (`drain`), where it is said.
    pub drain: Option<Duration>,
    /// The unix socket to listen on, too (`unixSocket`).
    pub unix_socket: Option<PathBuf>,
}

/// Returns everything that is wrong with it.
pub(super) fn problems(path: &KeyPath, value: &Value) -> Vec<Problem> {
    let Some(members) = value.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let judge = |(key, value): (&String, &Value)| {
        let at = path.key(key);
        match key.as_str() {
            DRAIN if seconds(value).is_none() => Some(Problem::new(
                at,
                format!("expected a whole number of seconds from 0 to {LONGEST}"),
            )),
            UNIX_SOCKET if text(value).is_none() => {
                Some(Problem::new(at, "expected the path of a socket"))
            }
            DRAIN | UNIX_SOCKET => None,
            _ => Some(unknown(at, key, &[DRAIN, UNIX_SOCKET])),
        }
    };
    members.iter().filter_map(judge).collect()
}

/// Reads it, after it was judged.
pub(super) fn read(value: Option<&Value>, env: &Env) -> OwnGateway {
    let get = |key| value.and_then(|value| value.get(key));
    OwnGateway {
        drain: get(DRAIN).and_then(seconds),
        unix_socket: get(UNIX_SOCKET)
            .and_then(text)
            .map(|path| expand(path, env)),
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = whole_number(value).filter(|seconds| *seconds <= LONGEST)?;
    Some(Duration::from_secs(seconds))
}

fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn says_what_is_wrong() {
        let wrong = |value: Value| {
            let found = problems(&KeyPath::root().key(KEY), &value);
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            wrong(json!({"drain": 0, "unixSocket": "~/gw.sock"})),
            [""; 0]
        );
        for value in [
            json!(1),
            json!({"drain": -1}),
            json!({"drain": 1.5}),
            json!({"drain": 3601}),
            json!({"drain": "5"}),
            json!({"unixSocket": " "}),
            json!({"unixSocket": 1}),
            json!({"unix": "x"}),
        ] {
            assert_eq!(wrong(value.clone()).len(), 1, "{value}");
        }
    }
}
