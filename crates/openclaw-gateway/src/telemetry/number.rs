//! Whole numbers as the metrics have them.

/// Returns a whole number as floating point, which is exact up to 2^53.
pub(super) fn float(n: u64) -> f64 {
    const HALF: f64 = 4_294_967_296.0;
    let part = |n: u64| u32::try_from(n & u64::from(u32::MAX)).map_or(0.0, f64::from);
    part(n >> 32).mul_add(HALF, part(n))
}

/// Returns milliseconds in seconds.
pub(super) fn seconds(ms: u64) -> f64 {
    float(ms) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "they are exact")]
    fn whole_numbers_stay_what_they_are() {
        assert_eq!(float(0), 0.0);
        assert_eq!(float(1 << 53), 9_007_199_254_740_992.0);
        assert_eq!(seconds(1_500), 1.5);
    }
}
