//! `POST /v1/chat/completions`.
//!
//! `read` makes a wish of a request, `write` says in chunks or in one piece what came of it.

mod read;
mod write;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use openclaw_config::Answers;
use openclaw_core::access::Scope;
use openclaw_ipc::openai::chat::ChatRequest;

pub(super) use self::read::most;
pub(super) use self::write::pieces;
use self::write::{Chunks, Identity, completion};
use super::asking::Asking;
use super::door::{Failure, Route, Takes, enter, parse};
use super::streamed;
use super::threads::Threads;
use crate::builder::Gateway;
use crate::http::routes::read as read_body;

/// The most bytes of a request: those of a few pictures.
const MAX_BODY: usize = 20 * 1024 * 1024;

const ROUTE: Route = Route {
    method: Takes::Post,
    scope: Scope::Write,
    name: "POST /v1/chat/completions",
    is_on: |settings| settings.chat.answers == Answers::Yes,
};

/// `POST /v1/chat/completions`: the caller is known before a byte of the body is read.
pub(super) async fn handle(
    State(gateway): State<Gateway>,
    Extension(threads): Extension<Arc<Threads>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let entered = match enter(&gateway, &head, ROUTE).await {
        Ok(entered) => entered,
        Err(response) => return response,
    };
    let body = match read_body(&head.headers, body, MAX_BODY).await {
        Ok(body) => body,
        Err(refused) => {
            let failure = Failure::refused(refused, &gateway, &head);
            return entered.count.refuse(failure);
        }
    };
    let asked = async {
        let request: ChatRequest = parse(&body)?;
        drop(body);
        let wish = read::wish(&request, &entered.settings)?;
        let asking = Asking::of(&gateway, &entered, &head.headers, wish, &threads).await?;
        Ok((asking, read::streams(&request)))
    };
    let (asking, streams) = match Box::pin(asked).await {
        Ok(asked) => asked,
        Err(failure) => return entered.count.refuse(failure),
    };
    let identity = Identity::of(&asking);
    if let Some(usage) = streams {
        let voice = Chunks::new(identity, usage);
        return Box::pin(streamed::stream(gateway, entered, asking, threads, voice)).await;
    }
    let _line = asking.terms.line.gone().clone().drop_guard();
    match Box::pin(asking.answer(&gateway, &threads)).await {
        Ok(outcome) => {
            entered.count.ends(None);
            completion(identity, outcome)
        }
        Err(failure) => entered.count.refuse(failure),
    }
}
