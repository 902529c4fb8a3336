//! The runs among the events of a session.

use std::collections::HashMap;

use super::SessionEvent;
use crate::ids::RunId;

/// Groups events by run, in the order of the runs' first events; an event of no run is one by itself.
///
/// A message that arrives during a run is recorded at once but belongs to a later run.
pub fn by_run<'a>(
    events: impl IntoIterator<Item = &'a SessionEvent>,
) -> Vec<Vec<&'a SessionEvent>> {
    let mut runs: Vec<Vec<&SessionEvent>> = Vec::new();
    let mut places: HashMap<&RunId, usize> = HashMap::new();
    for event in events {
        let place = match &event.run_id {
            Some(run) => *places.entry(run).or_insert(runs.len()),
            None => runs.len(),
        };
        match runs.get_mut(place) {
            Some(run) => run.push(event),
            None => runs.push(vec![event]),
        }
    }
    runs
}
