//! The forwarder: axum, SQLite and nothing else.

use std::path::PathBuf;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

type Append = (String, oneshot::Sender<()>);

/// Listens on a free port, prints the ready line, and answers until it is killed.
pub(crate) async fn serve(folder: PathBuf) {
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
    let app = Router::new()
        .route("/health", get(|| async { "ok" }))
        .route("/rpc", post(turn))
        .with_state(queue);
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
        for (data, _) in &batch {
            transaction
                .prepare_cached("INSERT INTO events (data) VALUES (?1)")
                .unwrap()
                .execute(params![data])
                .unwrap();
        }
        transaction.commit().unwrap();
        for (_, done) in batch {
            done.send(()).unwrap();
        }
    }
}

/// Two events in two groups, as a turn without tools has: the message, then the answer.
async fn turn(
    State(queue): State<mpsc::Sender<Append>>,
    Json(request): Json<Value>,
) -> Json<Value> {
    let said = request["params"]["content"].clone();
    append(
        &queue,
        json!({ "kind": "MessageReceived", "content": said }),
    )
    .await;
    let answer = format!("You said: {said}");
    append(
        &queue,
        json!({ "kind": "AgentResponse", "content": answer }),
    )
    .await;
    Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": { "content": answer } }))
}

async fn append(queue: &mpsc::Sender<Append>, event: Value) {
    let (done, written) = oneshot::channel();
    queue.send((event.to_string(), done)).await.unwrap();
    written.await.unwrap();
}
