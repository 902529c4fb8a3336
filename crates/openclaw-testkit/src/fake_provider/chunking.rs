//! How the bytes of an event stream are cut into pieces on their way.

use hyper::body::Bytes;

/// How an event stream is cut into pieces; each is one HTTP chunk and is flushed by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Chunking {
    /// One piece for each event, as the real servers mostly do.
    #[default]
    Events,
    /// Everything in one piece.
    Whole,
    /// Pieces of so many bytes; see [`Chunking::PER_BYTE`].
    Bytes(usize),
    /// Cut before these bytes, counted from the start of the stream.
    At(Vec<usize>),
}

impl Chunking {
    /// Every byte is a piece of its own.
    pub const PER_BYTE: Self = Self::Bytes(1);

    /// Cuts the events up; `offset` is how many bytes of the stream came before them.
    pub(super) fn cut(&self, events: &[String], offset: usize) -> Vec<Bytes> {
        let whole = || Bytes::from(events.concat());
        match self {
            Self::Events => events.iter().cloned().map(Bytes::from).collect(),
            Self::Whole => vec![whole()],
            Self::Bytes(size) => whole()
                .chunks((*size).max(1))
                .map(Bytes::copy_from_slice)
                .collect(),
            Self::At(cuts) => {
                let mut rest = whole();
                let mut cuts: Vec<usize> = cuts
                    .iter()
                    .filter_map(|cut| cut.checked_sub(offset))
                    .filter(|cut| (1..rest.len()).contains(cut))
                    .collect();
                cuts.sort_unstable();
                cuts.dedup();
                let mut done = 0;
                let mut pieces = Vec::new();
                for cut in cuts {
                    pieces.push(rest.split_to(cut - done));
                    done = cut;
                }
                pieces.push(rest);
                pieces
            }
        }
    }
}
