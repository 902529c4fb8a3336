//! What to say of a value that fits none of several branches.

use serde_json::Value;

use super::Area;
use super::check::{Check, Fault, FaultKind};
use super::part::{PartId, Type};
use super::trail::Trail;
use crate::problem::Problem;

/// The list whose elements are told apart by their `type`.
const BINDINGS: &str = "bindings";

impl Check {
    /// Checks a value against branches of which one has to fit.
    pub(super) fn check_union(
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
        if let Some(choices) = self.choices(branches) {
            let choices: Vec<&Value> = choices.iter().collect();
            faults.push(self.none_of(&choices, value, trail));
            return;
        }
        match self.area {
            Area::Core => self.core_union(failed, value, trail, faults),
            Area::Owned => faults.extend(best(failed, trail)),
        }
    }

    /// Lists every value that the branches allow, where all of them can be listed.
    fn choices(&self, branches: &[PartId]) -> Option<Vec<Value>> {
        let mut choices = Vec::new();
        for branch in branches {
            let part = self.schema.part(*branch);
            if let Some(one) = &part.r#const {
                choices.push(one.clone());
            } else if !part.r#enum.is_empty() {
                choices.extend(part.r#enum.iter().cloned());
            } else if part.types.named() == [Type::Boolean] {
                choices.extend([Value::Bool(true), Value::Bool(false)]);
            } else if !part.any_of.is_empty() {
                choices.extend(self.choices(&part.any_of)?);
            } else {
                return None;
            }
        }
        Some(choices)
    }

    /// OpenClaw reports its own unions as a whole, unless it is clear which branch was meant.
    fn core_union(
        &self,
        mut failed: Vec<Vec<Fault>>,
        value: &Value,
        trail: &Trail<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let limits_only =
            |branch: &Vec<Fault>| branch.iter().all(|fault| fault.kind == FaultKind::Limit);
        let mut meant = failed
            .iter()
            .enumerate()
            .filter(|(_, branch)| limits_only(branch));
        if let (Some((index, _)), None) = (meant.next(), meant.next()) {
            faults.extend(failed.swap_remove(index));
            return;
        }
        let named = value.get("type").is_some_and(|kind| kind != "route");
        if named && trail.is_element_of(BINDINGS) {
            let acp = failed.pop().unwrap_or_default();
            faults.extend(acp.into_iter().max_by_key(|fault| fault.depth));
            return;
        }
        let detail = best(failed, trail).into_iter().next();
        let (path, depth) = (trail.path(), trail.depth());
        let message = detail.as_ref().map_or_else(
            || "Invalid input".to_owned(),
            |fault| described(fault, depth),
        );
        let mut problem = Problem::new(path, message);
        if let Some(fault) = detail {
            problem.allowed = fault.problem.allowed;
            problem.nearest = fault.problem.nearest;
        }
        faults.push(Fault::new(problem, FaultKind::Choice, trail));
    }
}

/// Describes a union by what is wrong with the branch that fits best.
fn described(fault: &Fault, depth: usize) -> String {
    let segments = fault.problem.path.segments();
    let below = segments.get(depth..).unwrap_or_default().join(".");
    let message = fault.problem.message.as_str();
    let message = message.strip_prefix("Invalid input: ").unwrap_or(message);
    match (below.is_empty(), message == "Invalid input") {
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
