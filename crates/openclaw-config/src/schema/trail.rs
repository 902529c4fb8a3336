//! The way to the value that is being looked at.

use std::iter;

use super::ABOUT_ALL_CHANNELS;
use crate::problem::KeyPath;

/// A path that costs nothing until a problem needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trail<'a> {
    up: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Trail<'a> {
    /// The document itself.
    pub(super) const ROOT: Self = Self {
        up: None,
        step: Step::Root,
    };

    /// Returns the trail of a member.
    pub(super) const fn key(&'a self, key: &'a str) -> Self {
        let step = Step::Key(key);
        Self {
            up: Some(self),
            step,
        }
    }

    /// Returns the trail of an element.
    pub(super) const fn index(&'a self, index: usize) -> Self {
        let step = Step::Index(index);
        Self {
            up: Some(self),
            step,
        }
    }

    /// Returns how many steps it has.
    pub(super) fn depth(&self) -> usize {
        self.steps().count()
    }

    /// Returns the path that a problem reports.
    pub(super) fn path(&self) -> KeyPath {
        let mut segments: Vec<String> = self.steps().collect();
        segments.reverse();
        segments.into_iter().collect()
    }

    /// Tells whether the value is an element of the list with this name at the root.
    pub(super) fn is_element_of(&self, list: &str) -> bool {
        matches!(self.step, Step::Index(_))
            && self.up.is_some_and(|up| {
                matches!(up.step, Step::Key(key) if key == list) && up.depth() == 1
            })
    }

    /// Tells whether all settings of one channel stand here.
    pub(super) fn is_of_channel(&self) -> bool {
        matches!(self.keys(), [Some(id), Some("channels"), None, None]
            if !ABOUT_ALL_CHANNELS.contains(&id))
    }

    /// Tells whether all settings of one plugin stand here.
    pub(super) fn is_of_plugin(&self) -> bool {
        matches!(
            self.keys(),
            [Some("config"), Some(_), Some("entries"), Some("plugins")]
        ) && self.depth() == 4
    }

    /// Returns the last keys, the innermost first.
    fn keys(&self) -> [Option<&str>; 4] {
        let mut trail = Some(self);
        [(); 4].map(|()| {
            let current = trail?;
            trail = current.up;
            match current.step {
                Step::Key(key) => Some(key),
                Step::Root | Step::Index(_) => None,
            }
        })
    }

    /// Walks from the value towards the root.
    fn steps(&self) -> impl Iterator<Item = String> {
        iter::successors(Some(self), |trail| trail.up).filter_map(|trail| match trail.step {
            Step::Root => None,
            Step::Key(key) => Some(key.to_owned()),
            Step::Index(index) => Some(index.to_string()),
        })
    }
}
