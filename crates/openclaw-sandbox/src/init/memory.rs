//! Files without a name, by which the two sides of a sandbox tell each other things.

use std::{
    fs::File,
    io::{self, Read as _},
};

/// How much is read of what the other side wrote.
const LENGTH: u64 = 1024 * 1024;

/// Returns a file that exists only in memory, positioned at its beginning.
#[cfg(target_os = "linux")]
pub(crate) fn file(name: &str, content: &[u8]) -> io::Result<File> {
    use std::io::{Seek as _, Write as _};

    use rustix::fs::{MemfdFlags, memfd_create};

    let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

/// Returns everything in the file; the position that it shares with others is left alone.
#[cfg(target_os = "linux")]
pub(crate) fn content(file: &File) -> io::Result<Vec<u8>> {
    struct From<'a>(&'a File, u64);
    impl io::Read for From<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n = std::os::unix::fs::FileExt::read_at(self.0, buffer, self.1)?;
            self.1 = self
                .1
                .saturating_add(u64::try_from(n).map_err(io::Error::other)?);
            Ok(n)
        }
    }
    let mut content = Vec::new();
    From(file, 0).take(LENGTH).read_to_end(&mut content)?;
    Ok(content)
}
