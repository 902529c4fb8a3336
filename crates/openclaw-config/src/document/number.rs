//! Numbers as JavaScript has them: every one is a double.

use serde_json::{Number, Value};

/// How many hexadecimal digits a `u128` holds.
const WIDE: usize = 32;

/// Reads digits that follow `0x`.
pub(super) fn hexadecimal(digits: &str) -> f64 {
    let digits = digits.trim_start_matches('0');
    let (head, rest) = digits.split_at_checked(WIDE).unwrap_or((digits, ""));
    let mut leading = u128::from_str_radix(head, 16).unwrap_or(0);
    // A double is rounded once, so that what is cut off has to be seen by the rounding.
    if rest.bytes().any(|digit| digit != b'0') {
        leading |= 1;
    }
    let Ok(leading) = leading.to_string().parse::<f64>() else {
        return f64::NAN;
    };
    (0..rest.len()).fold(leading, |number, _| number * 16.0)
}

/// Returns a number as JSON has it: an integer when it is one; `null` when it is not finite.
pub(super) fn value(number: f64) -> Value {
    if number == 0.0 {
        return Value::from(0);
    }
    if number.fract() == 0.0 && number.abs() < 1e20 {
        let text = format!("{number:.0}");
        if let Ok(integer) = text.parse::<u64>() {
            return Value::from(integer);
        }
        if let Ok(integer) = text.parse::<i64>() {
            return Value::from(integer);
        }
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Returns how a JSON number is written: as JavaScript does where the two can differ.
pub(super) fn text(number: &Number) -> String {
    match number.as_f64().map(value) {
        Some(Value::Number(plain)) if number.is_f64() => plain.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_numbers_are_integers_up_to_what_64_bits_hold() {
        let numbers = [-0.0, 5.0, -7.0, 1e19, 1e20, 0.5, f64::INFINITY, f64::NAN];
        assert_eq!(
            numbers.map(value),
            [
                json!(0),
                json!(5),
                json!(-7),
                json!(10_000_000_000_000_000_000_u64),
                json!(1e20),
                json!(0.5),
                Value::Null,
                Value::Null
            ]
        );
    }

    #[test]
    fn hexadecimal_numbers_are_rounded_once() {
        let bits = |digits: &str| hexadecimal(digits).to_bits();
        let two: f64 = 2.0;
        assert_eq!(bits("ff"), 255.0_f64.to_bits());
        assert_eq!(bits("20000000000001"), two.powi(53).to_bits());
        assert_eq!(
            bits("200000000000010000000000000000000000000000000000001"),
            (two.powi(201) + two.powi(149)).to_bits()
        );
        assert_eq!(bits("000"), 0.0_f64.to_bits());
        assert_eq!(bits(&"f".repeat(400)), f64::INFINITY.to_bits());
    }
}
