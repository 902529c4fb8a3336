//! Replaces what differs between runs, for snapshots.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// What is replaced, in this order: later patterns see what earlier ones left.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        // A generated gateway token, or any other 256 bits in hexadecimal.
        (r"\b[0-9a-f]{64}\b", "[TOKEN]"),
        (
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
            "[UUID]",
        ),
        (
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?",
            "[TIME]",
        ),
        (r"(127\.0\.0\.1|localhost|\[::1\]):\d+", "$1:[PORT]"),
        (r#"("port":\s*)\d+"#, r#"$1"[PORT]""#),
        (r"\b(port) \d+", "$1 [PORT]"),
        (r#"("pid":\s*)\d+"#, r#"$1"[PID]""#),
        (r"\b(pid|PID|process)([ =:]+)\d+", "$1$2[PID]"),
        (
            r#"("(?:[A-Za-z]*[dD]uration|[A-Za-z]*Ms|elapsed)":\s*)\d+(\.\d+)?"#,
            r#"$1"[DURATION]""#,
        ),
        (r"\b\d+(\.\d+)? ?(ns|µs|us|ms|s|min)\b", "[DURATION]"),
    ]
    .into_iter()
    .map(|(pattern, with)| (Regex::new(pattern).expect("a pattern"), with))
    .collect()
});

/// Replaces the given paths, longest first as the caller orders them, and then the patterns.
pub(crate) fn redact(text: &str, paths: &[(String, &str)]) -> String {
    let mut text = text.to_owned();
    for (path, with) in paths {
        text = text.replace(path.as_str(), with);
    }
    for (pattern, with) in PATTERNS.iter() {
        if let Cow::Owned(replaced) = pattern.replace_all(&text, *with) {
            text = replaced;
        }
    }
    text
}
