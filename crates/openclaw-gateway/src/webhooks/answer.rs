//! What comes of a request that was let in, and what its sender is told of it.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::dispatch::{Begun, NotBegun, Patience, begin};
use super::mapped::{Mapped, Of, mapped};
use super::order::{Again, Deed, Mode, Order, Wish};
use super::payload::{self, Until};
use super::refusal::Refusal;
use super::template::Sent;
use super::{Called, Open};
use crate::audit::Transport;
use crate::builder::Gateway;
use crate::http::guard::door;
use crate::http::payload::{collect, object};
use crate::http::routes::json_text;
use crate::rpc::CallCx;

/// How long the beginning of a turn is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same for the elements of a list, which go on without anybody waiting.
const PATIENCE_WITH_LISTS: Duration = Duration::from_secs(8);
/// How long it is waited for a refusal of something that only wakes an agent.
const MOMENT: Duration = Duration::from_millis(250);
/// How many failures of a list are told.
const MOST_ERRORS: usize = 5;
/// The longest key by which a request is known when it is sent again.
const MAX_KEY: usize = 256;
/// The headers that have such a key.
const KEYS: [&str; 2] = ["idempotency-key", "x-openclaw-idempotency-key"];

/// Does what a request asks for.
pub(super) async fn answer(
    gateway: &Gateway,
    cx: &CallCx,
    Called { open, name }: Called,
    head: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    if name.is_empty() {
        return Err(nothing_here());
    }
    let limit = open.settings.max_body(&name);
    let body = collect(&head.headers, body, limit).await;
    let body = body.map_err(|refused| {
        let door = door(Transport::Webhook, &head.extensions);
        Refusal::refused(refused, gateway, door)
    })?;
    let payload = match body.as_ref() {
        [] => Map::new(),
        body => object(body).map_err(Refusal::invalid)?,
    };
    let key = key(&head.headers, &payload);
    let desk = Desk {
        gateway,
        cx,
        open: &open,
        name: &name,
        again: key.as_deref().map_or(Again::Unknown, Again::ByKey),
    };
    match name.as_str() {
        "wake" => {
            let wish = payload::wake(&payload)?;
            let told = desk.wake(wish).await?;
            Ok(ok(told))
        }
        "agent" => {
            let (wish, until) = payload::agent(&payload)?;
            desk.prefixes_are_named(&wish)?;
            let order = desk.order(wish, desk.again).await?;
            desk.turn(order, until).await
        }
        _ => {
            let sent = Sent::of(name.clone(), head, payload);
            let mapped = mapped(&open.settings.mappings, &sent)?;
            desk.mapped(mapped.ok_or_else(nothing_here)?).await
        }
    }
}

fn nothing_here() -> Refusal {
    let error = "there is no webhook at this address, and no mapping is for it";
    Refusal::new(StatusCode::NOT_FOUND, error)
}

/// Returns the key by which a request is known when it is sent again.
fn key(headers: &HeaderMap, payload: &Map<String, Value>) -> Option<String> {
    let of_headers = KEYS
        .iter()
        .map(|name| headers.get(*name).and_then(|value| value.to_str().ok()));
    let of_payload = payload.get("idempotencyKey").and_then(Value::as_str);
    of_headers
        .chain([of_payload])
        .flatten()
        .map(str::trim)
        .find(|key| !key.is_empty() && key.len() <= MAX_KEY)
        .map(str::to_owned)
}

/// Where one request is worked on.
struct Desk<'a> {
    gateway: &'a Gateway,
    cx: &'a CallCx,
    open: &'a Open,
    name: &'a str,
    again: Again<'a>,
}

