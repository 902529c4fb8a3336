//! Where a thought signature belongs, kept in the signature itself.
//!
//! Gemini signs parts of an answer of any kind and wants each signature back on the part that it
//! came with. The stream model knows only signatures of thoughts, so the place is written before
//! the signature; nobody but this API ever reads it.

/// The part that a signature came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The thoughts that it ends.
    Thoughts,
    /// The words that follow it.
    Words,
    /// A part without words, as the last one of a stream is.
    Nothing,
    /// The call that follows it.
    Call,
}

impl Place {
    const ALL: [Self; 4] = [Self::Thoughts, Self::Words, Self::Nothing, Self::Call];

    /// Signatures are Base64, which has no colon.
    const fn mark(self) -> &'static str {
        match self {
            Self::Thoughts => "thoughts:",
            Self::Words => "words:",
            Self::Nothing => "nothing:",
            Self::Call => "call:",
        }
    }

    /// Writes the place before the signature.
    pub(super) fn mark_on(self, signature: &str) -> String {
        format!("{}{signature}", self.mark())
    }

    /// Reads what [`Place::mark_on`] wrote; none if it was somebody else.
    pub(super) fn read(marked: &str) -> Option<(Self, &str)> {
        Self::ALL
            .into_iter()
            .find_map(|place| Some((place, marked.strip_prefix(place.mark())?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_read_as_it_was_written() {
        for place in Place::ALL {
            assert_eq!(
                Place::read(&place.mark_on("EjQKMg==")),
                Some((place, "EjQKMg=="))
            );
        }
        assert_eq!(Place::read("EjQKMg=="), None);
    }
}
