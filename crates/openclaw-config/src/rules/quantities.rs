//! Texts for a time or an amount.

use serde_json::Value;

/// JavaScript counts no further without losing steps.
const LARGEST: f64 = 9_007_199_254_740_991.0;

const DURATIONS: [(&str, f64); 5] = [
    ("ms", 1.0),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
];

const SIZES: [(&str, f64); 9] = [
    ("b", 1.0),
    ("kb", 1024.0),
    ("k", 1024.0),
    ("mb", 1_048_576.0),
    ("m", 1_048_576.0),
    ("gb", 1_073_741_824.0),
    ("g", 1_073_741_824.0),
    ("tb", 1_099_511_627_776.0),
    ("t", 1_099_511_627_776.0),
];

/// Reads a duration such as `90s` or `1h30m` as milliseconds; a number alone takes `unit`.
pub(super) fn duration(text: &str, unit: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let mut rest = text.as_str();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let named = after.find(|character: char| character.is_ascii_digit());
        let (name, after) = after.split_at(named.unwrap_or(after.len()));
        let name = match name {
            "" if rest == text && after.is_empty() => unit,
            name => name,
        };
        sum += number * factor(&DURATIONS, name)?;
        rest = after;
    }
    (!text.is_empty() && sum.round() <= LARGEST).then(|| sum.round())
}

/// Reads a size such as `20mb` as bytes.
pub(super) fn bytes(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let (number, name) = number(&text)?;
    let name = if name.is_empty() { "b" } else { name };
    let bytes = (number * factor(&SIZES, name)?).round();
    (bytes <= LARGEST).then_some(bytes)
}

/// Returns a text or a number as JavaScript writes it.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(
            number
                .as_f64()
                .map_or_else(|| number.to_string(), |number| number.to_string()),
        ),
        _ => None,
    }
}

fn factor(units: &[(&str, f64)], name: &str) -> Option<f64> {
    let unit = units.iter().find(|(unit, _)| *unit == name);
    unit.map(|(_, factor)| *factor)
}

/// Takes a number without sign or exponent from the front.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| {
        text.len()
            - text
                .trim_start_matches(|digit: char| digit.is_ascii_digit())
                .len()
    };
    let whole = digits(text);
    let fraction = text.get(whole..)?.strip_prefix('.').map(digits);
    let length = match fraction {
        Some(fraction) if fraction > 0 => whole + 1 + fraction,
        _ => whole,
    };
    let (number, rest) = text.split_at_checked(length)?;
    (whole > 0)
        .then(|| number.parse().ok())?
        .map(|number| (number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_row_of_numbers_with_units() {
        assert_eq!(duration("1h30m", "m"), Some(5_400_000.0));
        assert_eq!(duration("30", "d"), Some(2_592_000_000.0));
        assert_eq!(duration(" 1.5H ", "m"), Some(5_400_000.0));
        for wrong in ["", " ", "-1", "1h30", "h", "1.h", "1e3", "3w", "1 h"] {
            assert_eq!(duration(wrong, "m"), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_size_is_one_number_with_a_unit() {
        assert_eq!(bytes("2mb"), Some(2_097_152.0));
        assert_eq!(bytes("10"), Some(10.0));
        for wrong in ["", "mb", "2 mb", "1kb2", "2pb", "-1"] {
            assert_eq!(bytes(wrong), None, "{wrong:?}");
        }
    }
}
