//! Requests as they are written.

use serde_json::json;

use super::*;
use crate::quirks::{Api, Quirks, Server};
use crate::request::{AssistantBlock, Message, Thinking, UserBlock};
use crate::samples;

fn dialect(server: Server, model: &str, quirks: Option<&Quirks>) -> Dialect {
    Dialect::new(Api::Chat, server, model, quirks)
}

fn written(request: &Request, server: Server, quirks: &Quirks) -> Value {
    let dialect = dialect(server, &request.model, Some(quirks));
    let body = of(request, &request.model, &dialect, &"test".into());
    serde_json::to_value(body).unwrap()
}

fn compat(compat: &Value) -> Quirks {
    let compat = compat.as_object().unwrap();
    assert_eq!(Quirks::ignored(compat), [""; 0]);
    Quirks::read(compat)
}

/// Returns what differs from a request without any wishes: everything but the conversation.
fn fields(request: &Request, server: Server, quirks: &Value) -> Value {
    let mut body = written(request, server, &compat(quirks));
    let fields = body.as_object_mut().unwrap();
    for common in ["model", "stream", "stream_options", "messages", "tools"] {
        fields.remove(common);
    }
    body
}

fn asking(model: &str, effort: Option<Effort>) -> Request {
    Request {
        model: model.into(),
        messages: vec![Message::User(vec![UserBlock::Text("Hm?".into())])],
        max_tokens: Some(100),
        temperature: Some(0.5),
        effort,
        conversation: Some("c".repeat(70)),
        ..Request::default()
    }
}

#[test]
fn a_whole_conversation_is_written_as_the_api_wants_it() {
    let request = samples::conversation();
    let dialect = dialect(Server::Other, "model-1", None);
    insta::assert_json_snapshot!(of(&request, "model-1", &dialect, &"test".into()));
}

#[test]
fn careless_ids_names_and_arguments_are_made_legal() {
    let request = samples::careless();
    let dialect = dialect(Server::Other, "model-1", None);
    insta::assert_json_snapshot!(of(&request, "model-1", &dialect, &"test".into()));
}

#[test]
fn a_family_is_sent_nothing_that_it_refuses() {
    let key = "c".repeat(64);
    let request = |model| asking(model, Some(Effort::High));
    let own = |model| fields(&request(model), Server::OpenAI, &json!({}));
    assert_eq!(
        own("gpt-5.2"),
        json!({"max_completion_tokens": 100, "reasoning_effort": "high", "store": false,
            "prompt_cache_key": key})
    );
    assert_eq!(
        own("gpt-4o"),
        json!({"max_completion_tokens": 100, "temperature": 0.5, "store": false,
            "prompt_cache_key": key})
    );
    assert_eq!(
        fields(&request("llama"), Server::Other, &json!({})),
        json!({"max_tokens": 100, "temperature": 0.5, "reasoning_effort": "high"})
    );
    assert_eq!(
        fields(&request("mistral-large"), Server::Mistral, &json!({})),
        json!({"max_tokens": 100, "temperature": 0.5})
    );
}

#[test]
fn what_refuses_an_effort_beside_tools_is_sent_none() {
    let with_tools = |model: &str, effort| {
        let request = Request {
            tools: samples::conversation().tools,
            ..asking(model, effort)
        };
        let fields = fields(&request, Server::OpenAI, &json!({}));
        fields.get("reasoning_effort").cloned()
    };
    assert_eq!(
        with_tools("gpt-5.6-sol", Some(Effort::High)),
        Some(json!("none"))
    );
    assert_eq!(with_tools("gpt-5.6-sol", None), Some(json!("none")));
    assert_eq!(with_tools("gpt-5.5", Some(Effort::High)), None);
    assert_eq!(
        with_tools("gpt-5.2", Some(Effort::High)),
        Some(json!("high"))
    );
}

