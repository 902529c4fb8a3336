//! Who a request goes to, and in whose name, told apart without being told.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use openclaw_core::ApiKey;

/// What fingerprints are made with; it is another one in each process, and never written down.
static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Tells a provider's address and key from others that have, or had, the same names.
///
/// # Security
/// There are fingerprints in it that mean nothing outside of this process, never the key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    address: u64,
    key: u64,
}

impl Identity {
    /// Makes the identity of an address that is shown these secrets.
    #[expect(
        clippy::disallowed_methods,
        reason = "a fingerprint that only this process can make says nothing about the secret"
    )]
    pub(crate) fn of<'a>(
        address: &str,
        secrets: impl IntoIterator<Item = &'a Arc<ApiKey>>,
    ) -> Self {
        let mut key = SECRET.build_hasher();
        for secret in secrets {
            secret.expose_secret().hash(&mut key);
        }
        Self {
            address: SECRET.hash_one(address.trim_end_matches('/')),
            key: key.finish(),
        }
    }

    /// Returns the identity of the address, whatever the key.
    pub(crate) const fn of_address(self) -> Self {
        Self { key: 0, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_or_address_is_somebody_else_and_neither_is_shown() {
        let of = |address: &str, key: &str| {
            Identity::of(address, [&Arc::new(ApiKey::new(key.to_owned()))])
        };
        let one = of("https://a.example/v1", "sk-canary");
        assert_eq!(one, of("https://a.example/v1/", "sk-canary"));
        for other in [
            of("https://b.example/v1", "sk-canary"),
            of("https://a.example/v1", "sk-other"),
            Identity::of("https://a.example/v1", []),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(
            one.of_address(),
            of("https://a.example/v1", "sk-other").of_address()
        );
        assert!(!format!("{one:?}").contains("canary"));
    }
}
