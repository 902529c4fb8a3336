//! Making a part of a document say something else, with what says the same already left alone.

use serde_json::{Map, Value};

use super::tree::NodeKind;
use super::{Document, EditError};

/// How many pairs of elements are compared to find out which of them stayed.
const MAX_PAIRS: usize = 250_000;

/// Elements of the old array and of the new one that take each other's place.
struct Gap {
    old: std::ops::Range<usize>,
    new: std::ops::Range<usize>,
}

impl Document {
    /// Makes what stands at a path say `value`.
    pub(super) fn become_value(&mut self, path: &[String], value: &Value) -> Result<(), EditError> {
        let Some(node) = self.root.at(path) else {
            return self.write(path, value);
        };
        match (&node.kind, value) {
            _ if node.says(value) => Ok(()),
            (NodeKind::Object(_), Value::Object(new)) => match node.value() {
                Value::Object(old) => self.become_object(path, &old, new),
                _ => Ok(()),
            },
            (NodeKind::Array(_), Value::Array(elements)) => self.become_array(path, elements),
            _ => {
                let parents = path.split_last().map(|(_, parents)| parents);
                let outer = parents.and_then(|parents| self.root.at(parents));
                let splices = self.subject().replace(outer, node, value);
                self.commit(path, &splices)
            }
        }
    }

    fn become_object(
        &mut self,
        path: &[String],
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Result<(), EditError> {
        for key in old.keys().filter(|key| !new.contains_key(*key)) {
            self.unset(&below(path, key).into_iter().collect());
        }
        for (key, value) in new {
            let path = below(path, key);
            if old.contains_key(key) {
                self.become_value(&path, value)?;
            } else {
                self.write(&path, value)?;
            }
        }
        Ok(())
    }

    fn become_array(&mut self, path: &[String], new: &[Value]) -> Result<(), EditError> {
        // From the end to the start, so that the indexes before a change still hold.
        for gap in self.gaps(path, new).into_iter().rev() {
            let kept = gap.old.len().min(gap.new.len());
            for surplus in gap.old.clone().skip(kept).rev() {
                self.unset(&below(path, &surplus.to_string()).into_iter().collect());
            }
            for value in new
                .iter()
                .take(gap.new.end)
                .skip(gap.new.start.saturating_add(kept))
                .rev()
            {
                if let Some(array) = self.root.at(path) {
                    let position = gap.old.start.saturating_add(kept);
                    let splices = self.subject().insert(array, position, None, value);
                    self.commit(path, &splices)?;
                }
            }
            let replaced = new.iter().skip(gap.new.start).take(kept);
            for (position, value) in gap.old.clone().zip(replaced) {
                self.become_value(&below(path, &position.to_string()), value)?;
            }
        }
        Ok(())
    }

    /// Finds out which elements stayed, and returns what lies between them.
    fn gaps(&self, path: &[String], new: &[Value]) -> Vec<Gap> {
        let old = self.root.at(path).map_or(&[][..], |node| node.entries());
        let same = |a: usize, b: usize| match (old.get(a), new.get(b)) {
            (Some(entry), Some(value)) => entry.value.says(value),
            _ => false,
        };
        let shorter = old.len().min(new.len());
        let start = (0..shorter).take_while(|at| same(*at, *at)).count();
        let end = (0..shorter.saturating_sub(start))
            .take_while(|back| {
                let back = back.saturating_add(1);
                same(
                    old.len().saturating_sub(back),
                    new.len().saturating_sub(back),
                )
            })
            .count();
        let middle = Gap {
            old: start..old.len().saturating_sub(end),
            new: start..new.len().saturating_sub(end),
        };
        let mut gaps = Vec::new();
        let (mut a, mut b) = (start, start);
        for (stay_a, stay_b) in longest_common(&middle, &same) {
            gaps.push(Gap {
                old: a..stay_a,
                new: b..stay_b,
            });
            (a, b) = (stay_a.saturating_add(1), stay_b.saturating_add(1));
        }
        gaps.push(Gap {
            old: a..middle.old.end,
            new: b..middle.new.end,
        });
        gaps
    }
}

/// Returns the pairs of a longest common subsequence; none when there is too much to compare.
fn longest_common(gap: &Gap, same: &dyn Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    let width = gap.new.len().saturating_add(1);
    if gap.old.len().saturating_mul(width) > MAX_PAIRS {
        return Vec::new();
    }
    // `lengths[a][b]` is how many elements are common from there on.
    let mut lengths = vec![vec![0_usize; width]];
    let length = |lengths: &[Vec<usize>], back: usize, b: usize| {
        let row = lengths.get(back);
        row.and_then(|row| row.get(b)).copied().unwrap_or(0)
    };
    for a in gap.old.clone().rev() {
        let below = lengths.len().saturating_sub(1);
        let mut row = vec![0; width];
        for (b, at) in gap.new.clone().enumerate().rev() {
            let right = row.get(b.saturating_add(1)).copied().unwrap_or(0);
            let best = if same(a, at) {
                length(&lengths, below, b.saturating_add(1)).saturating_add(1)
            } else {
                right.max(length(&lengths, below, b))
            };
            if let Some(cell) = row.get_mut(b) {
                *cell = best;
            }
        }
        lengths.push(row);
    }
    let (mut a, mut b) = (0, 0);
    let mut pairs = Vec::new();
    while a < gap.old.len() && b < gap.new.len() {
        let rest = gap.old.len().saturating_sub(a);
        let (at_a, at_b) = (
            gap.old.start.saturating_add(a),
            gap.new.start.saturating_add(b),
        );
        if same(at_a, at_b) {
            pairs.push((at_a, at_b));
            (a, b) = (a.saturating_add(1), b.saturating_add(1));
        } else if length(&lengths, rest.saturating_sub(1), b)
            >= length(&lengths, rest, b.saturating_add(1))
        {
            a = a.saturating_add(1);
        } else {
            b = b.saturating_add(1);
        }
    }
    pairs
}

fn below(path: &[String], segment: &str) -> Vec<String> {
    let parents = path.iter().map(String::as_str);
    parents.chain([segment]).map(str::to_owned).collect()
}
