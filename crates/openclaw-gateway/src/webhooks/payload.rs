//! `POST /hooks/wake` and `POST /hooks/agent`: what their bodies say.

use std::time::Duration;

use serde_json::{Map, Value};

use super::keys::{Keeps, Key};
use super::order::{Deed, Mode, Told, Turn, Wish};
use super::refusal::Refusal;

/// The name of a message that has none.
pub(super) const NAME: &str = "Hook";

/// Whether a request is answered when its turn begins or when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Begun,
    Ended,
}

/// Reads what an agent's main session is to hear.
pub(super) fn wake(body: &Map<String, Value>) -> Result<Wish, Refusal> {
    let Some(text) = text(body, "text") else {
        return Err(Refusal::invalid("`text` is missing: say what happened"));
    };
    let mode = Mode::of(body.get("mode").and_then(Value::as_str));
    let key = named(body, "sessionKey")?.map(Key::OfSender);
    if key.is_some() && mode == Mode::NextHeartbeat {
        let error = "`sessionKey` needs the mode `now`: heartbeats are the main session's";
        return Err(Refusal::invalid(error));
    }
    Ok(Wish {
        text,
        agent: named(body, "agentId")?,
        key,
        deed: Deed::Wake(mode),
    })
}

/// Reads what an agent is to do.
pub(super) fn agent(body: &Map<String, Value>) -> Result<(Wish, Until), Refusal> {
    let Some(message) = text(body, "message") else {
        return Err(Refusal::invalid(
            "`message` is missing: say what the agent is to do",
        ));
    };
    let until = match body.get("waitForCompletion") {
        None | Some(Value::Bool(false)) => Until::Begun,
        Some(Value::Bool(true)) => Until::Ended,
        Some(_) => return Err(Refusal::invalid("`waitForCompletion` is true or false")),
    };
    let keeps = match body.get("sessionMode").map(Value::as_str) {
        None | Some(Some("isolated")) => Keeps::Nothing,
        Some(Some("persistent")) => Keeps::Everything,
        Some(_) => {
            let error = "`sessionMode` is `isolated` or `persistent`";
            return Err(Refusal::invalid(error));
        }
    };
    let turn = Turn {
        name: text(body, "name").unwrap_or_else(|| NAME.to_owned()),
        keeps,
        told: told(body)?,
        model: named(body, "model")?,
        thinking: text(body, "thinking"),
        within: seconds(body.get("timeoutSeconds")),
    };
    let key = text(body, "sessionKey").map(Key::OfSender);
    if keeps == Keeps::Everything && key.is_none() {
        let error = "the mode `persistent` needs a `sessionKey`";
        return Err(Refusal::invalid(error));
    }
    let wish = Wish {
        text: message,
        agent: named(body, "agentId")?,
        key,
        deed: Deed::Turn(Box::new(turn)),
    };
    Ok((wish, until))
}

/// Says who hears what comes of a turn; nobody can be reached on a channel.
fn told(body: &Map<String, Value>) -> Result<Told, Refusal> {
    if body.get("deliver") == Some(&Value::Bool(false)) {
        return Ok(Told::Nobody);
    }
    match ["channel", "to", "accountId"].map(|key| body.get(key)) {
        [None, None, None] => Ok(Told::Main),
        _ => Err(no_channel()),
    }
}

/// Refuses what would have to be told on a channel.
pub(super) fn no_channel() -> Refusal {
    Refusal::invalid(
        "there is no messenger channel here to deliver to: leave `channel`, `to` and `accountId` \
         out, or set `deliver` to false",
    )
}

/// Returns a time as OpenClaw reads it: whole seconds, and what is none says nothing.
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = value?.as_f64().filter(|seconds| *seconds > 0.0)?.floor();
    Duration::try_from_secs_f64(seconds).ok()
}

/// Returns a text without the blanks around it, if there is one.
fn text(body: &Map<String, Value>, key: &str) -> Option<String> {
    let text = body.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns a text that must not be empty where it is there at all.
fn named(body: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match (body.contains_key(key), text(body, key)) {
        (true, None) => Err(Refusal::invalid(format!(
            "`{key}` is a text that is not empty"
        ))),
        (_, text) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(body: Value) -> Map<String, Value> {
        match body {
            Value::Object(body) => body,
            _ => Map::new(),
        }
    }

    fn turn(said: Value) -> Result<Turn, String> {
        let wish = agent(&body(said)).map_err(|refusal| refusal.error)?.0;
        match wish.deed {
            Deed::Turn(turn) => Ok(*turn),
            Deed::Wake(_) => Err("a wake".to_owned()),
        }
    }

    #[test]
    fn what_is_not_said_is_as_openclaw_has_it() {
        let usual = turn(json!({ "message": " do it " })).unwrap();
        assert_eq!((usual.name.as_str(), usual.keeps), ("Hook", Keeps::Nothing));
        assert_eq!((usual.told, usual.within), (Told::Main, None));
        let (wish, until) = agent(&body(json!({ "message": " do it " }))).unwrap();
        assert_eq!((wish.text.as_str(), until), ("do it", Until::Begun));
    }

    #[test]
    fn a_time_is_whole_seconds_and_what_is_none_says_nothing() {
        let within = |seconds: Value| {
            let said = json!({ "message": "m", "timeoutSeconds": seconds });
            turn(said).unwrap().within
        };
        assert_eq!(within(json!(7.9)), Some(Duration::from_secs(7)));
        for none in [json!(0), json!(-1), json!("7"), json!(1e300)] {
            assert_eq!(within(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn nobody_is_reached_on_a_channel() {
        for more in [
            json!({ "channel": "telegram", "to": "4711" }),
            json!({ "channel": "last" }),
            json!({ "to": "4711" }),
            json!({ "accountId": "a", "deliver": true }),
        ] {
            let mut said = body(json!({ "message": "m" }));
            said.extend(body(more));
            assert!(turn(Value::Object(said.clone())).is_err(), "{said:?}");
            said.insert("deliver".to_owned(), false.into());
            let told = turn(Value::Object(said)).map(|turn| turn.told);
            assert_eq!(told, Ok(Told::Nobody));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in [
            json!({}),
            json!({ "message": 5 }),
            json!({ "message": "m", "agentId": " " }),
            json!({ "message": "m", "model": "" }),
            json!({ "message": "m", "sessionMode": "own" }),
            json!({ "message": "m", "sessionMode": "persistent" }),
            json!({ "message": "m", "waitForCompletion": "yes" }),
        ] {
            assert!(turn(wrong.clone()).is_err(), "{wrong}");
        }
        for wrong in [
            json!({}),
            json!({ "text": " " }),
            json!({ "text": "t", "agentId": 5 }),
            json!({ "text": "t", "sessionKey": "" }),
            json!({ "text": "t", "sessionKey": "k", "mode": "next-heartbeat" }),
        ] {
            assert!(wake(&body(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
