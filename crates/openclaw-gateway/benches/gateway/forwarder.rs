//! The forwarder: axum, SQLite, an HTTP client and nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use openclaw_http::{HttpClient, PostJson, Timeouts};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// How many events a turn without tools appends in each of its commits: the message before the
/// model is asked, the answer after that. The benchmark holds it against the gateway's own log.
pub(crate) const COMMITS: [u64; 2] = [1, 1];

type Append = (Vec<String>, oneshot::Sender<()>);

/// What every request needs.
struct Shared {
    queue: mpsc::Sender<Append>,
    client: HttpClient,
    provider: String,
}

/// Listens on a free port, prints the ready line, and answers until it is killed.
pub(crate) async fn serve(folder: PathBuf, provider: String) {
    let connection = Connection::open(folder.join("forwarder.sqlite")).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
        .pragma_update(None, "synchronous", "FULL")
        .unwrap();
    connection
        .execute_batch("CREATE TABLE events (id INTEGER PRIMARY KEY, data TEXT NOT NULL) STRICT")
        .unwrap();
    let (queue, appends) = mpsc::channel(1024);
    std::thread::spawn(move || write(connection, appends));
    let shared = Shared {
        queue,
        client: HttpClient::new(Timeouts::default()),
        provider,
    };
    let app = Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/rpc", post(turn))
        .with_state(Arc::new(shared));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!(
        "ready http://{} pid {}",
        listener.local_addr().unwrap(),
        std::process::id()
    );
    axum::serve(listener, app).await.unwrap();
}

/// One thread commits what has queued up, together.
fn write(mut connection: Connection, mut appends: mpsc::Receiver<Append>) {
    while let Some(first) = appends.blocking_recv() {
        let mut batch = vec![first];
        while let Ok(next) = appends.try_recv() {
            batch.push(next);
        }
        let transaction = connection.transaction().unwrap();
        for (events, _) in &batch {
            for data in events {
                transaction
                    .prepare_cached("INSERT INTO events (data) VALUES (?1)")
                    .unwrap()
                    .execute(params![data])
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
        for (_, done) in batch {
            done.send(()).unwrap();
        }
    }
}

/// The message is recorded, the model is asked, its answer is recorded.
async fn turn(State(shared): State<Arc<Shared>>, Json(request): Json<Value>) -> Json<Value> {
    let said = request["params"]["content"].clone();
    let [before, after] = COMMITS;
    append(
        &shared,
        before,
        &json!({ "kind": "MessageReceived", "content": said }),
    )
    .await;
    let answer = ask(&shared, &said).await;
    append(
        &shared,
        after,
        &json!({ "kind": "AgentResponse", "content": answer }),
    )
    .await;
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "content": answer } }))
}

/// Asks the model, and puts the pieces of its answer together.
async fn ask(shared: &Shared, said: &Value) -> String {
    let url = format!("{}/chat/completions", shared.provider);
    let body = json!({
        "model": "instant", "stream": true, "messages": [{ "role": "user", "content": said }],
    });
    let request = PostJson::new(&url, &body).unwrap();
    let stop = CancellationToken::new();
    let mut pieces = shared.client.post_json(request, &stop).await.unwrap();
    let mut stream = Vec::new();
    while let Some(piece) = pieces.next().await {
        stream.extend(piece.unwrap());
    }
    let stream = String::from_utf8(stream).unwrap();
    let events = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]");
    events
        .filter_map(|data| {
            let event: Value = serde_json::from_str(data).unwrap();
            event["choices"][0]["delta"]["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

async fn append(shared: &Shared, count: u64, event: &Value) {
    let events = (0..count).map(|_| event.to_string()).collect();
    let (done, written) = oneshot::channel();
    shared.queue.send((events, done)).await.unwrap();
    written.await.unwrap();
}
