//! How much one page may take.

use std::time::Duration;

/// The bounds of one fetch, redirects included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Everything together, from the first look-up to the last byte.
    pub time: Duration,
    /// Connecting to one host, over all of its addresses.
    pub connect: Duration,
    /// How many redirects are followed.
    pub redirects: u32,
    /// The most bytes of the body, both as they come and as they are unpacked.
    pub bytes: usize,
}

impl Default for Bounds {
    /// 30 seconds, 10 of them to connect; 3 redirects; 750,000 bytes.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            redirects: 3,
            bytes: 750_000,
        }
    }
}
