//! `POST /v1/embeddings`: vectors of texts, made by a provider that has such models.
//!
//! What they take is set aside, settled and recorded as for any call of a model: as a call of its
//! own, in the session `embeddings` of the agent whose settings count.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_agents::{Agent, AgentError, Attended, Meters as _, Whose};
use openclaw_config::{EmbeddingSettings, HttpApiSettings};
use openclaw_core::access::Scope;
use openclaw_core::events::{CallOutcome, CallPayload, NewEvent, Payload};
use openclaw_core::redaction::mask;
use openclaw_core::{
    CallId, ChannelId, ModelRef, PeerId, Price, ProviderId, RunId, SessionEventKind, SessionKey,
    Usage,
};
use openclaw_ipc::openai::ApiError;
use openclaw_ipc::openai::embeddings::{
    Embedding, EmbeddingList, EmbeddingUsage, EmbeddingsRequest, Encoding, Vector,
};
use openclaw_providers::{EmbeddingRequest, Embeddings, Planned, Provider, ProviderError};
use serde_json::{Value, json};
use tokio::task;
use tokio_util::sync::CancellationToken;

use super::door::{Entered, Failure, Route, Takes, enter, parse};
use super::target::{AGENT, DEFAULT, MODEL, agent, default, header, may_choose, named};
use crate::builder::Gateway;
use crate::http::routes::{json_text, read as read_body};
use crate::models::Models;
use crate::pipeline::RPC_CHANNEL;
use crate::rpc::{CallCx, Rpc, public, store_error};

/// The most bytes of a request.
const MAX_BODY: usize = 5 * 1024 * 1024;
/// How many texts there may be, how many characters one may have, and how many all may.
const MOST_TEXTS: usize = 128;
const MAX_TEXT: usize = 8192;
const MAX_TEXTS: usize = 65_536;
/// Whom is asked where nobody says anything, and for which model.
const USUAL: (&str, &str) = ("openai", "text-embedding-3-small");
/// The name of the session, and of what is recorded there.
const NAME: &str = "embeddings";

const ROUTE: Route = Route {
    method: Takes::Post,
    scope: Scope::Write,
    name: "POST /v1/embeddings",
    is_on: HttpApiSettings::any,
};

/// `POST /v1/embeddings`: the caller is known before a byte of the body is read.
pub(super) async fn handle(State(gateway): State<Gateway>, request: Request) -> Response {
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
    match Box::pin(answer(&gateway, &entered, &head.headers, &body)).await {
        Ok(list) => {
            entered.count.ends(None);
            let text = serde_json::to_string(&list).unwrap_or_default();
            json_text(StatusCode::OK, text)
        }
        Err(failure) => entered.count.refuse(failure),
    }
}

