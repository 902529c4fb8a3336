//! What is known about the terminal, if there is one.

use std::borrow::Cow;
use std::io::IsTerminal;

use clap::ValueEnum;
use openclaw_core::env::{CLICOLOR_FORCE, Env, NO_COLOR, TERM};
use owo_colors::{OwoColorize as _, Style};

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a piece of text stands out, where colours are wanted; it never carries the meaning alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Headings and names.
    Strong,
    /// What matters less.
    Dim,
    /// What went well.
    Good,
    /// What went wrong.
    Bad,
    /// What may be wrong.
    Doubtful,
}

/// One of the two streams that text goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    /// Whether a person sees it at once.
    pub(crate) terminal: bool,
    /// Whether it takes colours.
    pub(crate) color: bool,
    /// How many columns it has; none when it is no terminal.
    pub(crate) width: Option<u16>,
}

impl Face {
    /// Looks at a stream.
    pub(crate) fn of(stream: &(impl IsTerminal + Columns), when: ColorWhen, env: &Env) -> Self {
        let terminal = stream.is_terminal();
        let reader = if terminal {
            Reader::Person
        } else {
            Reader::Program
        };
        Self {
            terminal,
            color: colored(when, env, reader),
            width: stream.columns().filter(|_| terminal),
        }
    }

    /// Makes text stand out, if the stream takes colours.
    pub(crate) fn paint(self, look: Look, text: &str) -> Cow<'_, str> {
        if !self.color {
            return Cow::Borrowed(text);
        }
        let style = match look {
            Look::Strong => Style::new().bold(),
            Look::Dim => Style::new().dimmed(),
            Look::Good => Style::new().green(),
            Look::Bad => Style::new().red().bold(),
            Look::Doubtful => Style::new().yellow().bold(),
        };
        Cow::Owned(text.style(style).to_string())
    }
}

/// Who reads a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Somebody at a terminal.
    Person,
    /// A pipe or a file.
    Program,
}

/// A stream that may know how wide it is.
pub(crate) trait Columns {
    /// Returns the number of columns.
    fn columns(&self) -> Option<u16>;
}

#[cfg(unix)]
impl<T: std::os::fd::AsFd> Columns for T {
    fn columns(&self) -> Option<u16> {
        let size = rustix::termios::tcgetwinsize(self).ok()?;
        Some(size.ws_col).filter(|columns| *columns > 0)
    }
}

#[cfg(not(unix))]
impl<T> Columns for T {
    fn columns(&self) -> Option<u16> {
        None
    }
}

/// A flag decides first, then `NO_COLOR` (<https://no-color.org>), `CLICOLOR_FORCE`, `TERM`.
fn colored(when: ColorWhen, env: &Env, reader: Reader) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if env.get_os(NO_COLOR.name).is_some() => false,
        ColorWhen::Auto
            if env
                .get(CLICOLOR_FORCE.name)
                .is_some_and(|value| value != "0") =>
        {
            true
        }
        ColorWhen::Auto => reader == Reader::Person && env.get(TERM.name) != Some("dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(variables: &[(&str, &str)], reader: Reader) -> bool {
        colored(
            ColorWhen::Auto,
            &variables.iter().copied().collect(),
            reader,
        )
    }

    #[test]
    fn colours_follow_the_reader_and_the_environment() {
        let (person, program) = (Reader::Person, Reader::Program);
        assert!(auto(&[], person) && !auto(&[], program));
        assert!(!auto(&[("TERM", "dumb")], person));
        assert!(auto(&[("CLICOLOR_FORCE", "1")], program));
        assert!(!auto(&[("CLICOLOR_FORCE", "0")], program));
        assert!(!auto(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], person));
        assert!(
            auto(&[("NO_COLOR", "")], person),
            "an empty NO_COLOR says nothing"
        );
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let env = |name: &str| [(name, "1")].into_iter().collect();
        assert!(colored(
            ColorWhen::Always,
            &env("NO_COLOR"),
            Reader::Program
        ));
        assert!(!colored(
            ColorWhen::Never,
            &env("CLICOLOR_FORCE"),
            Reader::Person
        ));
    }

    #[test]
    fn text_is_painted_only_where_colours_are_wanted() {
        let face = |color| Face {
            terminal: true,
            color,
            width: None,
        };
        assert_eq!(face(false).paint(Look::Bad, "x"), "x");
        assert!(face(true).paint(Look::Bad, "x").starts_with('\u{1b}'));
    }
}
