//! Characters that a server cuts in two, as programs do that cut texts by UTF-16 units.

use openclaw_providers::{Arguments, AssistantBlock};
use serde_json::json;

use super::apis::{APIS, Api, Wire};
use super::{ask, calls, streamed};

/// What stands for the halves of 🎉 until they are put into the finished bytes.
const FIRST: &str = "<1>";
const SECOND: &str = "<2>";

/// The halves as an API's own JSON has them, and as the JSON in a text of it has them.
const LEVELS: [[&str; 2]; 2] = [["\\ud83c", "\\uDF89"], ["\\\\ud83c", "\\\\uDF89"]];

fn cut(body: &str, [first, second]: [&str; 2]) -> String {
    body.replace(FIRST, first).replace(SECOND, second)
}

async fn said(api: &Api, pieces: &[&str]) -> String {
    let words = pieces.iter().map(|piece| api.wire.text(piece));
    let body = api.wire.start() + &words.collect::<String>() + &api.wire.end(&[]);
    let server = streamed(api, cut(&body, LEVELS[0]));
    let answer = ask(api, &server).await.unwrap();
    match answer.content.as_slice() {
        [AssistantBlock::Text(text)] => text.clone(),
        other => panic!("{}: {other:?}", api.name),
    }
}

async fn written(api: &Api, body: String) -> Arguments {
    let server = streamed(api, body);
    let answer = ask(api, &server).await.unwrap();
    calls(&answer).remove(0).1
}

fn object(value: &str) -> Arguments {
    Arguments::Object(json!({ "a": value }).as_object().unwrap().clone())
}

#[tokio::test]
async fn halves_of_a_character_in_two_pieces_of_text_are_joined() {
    for api in APIS {
        let text = said(api, &["party <1>", "<2>!"]).await;
        assert_eq!(text, "party 🎉!", "{}", api.name);
    }
}

#[tokio::test]
async fn a_half_that_never_meets_the_other_is_replaced() {
    for api in APIS {
        let text = said(api, &["a<1>", "b<2>", "c<1>"]).await;
        assert_eq!(text, "a\u{fffd}b\u{fffd}c\u{fffd}", "{}", api.name);
    }
}

#[tokio::test]
async fn half_a_character_does_not_spoil_arguments() {
    for api in APIS {
        let end = api.wire.end(&[("call_1", r#"{"a":"<1>"}"#)]);
        let body = api.wire.start() + &end;
        // Where arguments are no text, there is no second level.
        let is_text = !matches!(api.wire, Wire::Google | Wire::Ollama);
        for level in LEVELS.iter().take(1 + usize::from(is_text)) {
            let arguments = written(api, cut(&body, *level)).await;
            assert_eq!(arguments, object("\u{fffd}"), "{}", api.name);
        }
    }
}

#[tokio::test]
async fn halves_of_a_character_in_two_pieces_of_arguments_are_joined() {
    let whole = r#"{\"a\":\"<1><2>\"}"#;
    let pieces = [r#"{\"a\":\"<1>"#, r#"<2>\"}"#];
    for api in APIS {
        if matches!(api.wire, Wire::Google | Wire::Ollama) {
            continue;
        }
        let end = api.wire.end(&[("call_1", r#"{"a":"<1><2>"}"#)]);
        let events = end.split_inclusive("\n\n").map(|event| {
            if !event.contains(whole) || event.contains("output_item.done") {
                return event.to_owned();
            }
            pieces.map(|piece| event.replace(whole, piece)).concat()
        });
        let body = api.wire.start() + &events.collect::<String>();
        for level in LEVELS {
            let arguments = written(api, cut(&body, level)).await;
            assert_eq!(arguments, object("🎉"), "{}", api.name);
        }
    }
}
