//! Reading fields of known lengths from the front of some bytes.

/// What has not been read yet.
#[derive(Debug)]
pub(super) struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// Takes a field of `N` bytes, if there are so many.
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    /// Returns what is left.
    pub(super) const fn rest(&self) -> &'b [u8] {
        self.0
    }
}
