//! The form of a bundle: a tar archive (POSIX.1-1988 `ustar`), compressed with gzip.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::parts::Part;

/// The size of everything in a tar archive.
const BLOCK: usize = 512;

/// The folder that the parts are in.
const FOLDER: &str = "openclaw-diagnostics/";

/// Returns the compressed archive.
pub(super) fn of(parts: &[Part], now: Timestamp) -> io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::default());
    for part in parts {
        out.write_all(&header(part, now)?)?;
        out.write_all(&part.body)?;
        let over = part.body.len() % BLOCK;
        if over > 0 {
            out.write_all(&vec![0; BLOCK.saturating_sub(over)])?;
        }
    }
    // Two empty blocks end an archive.
    out.write_all(&[0; 2 * BLOCK])?;
    out.finish()
}

fn header(part: &Part, now: Timestamp) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(BLOCK);
    let mut field = |text: &str, width: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(width, 0);
        header.append(&mut bytes);
    };
    let seconds = now.as_second().max(0);
    field(&format!("{FOLDER}{}", part.name), 100);
    field("0000600", 8);
    // Whose it is does not matter, so nobody is named.
    field("0000000", 8);
    field("0000000", 8);
    field(&format!("{:011o}", part.body.len()), 12);
    field(&format!("{seconds:011o}"), 12);
    // The sum is made over spaces in its own place.
    field("        ", 8);
    field("0", 1);
    field("", 100);
    field("ustar", 6);
    field("00", 2);
    field("", 247);
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    let sum = format!("{sum:06o}\0 ");
    header
        .get_mut(148..156)
        .ok_or(io::ErrorKind::InvalidData)?
        .copy_from_slice(sum.as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn the_archive_has_whole_blocks_and_a_sum_that_holds() {
        let parts = [Part {
            name: "a.json",
            about: "",
            body: vec![b'x'; 513],
        }];
        let bytes = of(&parts, Timestamp::from_second(1).unwrap()).unwrap();
        let mut tar = Vec::new();
        GzDecoder::new(&bytes[..]).read_to_end(&mut tar).unwrap();
        assert_eq!(tar.len(), BLOCK * 5);
        let mut header = tar[..BLOCK].to_vec();
        assert_eq!(&header[257..263], b"ustar\0");
        let sum = String::from_utf8(header[148..154].to_vec()).unwrap();
        header[148..156].fill(b' ');
        let wanted: u32 = header.iter().copied().map(u32::from).sum();
        assert_eq!(u32::from_str_radix(&sum, 8).unwrap(), wanted);
    }
}
