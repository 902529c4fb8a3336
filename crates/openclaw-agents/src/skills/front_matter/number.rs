//! Numbers as JavaScript prints them, because OpenClaw turns `version: 1.10` into the text `1.1`.

/// From here on, JavaScript prints powers of ten.
const LARGE: f64 = 1e21;
/// Up to here, JavaScript prints powers of ten.
const SMALL: f64 = 1e-6;

/// Returns a number's text.
pub(super) fn text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        let sign = if number.is_sign_negative() { "-" } else { "" };
        return format!("{sign}Infinity");
    }
    // There is no negative zero in text.
    let number = if number == 0.0 { 0.0 } else { number };
    let size = number.abs();
    if size == 0.0 || (SMALL..LARGE).contains(&size) {
        return number.to_string();
    }
    let powers = format!("{number:e}");
    match powers.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => powers,
    }
}

/// Returns the number that a plain scalar is in YAML's core schema, if it is one.
pub(super) fn parse(text: &str) -> Option<f64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            let infinity = f64::INFINITY;
            return Some(if text.starts_with('-') {
                -infinity
            } else {
                infinity
            });
        }
        _ => {}
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(f64::NAN);
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (mantissa, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = !(whole.is_empty() && fraction.is_empty());
    let power = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    (has_digits && digits(whole) && digits(fraction) && power)
        .then(|| text.parse().ok())
        .flatten()
}

fn radix(digits: &str, radix: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0.0, |number, c| {
        Some(number * f64::from(radix) + f64::from(c.to_digit(radix)?))
    })
}
