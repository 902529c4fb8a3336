//! Reads what the user wants from the offline model.

/// What the user wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To see the files of a folder.
    List { path: String },
    /// To have commands run, side by side.
    Run { commands: Vec<String> },
    /// To have something noted.
    Remember { line: String },
    /// To see what was noted.
    Recall,
    /// To see a file.
    Read { path: String },
    /// To have a file written.
    Write { path: String, content: String },
    /// Something that is not in the script.
    Else,
}

impl Wish {
    pub(super) fn of(text: &str) -> Self {
        let text = ["please", "can you", "could you"]
            .into_iter()
            .find_map(|polite| after(text.trim(), polite))
            .unwrap_or(text.trim());
        recall(text)
            .or_else(|| list(text))
            .or_else(|| run(text))
            .or_else(|| remember(text))
            .or_else(|| write(text))
            .or_else(|| read(text))
            .unwrap_or(Self::Else)
    }
}

fn recall(text: &str) -> Option<Wish> {
    after(text, "what do you remember").map(|_| Wish::Recall)
}

fn list(text: &str) -> Option<Wish> {
    let rest = after(text, "list")?;
    let rest = after(rest, "the").unwrap_or(rest);
    let rest = after(rest, "files")?;
    let path = after(rest, "in")
        .map(file_name)
        .filter(|path| !path.is_empty());
    Some(Wish::List {
        path: path.unwrap_or_else(|| ".".to_owned()),
    })
}

fn run(text: &str) -> Option<Wish> {
    let rest = after(text, "run")?;
    let quoted = rest.split('`').skip(1).step_by(2).map(str::trim);
    let mut commands = quoted
        .filter(|command| !command.is_empty())
        .map(str::to_owned)
        .collect::<Vec<_>>();
    if commands.is_empty() {
        let plain = rest.strip_prefix(':')?.trim();
        commands.extend((!plain.is_empty()).then(|| plain.to_owned()));
    }
    (!commands.is_empty()).then_some(Wish::Run { commands })
}

fn remember(text: &str) -> Option<Wish> {
    let rest = after(text, "remember")?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let line = rest.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(Wish::Remember { line })
}

fn read(text: &str) -> Option<Wish> {
    let path = file_name(after(text, "read")?);
    let is_one_word = !path.is_empty() && !path.contains(char::is_whitespace);
    is_one_word.then_some(Wish::Read { path })
}

fn write(text: &str) -> Option<Wish> {
    let (path, content) = after(text, "write")?.split_once(':')?;
    let path = file_name(path);
    (!path.is_empty()).then(|| Wish::Write {
        path,
        content: content.trim().to_owned(),
    })
}

/// Returns what follows `word` at the start of the text, without the white space between.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    let ends_there = !rest.starts_with(char::is_alphanumeric);
    (start.eq_ignore_ascii_case(word) && ends_there).then(|| rest.trim_start())
}

fn file_name(text: &str) -> String {
    let name = text.trim().trim_end_matches(['?', '!']);
    name.trim_matches('`').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_its_script_and_nothing_else() {
        let list = |path: &str| Wish::List { path: path.into() };
        let run = |commands: &[&str]| Wish::Run {
            commands: commands.iter().map(|&command| command.to_owned()).collect(),
        };
        let read = |path: &str| Wish::Read { path: path.into() };
        for (text, wish) in [
            ("list the files here", list(".")),
            ("List files", list(".")),
            ("list the files in `docs`?", list("docs")),
            ("run `ls -la`", run(&["ls -la"])),
            ("Please run `a` and `b`, then `c`.", run(&["a", "b", "c"])),
            ("run: echo hi", run(&["echo hi"])),
            ("run away", Wish::Else),
            ("runner `x`", Wish::Else),
            ("what do you remember?", Wish::Recall),
            (
                "remember that tea\n is green",
                Wish::Remember {
                    line: "that tea is green".into(),
                },
            ),
            ("remember", Wish::Else),
            ("read notes.md", read("notes.md")),
            ("read me a story", Wish::Else),
            (
                "write a/b.txt: one\ntwo",
                Wish::Write {
                    path: "a/b.txt".into(),
                    content: "one\ntwo".into(),
                },
            ),
            ("", Wish::Else),
            ("grüß dich", Wish::Else),
        ] {
            assert_eq!(Wish::of(text), wish, "{text}");
        }
    }
}
