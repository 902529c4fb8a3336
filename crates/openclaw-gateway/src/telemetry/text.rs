//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write as _;

use super::meters::{Sample, Snapshot};
use super::table::{Label, Shape};

/// The content type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes all metrics that have a value.
pub(super) fn render(snapshots: &[Snapshot]) -> String {
    let mut text = String::new();
    for snapshot in snapshots.iter().filter(|one| !one.series.is_empty()) {
        if family(&mut text, snapshot).is_err() {
            // Writing into a string does not fail.
            break;
        }
    }
    text
}

fn family(text: &mut String, snapshot: &Snapshot) -> std::fmt::Result {
    let about = &snapshot.about;
    let (name, kind) = match about.shape {
        Shape::Counter => (about.name, "counter"),
        Shape::Gauge => (about.name, "gauge"),
        Shape::Histogram(_) => (about.name, "histogram"),
    };
    writeln!(text, "# HELP {name} {}", about.help)?;
    writeln!(text, "# TYPE {name} {kind}")?;
    for (values, sample) in &snapshot.series {
        match (sample, about.shape) {
            (Sample::Histogram { counts, sum }, Shape::Histogram(bounds)) => {
                let bounds = bounds.iter().map(ToString::to_string);
                let mut up_to = 0_u64;
                for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(counts) {
                    up_to = up_to.saturating_add(*count);
                    let labels = labels(about.labels, values, Some(&bound));
                    writeln!(text, "{name}_bucket{labels} {up_to}")?;
                }
                let labels = labels(about.labels, values, None);
                writeln!(text, "{name}_sum{labels} {sum}")?;
                writeln!(text, "{name}_count{labels} {up_to}")?;
            }
            (Sample::Value(value), _) => {
                let labels = labels(about.labels, values, None);
                writeln!(text, "{name}{labels} {value}")?;
            }
            (Sample::Histogram { .. }, _) => {}
        }
    }
    Ok(())
}

fn labels(names: &[Label], values: &[String], bound: Option<&str>) -> String {
    let named = names.iter().map(|(name, _)| *name).zip(values);
    let mut all: Vec<String> = named
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    all.extend(bound.map(|bound| format!("le=\"{bound}\"")));
    if all.is_empty() {
        return String::new();
    }
    format!("{{{}}}", all.join(","))
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::meters::Meters;
    use super::super::table::Metric;
    use super::*;

    #[test]
    fn the_text_is_as_prometheus_reads_it() {
        let meters = Meters::new();
        meters.count(Metric::Tools, &["a \"b\"\n\\c", "ok"]);
        meters.observe(Metric::Append, &[], 0.003);
        meters.observe(Metric::Append, &[], 9.0);
        let text = render(&meters.snapshot());
        let wanted = "\
# HELP openclaw_tool_execution_total Tool calls that have ended, by outcome.
# TYPE openclaw_tool_execution_total counter
openclaw_tool_execution_total{tool=\"a \\\"b\\\"\\n\\\\c\",outcome=\"ok\"} 1
# HELP openclaw_event_log_append_seconds Time that somebody waited for the event log to have something on disk.
# TYPE openclaw_event_log_append_seconds histogram
openclaw_event_log_append_seconds_bucket{le=\"0.00025\"} 0
";
        assert!(text.starts_with(wanted), "{text}");
        let end = "\
openclaw_event_log_append_seconds_bucket{le=\"2.5\"} 1
openclaw_event_log_append_seconds_bucket{le=\"+Inf\"} 2
openclaw_event_log_append_seconds_sum 9.003
openclaw_event_log_append_seconds_count 2
";
        assert!(text.ends_with(end), "{text}");
    }
}