#[test]
fn every_server_is_told_to_think_in_its_own_way() {
    let told = |server, format: Option<&str>, effort| {
        let request = Request {
            temperature: None,
            max_tokens: None,
            ..asking("m", Some(effort))
        };
        let quirks = format.map_or(json!({}), |format| json!({"thinkingFormat": format}));
        fields(&request, server, &quirks)
    };
    for (server, format, on, off) in [
        (
            Server::OpenRouter,
            None,
            json!({"reasoning": {"effort": "low"}}),
            json!({"reasoning": {"enabled": false}}),
        ),
        (
            Server::DeepSeek,
            None,
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            Server::Together,
            None,
            json!({"reasoning": {"enabled": true}}),
            json!({"reasoning": {"enabled": false}}),
        ),
        (
            Server::Zai,
            None,
            json!({"thinking": {"type": "enabled", "clear_thinking": false}}),
            json!({"thinking": {"type": "disabled"}}),
        ),
        (
            Server::Other,
            Some("qwen"),
            json!({"enable_thinking": true}),
            json!({"enable_thinking": false}),
        ),
        (
            Server::Other,
            Some("qwen-chat-template"),
            json!({"chat_template_kwargs": {"enable_thinking": true, "preserve_thinking": true}}),
            json!({"chat_template_kwargs": {"enable_thinking": false, "preserve_thinking": true}}),
        ),
    ] {
        assert_eq!(told(server, format, Effort::Low), on);
        assert_eq!(told(server, format, Effort::Off), off);
    }
    let nothing_said = fields(&asking("m", None), Server::Zai, &json!({}));
    assert_eq!(nothing_said, json!({"max_tokens": 100, "temperature": 0.5}));
}

#[test]
fn a_prompt_stays_cached_as_long_as_the_model_offers() {
    let kept = |model, cache| {
        let request = Request {
            cache,
            temperature: None,
            max_tokens: None,
            conversation: Some("c".into()),
            ..asking(model, None)
        };
        fields(&request, Server::OpenAI, &json!({"supportsStore": false}))
    };
    assert_eq!(kept("gpt-5.2", CacheRetention::None), json!({}));
    assert_eq!(
        kept("gpt-5.2", CacheRetention::Long),
        json!({"prompt_cache_key": "c", "prompt_cache_retention": "24h"})
    );
    assert_eq!(
        kept("gpt-5.6-sol", CacheRetention::Long),
        json!({"prompt_cache_key": "c", "prompt_cache_options": {"ttl": "30m"}})
    );
    assert_eq!(
        kept("gpt-4o", CacheRetention::Long),
        json!({"prompt_cache_key": "c"})
    );
}

/// Returns the messages after the system prompt.
fn messages(request: &Request, server: Server, quirks: &Value) -> Vec<Value> {
    let body = written(request, server, &compat(quirks));
    body["messages"].as_array().unwrap()[1..].to_vec()
}

#[test]
fn openai_is_told_by_a_developer_and_knows_no_optional_arguments_otherwise() {
    let request = Request {
        model: "gpt-5.2".into(),
        ..samples::conversation()
    };
    let body = written(&request, Server::OpenAI, &Quirks::default());
    assert_eq!(
        body["messages"][0],
        json!({"role": "developer", "content": "You are terse."})
    );
    assert_eq!(body["tools"][0]["function"]["strict"], json!(false));
    let old = written(&samples::conversation(), Server::OpenAI, &Quirks::default());
    assert_eq!(old["messages"][0]["role"], json!("system"));
}

#[test]
fn quirks_of_messages_are_followed() {
    let request = samples::conversation();
    let strings = messages(
        &request,
        Server::Other,
        &json!({"requiresStringContent": true, "requiresToolResultName": true}),
    );
    assert_eq!(
        strings[0]["content"],
        json!("What is in this picture?\n[a file that this model cannot be shown]")
    );
    assert_eq!(strings[2]["name"], json!("exec"));
    let thoughts = messages(
        &request,
        Server::Other,
        &json!({"requiresThinkingAsText": true}),
    );
    assert_eq!(
        thoughts[1]["content"],
        json!("A picture.\nNobody signed this.\nLet me look around.")
    );
    let mut asked = request;
    asked.messages.remove(3);
    let between = messages(
        &asked,
        Server::Other,
        &json!({"requiresAssistantAfterToolResult": true}),
    );
    assert_eq!(
        between[4],
        json!({"role": "assistant", "content": "I have the results."})
    );
}

