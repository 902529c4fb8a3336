//! The bytes of a page, unpacked as they come and never more than there is room for.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::GzDecoder;

use super::Cut;

/// Takes the bytes of a body.
pub(super) enum Unpacking {
    /// As they are.
    Plain(Room),
    /// Out of a gzip stream.
    Gzip(Box<GzDecoder<Room>>),
}

/// Bytes up to a limit.
#[derive(Debug)]
pub(super) struct Room {
    bytes: Vec<u8>,
    limit: usize,
    full: bool,
}

/// Whether more may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    More,
    Full,
}

impl Unpacking {
    pub(super) fn plain(limit: usize) -> Self {
        Self::Plain(Room::new(limit))
    }

    pub(super) fn gzip(limit: usize) -> Self {
        Self::Gzip(Box::new(GzDecoder::new(Room::new(limit))))
    }

    /// Takes a piece; what the room has no place for is dropped.
    pub(super) fn push(&mut self, piece: &[u8]) -> io::Result<Taken> {
        let (written, room) = match self {
            Self::Plain(room) => (room.write_all(piece), &*room),
            Self::Gzip(decoder) => {
                let written = decoder.write_all(piece);
                (written, decoder.get_ref())
            }
        };
        match written {
            // Some servers send zeros after the stream; what they mean is known by then.
            Err(_full) if room.full => Ok(Taken::Full),
            Err(err) if err.kind() == io::ErrorKind::WriteZero => Ok(Taken::More),
            Err(err) => Err(err),
            Ok(()) if room.full => Ok(Taken::Full),
            Ok(()) => Ok(Taken::More),
        }
    }

    /// Returns everything that was taken of a body that was read to its end, or cut.
    pub(super) fn finish(self, cut: Cut) -> io::Result<(Bytes, Cut)> {
        let room = match self {
            Self::Plain(room) => room,
            Self::Gzip(mut decoder) => {
                let ended = decoder.try_finish();
                let room = std::mem::replace(decoder.get_mut(), Room::new(0));
                // What was cut has no end to be found.
                if !room.full && cut == Cut::Whole {
                    ended?;
                }
                room
            }
        };
        let cut = if room.full { Cut::TooLong } else { cut };
        Ok((room.bytes.into(), cut))
    }
}

impl Room {
    const fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            full: false,
        }
    }
}

impl Write for Room {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let left = self.limit.saturating_sub(self.bytes.len());
        let taken = piece.get(..left.min(piece.len())).unwrap_or_default();
        self.bytes.extend_from_slice(taken);
        if taken.len() < piece.len() {
            self.full = true;
            // Ends the unpacking: a bomb is not unpacked any further.
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
