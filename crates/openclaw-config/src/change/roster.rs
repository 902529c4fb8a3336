//! The two ways in which a config lists its agents: by id (`agents.entries`), and as a list of
//! objects with an `id` (`agents.list`). A path of either form leads to what stands in the file.

use serde_json::{Map, Value};

use super::path::{Step, Typed, index};

/// Returns a path and a value in the form in which the config lists its agents.
pub(super) fn as_written(
    config: &Value,
    path: &[Step],
    value: Option<&Value>,
) -> (Vec<Step>, Option<Value>) {
    let same = || (path.to_vec(), value.cloned());
    let list = config.pointer("/agents/list").and_then(Value::as_array);
    let entries = config.pointer("/agents/entries").and_then(Value::as_object);
    let [agents, form, rest @ ..] = path else {
        return same();
    };
    if agents.key != "agents" {
        return same();
    }
    match (form.key.as_str(), list, entries, rest) {
        ("list", None, Some(_), []) => {
            let path = vec![agents.clone(), key("entries")];
            (
                path,
                value.map(|value| by_id(value).unwrap_or_else(|| value.clone())),
            )
        }
        ("list", None, Some(entries), [position, below @ ..]) => {
            let id = index(&position.key).and_then(|index| entries.keys().nth(index));
            let Some(id) = id else {
                return same();
            };
            let path = [agents.clone(), key("entries"), key(id)];
            let value = value.cloned().map(|mut value| {
                if let (true, Some(members)) = (below.is_empty(), value.as_object_mut()) {
                    members.remove("id");
                }
                value
            });
            (path.iter().chain(below).cloned().collect(), value)
        }
        ("entries", Some(list), None, [id, below @ ..]) => {
            let has_id = |agent: &Value| agent.get("id").is_some_and(|found| *found == id.key);
            let position = list.iter().position(has_id);
            let value = value.cloned().map(|value| match (position, below) {
                (_, []) => with_id(value, &id.key),
                (None, below) => with_id(under(below, value), &id.key),
                _ => value,
            });
            let step = Step {
                key: position.unwrap_or(list.len()).to_string(),
                typed: Typed::Index,
            };
            let below = if position.is_some() { below } else { &[] };
            let path = [agents.clone(), key("list"), step];
            (path.iter().chain(below).cloned().collect(), value)
        }
        _ => same(),
    }
}

fn key(key: &str) -> Step {
    Step {
        key: key.to_owned(),
        typed: Typed::Quoted,
    }
}

fn with_id(value: Value, id: &str) -> Value {
    match value {
        Value::Object(members) => {
            let mut agent = Map::from_iter([("id".to_owned(), Value::from(id))]);
            agent.extend(members);
            Value::Object(agent)
        }
        other => other,
    }
}

fn under(path: &[Step], value: Value) -> Value {
    path.iter().rev().fold(value, |inner, step| {
        Value::Object(Map::from_iter([(step.key.clone(), inner)]))
    })
}

/// Returns a list of agents as a map of them; nothing when one has no id or two have the same.
fn by_id(list: &Value) -> Option<Value> {
    let mut agents = Map::new();
    for agent in list.as_array()? {
        let mut members = agent.as_object()?.clone();
        let id = members.remove("id")?.as_str()?.to_owned();
        if agents.insert(id, Value::Object(members)).is_some() {
            return None;
        }
    }
    Some(Value::Object(agents))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::ConfigPath;

    fn written(config: &Value, path: &str, value: &Value) -> (String, Value) {
        let path = ConfigPath::parse(path).unwrap();
        let (path, value) = as_written(config, path.steps(), Some(value));
        let keys: Vec<&str> = path.iter().map(|step| step.key.as_str()).collect();
        (keys.join("."), value.unwrap())
    }

    #[test]
    fn an_agent_is_found_by_its_id_in_a_list() {
        let config = json!({"agents": {"list": [{"id": "main"}, {"id": "work"}]}});
        let found = written(&config, "agents.entries.work.skills", &json!(["a"]));
        assert_eq!(found, ("agents.list.1.skills".to_owned(), json!(["a"])));
        let found = written(&config, "agents.entries.main", &json!({"skills": []}));
        assert_eq!(
            found,
            (
                "agents.list.0".to_owned(),
                json!({"id": "main", "skills": []})
            )
        );
        let found = written(&config, "agents.entries.new.tools.allow", &json!(["x"]));
        let agent = json!({"id": "new", "tools": {"allow": ["x"]}});
        assert_eq!(found, ("agents.list.2".to_owned(), agent));
    }

    #[test]
    fn an_agent_is_found_by_its_position_in_a_map() {
        let config = json!({"agents": {"entries": {"main": {}, "work": {}}}});
        let found = written(&config, "agents.list[1].skills", &json!(["a"]));
        assert_eq!(
            found,
            ("agents.entries.work.skills".to_owned(), json!(["a"]))
        );
        let list = json!([{"id": "main"}, {"id": "b", "skills": []}]);
        let map = json!({"main": {}, "b": {"skills": []}});
        let found = written(&config, "agents.list", &list);
        assert_eq!(found, ("agents.entries".to_owned(), map));
    }

    #[test]
    fn everything_else_stays_as_it_was_typed() {
        let config = json!({"agents": {"entries": {"main": {}}}});
        for path in [
            "gateway.port",
            "agents.defaults.model",
            "agents.entries.x",
            "agents",
        ] {
            assert_eq!(
                written(&config, path, &json!(1)),
                (path.to_owned(), json!(1))
            );
        }
    }
}
