//! The reference page, `docs/reference/rpc.md`.

use openclaw_core::validation::{MAX_JSON_DEPTH, MAX_MESSAGE_SIZE};
use serde_json::{Map, Value};

use super::schema;
use super::types::{Types, alternatives, doc};
use crate::jsonrpc::{FIRST_METHOD, MAX_BATCH, MAX_BODY, MAX_SOCKET_MESSAGE};
use crate::methods::{METHODS, Scope};
use crate::notifications::NOTIFICATIONS;

/// Returns the reference page of the RPC surface, in Markdown.
pub fn markdown() -> String {
    let schema = schema();
    let none = Map::new();
    let definitions = schema
        .get("$defs")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let types = Types::new(definitions);
    let mut page = Page::default();
    introduction(&mut page);
    methods(&mut page, &schema, types);
    notifications(&mut page, &schema, types);
    errors(&mut page, &schema, types);
    page.heading("## Types");
    for (name, type_) in types.named() {
        named_type(&mut page, name, type_, types);
    }
    page.finish()
}

/// Lines of Markdown, in blocks that are set off by empty lines.
#[derive(Default)]
struct Page(Vec<String>);

impl Page {
    fn heading(&mut self, text: impl Into<String>) {
        self.block(text.into());
    }

    fn block(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }

    fn code(&mut self, language: &str, text: &str) {
        self.block(format!("```{language}\n{text}\n```"));
    }

    fn table(&mut self, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let line = |cells: Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |", cells.join(" | "))
        };
        let mut lines = vec![
            line(head.iter().map(|&cell| cell.to_owned()).collect()),
            line(vec!["---".to_owned(); head.len()]),
        ];
        lines.extend(rows.into_iter().map(line));
        self.block(lines.join("\n"));
    }

    fn finish(self) -> String {
        self.0.join("\n\n") + "\n"
    }
}

fn introduction(page: &mut Page) {
    page.block("<!-- Written by `cargo xtask codegen` from the tables in openclaw-ipc. Change them there. -->");
    page.heading("# RPC reference");
    page.block(
        "The gateway speaks [JSON-RPC 2.0](https://www.jsonrpc.org/specification) in two ways.\n\
         `POST /rpc` takes one request or one batch and answers it.\n\
         `GET /ws` opens a WebSocket, which takes the same requests and brings [notifications](#notifications) besides.\n\
         Both want the gateway's token in the header `Authorization: Bearer …`.",
    );
    page.code(
        "sh",
        "curl -s http://127.0.0.1:18789/rpc \\\n  \
         -H \"Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN\" \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -d '{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools.list\"}'",
    );
    page.block(format!(
        "Params are an object or an array; missing params are an empty one, and an unknown field is an error.\n\
         An array has the fields in the order of the tables below; `null` leaves out an optional one, and fewer are enough where the rest is optional.\n\
         Outputs may gain fields in later versions, so a client ignores what it does not know.\n\
         An optional field may be null, which is the same as leaving it out.\n\
         Times are RFC 3339 in UTC.\n\
         A batch has at most {MAX_BATCH} requests, JSON is nested at most {MAX_JSON_DEPTH} levels deep, and a message has at most {MAX_MESSAGE_SIZE} bytes of text.\n\
         A body of `POST /rpc` has at most {MAX_BODY} bytes and a message to the WebSocket {MAX_SOCKET_MESSAGE}; attachments count with their base64.\n\
         The requests on one socket are worked on side by side, up to 64 of them, and those of one batch one after the other; messages to one session are recorded in the order in which they were sent.\n\
         The types are in [openclaw.d.ts](openclaw.d.ts) for TypeScript and in [rpc.schema.json](rpc.schema.json) as JSON Schema; `rpc.discover` answers an OpenRPC document."
    ));
    first_message(page);
    page.block(format!(
        "Each method needs a scope of {}. `{}` includes `{}`, and `{}` includes every other.",
        Scope::ALL.map(|scope| format!("`{scope}`")).join(", "),
        Scope::Write,
        Scope::Read,
        Scope::Admin,
    ));
}