async fn answer(
    gateway: &Gateway,
    entered: &Entered,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<EmbeddingList, Failure> {
    let request: EmbeddingsRequest = parse(body)?;
    let model = request.model.as_deref().map(str::trim).unwrap_or_default();
    if model.is_empty() {
        return Err(Failure::invalid("Missing `model`.").about("model"));
    }
    let by_model = named(gateway, model)?;
    let agent = match header(headers, AGENT)? {
        Some(id) => agent(gateway, id)?,
        None => match by_model {
            Some(agent) => agent,
            None => default(gateway)?,
        },
    };
    let texts = texts(request.input.as_ref())?;
    let rpc = &gateway.shared.rpc;
    let asked = Asked::of(rpc, &entered.cx, &agent, headers).await?;
    let wanted = EmbeddingRequest {
        model: asked.model.model.clone(),
        texts,
        dimensions: match request.dimensions {
            Some(0) => {
                let message = "`dimensions` is a number from 1";
                return Err(Failure::invalid(message).about("dimensions"));
            }
            other => other.or(asked.dimensions),
        },
    };
    let made = asked.make(rpc, &entered.cx, &agent, wanted).await?;
    let encoding = request.encoding_format.unwrap_or_default();
    let vectors = made.vectors.into_iter().enumerate();
    Ok(EmbeddingList {
        object: "list",
        data: vectors
            .map(|(index, vector)| Embedding {
                object: "embedding",
                index,
                embedding: encoded(vector, encoding),
            })
            .collect(),
        model: if model.is_empty() { DEFAULT } else { model }.to_owned(),
        usage: EmbeddingUsage {
            prompt_tokens: made.usage.prompt(),
            total_tokens: made.usage.total(),
        },
    })
}

/// Reads the texts of a request.
fn texts(input: Option<&Value>) -> Result<Vec<String>, Failure> {
    let refused = |message: String| Failure::invalid(message).about("input");
    let not_texts = || refused("`input` must be a string or an array of strings.".to_owned());
    let texts: Vec<String> = match input {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(not_texts)?,
        _ => return Err(not_texts()),
    };
    if texts.is_empty() || texts.iter().any(String::is_empty) {
        let message = "`input` has to have a text, and none that is empty";
        return Err(refused(message.to_owned()));
    }
    if texts.len() > MOST_TEXTS {
        let message = format!(
            "`input` has {} texts, and may have {MOST_TEXTS}",
            texts.len()
        );
        return Err(refused(message));
    }
    let lengths: Vec<usize> = texts.iter().map(|text| text.chars().count()).collect();
    if lengths.iter().any(|length| *length > MAX_TEXT) {
        let message = format!("a text of `input` has more than {MAX_TEXT} characters");
        return Err(refused(message));
    }
    if lengths.iter().sum::<usize>() > MAX_TEXTS {
        let message = format!("the texts of `input` have more than {MAX_TEXTS} characters");
        return Err(refused(message));
    }
    Ok(texts)
}

fn encoded(vector: Vec<f32>, encoding: Encoding) -> Vector {
    match encoding {
        Encoding::Float => Vector::Float(vector),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.into_iter().flat_map(f32::to_le_bytes).collect();
            Vector::Base64(STANDARD.encode(bytes))
        }
    }
}

/// Whom is asked.
#[derive(Debug)]
struct Asked {
    model: ModelRef,
    provider: Arc<dyn Provider>,
    price: Option<Price>,
    dimensions: Option<u32>,
}

impl Asked {
    /// Finds out whom to ask: what the header says, or else the agent's settings.
    async fn of(
        rpc: &Rpc,
        cx: &CallCx,
        agent: &Agent,
        headers: &HeaderMap,
    ) -> Result<Self, Failure> {
        let by_header = header(headers, MODEL)?.map(str::to_owned);
        if by_header.is_some() {
            may_choose(cx)?;
        }
        let none = || {
            let message = "this gateway has no config that names models";
            Failure::invalid(message).about("model")
        };
        let home = rpc.home.get().ok_or_else(none)?;
        let settings = home.config.agent(&agent.id).ok_or_else(none)?.clone();
        let model = model(&settings.embeddings, by_header.as_deref())?;
        let (asked, id) = (model.clone(), settings.id);
        // The credential store may have to be opened for it.
        let found = task::spawn_blocking(move || {
            let models = Models::of(&home);
            let price = models.info(&asked).price;
            models
                .provider(&id, &asked.provider)
                .map(|(provider, read)| (provider, read, price))
        });
        let found = found.await.map_err(|_stopping| none())?;
        let (provider, read, price) = found.map_err(|err| {
            let message = format!("no embeddings can be had of `{model}`: {err}");
            unavailable(mask(&message).into_owned())
        })?;
        rpc.audit.enter(read);
        Ok(Self {
            model,
            provider,
            price,
            dimensions: settings.embeddings.dimensions,
        })
    }

