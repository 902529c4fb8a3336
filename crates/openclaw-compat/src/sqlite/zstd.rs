//! Zstandard frames (RFC 8878), decoded within bounds.

use std::io::{self, Read};

use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use crate::trouble::Fault;

/// The largest window that a frame may ask for; OpenClaw's own frames ask for far less.
const MAX_WINDOW: u64 = 64 * 1024 * 1024;

/// Returns what a compressed row has; its size is known.
pub(crate) fn row(bytes: &[u8], size: u64) -> Result<Vec<u8>, Fault> {
    let wrong = |reason: String| Fault::Zstd { reason };
    let mut decoder = open(bytes).map_err(|err| wrong(err.to_string()))?;
    let mut text = Vec::new();
    // One byte more tells a row that is too long from one that is right.
    decoder
        .by_ref()
        .take(size.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(|err| wrong(err.to_string()))?;
    let found = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if found != size {
        let more = if found > size { "more than " } else { "" };
        let found = found.min(size);
        return Err(wrong(format!("it has {more}{found} bytes and not {size}")));
    }
    check(&decoder).map_err(|err| wrong(err.to_string()))?;
    Ok(text)
}

type Decoder<R> = StreamingDecoder<R, FrameDecoder>;

fn open<R: Read>(input: R) -> io::Result<Decoder<R>> {
    StreamingDecoder::new_with_max_window_size(input, MAX_WINDOW).map_err(io::Error::other)
}

/// Compares what was decoded with the checksum at the end of the frame, where it has one.
fn check<R: Read>(decoder: &Decoder<R>) -> io::Result<()> {
    let said = decoder.decoder.get_checksum_from_data();
    if said.is_some() && said != decoder.decoder.get_calculated_checksum() {
        return Err(io::Error::other("the checksum is wrong"));
    }
    Ok(())
}

/// A compressed file, read as what it was before; it ends where its first frame ends.
pub(crate) struct Unpacked<R: Read> {
    decoder: Decoder<R>,
    left: u64,
}

impl<R: Read> Unpacked<R> {
    /// Begins to read; more than `limit` bytes are an error.
    pub(crate) fn new(input: R, limit: u64) -> io::Result<Self> {
        Ok(Self {
            decoder: open(input)?,
            left: limit,
        })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            check(&self.decoder)?;
        }
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self
            .left
            .checked_sub(read)
            .ok_or_else(|| io::Error::other("the decompressed data is too large"))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    #[test]
    fn a_row_of_the_right_size_is_read() {
        let text = b"[1,2,3]".repeat(1000);
        let size = u64::try_from(text.len()).unwrap();
        assert_eq!(row(&packed(&text), size).unwrap(), text);
    }

    #[test]
    fn a_row_of_another_size_is_refused_and_not_decoded_to_its_end() {
        let bomb = packed(&vec![0; 50_000_000]);
        assert!(bomb.len() < 100_000);
        let err = row(&bomb, 1000).unwrap_err().to_string();
        assert!(err.contains("more than 1000 bytes"), "{err}");
        assert!(row(&packed(b"short"), 1000).is_err());
    }

    #[test]
    fn garbage_is_refused() {
        for bytes in [
            &b""[..],
            b"\x28\xb5\x2f\xfd",
            b"nothing of the kind",
            &[0xff; 64],
        ] {
            assert!(matches!(row(bytes, 10), Err(Fault::Zstd { .. })));
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let bytes = packed(&vec![b'x'; 100_000]);
        let read = |limit| {
            let mut text = Vec::new();
            Unpacked::new(&*bytes, limit)?
                .read_to_end(&mut text)
                .map(|_| text.len())
        };
        assert_eq!(read(100_000).unwrap(), 100_000);
        assert!(read(99_999).is_err());
    }
}
