//! A model API that answers at once, whatever it is asked: the same stream each time.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The words of the answer, a piece of the stream each.
const WORDS: [&str; 6] = ["Six ", "short ", "words ", "are ", "enough ", "here."];

/// What the first piece of the answer has in it, and nothing before that.
pub(crate) const FIRST_PIECE: &[u8] = br#""content":"Six"#;

/// Listens on a free port, prints the ready line, and answers until it is killed.
pub(crate) async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!(
        "ready http://{} pid {}",
        listener.local_addr().unwrap(),
        std::process::id()
    );
    let answer: &'static [u8] = Vec::leak(answer());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        drop(tokio::spawn(talk(stream, answer)));
    }
}

/// Answers request after request, until the client leaves.
async fn talk(mut stream: TcpStream, answer: &'static [u8]) {
    let mut unread = Vec::new();
    loop {
        while !drop_request(&mut unread) {
            match stream.read_buf(&mut unread).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// Takes the first request away, if all of it is there.
fn drop_request(bytes: &mut Vec<u8>) -> bool {
    let Some(head) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().unwrap());
    let end = head + 4 + length;
    if bytes.len() < end {
        return false;
    }
    bytes.drain(..end);
    true
}

/// Returns the whole answer: its head, and a chunk for each event.
fn answer() -> Vec<u8> {
    let chunk = |delta: &str, stop: &str| {
        format!(
            r#"{{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"instant","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{stop}}}]}}"#
        )
    };
    let mut events = vec![chunk(r#"{"role":"assistant","content":""}"#, "null")];
    events.extend(
        WORDS
            .iter()
            .map(|word| chunk(&format!(r#"{{"content":"{word}"}}"#), "null")),
    );
    events.push(chunk("{}", r#""stop""#));
    events.push(
        r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"instant","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":6,"total_tokens":106}}"#
            .to_owned(),
    );
    events.push("[DONE]".to_owned());
    let mut answer =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for event in events {
        let event = format!("data: {event}\n\n");
        answer.extend(format!("{:x}\r\n{event}\r\n", event.len()).into_bytes());
    }
    answer.extend(b"0\r\n\r\n");
    answer
}
