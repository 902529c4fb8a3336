//! A server for tests: it reads a request, writes a text that was set beforehand, and closes.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use tokio::sync::watch;

/// What the server has seen so far.
#[derive(Clone, Debug, Default)]
struct Seen {
    requests: Vec<String>,
    hung_up: bool,
}

#[derive(Debug)]
pub(crate) struct Server {
    origin: String,
    seen: watch::Receiver<Seen>,
}

impl Server {
    /// Answers the first connection with the first text, and so on; then it is gone.
    pub(crate) fn start<const N: usize>(answers: [&'static str; N]) -> Self {
        Self::run(move |listener, seen| {
            for answer in answers {
                let mut stream = listener.accept().unwrap().0;
                let request = read_request(&mut stream);
                seen.send_modify(|seen| seen.requests.push(request));
                stream.write_all(answer.as_bytes()).unwrap();
            }
        })
    }

    /// Answers one connection with `answer` and then waits until the client hangs up.
    pub(crate) fn hanging(answer: &'static str) -> Self {
        Self::run(move |listener, seen| {
            let mut stream = listener.accept().unwrap().0;
            let request = read_request(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
            seen.send_modify(|seen| seen.requests.push(request));
            // A reset is a hang-up too.
            let rest = stream.read(&mut [0; 16]).unwrap_or(0);
            assert_eq!(rest, 0, "the client sent more than its request");
            seen.send_modify(|seen| seen.hung_up = true);
            stream.shutdown(Shutdown::Both).ok();
        })
    }

    fn run(serve: impl FnOnce(TcpListener, watch::Sender<Seen>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = watch::channel(Seen::default());
        thread::spawn(move || serve(listener, sender));
        Self { origin, seen }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.borrow().requests.clone()
    }

    pub(crate) async fn wait_for_requests(&self, n: usize) {
        let mut seen = self.seen.clone();
        seen.wait_for(|seen| seen.requests.len() >= n)
            .await
            .unwrap();
    }

    pub(crate) async fn client_hung_up(&self) {
        let mut seen = self.seen.clone();
        seen.wait_for(|seen| seen.hung_up).await.unwrap();
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).unwrap();
        assert_ne!(n, 0, "the request ended early");
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return text;
        }
    }
}
