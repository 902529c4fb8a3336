//! The facts that need no code: what has moved, what was merged, what is retired.

use serde_json::Value;

use super::log::{Log, below};
use super::scope::Scope;
use super::tree::{Record, fill, made, record_at_mut, take, take_record, value_at};
use crate::problem::KeyPath;

/// A setting that stands at another place now. What already stands there wins.
#[derive(Debug)]
pub(super) struct Move {
    pub(super) scope: Scope,
    pub(super) from: &'static [&'static str],
    pub(super) to: &'static [&'static str],
}

/// A group of settings that stands at another place now. Below it, what already stands there wins.
#[derive(Debug)]
pub(super) struct Merge {
    pub(super) scope: Scope,
    pub(super) from: &'static [&'static str],
    pub(super) to: &'static [&'static str],
}

/// Which values of a retired setting are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Every value.
    Any,
    /// Objects.
    Records,
    /// Texts.
    Texts,
}

/// What happens to an object that a removal leaves empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    /// It stays.
    Stays,
    /// It goes, too.
    Goes,
}

/// A setting that has no successor.
#[derive(Debug)]
pub(super) struct Retired {
    pub(super) scope: Scope,
    /// The keys to it; `*` stands for every key of an object.
    pub(super) path: &'static [&'static str],
    pub(super) which: Which,
    pub(super) empty: Empty,
    pub(super) why: &'static str,
}

impl Retired {
    /// A setting of which every value is removed; the objects around it stay.
    pub(super) const fn at(scope: Scope, path: &'static [&'static str], why: &'static str) -> Self {
        Self {
            scope,
            path,
            which: Which::Any,
            empty: Empty::Stays,
            why,
        }
    }

    /// A setting of which every value is removed, together with the objects that become empty.
    pub(super) const fn pruned(
        scope: Scope,
        path: &'static [&'static str],
        why: &'static str,
    ) -> Self {
        Self {
            scope,
            path,
            which: Which::Any,
            empty: Empty::Goes,
            why,
        }
    }

    /// The same, but only values of one kind are removed.
    pub(super) const fn only(self, which: Which) -> Self {
        Self { which, ..self }
    }
}

/// Moves what has moved.
pub(super) fn apply_moves(moves: &[Move], root: &mut Record, log: &mut Log) {
    for fact in moves {
        fact.scope.visit(root, &mut |record, path| {
            move_value(record, path, (fact.from, fact.to), log);
        });
    }
}

/// Moves one value inside an object.
pub(super) fn move_value(
    record: &mut Record,
    path: &KeyPath,
    (from, to): (&[&str], &[&str]),
    log: &mut Log,
) {
    let Some((last, parents)) = from.split_last() else {
        return;
    };
    let Some(value) = record_at_mut(record, parents).and_then(|owner| take(owner, last)) else {
        return;
    };
    let (from, target) = (below(path, from), below(path, to));
    if value_at(record, to).is_some() {
        log.superseded(&from, &target);
    } else if let Some((last, parents)) = to.split_last() {
        made(record, parents).insert((*last).to_owned(), value);
        log.moved(&from, &target);
    }
}

/// Merges what has moved as a group.
pub(super) fn apply_merges(merges: &[Merge], root: &mut Record, log: &mut Log) {
    for fact in merges {
        fact.scope.visit(root, &mut |record, path| {
            let Some((last, parents)) = fact.from.split_last() else {
                return;
            };
            let owner = record_at_mut(record, parents);
            if let Some(group) = owner.and_then(|owner| take_record(owner, last)) {
                merge(record, path, (fact.to, &below(path, fact.from), group), log);
            }
        });
    }
}

fn merge(
    record: &mut Record,
    path: &KeyPath,
    (to, from, group): (&[&str], &KeyPath, Record),
    log: &mut Log,
) {
    let stood = value_at(record, to).is_some_and(Value::is_object);
    fill(made(record, to), group);
    let to = below(path, to);
    if stood {
        log.merged(from, &to);
    } else {
        log.moved(from, &to);
    }
}

/// Removes what is retired.
pub(super) fn apply_retired(retired: &[Retired], root: &mut Record, log: &mut Log) {
    for fact in retired {
        fact.scope.visit(root, &mut |record, path| {
            for removed in remove(record, fact) {
                let removed = removed.segments().iter();
                let path = removed.fold(path.clone(), |path, key| path.key(key));
                log.removed(&path, fact.why);
            }
        });
    }
}

/// Removes settings that are retired for the same reason, with the objects that become empty.
pub(super) fn apply_group(
    (scope, why): (Scope, &'static str),
    paths: &[&'static [&'static str]],
    root: &mut Record,
    log: &mut Log,
) {
    for path in paths {
        apply_retired(&[Retired::pruned(scope, path, why)], root, log);
    }
}

/// Removes one retired setting from an object; returns the paths at which it stood.
fn remove(record: &mut Record, fact: &Retired) -> Vec<KeyPath> {
    let mut removed = Vec::new();
    remove_at(record, (fact.path, fact), &KeyPath::root(), &mut removed);
    removed
}

fn remove_at(
    record: &mut Record,
    (path, fact): (&[&str], &Retired),
    here: &KeyPath,
    removed: &mut Vec<KeyPath>,
) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    if *key == "*" {
        for (key, value) in record {
            if let Some(child) = value.as_object_mut() {
                remove_at(child, (rest, fact), &here.key(key), removed);
            }
        }
    } else if rest.is_empty() {
        let goes = record.get(*key).is_some_and(|value| match fact.which {
            Which::Any => true,
            Which::Records => value.is_object(),
            Which::Texts => value.is_string(),
        });
        if goes {
            take(record, key);
            removed.push(here.key(key));
        }
    } else if let Some(child) = record_at_mut(record, &[key]) {
        let before = removed.len();
        remove_at(child, (rest, fact), &here.key(key), removed);
        if fact.empty == Empty::Goes && removed.len() > before && child.is_empty() {
            take(record, key);
        }
    }
}
