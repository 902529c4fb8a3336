//! The HTTP server.

use std::io;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::answer;
use super::body::ReplyBody;
use super::script::Script;
use crate::loopback::Loopback;

/// Answers each request as the script says.
pub(super) fn start(script: Arc<Script>) -> Loopback {
    Loopback::start("fake-provider", move |stream| {
        let script = Arc::clone(&script);
        async move {
            // A client that hangs up in the middle is one of the things that are tested.
            drop(connection(stream, script).await);
        }
    })
}

async fn connection(stream: TcpStream, script: Arc<Script>) -> Result<(), hyper::Error> {
    // Without this the system would glue small pieces together.
    stream.set_nodelay(true).ok();
    let service = service_fn(|request| respond(request, Arc::clone(&script)));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn respond(
    request: Request<Incoming>,
    script: Arc<Script>,
) -> Result<Response<ReplyBody>, io::Error> {
    let (head, body) = request.into_parts();
    let body = answer::collect(body).await.map_err(io::Error::other)?;
    Ok(answer::answer(&head, &body, &script).await)
}