    /// Has the vectors made, and puts on record what that took.
    async fn make(
        &self,
        rpc: &Rpc,
        cx: &CallCx,
        agent: &Agent,
        wanted: EmbeddingRequest,
    ) -> Result<Embeddings, Failure> {
        let session = SessionKey::parse(&format!("agent:{}:{NAME}", agent.id));
        let session = session.map_err(|err| Failure::invalid(err.to_string()))?;
        let (channel, run) = (ChannelId::from(RPC_CHANNEL), RunId::generate());
        let failed = |err| Failure::of(&store_error(&err));
        let peer = PeerId(cx.admitted.principal().to_string());
        let begun = rpc.begin(&session, channel.clone(), peer).await;
        begun.map_err(failed)?;
        let meter = rpc.budget.of_run(Whose {
            agent: agent.id.clone(),
            session: session.clone(),
            run: run.clone(),
            channel,
            attended: Attended::Yes,
        });
        let estimate = tokens(&wanted.texts);
        let planned = Planned {
            provider: &self.model.provider,
            model: &self.model.model,
            price: self.price.as_ref(),
            input_tokens: estimate,
            output_tokens: 0,
        };
        let reserved = meter.reserve(planned).await.map_err(|err| {
            let err = AgentError::Provider(ProviderError::from(err));
            Failure::of(&public(&err))
        })?;
        let (count, stop) = (wanted.texts.len(), rpc.scope.stop().child_token());
        // Whoever goes away wants no vectors any more; what was asked for is recorded all the same.
        let _hangs_up = stop.clone().drop_guard();
        let work = Work {
            provider: Arc::clone(&self.provider),
            price: self.price.clone(),
            estimate,
            stop,
        };
        let (store, model) = (rpc.store.clone(), self.model.clone());
        let making = rpc.scope.spawn(NAME, async move {
            let began = Instant::now();
            let made = work.provider.embed(&wanted, work.stop.clone()).await;
            let usage = work.usage(made.as_ref());
            let cost = work.price.as_ref().map(|price| price.of(&usage));
            if usage != Usage::default() {
                reserved.settle(&usage, cost);
            }
            let call = CallPayload {
                provider: model.provider,
                model: model.model,
                credential: None,
                outcome: match &made {
                    Ok(_) => CallOutcome::Ok,
                    Err(err) => CallOutcome::Failed {
                        kind: err.kind(),
                        message: err.to_string(),
                    },
                },
                usage,
                cost,
                latency_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                first_token_ms: None,
                skipped: 0,
            };
            let recorded = store.append(&session, events(&run, count, call)).await;
            recorded.map(|_| made)
        });
        let made = making.await;
        let made = made
            .unwrap_or(Ok(Err(ProviderError::Cancelled)))
            .map_err(failed)?;
        made.map_err(|err| match err {
            ProviderError::NoEmbeddings { .. } => unavailable(err.to_string()),
            err => Failure::of(&public(&AgentError::Provider(err))).of_turn(),
        })
    }
}

/// What vectors are made with.
struct Work {
    provider: Arc<dyn Provider>,
    price: Option<Price>,
    estimate: u64,
    stop: CancellationToken,
}

impl Work {
    /// Returns what a call took: what is told, or else what it may have taken.
    fn usage(&self, made: Result<&Embeddings, &ProviderError>) -> Usage {
        match made {
            Ok(made) if made.usage != Usage::default() => made.usage,
            Ok(_) => Usage {
                input: self.estimate,
                ..Usage::default()
            },
            // A call that got nowhere is taken to have cost nothing.
            Err(_failed) => Usage::default(),
        }
    }
}

/// Returns the events that say what was asked for and what it took; neither texts nor vectors.
fn events(run: &RunId, texts: usize, call: CallPayload) -> Vec<NewEvent> {
    let id = CallId(run.to_string());
    let params = json!({ "model": format!("{}/{}", call.provider, call.model), "texts": texts });
    let success = call.outcome == CallOutcome::Ok;
    let called = NewEvent::from(SessionEventKind::ToolCalled {
        tool: NAME.to_owned(),
        params,
    });
    let result = NewEvent::from(SessionEventKind::ToolResult {
        tool: NAME.to_owned(),
        result: json!({ "vectors": if success { texts } else { 0 } }),
        success,
    })
    .with_payload(Payload {
        calls: vec![call],
        ..Payload::default()
    });
    [called, result]
        .map(|event| event.in_run(run, None).about_call(&id))
        .to_vec()
}

