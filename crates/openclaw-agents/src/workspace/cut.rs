//! What of a long file goes into the prompt: its beginning and its end, and a line in between that
//! says what is missing.

use crate::skills::{end, length, start};

/// The least room in which a file is begun.
const LEAST: usize = 64;
/// How many quarters of the room the beginning has.
const QUARTERS_FOR_START: usize = 3;

/// A text, cut or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) text: String,
    pub(super) is_cut: bool,
}

/// Returns as much of a file as fits; nothing if there is no room to begin.
pub(super) fn fit(name: &str, text: &str, most: usize) -> Option<Cut> {
    let text = text.trim_end();
    let whole = length(text);
    if whole <= most {
        return Some(Cut {
            text: text.to_owned(),
            is_cut: false,
        });
    }
    if most < LEAST {
        return None;
    }
    let gap = |left_out: usize| {
        format!("\n[... {left_out} of {whole} characters are left out: read {name} for them ...]\n")
    };
    // The line is longest when it has most to say.
    let room = most.saturating_sub(length(&gap(whole)));
    let head = start(text, room.saturating_mul(QUARTERS_FOR_START) / 4);
    let tail = end(text, room.saturating_sub(length(head)));
    let kept = length(head).saturating_add(length(tail));
    let cut = format!("{head}{}{tail}", gap(whole.saturating_sub(kept)));
    Some(Cut {
        // In very little room the line itself is too long.
        text: start(&cut, most).to_owned(),
        is_cut: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_beginning_and_the_end_within_the_room() {
        let text = "é".repeat(300) + &"z".repeat(700);
        let cut = fit("SOUL.md", &text, 200).unwrap();
        assert!(cut.is_cut && length(&cut.text) <= 200, "{cut:?}");
        assert!(cut.text.starts_with("éé") && cut.text.ends_with("zz"));
        assert!(
            cut.text
                .contains(" of 1000 characters are left out: read SOUL.md")
        );
        assert_eq!(fit("SOUL.md", &text, 63), None);
        assert_eq!(fit("SOUL.md", "short\n\n", 63).unwrap().text, "short");
    }
}
