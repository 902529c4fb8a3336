//! What to say of a value that fits none of several branches.

use serde_json::Value;

use super::Area;
use super::check::{Check, Fault, FaultKind};
use super::part::PartId;
use super::trail::Trail;
use crate::problem::Problem;

/// The list whose elements are told apart by their `type`.
const BINDINGS: &str = "bindings";

impl Check {
    /// Checks a value against branches of which one has to fit.
    pub(super) fn check_any_of(
        &self,
        branches: &[PartId],
        value: &Value,
        trail: &Trail<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let mut failed = Vec::with_capacity(branches.len());
        for branch in branches {
            let branch = self.faults(*branch, value, trail);
            if branch.is_empty() {
                return;
            }
            failed.push(branch);
        }
        match self.area {
            Area::Core => faults.extend(self.of_core(failed, value, trail)),
            Area::Owned => faults.extend(match choices(&failed) {
                Some(choices) => vec![self.none_of(&choices, value, trail)],
                None => best(failed, trail),
            }),
        }
    }

    /// Checks a value against branches that one of its members tells apart.
    pub(super) fn check_one_of(
        &self,
        branches: &[PartId],
        value: &Value,
        trail: &Trail<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let told_apart_by = self.told_apart_by(branches);
        let (Area::Core, Some(key)) = (self.area, told_apart_by) else {
            self.check_any_of(branches, value, trail, faults);
            return;
        };
        let word = |branch: PartId| {
            let member = self.schema.part(branch).member(key);
            member.and_then(|member| self.schema.part(member).r#const.as_ref())
        };
        let said = value.get(key);
        let meant = branches
            .iter()
            .find(|branch| !value.is_object() || (said.is_some() && word(**branch) == said));
        if let Some(branch) = meant {
            faults.extend(self.faults(*branch, value, trail));
            return;
        }
        let words: Vec<&Value> = branches.iter().filter_map(|branch| word(*branch)).collect();
        let said = said.unwrap_or(&Value::Null);
        faults.push(self.none_of(&words, said, &trail.key(key)));
    }

    /// Returns the member that can have one value only, in each branch.
    fn told_apart_by(&self, branches: &[PartId]) -> Option<&'static str> {
        let is_word = |branch: PartId, key: &str| {
            let member = self.schema.part(branch).member(key);
            member.is_some_and(|member| self.schema.part(member).r#const.is_some())
        };
        let first = self.schema.part(*branches.first()?);
        let mut keys = first.members();
        keys.find(|key| branches.iter().all(|branch| is_word(*branch, key)))
    }

    /// OpenClaw reports its own unions as a whole, unless it is clear which branch was meant.
    fn of_core(&self, mut failed: Vec<Vec<Fault>>, value: &Value, trail: &Trail<'_>) -> Vec<Fault> {
        // Whoever wrote an unknown key, or too large a number, meant the branch that takes the rest.
        let nearly = |branch: &Vec<Fault>| {
            let slight = [FaultKind::Limit, FaultKind::UnknownKey];
            branch.iter().all(|fault| slight.contains(&fault.kind))
        };
        let mut meant = failed
            .iter()
            .enumerate()
            .filter(|(_, branch)| nearly(branch));
        if let (Some((index, _)), None) = (meant.next(), meant.next()) {
            return failed.swap_remove(index);
        }
        if let Some(choices) = choices(&failed) {
            return vec![self.none_of(&choices, value, trail)];
        }
        let named = value.get("type").is_some_and(|kind| kind != "route");
        if named && trail.is_element_of(BINDINGS) {
            let acp = failed.pop().unwrap_or_default();
            return acp
                .into_iter()
                .max_by_key(|fault| fault.depth)
                .into_iter()
                .collect();
        }
        let (path, depth) = (trail.path(), trail.depth());
        let detail = best(failed, trail).into_iter().next();
        let Some(detail) = detail else {
            return Vec::new();
        };
        let mut problem = Problem::new(path, described(&detail, depth));
        problem.allowed = detail.problem.allowed;
        problem.nearest = detail.problem.nearest;
        vec![Fault::new(problem, FaultKind::Choice, trail)]
    }
}

/// Lists the values that would have been right, where every branch fails for want of one of them.
fn choices(failed: &[Vec<Fault>]) -> Option<Vec<&Value>> {
    let mut choices = Vec::new();
    for branch in failed {
        let before = choices.len();
        for fault in branch {
            if fault.choices.is_empty() && fault.kind == FaultKind::Type {
                return None;
            }
            for choice in &fault.choices {
                if !choices.contains(&choice) {
                    choices.push(choice);
                }
            }
        }
        if branch.iter().all(|fault| fault.choices.is_empty()) && choices.len() == before {
            return None;
        }
    }
    Some(choices)
}

/// Describes a union by what is wrong with the branch that fits best.
fn described(fault: &Fault, depth: usize) -> String {
    let segments = fault.problem.path.segments();
    let below = segments.get(depth..).unwrap_or_default().join(".");
    let message = fault.problem.message.as_str();
    let message = message.strip_prefix("Invalid input: ").unwrap_or(message);
    match (below.is_empty(), message.starts_with("Invalid input")) {
        (_, true) => message.to_owned(),
        (true, false) => format!("Invalid input: {message}"),
        (false, false) => format!("Invalid input: {below}: {message}"),
    }
}

/// Returns what is wrong with the branch that the value fits best.
fn best(failed: Vec<Vec<Fault>>, trail: &Trail<'_>) -> Vec<Fault> {
    let here = trail.depth();
    let distance = |branch: &Vec<Fault>| -> usize {
        let faults = branch.iter().map(|fault| match fault.kind {
            FaultKind::Type if fault.depth == here => 1000,
            // A wrong word one step down is most often the one that tells the branches apart.
            FaultKind::Choice if fault.depth == here + 1 => 100,
            FaultKind::UnknownKey => 3,
            FaultKind::Type | FaultKind::Choice => 2,
            FaultKind::Limit => 1,
        });
        faults.sum()
    };
    failed.into_iter().min_by_key(distance).unwrap_or_default()
}
