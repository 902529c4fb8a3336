//! The load: clients that ask for one turn after the other over kept-alive connections.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::process::Server;

/// What a load came to.
pub(crate) struct Load {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) per_second: f64,
}

/// Waits for the server's first healthy answer.
pub(crate) async fn first_health(server: &mut Server) {
    let mut connection = Connection::open(server.port(), String::new()).await;
    assert!(
        connection.exchange("GET", "/health", "").await.0,
        "the server is not healthy"
    );
}

/// Asks for `turns` turns from each of `clients` clients at the same time.
pub(crate) async fn measure(
    server: &Server,
    clients: usize,
    turns: usize,
    per_session: Option<usize>,
) -> Load {
    let mut running = JoinSet::new();
    let port = server.known_port();
    let began = Instant::now();
    for _ in 0..clients {
        let connection = Connection::open(port, server.token()).await;
        drop(running.spawn(client(connection, turns, per_session)));
    }
    let mut times: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    let elapsed = began.elapsed();
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .copied()
            .unwrap_or_default()
    };
    Load {
        p50: at(50),
        p99: at(99),
        per_second: times.len() as f64 / elapsed.as_secs_f64(),
    }
}

async fn client(
    mut connection: Connection,
    turns: usize,
    per_session: Option<usize>,
) -> Vec<Duration> {
    let mut times = Vec::with_capacity(turns);
    let mut session = Value::from("agent:main:main");
    for turn in 0..turns {
        if per_session.is_some_and(|every| turn.is_multiple_of(every)) {
            session = connection.call("session.create", json!({})).await["sessionKey"].clone();
        }
        let params = json!({ "sessionKey": session, "content": "hello" });
        let began = Instant::now();
        let answer = connection.call("session.message", params).await;
        times.push(began.elapsed());
        assert!(answer["content"].is_string(), "a turn failed: {answer}");
    }
    times
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

    async fn call(&mut self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (ok, body) = self.exchange("POST", "/rpc", &request.to_string()).await;
        assert!(ok, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    async fn exchange(&mut self, method: &str, path: &str, body: &str) -> (bool, String) {
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
}
