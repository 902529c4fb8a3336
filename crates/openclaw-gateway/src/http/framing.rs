//! Whether everybody reads the same request in the same bytes.
//!
//! A proxy and a server that find different ends of a request can be played off against each other
//! (request smuggling). The HTTP library forgives some of what makes this possible: a line that
//! ends with LF alone, two lengths, a length beside a transfer coding. Here the head of a request
//! is looked at before the library gets it, and what can be read in two ways is refused.

/// Names of headers are looked at up to this length.
const NAME: usize = 18;

/// What has been seen of the head of a request.
#[derive(Debug, Default)]
pub(super) struct Head {
    previous: u8,
    /// Length of the current line so far.
    line: usize,
    /// Lines that were not empty.
    lines: usize,
    name: [u8; NAME],
    /// Where the colon of the current line is, once it has come.
    colon: Option<usize>,
    lengths: usize,
    codings: usize,
    ambiguous: bool,
    complete: bool,
}

/// What is to be thought of the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is one way to read it.
    Clear,
    /// There are several.
    Ambiguous,
    /// It came together with the request before it, and was not looked at.
    Unseen,
}

impl Head {
    /// Looks at what comes next; what comes after the end of the head is left alone.
    pub(super) fn look_at(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.complete {
                return;
            }
            self.next(*byte);
        }
    }

    /// Returns what is to be thought of it.
    pub(super) fn verdict(&self) -> Verdict {
        if !self.complete {
            Verdict::Unseen
        } else if self.ambiguous || self.lengths.saturating_add(self.codings) > 1 {
            Verdict::Ambiguous
        } else {
            Verdict::Clear
        }
    }

    fn next(&mut self, byte: u8) {
        let after_return = self.previous == b'\r';
        match byte {
            b'\n' => {
                self.ambiguous |= !after_return;
                // Empty lines before a request are skipped by everybody.
                self.complete = self.line == 0 && self.lines > 0;
                self.lines = self.lines.saturating_add(usize::from(self.line > 0));
                (self.line, self.colon, self.name) = (0, None, [0; NAME]);
            }
            b'\r' => self.ambiguous |= after_return,
            _ => {
                let folded = self.line == 0 && self.lines > 0 && matches!(byte, b' ' | b'\t');
                self.ambiguous |= after_return || folded;
                self.within_line(byte);
            }
        }
        self.previous = byte;
    }

    fn within_line(&mut self, byte: u8) {
        if byte == b':' && self.colon.is_none() {
            self.colon = Some(self.line);
            let name = self.name.get(..self.line).unwrap_or_default();
            let is = |known: &str| usize::from(name.eq_ignore_ascii_case(known.as_bytes()));
            self.lengths = self.lengths.saturating_add(is("content-length"));
            self.codings = self.codings.saturating_add(is("transfer-encoding"));
        } else if let Some(place) = self.name.get_mut(self.line) {
            *place = byte;
        }
        self.line = self.line.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(head: &str) -> Verdict {
        // How the bytes are cut up makes no difference.
        let mut whole = Head::default();
        whole.look_at(head.as_bytes());
        let mut single = Head::default();
        for byte in head.as_bytes() {
            single.look_at(&[*byte]);
        }
        assert_eq!(whole.verdict(), single.verdict(), "{head:?}");
        whole.verdict()
    }

    #[test]
    fn what_everybody_reads_alike_is_clear() {
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH: 5\r\nX-Content-Length: 6\r\n\r\na\nbcd",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nX: Content-Length: 1\r\nY: content-length:2\r\n\r\n",
        ] {
            assert_eq!(verdict(head), Verdict::Clear, "{head:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not() {
        for head in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nX: b\nContent-Length: 4\r\n\r\n",
            "GET / HTTP/1.1\r\nX: b\rY: c\r\n\r\n",
            "GET / HTTP/1.1\r\nX: b\r\r\n\r\n",
            "GET / HTTP/1.1\r\nX: b\r\n c\r\n\r\n",
            "GET / HTTP/1.1\r\nX: b\r\n\tc\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nX: b\n\n",
        ] {
            assert_eq!(verdict(head), Verdict::Ambiguous, "{head:?}");
        }
    }

    #[test]
    fn a_head_without_its_end_is_unseen() {
        for head in [
            "",
            "\r\n\r\n",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n",
        ] {
            assert_eq!(verdict(head), Verdict::Unseen, "{head:?}");
        }
    }
}
