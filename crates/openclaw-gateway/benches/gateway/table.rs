//! The report as Markdown, with what is aimed at beside what was measured.

use serde_json::Value;

/// How much longer a turn may take than the forwarder's.
const P50: f64 = 1.3;
/// How many turns a second there are at least with 64 clients, beside the forwarder's.
const THROUGHPUT: f64 = 0.6;
/// How much later the first word may come than from the model itself, in milliseconds.
const FIRST_WORD: f64 = 1.0;
/// How much of the processor's time a turn may take, in milliseconds.
const CPU: f64 = 0.2;
/// Of how many clients the targets speak that are about many.
const MANY: u64 = 64;

/// Returns the report as tables.
pub(crate) fn table(report: &Value) -> String {
    let mut lines = vec![
        "| figure | openclaw | forwarder beside it | ratio | target |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
        format!("| binary size | {} MB | | | |", report["binaryMb"]),
        row(
            "time from spawn to first healthy answer (median)",
            &report["readyMs"],
            "ms",
        ),
        row("resident memory after 5 s idle", &report["idleMb"], "MB"),
    ];
    for load in report["turns"].as_array().into_iter().flatten() {
        lines.extend(of_load(load));
    }
    lines.push(String::new());
    lines.extend(first_word(&report["firstWordMs"]));
    lines.join("\n") + "\n"
}

fn of_load(load: &Value) -> Vec<String> {
    let clients = match load["clients"].as_u64() {
        Some(1) => "1 client".to_owned(),
        clients => format!("{} clients", clients.unwrap_or_default()),
    };
    let many = load["clients"].as_u64() == Some(MANY);
    let aimed = |wanted: bool, target: String| if wanted { target } else { String::new() };
    [
        (
            "p50 of a turn",
            "p50Ms",
            " ms",
            &load["p50Ratio"],
            format!("at most {P50}"),
        ),
        (
            "p99 of a turn",
            "p99Ms",
            " ms",
            &load["p99Ratio"],
            String::new(),
        ),
        (
            "turns per second",
            "turnsPerSecond",
            "",
            &load["turnsRatio"],
            aimed(many, format!("at least {THROUGHPUT}")),
        ),
        (
            "processor's time of a turn",
            "cpuMs",
            " ms",
            &Value::Null,
            aimed(many, format!("at most {CPU} ms")),
        ),
    ]
    .into_iter()
    .map(|(name, key, unit, ratio, target)| {
        let ratio = ratio.as_f64().map(|ratio| ratio.to_string());
        format!(
            "| {name}, {clients} | {}{unit} | {}{unit} | {} | {target} |",
            load["gateway"][key],
            load["forwarder"][key],
            ratio.unwrap_or_default()
        )
    })
    .collect()
}

fn first_word(figures: &Value) -> Vec<String> {
    let mut lines = vec![
        "| first word of a streamed answer | through the gateway | from the model itself | added | target |"
            .to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for (name, added) in [("p50", "addedP50"), ("p99", "addedP99")] {
        lines.push(format!(
            "| {name} | {} ms | {} ms | {} ms | at most {FIRST_WORD} ms |",
            figures["gateway"][name], figures["direct"][name], figures[added]
        ));
    }
    lines
}

fn row(name: &str, figures: &Value, unit: &str) -> String {
    format!(
        "| {name} | {} {unit} | {} {unit} | | |",
        figures["gateway"], figures["forwarder"]
    )
}
