//! What a program prints on a terminal, without the sequences that steer it (ECMA-48).
//!
//! This is no screen: a line that is drawn again stands there twice.

/// Takes steering sequences out of a stream, wherever it is cut.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    text: Vec<u8>,
    place: Place,
}

/// Where in a sequence the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// After an escape character.
    Escape,
    /// In the one character that an escape with an intermediate one still has.
    Intermediate,
    /// In a control sequence, up to its final character.
    Control,
    /// In a string for the terminal, up to its terminator.
    String,
    /// After an escape character in such a string.
    StringEscape,
}

const BELL: u8 = 0x07;
const ESCAPE: u8 = 0x1b;

impl Plain {
    /// Adds what was printed.
    pub(crate) fn add(&mut self, printed: &[u8]) {
        for byte in printed {
            self.place = self.after(*byte);
        }
    }

    /// Returns the text so far.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    fn after(&mut self, byte: u8) -> Place {
        match (self.place, byte) {
            (Place::Text | Place::Escape | Place::Control, ESCAPE) => Place::Escape,
            (Place::Text, byte) => {
                self.text.push(byte);
                Place::Text
            }
            (Place::Escape, b'[') => Place::Control,
            (Place::Escape, b']' | b'P' | b'X' | b'^' | b'_') => Place::String,
            (Place::Escape, b' '..=b'/') => Place::Intermediate,
            (Place::Escape | Place::Intermediate, _)
            | (Place::Control, b'@'..=b'~')
            | (Place::String, BELL)
            | (Place::StringEscape, b'\\') => Place::Text,
            (Place::Control, _) => Place::Control,
            (Place::String | Place::StringEscape, ESCAPE) => Place::StringEscape,
            (Place::String | Place::StringEscape, _) => Place::String,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_go_wherever_the_stream_is_cut() {
        let printed = b"\x1b[?2026h\x1b[1;31mre\x1b[0md\x1b]8;;http://x\x1b\\ link\x1b]0;title\x07\
                        \x1b_Gi=1;AAAA\x1b\\ and\x1b(B \xc3\xa4\x1b7.\r\n";
        for size in 1..=printed.len() {
            let mut plain = Plain::default();
            printed.chunks(size).for_each(|part| plain.add(part));
            let text = String::from_utf8_lossy(plain.text()).into_owned();
            assert_eq!(text, "red link and ä.\r\n", "cut by {size}");
        }
    }
}
