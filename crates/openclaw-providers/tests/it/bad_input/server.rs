//! A server that writes bytes as they are, as many as a test wants, and counts them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Everything that a server writes to one client, piece by piece.
pub(super) type Pieces = Box<dyn Iterator<Item = Vec<u8>> + Send>;

#[derive(Debug)]
pub(super) struct Server {
    origin: String,
    sent: Arc<AtomicU64>,
}

impl Server {
    /// Answers every connection with what `answer` makes.
    pub(super) fn start(answer: impl Fn() -> Pieces + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let sent = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&sent);
        thread::spawn(move || {
            while let Ok((stream, _client)) = listener.accept() {
                serve(stream, answer(), &counted);
            }
        });
        Self { origin, sent }
    }

    /// Answers every connection with the same bytes.
    pub(super) fn whole(head: &str, body: impl Into<Vec<u8>>) -> Self {
        let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n");
        let answer = [head.into_bytes(), body.into()].concat();
        Self::start(move || Box::new(std::iter::once(answer.clone())))
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Returns how many bytes the system took from the server so far.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}

/// Writes until everything is written or the client is gone.
fn serve(mut stream: TcpStream, pieces: Pieces, sent: &AtomicU64) {
    if !read_request(&mut stream) {
        return;
    }
    for piece in pieces {
        if stream.write_all(&piece).is_err() {
            return;
        }
        let written = u64::try_from(piece.len()).unwrap();
        sent.fetch_add(written, Ordering::SeqCst);
    }
}

/// Reads a request to its end; returns whether there was one.
fn read_request(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&buffer[..n]),
            Ok(_) | Err(_) => return false,
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return true;
        }
    }
}

/// Packs zeros as gzip does it: a thousandth of their size, in one block of repetitions.
pub(super) fn gzip_of_zeros(count: usize) -> Vec<u8> {
    const LONGEST: usize = 258;
    let mut bits = Bits::default();
    // The last block, with the codes that every decoder knows.
    bits.push(0b1, 1);
    bits.push(0b01, 2);
    bits.code(0x30, 8);
    for _repetition in 0..(count - 1) / LONGEST {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let trailer = [0; 8];
    [&header[..], &bits.bytes, &trailer].concat()
}

#[derive(Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    /// Adds bits, the lowest first.
    fn push(&mut self, value: u16, count: usize) {
        for place in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if value >> place & 1 == 1 {
                *self.bytes.last_mut().unwrap() |= 1 << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Adds the bits of a code, the highest first.
    fn code(&mut self, code: u16, count: usize) {
        for place in (0..count).rev() {
            self.push(code >> place & 1, 1);
        }
    }
}
