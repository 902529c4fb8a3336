//! Secrets in addresses.
//!
//! An address ends up in logs, in the history of a browser, and in the `Referer` of the next
//! request. So a request that carries a secret there is refused even when the secret is good:
//! whoever sends it finds out at once, and not when somebody else has found it.

use openclaw_core::access::tokens::ISSUED;
use openclaw_core::redaction;

/// What parameters are called that carry a secret, without what separates words.
const SECRETS: [&str; 18] = [
    "accesstoken",
    "apikey",
    "apitoken",
    "auth",
    "authorization",
    "authtoken",
    "bearer",
    "bearertoken",
    "credential",
    "gatewaytoken",
    "jwt",
    "passwd",
    "password",
    "refreshtoken",
    "secret",
    "sessiontoken",
    "token",
    "xapikey",
];

/// Tells whether a query has a parameter that is called like a secret, or one that is a secret.
pub(super) fn has_a_secret(query: &str) -> bool {
    let named = query
        .split(['&', ';'])
        .filter_map(|pair| pair.split('=').next())
        .any(|name| SECRETS.contains(&plain(name).as_str()));
    named || query.contains(ISSUED) || redaction::mask(query) != query
}

/// Returns a name in lower case, with its escapes resolved and its separators left out.
fn plain(name: &str) -> String {
    let mut rest = name.bytes();
    let mut plain = String::new();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => unescaped(rest.next(), rest.next()),
            byte => Some(byte),
        };
        match byte.map(char::from) {
            Some(c) if c.is_ascii_alphanumeric() => plain.push(c.to_ascii_lowercase()),
            // `access_token`, `access-token` and `auth[token]` are the same to a reader.
            _ => {}
        }
    }
    plain
}

fn unescaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_however_they_are_spelled() {
        for query in [
            "token=x",
            "a=b&token=x",
            "TOKEN",
            "access_token=x",
            "Access-Token=x",
            "%74oken=x",
            "tok%65n=x",
            "auth=x",
            "password=",
            "apiKey=x",
            "a;token=x",
            "auth[token]=x",
        ] {
            assert!(has_a_secret(query), "{query}");
        }
        for query in [
            "",
            "a=token",
            "tokens=5",
            "max_tokens=5",
            "author=me",
            "%",
            "%7",
            "%zz=1",
        ] {
            assert!(!has_a_secret(query), "{query}");
        }
    }
}
