//! What keys send to a terminal, by the names that tmux gives them.

/// The names, for people; `C-` with a letter and `M-` with a character come beside them.
pub(super) const NAMED: &str = "Enter, Tab, BTab, Space, Escape, BSpace, Delete, Insert, Up, Down, \
                                Left, Right, Home, End, PageUp, PageDown, F1 to F12, C-a to C-z, \
                                M- and a character";

/// Returns what a key sends (the sequences of xterm).
pub(super) fn bytes(name: &str) -> Option<Vec<u8>> {
    let named: &[u8] = match name {
        "Enter" | "Return" => b"\r",
        "Tab" => b"\t",
        "BTab" => b"\x1b[Z",
        "Space" => b" ",
        "Escape" | "Esc" => b"\x1b",
        "BSpace" | "Backspace" => b"\x7f",
        "Delete" | "DC" => b"\x1b[3~",
        "Insert" | "IC" => b"\x1b[2~",
        "Up" => b"\x1b[A",
        "Down" => b"\x1b[B",
        "Right" => b"\x1b[C",
        "Left" => b"\x1b[D",
        "Home" => b"\x1b[H",
        "End" => b"\x1b[F",
        "PageUp" | "PgUp" | "PPage" => b"\x1b[5~",
        "PageDown" | "PgDn" | "NPage" => b"\x1b[6~",
        "F1" => b"\x1bOP",
        "F2" => b"\x1bOQ",
        "F3" => b"\x1bOR",
        "F4" => b"\x1bOS",
        "F5" => b"\x1b[15~",
        "F6" => b"\x1b[17~",
        "F7" => b"\x1b[18~",
        "F8" => b"\x1b[19~",
        "F9" => b"\x1b[20~",
        "F10" => b"\x1b[21~",
        "F11" => b"\x1b[23~",
        "F12" => b"\x1b[24~",
        _ => return with_modifier(name),
    };
    Some(named.to_vec())
}

fn with_modifier(name: &str) -> Option<Vec<u8>> {
    let (modifier, rest) = name.split_once('-')?;
    let mut characters = rest.chars();
    let (character, None) = (characters.next()?, characters.next()) else {
        return None;
    };
    match modifier {
        "C" | "c" if character.is_ascii_alphabetic() => {
            let letter = u8::try_from(character.to_ascii_lowercase()).ok()?;
            Some(vec![letter & 0x1f])
        }
        "M" | "m" => Some(format!("\x1b{character}").into_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_send_what_a_terminal_expects() {
        assert_eq!(bytes("C-c"), Some(vec![3]));
        assert_eq!(bytes("C-Z"), Some(vec![26]));
        assert_eq!(bytes("M-x"), Some(b"\x1bx".to_vec()));
        assert_eq!(bytes("Up"), Some(b"\x1b[A".to_vec()));
        for none in ["", "C-", "C-1", "C-ab", "Hyper-x", "up"] {
            assert_eq!(bytes(none), None, "{none}");
        }
    }
}
