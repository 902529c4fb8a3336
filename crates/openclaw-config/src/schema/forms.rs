//! Forms of text that OpenClaw checks by code, so that its printed schema does not show them.

/// A program is asked for nothing longer.
const LONGEST_ID: usize = 256;

/// Tells whether a text names the place of a secret in a file.
pub(crate) fn is_file_id(id: &str) -> bool {
    let escaped = |segment: &str| {
        let mut parts = segment.split('~').skip(1);
        parts.all(|after| after.starts_with(['0', '1']))
    };
    id == "value"
        || id
            .strip_prefix('/')
            .is_some_and(|id| id.split('/').all(escaped))
}

/// Tells whether a text is what a program can be asked for.
pub(crate) fn is_program_id(id: &str) -> bool {
    let usable = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | ':' | '/' | '#' | '-')
    };
    id.len() <= LONGEST_ID
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.chars().all(usable)
        && !id.split('/').any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_file_is_a_json_pointer() {
        assert!(is_file_id("value") && is_file_id("/a/b~1c") && is_file_id("/"));
        assert!(!is_file_id("a/b") && !is_file_id("/a~2") && !is_file_id("/a~"));
    }

    #[test]
    fn a_program_is_asked_for_a_plain_path() {
        assert!(is_program_id("vault/openai/api-key#x"));
        assert!(!is_program_id("vault/../x") && !is_program_id("/x") && !is_program_id(""));
    }
}
