//! `${NAME}` in strings: filled in from the environment.

use openclaw_core::env::Env;

/// A place in a string where a variable is named.
enum Token<'a> {
    /// `${NAME}`.
    Reference(&'a str),
    /// `$${NAME}`, which stands for `${NAME}` itself.
    Escaped(&'a str),
}

/// What became of a string.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    /// The string with its variables filled in; one that is missing stays as it was written.
    pub(super) text: String,
    /// The variables that were filled in.
    pub(super) used: Vec<String>,
    /// The variables that are not set, or empty.
    pub(super) missing: Vec<String>,
}

/// Fills in the variables of a string; `None` when it names none.
pub(super) fn fill(written: &str, env: &Env) -> Option<Filled> {
    if !written.contains("${") {
        return None;
    }
    let mut filled = Filled::default();
    let mut rest = written;
    while let Some((before, from)) = rest.find('$').and_then(|at| rest.split_at_checked(at)) {
        filled.text.push_str(before);
        let Some((token, length)) = token(from) else {
            filled.text.push('$');
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        match token {
            Token::Escaped(name) => filled.text.extend(["${", name, "}"]),
            Token::Reference(name) => {
                if let Some(value) = env.get(name) {
                    filled.text.push_str(value);
                    filled.used.push(name.to_owned());
                } else {
                    filled.text.extend(["${", name, "}"]);
                    filled.missing.push(name.to_owned());
                }
            }
        }
        rest = from.get(length..).unwrap_or_default();
    }
    filled.text.push_str(rest);
    Some(filled)
}

/// Returns whether a string names a variable that would be filled in.
pub(super) fn has_reference(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, from)) = rest.find('$').and_then(|at| rest.split_at_checked(at)) {
        let length = match token(from) {
            Some((Token::Reference(_), _)) => return true,
            Some((Token::Escaped(_), length)) => length,
            None => 1,
        };
        rest = from.get(length..).unwrap_or_default();
    }
    false
}

/// Reads what a text begins with; returns it and how many bytes it takes.
fn token(text: &str) -> Option<(Token<'_>, usize)> {
    let named = |prefix: &str| {
        let name = text.strip_prefix(prefix)?.split_once('}')?.0;
        let length = prefix.len().saturating_add(name.len()).saturating_add(1);
        is_name(name).then_some((name, length))
    };
    if let Some((name, length)) = named("$${") {
        return Some((Token::Escaped(name), length));
    }
    named("${").map(|(name, length)| (Token::Reference(name), length))
}

/// Only names in upper case are taken for variables.
fn is_name(name: &str) -> bool {
    let digit_first = name.starts_with(|first: char| first.is_ascii_digit());
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && !digit_first && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(written: &str) -> Option<(String, String, String)> {
        let env = Env::from_iter([("A", "1"), ("B_2", "${A}"), ("EMPTY", "")]);
        let filled = fill(written, &env)?;
        Some((filled.text, filled.used.join(" "), filled.missing.join(" ")))
    }

    fn expected(text: &str, used: &str, missing: &str) -> (String, String, String) {
        (text.to_owned(), used.to_owned(), missing.to_owned())
    }

    #[test]
    fn variables_are_filled_in_once() {
        assert_eq!(
            filled("x${A}y${B_2}"),
            Some(expected("x1y${A}", "A B_2", ""))
        );
        assert_eq!(filled("$${A}$$${A}"), Some(expected("${A}$${A}", "", "")));
        assert_eq!(
            filled("$A ${a} ${1} ${} ${A"),
            Some(expected("$A ${a} ${1} ${} ${A", "", ""))
        );
        assert_eq!(
            filled("${X}-${EMPTY}"),
            Some(expected("${X}-${EMPTY}", "", "X EMPTY"))
        );
        assert_eq!(filled("${A ${A}"), Some(expected("${A 1", "A", "")));
        assert_eq!(filled("plain $"), None);
    }

    #[test]
    fn an_escaped_reference_is_none() {
        assert!(has_reference("a${A}") && has_reference("$${A}${B}"));
        assert!(!has_reference("$${A}") && !has_reference("${a}$"));
    }
}
