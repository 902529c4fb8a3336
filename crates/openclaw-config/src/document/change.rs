//! Changes to a text, each as the few bytes that it replaces.

use std::ops::Range;

use serde_json::Value;

use super::layout;
use super::style::{self, Spread, Style};
use super::tree::{Node, NodeKind};

/// Bytes of the text and what takes their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    span: Range<usize>,
    text: String,
}

impl Splice {
    fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::replace(at..at, text)
    }

    fn replace(span: Range<usize>, text: impl Into<String>) -> Self {
        Self {
            span,
            text: text.into(),
        }
    }

    fn remove(span: Range<usize>) -> Self {
        Self::replace(span, "")
    }
}

/// Returns the text with all splices made; they are in the order of the text.
pub(super) fn apply(text: &str, splices: &[Splice]) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut done = 0;
    for Splice { span, text: new } in splices {
        changed.push_str(text.get(done..span.start).unwrap_or_default());
        changed.push_str(new);
        done = span.end;
    }
    changed.push_str(text.get(done..).unwrap_or_default());
    changed
}

/// A document that is about to be changed.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) text: &'a str,
    pub(super) root: &'a Node,
}

impl Subject<'_> {
    /// Replaces a value, which `container` holds; the document's own value has none.
    pub(super) fn replace(
        self,
        container: Option<&Node>,
        node: &Node,
        value: &Value,
    ) -> Vec<Splice> {
        let style = Style::around(self.text, self.root, container.unwrap_or(node));
        let spread = style::spread(self.text, node)
            .or_else(|| container.and_then(|outer| style::spread(self.text, outer)))
            .unwrap_or(style.spread);
        let indent = layout::indent(self.text, node.span.start);
        let text = style.value(value, indent, spread);
        vec![Splice::replace(node.span.clone(), text)]
    }

    /// Inserts an entry into a container, before the entry that is at `position` now.
    pub(super) fn insert(
        self,
        container: &Node,
        position: usize,
        key: Option<&str>,
        value: &Value,
    ) -> Vec<Splice> {
        let style = Style::around(self.text, self.root, container);
        match position.checked_sub(1) {
            _ if container.entries().is_empty() => self.fill(container, &style, key, value),
            Some(previous) => self.insert_after(container, previous, &style, (key, value)),
            None => self.insert_first(container, &style, key, value),
        }
    }

    fn fill(
        self,
        container: &Node,
        style: &Style,
        key: Option<&str>,
        value: &Value,
    ) -> Vec<Splice> {
        let open = container.span.start.saturating_add(1);
        let close = container.span.end.saturating_sub(1);
        let outer = layout::indent(self.text, container.span.start);
        let inner = format!("{outer}{}", style.unit);
        let newline = style.newline;
        let comma = if style.trailing_comma { "," } else { "" };
        let comments = layout::comments(self.text, open);
        let line = |indent: &str| {
            let entry = style.entry(key, value, indent, Spread::Lines);
            format!("{newline}{indent}{entry}{comma}")
        };
        if comments.end == open {
            let is_root = container.span.start == self.root.span.start;
            let text = if style.spread == Spread::Inline && !is_root {
                let entry = style.entry(key, value, outer, Spread::Inline);
                let object = matches!(container.kind, NodeKind::Object(_));
                if object { style.padded(&entry) } else { entry }
            } else {
                format!("{}{newline}{outer}", line(&inner))
            };
            return vec![Splice::replace(open..close, text)];
        }
        let rest = self.text.get(comments.end..close).unwrap_or_default();
        let text = line(&inner);
        vec![if rest.contains(['\n', '\r']) {
            Splice::insert(comments.end, text)
        } else {
            Splice::replace(comments.end..close, format!("{text}{newline}{outer}"))
        }]
    }

    fn insert_after(
        self,
        container: &Node,
        position: usize,
        style: &Style,
        (key, value): (Option<&str>, &Value),
    ) -> Vec<Splice> {
        let Some(previous) = container.entries().get(position) else {
            return Vec::new();
        };
        let is_last = position.saturating_add(1) == container.entries().len();
        let tail = layout::tail(self.text, previous.end());
        let own_line = layout::is_first(self.text, previous.start());
        let mut indent = layout::indent(self.text, previous.start()).to_owned();
        if !own_line {
            indent.push_str(&style.unit);
        }
        let text = if own_line || tail.to_line_end {
            let entry = style.entry(key, value, &indent, Spread::Lines);
            format!("{}{indent}{entry}", style.newline)
        } else {
            format!(" {}", style.entry(key, value, &indent, Spread::Inline))
        };
        // An entry between two others needs a comma; the last one has one if the last one had.
        let comma = if !is_last || previous.comma.is_some() {
            ","
        } else {
            ""
        };
        let mut splices = Vec::new();
        if previous.comma.is_none() {
            splices.push(Splice::insert(previous.value.span.end, ","));
        }
        splices.push(Splice::insert(tail.end, format!("{text}{comma}")));
        splices
    }

    fn insert_first(
        self,
        container: &Node,
        style: &Style,
        key: Option<&str>,
        value: &Value,
    ) -> Vec<Splice> {
        let Some(next) = container.entries().first() else {
            return Vec::new();
        };
        let indent = layout::indent(self.text, next.start());
        let text = if layout::is_first(self.text, next.start()) {
            let entry = style.entry(key, value, indent, Spread::Lines);
            format!("{entry},{}{indent}", style.newline)
        } else {
            format!("{}, ", style.entry(key, value, indent, Spread::Inline))
        };
        vec![Splice::insert(next.start(), text)]
    }

    /// Removes an entry: its own line if it has one, and the comma that it makes superfluous.
    pub(super) fn remove(self, container: &Node, position: usize) -> Vec<Splice> {
        let Some(entry) = container.entries().get(position) else {
            return Vec::new();
        };
        let gone = self.room_of(entry.start(), entry.end());
        let open = container.span.start.saturating_add(1);
        let close = container.span.end.saturating_sub(1);
        if container.entries().len() == 1 {
            let around = [open..gone.start, gone.end..close];
            let blank = |span: Range<usize>| {
                let text = self.text.get(span);
                text.is_some_and(|text| text.trim().is_empty())
            };
            return if around.into_iter().all(blank) {
                vec![Splice::remove(open..close)]
            } else {
                vec![Splice::remove(gone)]
            };
        }
        let mut splices = Vec::new();
        let is_last = position.saturating_add(1) == container.entries().len();
        let previous = position
            .checked_sub(1)
            .and_then(|before| container.entries().get(before));
        if is_last
            && entry.comma.is_none()
            && let Some(comma) = previous.and_then(|previous| previous.comma)
        {
            splices.push(Splice::remove(comma..comma.saturating_add(1)));
        }
        splices.push(Splice::remove(gone));
        splices
    }

    /// Returns what goes with an entry: the whole of its lines if nothing else stands there.
    fn room_of(self, start: usize, end: usize) -> Range<usize> {
        let text = self.text;
        let tail = layout::tail(text, end);
        let line_end = layout::after_line_end(text, layout::blanks_after(text, tail.end));
        let first = layout::is_first(text, start);
        match line_end {
            Some(line_end) if first => layout::line_start(text, start)..line_end,
            _ if first => start..layout::blanks_after(text, end),
            // The blank before it goes, unless the next entry moves up to that place.
            _ => {
                let before = layout::blanks_before(text, start);
                if before < start {
                    before..end
                } else {
                    start..layout::blanks_after(text, end)
                }
            }
        }
    }
}
