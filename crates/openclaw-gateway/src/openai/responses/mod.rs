//! `POST /v1/responses`.
//!
//! `read` makes a wish of a request, `write` says in one piece or in events what came of it.

mod read;
mod write;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use openclaw_config::{Answers, HttpApiSettings};
use openclaw_core::access::Scope;
use openclaw_ipc::openai::responses::ResponsesRequest;

use self::write::{Events, Resource};
use super::asking::Asking;
use super::door::{Failure, Route, Takes, enter, parse};
use super::streamed;
use super::threads::Threads;
use crate::builder::Gateway;
use crate::http::routes::read as read_body;

/// The most bytes of a request, unless larger files are let in: those of a few pictures.
const MAX_BODY: usize = 20 * 1024 * 1024;

const ROUTE: Route = Route {
    method: Takes::Post,
    scope: Scope::Write,
    name: "POST /v1/responses",
    is_on: |settings| settings.responses.answers == Answers::Yes,
};

/// `POST /v1/responses`: the caller is known before a byte of the body is read.
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
    let body = match read_body(&head.headers, body, max_body(&entered.settings)).await {
        Ok(body) => body,
        Err(refused) => {
            let failure = Failure::refused(refused, &gateway, &head);
            return entered.count.refuse(failure);
        }
    };
    let asked = async {
        let mut request: ResponsesRequest = parse(&body)?;
        drop(body);
        let wish = read::wish(&request, &entered.settings)?;
        let asking = Asking::of(&gateway, &entered, &head.headers, wish, &threads).await?;
        let resource = Resource::of(
            &asking,
            request.previous_response_id.take(),
            request.metadata.take(),
        );
        Ok((asking, resource, request.stream == Some(true)))
    };
    let (asking, resource, streams) = match Box::pin(asked).await {
        Ok(asked) => asked,
        Err(failure) => return entered.count.refuse(failure),
    };
    if streams {
        let voice = Events::new(resource);
        return Box::pin(streamed::stream(gateway, entered, asking, threads, voice)).await;
    }
    let _line = asking.terms.line.gone().clone().drop_guard();
    match Box::pin(asking.answer(&gateway, &threads)).await {
        Ok(outcome) => {
            entered.count.ends(None);
            resource.whole(&outcome)
        }
        Err(failure) => entered.count.refuse(failure),
    }
}

/// A file is a third longer in base64, and stands in JSON.
fn max_body(settings: &HttpApiSettings) -> usize {
    let of = |bytes: usize| bytes.saturating_mul(2);
    let routes = &settings.responses;
    MAX_BODY
        .max(of(routes.files.max_bytes))
        .max(of(routes.images.max_bytes))
}