fn first_message(page: &mut Page) {
    page.block(format!(
        "A page in a browser cannot set the header on a WebSocket.\n\
         It opens the socket without and sends the token in its first message, by the method `{FIRST_METHOD}`, which exists only there.\n\
         It has ten seconds and 4,096 bytes for that, and waits for the answer before it sends more; anything else than a good token closes the socket with code 1008.\n\
         A socket whose token is revoked or has run out is closed with code 4001.\n\
         A token in the address is refused."
    ));
    page.code(
        "jsonl",
        &format!(
            "{{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"{FIRST_METHOD}\", \"params\": {{\"token\": \"…\"}}}}\n\
             {{\"jsonrpc\": \"2.0\", \"result\": {{\"ok\": true}}, \"id\": 1}}"
        ),
    );
}

fn methods(page: &mut Page, schema: &Value, types: Types<'_>) {
    page.heading("## Methods");
    page.table(
        &["method", "scope", "what it does"],
        METHODS.iter().map(|method| {
            vec![
                format!("[`{0}`](#{1})", method.name, method.name.replace('.', "")),
                method.scope.as_str().to_owned(),
                method.doc.lines().next().unwrap_or_default().to_owned(),
            ]
        }),
    );
    for method in METHODS {
        page.heading(format!("### {}", method.name));
        page.block(method.doc);
        page.block(format!("Scope: `{}`.", method.scope.as_str()));
        let entry = |part| schema.pointer(&format!("/methods/{}/{part}", method.name));
        match entry("params").map(|params| types.fields(params)) {
            Some(fields) if !fields.is_empty() => {
                fields_table(page, ["params", "required"], fields);
            }
            _ => page.block("It takes no params."),
        }
        if let Some(output) = entry("output") {
            fields_table(page, ["output", "always there"], types.fields(output));
        }
        page.code(
            "jsonl",
            &format!(
                "{{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"{}\", \"params\": {}}}\n\
                 {{\"jsonrpc\": \"2.0\", \"result\": {}, \"id\": 1}}",
                method.name, method.example.params, method.example.output
            ),
        );
    }
}

fn notifications(page: &mut Page, schema: &Value, types: Types<'_>) {
    page.heading("## Notifications");
    page.block(
        "The gateway sends these over the WebSocket without being asked, for every session.\n\
         Session events are facts and come after they are on disk; deltas and tool output are shown while they happen and are never stored.\n\
         Each fact has a cursor; after a lost connection, `events.subscribe` with the last one goes on behind it.\n\
         A client that reads too slowly loses pieces, and is told how many by `stream.lagged`; facts wait in the log for it, and answers are never left out.\n\
         What waits for it in memory is the message that is being sent and a page of facts: 1,048,576 bytes of text, or one fact that is larger.\n\
         A client that reads nothing for ten seconds while something waits is cut off.",
    );
    for notification in NOTIFICATIONS {
        page.heading(format!("### {}", notification.name));
        page.block(notification.doc);
        let params = schema.pointer(&format!("/notifications/{}/params", notification.name));
        if let Some(params) = params {
            fields_table(page, ["params", "always there"], types.fields(params));
        }
        page.code(
            "json",
            &format!(
                "{{\"jsonrpc\": \"2.0\", \"method\": \"{}\", \"params\": {}}}",
                notification.name, notification.example
            ),
        );
    }
}

