//! Durations and sizes as people write them: `30d`, `500mb`.

use std::time::Duration;

use openclaw_core::Kind;

/// The most digits after the point that are read; further ones would change nothing.
const MAX_DECIMALS: usize = 9;

/// Milliseconds in each unit; a number alone means days, as in OpenClaw's config.
const DURATIONS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("", 86_400_000),
];

/// Bytes in each unit; a number alone means bytes, and a kilobyte has 1024, as in OpenClaw's config.
const SIZES: &[(&str, u64)] = &[
    ("b", 1),
    ("", 1),
    ("k", 1 << 10),
    ("kb", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1 << 30),
    ("t", 1 << 40),
    ("tb", 1 << 40),
];

/// Why a text is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It is no duration.
    #[error("`{0}` is no duration: write a number and one of ms, s, m, h, d, such as `30d`")]
    Duration(String),
    /// It is no size.
    #[error("`{0}` is no size: write a number and one of b, kb, mb, gb, tb, such as `500mb`")]
    Size(String),
}

impl QuantityError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

/// Reads a duration such as `90d`, `1.5h` or `30` (days).
///
/// ```
/// use openclaw_config::parse_duration;
/// use std::time::Duration;
///
/// assert_eq!(parse_duration("1.5h")?, Duration::from_secs(5400));
/// # Ok::<(), openclaw_config::QuantityError>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    scaled(text, DURATIONS)
        .map(Duration::from_millis)
        .ok_or_else(|| QuantityError::Duration(excerpt(text)))
}

/// Reads a size in bytes such as `500mb`, `1.5 GB` or `4096`.
///
/// ```
/// use openclaw_config::parse_size;
///
/// assert_eq!(parse_size("1.5kb")?, 1536);
/// # Ok::<(), openclaw_config::QuantityError>(())
/// ```
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    scaled(text, SIZES).ok_or_else(|| QuantityError::Size(excerpt(text)))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let unit = unit.trim_start();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let (whole, decimals) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some((whole, decimals)) => (whole, decimals),
        None => (number, ""),
    };
    if decimals.len() > MAX_DECIMALS {
        return None;
    }
    let factor = u128::from(*factor);
    let whole = u128::from(whole.parse::<u64>().ok()?);
    let part = match decimals {
        "" => 0,
        decimals => {
            let parts = u128::from(decimals.parse::<u64>().ok()?);
            let of = 10_u128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
            parts.checked_mul(factor)?.checked_div(of)?
        }
    };
    let sum = whole.checked_mul(factor)?.checked_add(part)?;
    u64::try_from(sum).ok()
}

fn excerpt(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_have_the_units_of_openclaw() {
        let seconds = |text: &str| parse_duration(text).map(|duration| duration.as_secs());
        for (text, expected) in [
            ("30d", 2_592_000),
            ("30", 2_592_000),
            ("0.5 h", 1800),
            ("2M", 120),
            ("45s", 45),
            ("1500ms", 1),
            ("0", 0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn sizes_count_in_steps_of_1024() {
        for (text, expected) in [
            ("500mb", 500 << 20),
            ("1 GB", 1 << 30),
            ("1.5k", 1536),
            ("7", 7),
            ("2tb", 2 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_said_to_be_none() {
        for text in [
            "", "d", "-1d", "1.d", ".5d", "1.2.3d", "1y", "1mb", "1e3", "１d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for text in ["", "mb", "-1mb", "1d", "99999999tb", "1.1234567890gb"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(
            parse_duration("soon").unwrap_err().to_string(),
            "`soon` is no duration: write a number and one of ms, s, m, h, d, such as `30d`"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in any::<String>()) {
            drop((parse_duration(&text), parse_size(&text)));
        }

        #[test]
        fn a_number_of_bytes_is_itself(bytes in any::<u64>()) {
            prop_assert_eq!(parse_size(&bytes.to_string()), Ok(bytes));
        }
    }
}
