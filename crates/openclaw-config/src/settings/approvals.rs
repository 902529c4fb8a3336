//! `approvals`: how somebody is asked before a tool call runs; a setting of this program's own.

use std::time::Duration;

use serde_json::Value;

use super::own_providers::unknown;
use super::reader::whole_number;
use crate::problem::{KeyPath, Problem};

/// The key in `openclaw-rs.json5`.
pub(super) const KEY: &str = "approvals";

const EXPIRY: &str = "expirySeconds";
const UNATTENDED: &str = "unattended";

/// What may be done in a run that nobody watches.
const WAYS: [&str; 2] = ["deny", "wait"];
/// The longest that an answer may be waited for, in seconds: a week.
const LONGEST: u64 = 7 * 24 * 60 * 60;

/// How somebody is asked before a tool call runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApprovalSettings {
    /// How long an answer is waited for (`expirySeconds`).
    pub expiry: Option<Duration>,
    /// Whether a run that nobody watches waits for an answer (`unattended`).
    pub unattended: WhenUnattended,
}

/// What becomes of a call that is to be asked for, in a run that nobody watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnattended {
    /// It is refused at once.
    #[default]
    Deny,
    /// It waits for an answer all the same.
    Wait,
}

/// Returns everything that is wrong with `approvals` at this place.
pub(super) fn problems(path: &KeyPath, approvals: &Value) -> Vec<Problem> {
    let Some(members) = approvals.as_object() else {
        return vec![Problem::new(path.clone(), "expected an object")];
    };
    let judged = members.iter().filter_map(|(key, value)| {
        let at = path.key(key);
        match key.as_str() {
            EXPIRY if seconds(value).is_none() => Some(Problem::new(
                at,
                format!("expected a whole number of seconds from 1 to {LONGEST}"),
            )),
            UNATTENDED if !value.as_str().is_some_and(|way| WAYS.contains(&way)) => {
                let mut problem = Problem::new(at, "expected \"deny\" or \"wait\"");
                problem.allowed = WAYS.map(str::to_owned).to_vec();
                Some(problem)
            }
            EXPIRY | UNATTENDED => None,
            _ => Some(unknown(at, key, &[EXPIRY, UNATTENDED])),
        }
    });
    judged.collect()
}

/// Reads `approvals` that were judged; what is wrong with them is left out.
pub(super) fn read(approvals: Option<&Value>) -> ApprovalSettings {
    let member = |key: &str| approvals?.get(key);
    ApprovalSettings {
        expiry: member(EXPIRY).and_then(seconds),
        unattended: match member(UNATTENDED).and_then(Value::as_str) {
            Some("wait") => WhenUnattended::Wait,
            _ => WhenUnattended::Deny,
        },
    }
}

fn seconds(value: &Value) -> Option<Duration> {
    let seconds = whole_number(value).filter(|seconds| (1..=LONGEST).contains(seconds))?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let at = KeyPath::root().key(KEY);
        let good = json!({ "expirySeconds": 60, "unattended": "wait" });
        assert_eq!(problems(&at, &good), []);
        assert_eq!(
            read(Some(&good)),
            ApprovalSettings {
                expiry: Some(Duration::from_mins(1)),
                unattended: WhenUnattended::Wait,
            }
        );
        for (wrong, place) in [
            (json!([]), "approvals"),
            (json!({ "expirySeconds": 0 }), "approvals.expirySeconds"),
            (json!({ "unattended": "allow" }), "approvals.unattended"),
            (json!({ "patience": 1 }), "approvals.patience"),
        ] {
            let found = problems(&at, &wrong);
            let places: Vec<String> = found.iter().map(|one| one.path.to_string()).collect();
            assert_eq!(places, [place], "{wrong}");
        }
    }
}
