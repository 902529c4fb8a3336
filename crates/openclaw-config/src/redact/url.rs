//! Credentials in URLs.

/// Query parameters that carry a credential, lower case and with `_` for `-`.
const SECRET_PARAMETERS: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "app_secret",
    "auth",
    "auth_token",
    "authorization",
    "client_secret",
    "code",
    "credential",
    "hook_token",
    "id_token",
    "jwt",
    "key",
    "pass",
    "passwd",
    "password",
    "private_key",
    "refresh_token",
    "secret",
    "session",
    "sig",
    "signature",
    "token",
    "x_access_token",
    "x_amz_security_token",
    "x_amz_signature",
    "x_api_key",
    "x_auth_token",
];

/// How often a text is decoded in search of what it hides.
const MAX_LAYERS: usize = 8;

/// Tells whether a URL, or one inside of it, carries a credential.
///
/// # Security
/// What cannot be decoded to its end counts as a secret.
pub(super) fn has_secret(text: &str) -> bool {
    let mut text = text.to_owned();
    for _ in 0..MAX_LAYERS {
        if has_user(&text) || has_secret_parameter(&text) || has_bot_token(&text) {
            return true;
        }
        match decoded(&text) {
            Some(next) if next != text => text = next,
            Some(_) => return false,
            None => return true,
        }
    }
    true
}

/// Tells whether a text has a URL with user and password in it.
pub(super) fn has_password(text: &str) -> bool {
    authorities(text).any(|authority| {
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.is_some_and(|user| {
            user.split_once(':')
                .is_some_and(|(_, password)| !password.is_empty())
        })
    })
}

fn has_user(text: &str) -> bool {
    authorities(text).any(|authority| authority.contains('@'))
}

/// What stands between `//` and the path.
fn authorities(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("//").filter_map(|(at, slashes)| {
        let rest = text.get(at.checked_add(slashes.len())?..)?;
        rest.split(|c: char| matches!(c, '/' | '?' | '#' | '\\') || c.is_whitespace())
            .next()
    })
}

fn has_secret_parameter(text: &str) -> bool {
    let pairs = text.split(['?', '&', '#', ';']).skip(1);
    pairs
        .filter_map(|pair| pair.split_once('='))
        .any(|(name, _)| {
            let name = name.trim_matches('+').to_lowercase().replace('-', "_");
            let tail = name.rsplit("token_").next().unwrap_or_default();
            let scoped = tail.len() >= 16
                && tail.len() < name.len()
                && tail.chars().all(|c| c.is_ascii_hexdigit());
            SECRET_PARAMETERS.contains(&name.as_str()) || name.ends_with("_token") || scoped
        })
}

/// The path of Telegram's API begins with `/bot<number>:<token>`.
fn has_bot_token(text: &str) -> bool {
    text.to_lowercase().match_indices("/bot").any(|(at, bot)| {
        let rest = text.get(at.saturating_add(bot.len())..).unwrap_or_default();
        let (number, rest) = rest.split_once(':').unwrap_or_default();
        let token = rest.split('/').next().unwrap_or_default();
        number.len() >= 6 && number.chars().all(|c| c.is_ascii_digit()) && token.len() >= 20
    })
}

/// Undoes one layer of percent-encoding; `None` where that leaves no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut ahead = rest.clone();
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        match (digit(ahead.next()), digit(ahead.next())) {
            (Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).ok()?);
                rest = ahead;
            }
            // A `%` that encodes nothing is one.
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
