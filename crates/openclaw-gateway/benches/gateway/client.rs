//! The load: clients that ask for one turn after the other over kept-alive connections.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::process::Server;
use crate::provider::FIRST_PIECE;

/// What a load came to.
pub(crate) struct Load {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) per_second: f64,
    /// The processor's time of each turn, in the server alone.
    pub(crate) cpu: Duration,
}

/// What clients ask for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) clients: usize,
    /// How many turns each of them asks for.
    pub(crate) turns: usize,
    /// How many turns one session takes before a client goes on in the next, where there are any.
    pub(crate) per_session: Option<usize>,
}

/// Waits for the server's first healthy answer.
pub(crate) async fn first_health(server: &mut Server) {
    let mut connection = Connection::open(server.port(), String::new()).await;
    assert!(
        connection.exchange("GET", "/health", "").await.0,
        "the server is not healthy"
    );
}

/// Takes a turn in a new session, and then a second one.
pub(crate) async fn two_turns(server: &Server, between: impl FnOnce()) {
    let mut connection = Connection::open(server.known_port(), server.token()).await;
    let session = connection.session().await;
    connection.turn(&session).await;
    between();
    connection.turn(&session).await;
}

/// Asks for turns from several clients at the same time. Their sessions are made before that.
pub(crate) async fn measure(server: &Server, asked: Asked) -> Load {
    let mut ready = Vec::new();
    for _ in 0..asked.clients {
        let mut connection = Connection::open(server.known_port(), server.token()).await;
        let mut sessions = Vec::new();
        if let Some(every) = asked.per_session {
            for _ in 0..asked.turns.div_ceil(every) {
                sessions.push(connection.session().await);
            }
        } else {
            sessions.push(Value::Null);
        }
        ready.push((connection, sessions));
    }
    let mut running = JoinSet::new();
    let cpu = server.cpu();
    let began = Instant::now();
    for (connection, sessions) in ready {
        drop(running.spawn(client(connection, sessions, asked)));
    }
    let mut times: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    let elapsed = began.elapsed();
    let cpu = server.cpu().saturating_sub(cpu);
    times.sort_unstable();
    Load {
        p50: part(&times, 50),
        p99: part(&times, 99),
        per_second: times.len() as f64 / elapsed.as_secs_f64(),
        cpu: cpu / u32::try_from(times.len()).unwrap(),
    }
}

/// Returns the time that so many of a hundred lie below.
pub(crate) fn part(sorted: &[Duration], percent: usize) -> Duration {
    sorted
        .get(sorted.len() * percent / 100)
        .copied()
        .unwrap_or_default()
}

async fn client(mut connection: Connection, sessions: Vec<Value>, asked: Asked) -> Vec<Duration> {
    let mut times = Vec::with_capacity(asked.turns);
    for turn in 0..asked.turns {
        let session = &sessions[turn / asked.per_session.unwrap_or(usize::MAX)];
        let began = Instant::now();
        connection.turn(session).await;
        times.push(began.elapsed());
    }
    times
}

/// Asks for a streamed answer, `times` times; returns how long its first word took, sorted.
pub(crate) async fn first_words(
    port: u16,
    token: String,
    model: &str,
    times: usize,
) -> Vec<Duration> {
    let mut connection = Connection::open(port, token).await;
    let request = json!({
        "model": model, "stream": true, "messages": [{ "role": "user", "content": "hello" }],
    });
    let mut waits = Vec::with_capacity(times);
    for _ in 0..times {
        waits.push(connection.first_word(&request).await);
    }
    waits.sort_unstable();
    waits
}

struct Connection {
    stream: BufReader<TcpStream>,
    token: String,
}

impl Connection {
    async fn open(port: u16, token: String) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
            token,
        }
    }

    async fn session(&mut self) -> Value {
        self.call("session.create", json!({})).await["sessionKey"].clone()
    }

    async fn turn(&mut self, session: &Value) {
        let params = json!({ "sessionKey": session, "content": "hello" });
        let answer = self.call("session.message", params).await;
        assert!(answer["content"].is_string(), "a turn failed: {answer}");
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (ok, body) = self.exchange("POST", "/rpc", &request.to_string()).await;
        assert!(ok, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    async fn exchange(&mut self, method: &str, path: &str, body: &str) -> (bool, String) {
        self.send(method, path, body).await;
        let (mut status, mut length, mut line) = (String::new(), 0, String::new());
        self.stream.read_line(&mut status).await.unwrap();
        loop {
            line.clear();
            self.stream.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await.unwrap();
        (status.contains(" 200 "), String::from_utf8(answer).unwrap())
    }

    /// Returns how long the first word of a streamed answer took; all of the answer is read.
    async fn first_word(&mut self, request: &Value) -> Duration {
        let began = Instant::now();
        self.send("POST", "/v1/chat/completions", &request.to_string())
            .await;
        let (mut answer, mut wait) = (Vec::new(), None);
        while !answer.ends_with(b"0\r\n\r\n") {
            let read = self.stream.read_buf(&mut answer).await.unwrap();
            assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
            if wait.is_none() && has(&answer, FIRST_PIECE) {
                wait = Some(began.elapsed());
            }
            let refused = answer.len() > 12 && !answer.starts_with(b"HTTP/1.1 200");
            assert!(!refused, "{}", String::from_utf8_lossy(&answer));
        }
        wait.expect("a first word")
    }

    async fn send(&mut self, method: &str, path: &str, body: &str) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.token,
            body.len()
        );
        self.stream
            .write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
