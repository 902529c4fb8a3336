//! Lists of which not every entry can be read.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Party;

/// A list as a server sends it. What is none of its entries is left out and counted: one that makes
/// no sense must not take the others with it.
#[derive(Debug)]
pub(crate) struct Entries<T> {
    known: Vec<T>,
    odd: usize,
}

impl<T> Entries<T> {
    /// Returns the entries; that there are others goes into the log.
    pub(crate) fn known(self, party: &Party) -> Vec<T> {
        if self.odd > 0 {
            tracing::warn!(provider = %party.id, left_out = self.odd, "the provider's list of models has entries that make no sense");
        }
        self.known
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            odd: 0,
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entries = Self::default();
        for entry in Vec::<Value>::deserialize(deserializer)? {
            match serde_json::from_value(entry) {
                Ok(entry) => entries.known.push(entry),
                Err(_what) => entries.odd = entries.odd.saturating_add(1),
            }
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_makes_no_sense_is_counted_and_the_others_are_read() {
        let read = |json| serde_json::from_str::<Entries<Vec<u8>>>(json);
        let entries = read(r#"[[1], {"id": 5}, null, [2], "a", [-1]]"#).unwrap();
        assert_eq!((entries.known, entries.odd), (vec![vec![1], vec![2]], 4));
        assert!(read(r#"{"a": []}"#).is_err());
    }
}
