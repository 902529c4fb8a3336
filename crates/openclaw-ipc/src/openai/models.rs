//! `GET /v1/models`: the agents, under the names that a request's `model` has for them.

use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/models`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// `list`.
    pub object: String,
    /// The models.
    pub data: Vec<Model>,
}

/// An agent, as a model; also the answer of `GET /v1/models/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name that requests have for it.
    pub id: String,
    /// `model`.
    pub object: String,
    /// When it was made: 0, for nobody knows.
    pub created: i64,
    /// `openclaw`.
    pub owned_by: String,
    /// What it may do here, as OpenClaw lists it: nothing.
    pub permission: Vec<String>,
}