#[test]
fn thoughts_go_back_only_where_they_came_from() {
    let request = samples::conversation();
    let own = messages(&request, Server::DeepSeek, &json!({}));
    assert_eq!(own[1]["reasoning_content"], json!("A picture.\n"));
    assert_eq!(own[4]["reasoning_content"], json!(""));
    let dialect = dialect(Server::DeepSeek, "model-1", None);
    let body = of(&request, "model-1", &dialect, &"another".into());
    let body = serde_json::to_value(body).unwrap();
    assert_eq!(body["messages"][2]["reasoning_content"], json!(""));
    let plain = messages(&request, Server::Other, &json!({}));
    assert_eq!(plain[1].get("reasoning_content"), None);
}

#[test]
fn openrouter_gets_its_details_back() {
    let detail = json!({"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"});
    let thinking = |by: &str| {
        AssistantBlock::Thinking(Thinking {
            text: "Hm.".into(),
            signature: Some(json!({"reasoning_details": [detail]}).to_string()),
            by: Some(by.into()),
            ..Thinking::default()
        })
    };
    let answer = |by| {
        let said = AssistantBlock::Text("Yes.".into());
        let request = Request {
            system: "s".into(),
            messages: vec![Message::Assistant(vec![thinking(by), said])],
            ..Request::default()
        };
        messages(&request, Server::OpenRouter, &json!({})).remove(0)
    };
    assert_eq!(
        answer("test"),
        json!({"role": "assistant", "content": "Yes.", "reasoning_details": [detail]})
    );
    assert_eq!(
        answer("another"),
        json!({"role": "assistant", "content": "Yes."})
    );
}

#[test]
fn the_end_of_what_is_cached_is_marked_and_nothing_else_changes_with_it() {
    let mut request = Request {
        model: "anthropic/claude-opus-4.6".into(),
        cache: CacheRetention::Long,
        ..samples::conversation()
    };
    let mark = json!({"type": "ephemeral", "ttl": "1h"});
    let body = written(&request, Server::OpenRouter, &Quirks::default());
    assert_eq!(
        body["messages"][0]["content"],
        json!([{"type": "text", "text": "You are terse.", "cache_control": mark}])
    );
    assert_eq!(
        body["messages"][6]["content"],
        json!([{"type": "text", "text": "Sure?", "cache_control": mark}])
    );
    assert_eq!(body["tools"][1]["cache_control"], mark);
    let without = |mut body: Value| {
        for message in body["messages"].as_array_mut().unwrap() {
            for part in message["content"].as_array_mut().into_iter().flatten() {
                part.as_object_mut().unwrap().remove("cache_control");
            }
        }
        body["messages"].as_array().unwrap().clone()
    };
    let before = without(body);
    request
        .messages
        .push(Message::Assistant(vec![AssistantBlock::Text(
            "Yes.".into(),
        )]));
    request
        .messages
        .push(Message::User(vec![UserBlock::Text("Good.".into())]));
    let after = without(written(&request, Server::OpenRouter, &Quirks::default()));
    assert_eq!(after[..before.len()], before);
}

#[test]
fn the_configuration_routes_at_openrouter() {
    let request = Request {
        max_tokens: None,
        temperature: None,
        ..asking("m", None)
    };
    assert_eq!(
        fields(
            &request,
            Server::OpenRouter,
            &json!({"openRouterRouting": {"only": ["groq"]}})
        ),
        json!({"provider": {"only": ["groq"]}})
    );
}