impl Desk<'_> {
    async fn order(&self, wish: Wish, again: Again<'_>) -> Result<Order, Refusal> {
        let shared = &self.gateway.shared;
        let memory = &shared.webhooks.memory;
        wish.order((&shared.rpc, memory), &self.open.settings, self.name, again)
            .await
    }

    /// A session that goes on is reached from outside only within prefixes.
    fn prefixes_are_named(&self, wish: &Wish) -> Result<(), Refusal> {
        let Deed::Turn(turn) = &wish.deed else {
            return Ok(());
        };
        if turn.keeps == super::keys::Keeps::Everything
            && self.open.settings.keys.prefixes.is_empty()
        {
            let error = "the mode `persistent` needs hooks.allowedSessionKeyPrefixes";
            return Err(Refusal::invalid(error));
        }
        Ok(())
    }

    /// Has an agent hear of something, and returns what is told of that.
    async fn wake(&self, wish: Wish) -> Result<Map<String, Value>, Refusal> {
        let mode = match &wish.deed {
            Deed::Wake(mode) => *mode,
            Deed::Turn(_) => Mode::Now,
        };
        let mut order = self.order(wish, self.again).await?;
        let told = |outcome: &str| {
            let told = [("mode", mode.as_str()), ("eventOutcome", outcome)];
            let told = told.map(|(key, value)| (key.to_owned(), Value::from(value)));
            Map::from_iter(told)
        };
        let memory = &self.gateway.shared.webhooks.memory;
        order.waits = memory.waits(&order.place.session, &order.text);
        if order.waits.is_none() {
            return Ok(told("coalesced"));
        }
        match begin(self.gateway, self.cx, order, Patience::LetsGo(MOMENT)).await {
            Ok(_) | Err(NotBegun::Pending) => Ok(told("queued")),
            Err(NotBegun::Refused(refusal)) => Err(refusal),
        }
    }

    /// Has an agent take a turn.
    async fn turn(&self, order: Order, until: Until) -> Result<Response, Refusal> {
        let begun = begin(self.gateway, self.cx, order, Patience::GivesUp(PATIENCE)).await;
        let Begun { run, end } = begun.map_err(NotBegun::refusal)?;
        let mut told = Map::from_iter([("runId".to_owned(), run.to_string().into())]);
        if until == Until::Ended {
            let Ok(ending) = end.await else {
                let error = "the gateway stopped before the turn ended";
                let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error);
                return Err(refusal.of_run(&run));
            };
            told.insert("completion".to_owned(), ending.told());
        }
        Ok(ok(told))
    }

    /// Does what a mapping makes of a request.
    async fn mapped(&self, Mapped { wishes, of }: Mapped) -> Result<Response, Refusal> {
        let (mut wakes, mut orders, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
        for wish in wishes {
            let Deed::Turn(turn) = &wish.deed else {
                wakes.push(wish);
                continue;
            };
            let keeps = turn.keeps == super::keys::Keeps::Everything;
            if keeps && wish.key.is_none() && self.open.settings.keys.usual.is_none() {
                let error = "a mapping whose session goes on needs a session key";
                return Err(Refusal::invalid(error));
            }
            let again = match (of, self.again) {
                (Of::List, Again::Unknown) => {
                    // The same may stand in a list more than once.
                    let before: &mut usize = seen.entry(wish.text.clone()).or_default();
                    let again = Again::ByContent(*before);
                    *before = before.saturating_add(1);
                    again
                }
                (_, again) => again,
            };
            orders.push(self.order(wish, again).await?);
        }
        let mut told = Map::new();
        for wish in wakes {
            let outcome = self.wake(wish).await?;
            if told.get("eventOutcome") != Some(&"queued".into()) {
                told = outcome;
            }
        }
        if orders.is_empty() {
            return Ok(if told.is_empty() {
                StatusCode::NO_CONTENT.into_response()
            } else {
                ok(told)
            });
        }
        match of {
            Of::Request => match orders.into_iter().next() {
                Some(order) => self.turn(order, Until::Begun).await,
                None => Ok(StatusCode::NO_CONTENT.into_response()),
            },
            Of::List => self.turns(orders, told).await,
        }
    }

    /// Has an agent take a turn for each element of a list.
    async fn turns(
        &self,
        orders: Vec<Order>,
        mut told: Map<String, Value>,
    ) -> Result<Response, Refusal> {
        let all = orders.len();
        let patience = Patience::LetsGo(PATIENCE_WITH_LISTS);
        let each = orders
            .into_iter()
            .map(|order| begin(self.gateway, self.cx, order, patience));
        let (mut runs, mut refused, mut pending) = (Vec::new(), Vec::new(), 0_usize);
        for outcome in join_all(each).await {
            match outcome {
                Ok(begun) => runs.push(begun.run.to_string()),
                Err(NotBegun::Refused(refusal)) => refused.push(refusal),
                Err(NotBegun::Pending) => pending = pending.saturating_add(1),
            }
        }
        if refused.is_empty() && pending == 0 {
            told.insert("runId".to_owned(), runs.first().cloned().into());
            if all > 1 {
                told.insert("dispatched".to_owned(), all.into());
                told.insert("runIds".to_owned(), runs.into());
            }
            return Ok(ok(told));
        }
        let error = format!(
            "not all of the list: {} of {all} begun, {} refused, {pending} pending",
            runs.len(),
            refused.len()
        );
        let status = refused
            .first()
            .map_or(StatusCode::SERVICE_UNAVAILABLE, |refusal| refusal.status);
        let mut refusal = Refusal::new(status, error);
        refusal.more = told;
        refusal.more.insert("runIds".to_owned(), runs.into());
        if !refused.is_empty() {
            let errors = refused.into_iter().take(MOST_ERRORS);
            let errors: Vec<String> = errors.map(|refusal| refusal.error).collect();
            refusal.more.insert("errors".to_owned(), errors.into());
        }
        Err(refusal)
    }
}

impl NotBegun {
    fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Pending => {
                let error = "the turn has not begun yet";
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, error)
            }
        }
    }
}

fn ok(told: Map<String, Value>) -> Response {
    let mut body = json!({ "ok": true });
    if let Some(body) = body.as_object_mut() {
        body.extend(told);
    }
    json_text(StatusCode::OK, body.to_string())
}