fn errors(page: &mut Page, schema: &Value, types: Types<'_>) {
    page.heading("## Errors");
    page.block(
        "An error has a code for programs, a message for people, and `data` for both.\n\
         The kind in the data says more than the code where the specification has one code for several things.",
    );
    let kinds = schema.pointer("/$defs/Kind").map_or(&[][..], alternatives);
    let meaning = |kind: &Value| {
        let kind = kinds.iter().find(|entry| entry.get("const") == Some(kind));
        kind.map(doc).unwrap_or_default().to_owned()
    };
    let codes = schema.pointer("/errors/codes").and_then(Value::as_array);
    page.table(
        &["code", "kind", "when"],
        codes.into_iter().flatten().map(|entry| {
            let code = entry.get("code").map(Value::to_string);
            let kind = entry.get("kind").unwrap_or(&Value::Null);
            let when = match doc(entry) {
                "" => meaning(kind),
                when => when.to_owned(),
            };
            vec![
                code.unwrap_or_default(),
                format!("`{}`", kind.as_str().unwrap_or_default()),
                when,
            ]
        }),
    );
    if let Some(data) = schema.pointer("/errors/data") {
        fields_table(page, ["data", "always there"], types.fields(data));
    }
    page.code(
        "json",
        "{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32602, \"message\": \"unknown field `session`\", \"data\": {\"kind\": \"invalid\", \"hint\": \"use one of `sessionKey`, `cursor`, `limit`\"}}, \"id\": 1}",
    );
}

fn named_type(page: &mut Page, name: &str, type_: &Value, types: Types<'_>) {
    page.heading(format!("### {name}"));
    page.block(doc(type_));
    let fields = types.fields(type_);
    if !fields.is_empty() {
        fields_table(page, ["field", "always there"], fields);
    }
    for alternative in alternatives(type_) {
        let kind = alternative.pointer("/properties/kind/const");
        let data = alternative.pointer("/properties/data");
        if let (Some(Value::String(kind)), Some(data)) = (kind, data) {
            page.block(format!("`kind` is `{kind}`: {}", doc(alternative)));
            fields_table(page, ["data", "always there"], types.fields(data));
        }
    }
    let values: Vec<Vec<String>> = alternatives(type_)
        .iter()
        .filter_map(|value| {
            let name = value.get("const")?.as_str()?;
            Some(vec![format!("`{name}`"), doc(value).to_owned()])
        })
        .collect();
    if !values.is_empty() {
        page.table(&["value", "meaning"], values);
    }
}

fn fields_table(
    page: &mut Page,
    [field, required]: [&str; 2],
    fields: Vec<super::types::Field<'_>>,
) {
    page.table(
        &[field, "type", required, "meaning"],
        fields.into_iter().map(|field| {
            let required = if field.required { "yes" } else { "no" };
            vec![
                format!("`{}`", field.name),
                field.type_,
                required.to_owned(),
                field.doc.to_owned(),
            ]
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_a_method_whole() {
        let page = markdown();
        let (_, section) = page.split_once("### session.history\n\n").unwrap();
        let (section, _) = section.split_once("\n\n### session.end").unwrap();
        insta::assert_snapshot!(section);
    }

    #[test]
    fn every_link_leads_to_a_heading() {
        let page = markdown();
        let anchors: Vec<String> = page
            .lines()
            .filter_map(|line| {
                line.trim_start_matches('#')
                    .strip_prefix(' ')
                    .filter(|_| line.starts_with('#'))
            })
            .map(|heading| heading.to_lowercase().replace(' ', "-").replace('.', ""))
            .collect();
        for link in page.split("](#").skip(1) {
            let target = link.split(')').next().unwrap();
            assert!(anchors.iter().any(|anchor| anchor == target), "{target}");
        }
    }

    #[test]
    fn names_every_method_notification_kind_and_type_of_event() {
        let page = markdown();
        for method in METHODS {
            assert!(
                page.contains(&format!("\n### {}\n", method.name)),
                "{}",
                method.name
            );
        }
        for kind in openclaw_core::Kind::ALL {
            let row = format!("| {} | `{}` |", kind.rpc_code(), kind.as_str());
            assert!(page.contains(&row), "{row}");
        }
        assert_eq!(page.matches("`kind` is `").count(), 8);
        assert_eq!(page, markdown());
    }
}
