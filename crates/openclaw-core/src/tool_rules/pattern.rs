//! Patterns in which `*` stands for any run of characters.

use std::fmt;

/// What a shell reads as more than a part of a word.
const SHELL: &[char] = &[
    ';', '&', '|', '<', '>', '$', '`', '(', ')', '{', '}', '#', '\n', '\r', '\\',
];

/// Names that mean another tool, as OpenClaw knows them.
const ALIASES: [(&str, &str); 3] = [
    ("bash", "exec"),
    ("apply-patch", "apply_patch"),
    ("cron", "automations"),
];

/// A text, or the outline of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Makes a pattern of what somebody wrote, as it stands.
    pub fn exact(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Makes a pattern of a name, which is compared without regard to case.
    pub fn name(text: &str) -> Self {
        Self(folded(text))
    }

    /// Tells whether a text fits.
    pub fn fits(&self, text: &str) -> bool {
        let mut pieces = self.0.split('*');
        let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
            return false;
        };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match rest.split_once(piece) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    /// Tells whether a name fits, whatever its case.
    pub fn fits_name(&self, name: &str) -> bool {
        self.fits(&folded(name))
    }

    /// Tells whether a command fits, and what stands for a `*` in it does not begin another one.
    ///
    /// Every character of the pattern stands in what fits, so what is left over is what the stars
    /// stand for.
    pub fn fits_command(&self, command: &str) -> bool {
        let special = |text: &str| text.matches(SHELL).count();
        self.fits(command) && special(command) == special(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns a name without surrounding blanks, in lower case.
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Returns the name under which a tool stands in lists.
pub fn list_name(tool: &str) -> String {
    let tool = folded(tool);
    let alias = ALIASES.iter().find(|(alias, _)| *alias == tool);
    alias.map_or(tool, |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_of_characters() {
        for (pattern, text, fits) in [
            ("exec", "exec", true),
            ("exec", "execute", false),
            ("exec*", "exec", true),
            ("*", "", true),
            ("*", "anything", true),
            ("web_*", "web_fetch", true),
            ("web_*", "x_web_fetch", false),
            ("*_fetch", "web_fetch", true),
            ("s*_s*d", "sessions_send", true),
            ("a*a", "a", false),
            ("a*b*b", "ab", false),
            ("a**b", "ab", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::exact(pattern).fits(text), fits, "{pattern} {text}");
        }
        assert!(Pattern::name(" Web_* ").fits_name("WEB_search"));
    }

    #[test]
    fn a_star_in_an_allowed_command_begins_no_other_one() {
        let git = Pattern::exact("git *");
        for command in ["git status", "git log --oneline -3", "git commit -m 'a b'"] {
            assert!(git.fits_command(command), "{command}");
        }
        for command in [
            "git status; rm -rf .",
            "git status && curl evil",
            "git log | sh",
            "git show > x",
            "git $(id)",
            "git `id`",
            "git log\nid",
            "git $HOME",
            "rm",
        ] {
            assert!(!git.fits_command(command), "{command}");
        }
        let piped = Pattern::exact("git log | head *");
        assert!(piped.fits_command("git log | head -3"));
        assert!(!piped.fits_command("git log | head -3 | sh"));
    }
}
