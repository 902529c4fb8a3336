//! What a page is about, out of all its blocks, and how that is written.

use super::html::{Block, Form, Html, Kind};

/// How many letters have to be left for a choice to stand: below that, more is shown.
const ENOUGH: usize = 280;

/// Which of the blocks were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tools) enum Extractor {
    /// What the page itself calls its main part, or what is left without menus.
    Readability,
    /// Everything: too little would have been left.
    Whole,
}

impl Extractor {
    pub(in crate::tools) const fn name(self) -> &'static str {
        match self {
            Self::Readability => "readability",
            Self::Whole => "whole-page",
        }
    }
}

/// Returns the text of what a page is about.
pub(in crate::tools) fn text(page: &Html, form: Form, extractor: Extractor) -> (String, Extractor) {
    let choices: [fn(&Block) -> bool; 2] = [
        |block| block.is_main && !block.is_beside,
        |block| !block.is_beside && !is_menu(block),
    ];
    let letters = |choice: &dyn Fn(&Block) -> bool| -> usize {
        let chosen = page.blocks.iter().filter(|block| choice(block));
        chosen.map(|block| block.letters).sum()
    };
    let choice = match extractor {
        Extractor::Readability => choices.iter().find(|choice| letters(*choice) >= ENOUGH),
        Extractor::Whole => None,
    };
    let chosen: Vec<&Block> = match choice {
        Some(choice) => page.blocks.iter().filter(|block| choice(block)).collect(),
        None => page.blocks.iter().collect(),
    };
    let extractor = choice.map_or(Extractor::Whole, |_| Extractor::Readability);
    (written(&chosen, form), extractor)
}

/// Tells whether a block is a few words to click on.
fn is_menu(block: &Block) -> bool {
    let is_mostly_links = block.linked.saturating_mul(10) > block.letters.saturating_mul(7);
    is_mostly_links && block.letters < 120 && !matches!(block.kind, Kind::Heading(_))
}

fn written(blocks: &[&Block], form: Form) -> String {
    let mut text = String::new();
    let mut before: Option<&Block> = None;
    for block in blocks {
        let close = |kind: Kind| matches!(kind, Kind::Item(..) | Kind::Row);
        text.push_str(match before {
            None => "",
            Some(before) if close(before.kind) && close(block.kind) => "\n",
            Some(_) => "\n\n",
        });
        write(&mut text, block, form);
        before = Some(block);
    }
    text
}

fn write(text: &mut String, block: &Block, form: Form) {
    let words = block.text.trim_end();
    match (form, block.kind) {
        (_, Kind::Verbatim) => {
            let fence = fence(words);
            let lines = words.trim_start_matches('\n');
            match form {
                Form::Markdown => text.extend([&fence, "\n", lines, "\n", &fence]),
                Form::Text => text.push_str(lines),
            }
            return;
        }
        (Form::Markdown, Kind::Heading(level)) => {
            text.extend(std::iter::repeat_n('#', level));
            text.push(' ');
        }
        (_, Kind::Item(depth, number)) => {
            text.extend(std::iter::repeat_n("  ", depth.min(8)));
            match number {
                Some(number) => text.extend([&number.to_string(), ". "]),
                None => text.push_str("- "),
            }
        }
        (Form::Markdown, Kind::Paragraph) => {
            text.extend(std::iter::repeat_n("> ", block.quotes.min(8)));
        }
        (Form::Text, Kind::Heading(_) | Kind::Paragraph) | (_, Kind::Row) => {}
    }
    text.push_str(words);
}

/// Returns a fence that is longer than any in the text.
fn fence(text: &str) -> String {
    let mut longest = 0_usize;
    let mut run = 0_usize;
    for letter in text.chars() {
        run = if letter == '`' {
            run.saturating_add(1)
        } else {
            0
        };
        longest = longest.max(run);
    }
    "`".repeat(longest.saturating_add(1).max(3))
}
