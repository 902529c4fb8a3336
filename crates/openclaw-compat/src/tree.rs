//! Which entries of a transcript are the conversation.
//!
//! Entries form a tree by `id` and `parentId`; the conversation is the path from the first entry
//! to the leaf. The leaf is the entry that was written last, unless a `leaf` entry says another.
//! What OpenClaw heals while it reads is healed here in the same way: an entry whose parent is not
//! there hangs on the leaf, and what comes after a reset hangs below it. Version 1 has no ids; all
//! of it is the conversation.

use std::collections::{HashMap, HashSet};

use crate::entry::{Entry, EntryKind, Parent};

/// The conversation among the entries of a transcript.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// For each entry, whether it is part of it.
    active: Vec<bool>,
    /// The entry that the next one hangs on.
    pub(crate) end: Option<usize>,
}

impl Path {
    /// Finds it.
    pub(crate) fn of(entries: &[Entry]) -> Self {
        let mut scan = Scan::new(entries);
        for at in 0..entries.len() {
            scan.step(at);
        }
        scan.path()
    }

    /// Tells whether the entry with that number is part of the conversation.
    pub(crate) fn has(&self, at: usize) -> bool {
        self.active.get(at).copied().unwrap_or_default()
    }
}

/// A place that an entry hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Root,
    At(usize),
    /// The entry names a parent that is not there.
    Lost,
}

#[derive(Debug)]
struct Scan<'a> {
    entries: &'a [Entry],
    known: HashMap<&'a str, usize>,
    parents: Vec<Option<usize>>,
    /// Leaf entries that point nowhere.
    void: HashSet<usize>,
    leaf: Option<usize>,
    /// What the next entry is expected to name as its parent.
    next: Option<usize>,
    /// Whether any entry that says where it hangs has moved the leaf.
    said: bool,
    /// The latest reset, and what hangs below it.
    reset: Option<HashSet<usize>>,
}

impl<'a> Scan<'a> {
    fn new(entries: &'a [Entry]) -> Self {
        Self {
            entries,
            known: HashMap::new(),
            parents: vec![None; entries.len()],
            void: HashSet::new(),
            leaf: None,
            next: None,
            said: false,
            reset: None,
        }
    }

    fn step(&mut self, at: usize) {
        let Some(entry) = self.entries.get(at) else {
            return;
        };
        let (Some(id), false) = (entry.id(), entry.kind == EntryKind::Session) else {
            return;
        };
        if entry.kind == EntryKind::Leaf {
            self.point(at, id, entry);
            return;
        }
        let said = entry.link.parent != Parent::Unsaid;
        if !said && !entry.kind.on_path() {
            return;
        }
        let mut place = match &entry.link.parent {
            Parent::Unsaid => self.leaf.map_or(Place::Root, Place::At),
            other => self.find(other),
        };
        if entry.kind.on_path() {
            if !entry.link.aside && self.is_healed(place, entry) {
                place = self.leaf.map_or(Place::Root, Place::At);
            }
            place = self.through_leaves(place);
        }
        self.hang(at, id, place);
        if entry.kind == EntryKind::Reset {
            self.reset = Some(HashSet::from([at]));
        }
        self.next = Some(at);
        if entry.kind.on_path() && !entry.link.aside {
            self.leaf = Some(at);
            self.said |= said;
        }
    }

    /// Takes in an entry that says where the conversation goes on.
    fn point(&mut self, at: usize, id: &'a str, entry: &'a Entry) {
        let Some((target, next)) = &entry.link.leaf else {
            return;
        };
        let (mut target, mut next) = (self.find(target), self.find(next));
        let lost = |place: Place, void: &HashSet<usize>| match place {
            Place::Lost => true,
            Place::At(at) => void.contains(&at),
            Place::Root => false,
        };
        if lost(target, &self.void) || lost(next, &self.void) {
            // It moves nothing, but what names it as its parent hangs where it hangs itself.
            self.void.insert(at);
            self.hang(at, id, self.find(&entry.link.parent));
            return;
        }
        if let (Some(leaf), Some(below)) = (self.leaf, &self.reset)
            && !matches!(target, Place::At(at) if below.contains(&at))
        {
            (target, next) = (Place::At(leaf), Place::At(leaf));
        }
        self.hang(at, id, target);
        self.leaf = index(target);
        self.next = index(next);
        self.said = true;
    }

    /// Tells whether an entry hangs on the leaf, whatever it says.
    fn is_healed(&self, place: Place, entry: &Entry) -> bool {
        let said = entry.link.parent != Parent::Unsaid;
        let outside_reset = self
            .reset
            .as_ref()
            .is_some_and(|below| !matches!(place, Place::At(at) if below.contains(&at)));
        let lost = place == Place::Lost && self.leaf.is_some();
        // The entry before was no part of the conversation, but its id was taken for the parent.
        let after_opaque = said && index(place) == self.next && self.leaf != self.next;
        outside_reset || lost || (after_opaque && place != Place::Lost)
    }

    fn find(&self, parent: &Parent) -> Place {
        match parent {
            Parent::Root => Place::Root,
            Parent::Of(id) => self
                .known
                .get(id.as_str())
                .map_or(Place::Lost, |at| Place::At(*at)),
            Parent::Unsaid => Place::Lost,
        }
    }

