//! `GET /v1/models`: the agents, which is what a request's `model` names.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use openclaw_config::HttpApiSettings;
use openclaw_core::access::Scope;
use openclaw_ipc::openai::ApiError;
use openclaw_ipc::openai::models::{Model, ModelList};
use serde::Serialize;

use super::door::{Failure, Route, Takes, enter};
use super::target::{DEFAULT, DEFAULT_ALIAS, named};
use crate::builder::Gateway;
use crate::http::routes::json_text;

const ROUTE: Route = Route {
    method: Takes::Get,
    scope: Scope::Read,
    name: "GET /v1/models",
    is_on: HttpApiSettings::any,
};

/// `GET /v1/models`.
pub(super) async fn list(State(gateway): State<Gateway>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let entered = match enter(&gateway, &head, ROUTE).await {
        Ok(entered) => entered,
        Err(response) => return response,
    };
    entered.count.ends(None);
    let of_agents = gateway.shared.rpc.agents.all();
    let names = [DEFAULT.to_owned(), DEFAULT_ALIAS.to_owned()]
        .into_iter()
        .chain(
            of_agents
                .iter()
                .map(|agent| format!("{DEFAULT}/{}", agent.id)),
        );
    json(&ModelList {
        object: "list".to_owned(),
        data: names.map(model).collect(),
    })
}

/// `GET /v1/models/{id}`.
pub(super) async fn one(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    let entered = match enter(&gateway, &head, ROUTE).await {
        Ok(entered) => entered,
        Err(response) => return response,
    };
    match named(&gateway, &id) {
        Ok(_) => {
            entered.count.ends(None);
            json(&model(id))
        }
        Err(_unknown) => {
            let error = ApiError::invalid(format!("the model `{id}` does not exist"));
            let error = error.about("model").with_code("model_not_found");
            let failure = Failure::new(StatusCode::NOT_FOUND, error);
            entered.count.refuse(failure)
        }
    }
}

fn model(id: String) -> Model {
    Model {
        id,
        object: "model".to_owned(),
        created: 0,
        owned_by: "openclaw".to_owned(),
        permission: Vec::new(),
    }
}

fn json(answer: &impl Serialize) -> Response {
    let text = serde_json::to_string(answer).unwrap_or_default();
    json_text(StatusCode::OK, text)
}