/// Returns the most tokens that texts have: every byte may be one.
fn tokens(texts: &[String]) -> u64 {
    let bytes: usize = texts.iter().map(String::len).sum();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Returns the model that is asked.
fn model(settings: &EmbeddingSettings, by_header: Option<&str>) -> Result<ModelRef, Failure> {
    let provider = settings.provider.as_deref().unwrap_or(USUAL.0);
    let of_provider = |model: &str| ModelRef {
        provider: ProviderId::from(provider),
        model: model.to_owned(),
    };
    match (by_header, settings.model.as_deref()) {
        (Some(name), _) => Ok(name.parse().unwrap_or_else(|_bare| of_provider(name))),
        (None, Some(name)) => {
            // A name may say its provider again, as OpenClaw takes it.
            let bare = name.strip_prefix(provider);
            let bare = bare.and_then(|name| name.strip_prefix('/'));
            Ok(of_provider(bare.unwrap_or(name)))
        }
        (None, None) if provider == USUAL.0 => Ok(of_provider(USUAL.1)),
        (None, None) => Err(unavailable(format!(
            "nothing says which model of `{provider}` makes embeddings: set memory.search.model, \
             or name one in the header `{MODEL}`"
        ))),
    }
}

/// Says that nobody can be asked for vectors.
fn unavailable(message: String) -> Failure {
    let error = ApiError::invalid(message).about("model");
    Failure::new(
        StatusCode::BAD_REQUEST,
        error.with_code("embeddings_unavailable"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &Value) -> Result<usize, String> {
        let read = texts(Some(input));
        read.map(|texts| texts.len())
            .map_err(|failure| failure.error.message)
    }

    #[test]
    fn texts_have_limits() {
        assert_eq!(read(&json!("a")), Ok(1));
        assert_eq!(read(&json!(["a", "b"])), Ok(2));
        for (input, part) in [
            (json!([]), "has to have a text"),
            (json!(""), "empty"),
            (json!(["a", ""]), "empty"),
            (json!([1, 2]), "must be a string"),
            (json!(5), "must be a string"),
            (json!("ü".repeat(MAX_TEXT + 1)), "more than 8192"),
            (json!(vec!["a"; MOST_TEXTS + 1]), "129 texts"),
            (json!(vec!["x".repeat(8000); 9]), "more than 65536"),
        ] {
            let told = read(&input).unwrap_err();
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(read(&json!("ü".repeat(MAX_TEXT))), Ok(1));
    }

    #[test]
    fn the_header_comes_before_the_settings_and_those_before_what_is_usual() {
        let model = |provider: Option<&str>, name: Option<&str>, by_header| {
            let settings = EmbeddingSettings {
                provider: provider.map(str::to_owned),
                model: name.map(str::to_owned),
                dimensions: None,
            };
            model(&settings, by_header)
                .map(|model| model.to_string())
                .ok()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            model(None, None, None),
            some("openai/text-embedding-3-small")
        );
        assert_eq!(model(Some("p"), Some("m"), None), some("p/m"));
        assert_eq!(model(Some("p"), Some("p/m"), None), some("p/m"));
        assert_eq!(model(Some("p"), Some("m"), Some("q/n")), some("q/n"));
        assert_eq!(model(Some("p"), None, Some("n")), some("p/n"));
        assert_eq!(model(Some("p"), None, None), None);
    }

    #[test]
    fn vectors_are_written_as_openai_writes_them() {
        let base64 = encoded(vec![1.0, -2.5], Encoding::Base64);
        assert_eq!(base64, Vector::Base64("AACAPwAAIMA=".to_owned()));
    }
}