    /// Leaf entries are no part of a path: what hangs on one hangs on its target.
    fn through_leaves(&self, mut place: Place) -> Place {
        while let Place::At(at) = place {
            let is_leaf = self
                .entries
                .get(at)
                .is_some_and(|entry| entry.kind == EntryKind::Leaf);
            if !is_leaf {
                break;
            }
            place = self.parent(at).map_or(Place::Root, Place::At);
        }
        place
    }

    fn hang(&mut self, at: usize, id: &'a str, place: Place) {
        let parent = index(place);
        if let Some(slot) = self.parents.get_mut(at) {
            *slot = parent;
        }
        self.known.insert(id, at);
        let is_void = self.void.contains(&at);
        if let (Some(parent), Some(below)) = (parent, &mut self.reset)
            && below.contains(&parent)
            && !is_void
        {
            below.insert(at);
        }
    }

    /// Parents come before their children, so that a walk along them ends.
    fn parent(&self, at: usize) -> Option<usize> {
        self.parents.get(at).copied().flatten()
    }

    fn walk(&self, from: Option<usize>) -> Vec<usize> {
        let mut path: Vec<usize> = Vec::new();
        let mut at = from;
        while let Some(here) = at {
            path.push(here);
            at = self.parent(here);
        }
        path.reverse();
        path
    }

    fn path(&self) -> Path {
        let count = self.entries.len();
        if !self.said {
            return Path {
                active: vec![true; count],
                end: self.leaf,
            };
        }
        let path = self.walk(self.leaf);
        let mut active = vec![false; count];
        for at in path {
            if let Some(slot) = active.get_mut(at) {
                *slot = true;
            }
        }
        for (entry, slot) in self.entries.iter().zip(&mut active) {
            // What is no part of any path is not on a branch that was left either.
            *slot |= !entry.kind.on_path() || entry.id().is_none();
        }
        Path {
            active,
            end: self.leaf,
        }
    }
}

const fn index(place: Place) -> Option<usize> {
    match place {
        Place::At(at) => Some(at),
        Place::Root | Place::Lost => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn active(entries: &[Value]) -> Vec<usize> {
        let entries: Vec<Entry> = entries
            .iter()
            .zip(1..)
            .map(|(value, place)| Entry::new(place, value.to_string(), value))
            .collect();
        let path = Path::of(&entries);
        (0..entries.len()).filter(|at| path.has(*at)).collect()
    }

    fn said(id: &str, parent: Option<&str>) -> Value {
        json!({"type": "message", "id": id, "parentId": parent, "message": {"role": "user", "content": id}})
    }

    fn leaf(id: &str, parent: &str, target: Option<&str>) -> Value {
        json!({"type": "leaf", "id": id, "parentId": parent, "targetId": target})
    }

    #[test]
    fn the_last_entry_and_all_above_it_are_the_conversation() {
        let entries = [
            json!({"type": "session", "id": "s"}),
            said("a", None),
            said("b", Some("a")),
            said("c", Some("a")),
            said("d", Some("c")),
        ];
        assert_eq!(active(&entries), [0, 1, 3, 4]);
    }

    #[test]
    fn without_ids_everything_is_the_conversation() {
        let entries = [
            json!({"type": "session", "id": "s"}),
            json!({"type": "message", "message": {"role": "user", "content": "a"}}),
            json!({"type": "message", "message": {"role": "assistant", "content": []}}),
        ];
        assert_eq!(active(&entries), [0, 1, 2]);
    }

    #[test]
    fn a_leaf_entry_goes_back_and_what_follows_hangs_there() {
        let entries = [
            said("a", None),
            said("b", Some("a")),
            leaf("l", "b", Some("a")),
            said("c", Some("l")),
        ];
        assert_eq!(active(&entries), [0, 2, 3]);
    }

    #[test]
    fn a_leaf_entry_that_points_nowhere_changes_nothing() {
        let entries = [
            said("a", None),
            leaf("l", "a", Some("gone")),
            said("b", Some("a")),
        ];
        assert_eq!(active(&entries), [0, 1, 2]);
    }

    #[test]
    fn an_entry_whose_parent_is_lost_hangs_on_the_leaf() {
        let entries = [
            said("a", None),
            said("c", Some("lost")),
            said("d", Some("c")),
        ];
        assert_eq!(active(&entries), [0, 1, 2]);
    }

    #[test]
    fn an_entry_of_an_unknown_type_does_not_break_the_path() {
        let entries = [
            said("a", None),
            json!({"type": "hologram", "id": "h", "parentId": "a"}),
            said("b", Some("h")),
        ];
        assert_eq!(active(&entries), [0, 1, 2]);
    }

    #[test]
    fn an_entry_at_the_side_does_not_move_the_conversation() {
        let mut aside = said("x", Some("a"));
        aside["appendMode"] = json!("side");
        let entries = [said("a", None), aside, said("b", Some("a"))];
        assert_eq!(active(&entries), [0, 2]);
    }

    #[test]
    fn after_a_reset_everything_hangs_below_it() {
        let entries = [
            said("a", None),
            said("b", Some("a")),
            json!({"type": "reset", "id": "r", "parentId": "b", "reason": "new"}),
            said("c", Some("a")),
        ];
        assert_eq!(active(&entries), [0, 1, 2, 3]);
    }
}
