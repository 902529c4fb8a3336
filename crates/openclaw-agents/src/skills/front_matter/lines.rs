//! A block of front matter, read line by line: `key: the rest of the line`.

use std::collections::BTreeMap;

use super::FREE_TEXT;

/// Returns the keys at the beginning of lines, with what follows them.
///
/// A key with nothing behind it has the indented lines below it. A key without text is left out.
pub(super) fn fields(block: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut lines = block.split('\n').peekable();
    while let Some(line) = lines.next() {
        let Some((key, rest)) = key_and_rest(line) else {
            continue;
        };
        let rest = rest.trim();
        let text = if rest.is_empty() && lines.peek().is_some_and(|next| is_indented(next)) {
            let mut below = Vec::new();
            while let Some(next) = lines.next_if(|next| next.is_empty() || is_indented(next)) {
                below.push(next);
            }
            below.join("\n").trim().to_owned()
        } else {
            unquoted(rest).to_owned()
        };
        if !text.is_empty() {
            fields.insert(key.to_owned(), text);
        }
    }
    fields
}

/// Tells whether a colon follows `key:` on the line of the key that begins at `offset`.
pub(super) fn has_colon_after_key(block: &str, offset: usize, key: &str) -> bool {
    let line = block.get(offset..).and_then(|rest| rest.lines().next());
    line.and_then(key_and_rest)
        .is_some_and(|(found, rest)| found == key && rest.contains(':'))
}

/// Returns the block with the free text that breaks it at line `at` (from 1) in quotes.
///
/// That is the text on this line, or else the nearest above it; nothing if there is none that is
/// not quoted already.
pub(super) fn quote_free_text(block: &str, at: usize) -> Option<String> {
    let mut lines: Vec<&str> = block.split('\n').collect();
    let (index, quoted) = lines
        .iter()
        .enumerate()
        .take(at)
        .rev()
        .find_map(|(index, line)| Some((index, quoted(line)?)))?;
    *lines.get_mut(index)? = &quoted;
    Some(lines.join("\n"))
}

fn quoted(line: &str) -> Option<String> {
    let (key, rest) = key_and_rest(line).or_else(|| quoted_key_and_rest(line))?;
    let text = rest.trim();
    let free = FREE_TEXT.contains(&key) && !text.is_empty() && !is_block_header(text);
    if !free || (key != "description" && !text.contains(": ")) {
        return None;
    }
    let quoted = format!("{key}: {}", serde_json::Value::from(unquoted(text)));
    (quoted != line).then_some(quoted)
}

fn key_and_rest(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(':')?;
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!key.is_empty() && key.chars().all(legal)).then_some((key, rest))
}

fn quoted_key_and_rest(line: &str) -> Option<(&str, &str)> {
    ['"', '\''].into_iter().find_map(|quote| {
        let (key, rest) = line.strip_prefix(quote)?.split_once(quote)?;
        Some((key, rest.strip_prefix(':')?))
    })
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

/// Tells whether a text is only the beginning of a block scalar, such as `|-` or `>2`.
fn is_block_header(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['|', '>']) else {
        return false;
    };
    let mut signs = 0;
    let mut digits = 0;
    for c in rest.chars() {
        match c {
            '+' | '-' => signs += 1,
            '1'..='9' => digits += 1,
            _ => return false,
        }
    }
    signs <= 1 && digits <= 1
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.starts_with(quote) && text.ends_with(quote) {
            let inner = text.strip_prefix(quote).unwrap_or(text);
            return inner.strip_suffix(quote).unwrap_or(inner);
        }
    }
    text
}
