//! Under which name a tool is allowed and denied.

use openclaw_core::tool_rules::{Entry, list_name};

/// The name by which a tool goes here, and the later one of OpenClaw's that lists have it under.
const IMAGE: (&str, &str) = ("image", "view_image");

/// Tools that come with another one where a list allows that: the first is OpenClaw's rule, the
/// others read what `read` reads, and OpenClaw has no such tools.
const ALLOWED_WITH: [(&str, &str); 3] =
    [("apply_patch", "write"), ("grep", "read"), ("find", "read")];

/// Tools that go with another one where a list denies that. Who may not read a file may not search
/// it; who may not write one may patch it, which is OpenClaw's rule.
const DENIED_WITH: [(&str, &str); 2] = [("grep", "read"), ("find", "read")];

/// The name of a tool in lists, and which others speak for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// Returns the name under which a tool stands in lists.
    pub(super) fn of(tool: &str) -> Self {
        let name = list_name(tool);
        let (ours, theirs) = IMAGE;
        Self(if name == ours {
            theirs.to_owned()
        } else {
            name
        })
    }

    /// Tells whether this is the tool of that name.
    pub(super) fn is(&self, tool: &str) -> bool {
        self.0 == tool
    }

    /// Returns the entry by which a list allows the tool, if it does.
    pub(super) fn allowed_by<'a>(&self, list: &'a [Entry]) -> Option<&'a Entry> {
        self.named_in(list)
            .or_else(|| in_place(&ALLOWED_WITH, &self.0, list))
    }

    /// Returns the entry by which a list denies the tool, if it does.
    pub(super) fn denied_by<'a>(&self, list: &'a [Entry]) -> Option<&'a Entry> {
        self.named_in(list)
            .or_else(|| in_place(&DENIED_WITH, &self.0, list))
    }

    /// Returns the entry by which a list names the tool itself, if it does.
    pub(super) fn named_in<'a>(&self, list: &'a [Entry]) -> Option<&'a Entry> {
        list.iter().find(|entry| entry.names(&self.0))
    }
}

fn in_place<'a>(pairs: &[(&str, &str)], tool: &str, list: &'a [Entry]) -> Option<&'a Entry> {
    let (_, other) = pairs.iter().find(|(of, _)| *of == tool)?;
    list.iter().find(|entry| entry.names(other))
}
