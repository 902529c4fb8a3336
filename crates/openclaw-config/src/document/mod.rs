//! One JSON5 file, with the place of every value and every byte of its formatting.
