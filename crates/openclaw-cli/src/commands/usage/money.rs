//! Money and tokens, as people read them.

/// Returns an amount of US dollars: cents, or more digits where there are none.
pub(super) fn usd(usd: f64) -> String {
    if usd == 0.0 || usd.abs() >= 0.1 {
        format!("${usd:.2}")
    } else {
        format!("${usd:.6}")
    }
}

/// Returns a number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns how many things there are, in words.
pub(super) fn number_of(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", count(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_are_not_rounded_to_nothing() {
        assert_eq!(
            [usd(0.0), usd(0.0123), usd(12.345), usd(0.000_001)],
            ["$0.00", "$0.012300", "$12.35", "$0.000001"].map(str::to_owned)
        );
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(12_345_678)],
            ["0", "999", "1,000", "12,345,678"].map(str::to_owned)
        );
        assert_eq!(number_of(1, "call"), "1 call");
    }
}
