//! The values of the metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::table::{About, Metric, Shape};

/// How many series a metric may have; what comes beyond them counts as `other`.
const MOST_SERIES: usize = 256;

/// What stands in the labels of what has no series of its own.
const OTHER: &str = "other";

/// The longest value of a label, in bytes.
const LONGEST: usize = 128;

/// The values of all metrics. Each change takes a lock for as long as it takes to add a number.
#[derive(Debug)]
pub(crate) struct Meters(BTreeMap<Metric, Mutex<Series>>);

type Series = BTreeMap<Vec<String>, Sample>;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sample {
    /// Of a counter or a gauge.
    Value(f64),
    /// Of a histogram.
    Histogram {
        /// How many there were up to each bound and above the one before, those above all last.
        counts: Vec<u64>,
        /// All of them together.
        sum: f64,
    },
}

/// All values of a metric at one time.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) about: About,
    pub(crate) series: Vec<(Vec<String>, Sample)>,
}

/// Something that is there as long as this is held.
#[derive(Debug)]
pub(crate) struct Present {
    meters: Arc<Meters>,
    metric: Metric,
    label: &'static str,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let all = Metric::ALL.iter().copied();
        Self(all.map(|metric| (metric, Mutex::default())).collect())
    }

    /// Adds to a counter.
    pub(crate) fn add(&self, metric: Metric, labels: &[&str], n: f64) {
        self.change(metric, labels, |sample| match sample {
            Sample::Value(value) => *value += n,
            Sample::Histogram { .. } => {}
        });
    }

    /// Adds one to a counter.
    pub(crate) fn count(&self, metric: Metric, labels: &[&str]) {
        self.add(metric, labels, 1.0);
    }

    /// Sets a gauge.
    pub(crate) fn set(&self, metric: Metric, labels: &[&str], now: f64) {
        self.change(metric, labels, |sample| *sample = Sample::Value(now));
    }

    /// Adds a value to a histogram.
    pub(crate) fn observe(&self, metric: Metric, labels: &[&str], seen: f64) {
        let Shape::Histogram(bounds) = metric.about().shape else {
            return;
        };
        let at = bounds.iter().take_while(|bound| seen > **bound).count();
        self.change(metric, labels, |sample| {
            if let Sample::Histogram { counts, sum } = sample {
                *sum += seen;
                if let Some(count) = counts.get_mut(at) {
                    *count = count.saturating_add(1);
                }
            }
        });
    }

    /// Counts something in a gauge for as long as what is returned is held.
    pub(crate) fn present(self: &Arc<Self>, metric: Metric, label: &'static str) -> Present {
        self.add(metric, &[label], 1.0);
        Present {
            meters: Arc::clone(self),
            metric,
            label,
        }
    }

    /// Returns all values.
    pub(crate) fn snapshot(&self) -> Vec<Snapshot> {
        let all = self.0.iter();
        all.map(|(metric, series)| Snapshot {
            about: metric.about(),
            series: series
                .lock()
                .iter()
                .map(|(labels, sample)| (labels.clone(), sample.clone()))
                .collect(),
        })
        .collect()
    }

    fn change(&self, metric: Metric, labels: &[&str], change: impl FnOnce(&mut Sample)) {
        let Some(series) = self.0.get(&metric) else {
            return;
        };
        let labels: Vec<String> = labels.iter().map(|label| short(label)).collect();
        let empty = || match metric.about().shape {
            Shape::Counter | Shape::Gauge => Sample::Value(0.0),
            Shape::Histogram(bounds) => Sample::Histogram {
                counts: vec![0; bounds.len().saturating_add(1)],
                sum: 0.0,
            },
        };
        let mut series = series.lock();
        if let Some(sample) = series.get_mut(&labels) {
            return change(sample);
        }
        if series.len() < MOST_SERIES {
            return change(series.entry(labels).or_insert_with(empty));
        }
        let other = vec![OTHER.to_owned(); labels.len()];
        change(series.entry(other).or_insert_with(empty));
        drop(series);
        self.count(Metric::SeriesDropped, &[]);
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.meters.add(self.metric, &[self.label], -1.0);
    }
}

fn short(label: &str) -> String {
    let mut end = label.len().min(LONGEST);
    while !label.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    label.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(meters: &Meters, metric: Metric) -> Vec<(Vec<String>, Sample)> {
        let mut all = meters.snapshot();
        all.retain(|one| one.about == metric.about());
        all.remove(0).series
    }

    #[test]
    fn strangers_cannot_make_series_without_end() {
        let meters = Meters::new();
        for n in 0..10_000 {
            meters.count(Metric::Tools, &[&format!("tool-{n}"), "ok"]);
        }
        let series = of(&meters, Metric::Tools);
        assert_eq!(series.len(), MOST_SERIES + 1);
        let other = series.iter().find(|(labels, _)| labels[0] == OTHER);
        assert_eq!(other.unwrap().1, Sample::Value(9744.0));
        let dropped = of(&meters, Metric::SeriesDropped);
        assert_eq!(dropped, [(vec![], Sample::Value(9744.0))]);
        meters.count(Metric::Tools, &[&"ü".repeat(100), "ok"]);
    }

    #[test]
    fn a_value_on_a_bound_belongs_to_it() {
        let meters = Meters::new();
        for seen in [0.01, 0.010_1, 700.0] {
            meters.observe(Metric::ToolDuration, &["exec"], seen);
        }
        let series = of(&meters, Metric::ToolDuration);
        let Sample::Histogram { counts, sum } = &series[0].1 else {
            panic!("no histogram");
        };
        assert_eq!((counts[0], counts[1], counts[15]), (1, 1, 1));
        assert!((sum - 700.020_1).abs() < 1e-9);
    }

    #[test]
    fn what_is_present_is_counted_until_it_goes() {
        let meters = Arc::new(Meters::new());
        let first = meters.present(Metric::Sockets, "jsonrpc");
        let second = meters.present(Metric::Sockets, "jsonrpc");
        drop(first);
        let value = |n| [(vec!["jsonrpc".to_owned()], Sample::Value(n))];
        assert_eq!(of(&meters, Metric::Sockets), value(1.0));
        drop(second);
        assert_eq!(of(&meters, Metric::Sockets), value(0.0));
    }
}
