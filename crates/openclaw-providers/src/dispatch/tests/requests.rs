//! What each candidate is asked.

use openclaw_core::CallId;
use serde_json::{Map, json};

use super::*;
use crate::catalogue::ModelInfo;
use crate::dispatch::fit::fit;
use crate::provider::Modality;
use crate::request::{
    Arguments, AssistantBlock, Effort, Message, ToolCall, ToolResult, ToolSpec, UserBlock,
};

fn picture() -> UserBlock {
    UserBlock::Image {
        mime: "image/png".to_owned(),
        base64: "AAAA".to_owned(),
    }
}

fn conversation() -> Request {
    let call = ToolCall {
        id: CallId("c1".to_owned()),
        name: "ls".to_owned(),
        arguments: Arguments::Object(Map::new()),
    };
    Request {
        system: "be kind".to_owned(),
        messages: vec![
            Message::User(vec![
                UserBlock::Text("see".to_owned()),
                picture(),
                UserBlock::Document {
                    mime: "application/pdf".to_owned(),
                    name: "a.pdf".to_owned(),
                    base64: "AAAA".to_owned(),
                },
            ]),
            Message::Assistant(vec![AssistantBlock::ToolCall(call)]),
            Message::ToolResults(vec![ToolResult {
                call_id: CallId("c1".to_owned()),
                content: "nothing".to_owned(),
                is_error: false,
            }]),
            Message::User(vec![UserBlock::Text("and now?".to_owned())]),
        ],
        tools: vec![ToolSpec {
            name: "ls".to_owned(),
            description: "lists".to_owned(),
            parameters: json!({"type": "object"}).into(),
        }],
        max_tokens: Some(9000),
        ..Request::default()
    }
}

fn knowing(info: Option<ModelInfo>) -> Candidate {
    let mut candidate = candidate(&Actor::new("p", [Act::Say("yes")]));
    candidate.info = info;
    candidate
}

#[test]
fn a_model_of_which_nothing_is_known_gets_everything() {
    let request = conversation();
    let expected = Request {
        model: "m".to_owned(),
        ..request.clone()
    };
    assert_eq!(fit(&request, &knowing(None)), expected);
}

#[test]
fn what_a_model_cannot_be_shown_is_told_in_words() {
    let info = ModelInfo {
        max_tokens: Some(4096),
        tools: false,
        ..ModelInfo::unknown("m")
    };
    let fitted = fit(&conversation(), &knowing(Some(info)));
    let user = |texts: &[&str]| {
        let blocks = texts.iter().map(|&text| UserBlock::Text(text.to_owned()));
        Message::User(blocks.collect())
    };
    assert_eq!(
        fitted.messages,
        [
            user(&[
                "see",
                "[a picture (image/png) that you cannot be shown]",
                "[a document, a.pdf (application/pdf), that you cannot be shown]",
            ]),
            Message::Assistant(vec![AssistantBlock::Text(
                "[the tool ls was called with {}]".to_owned()
            )]),
            user(&["[the tool answered: nothing]", "and now?"]),
        ]
    );
    assert_eq!((fitted.tools.len(), fitted.max_tokens), (0, Some(4096)));
}

#[test]
fn a_model_that_sees_pictures_is_shown_them() {
    let info = ModelInfo {
        input: vec![Modality::Text, Modality::Image],
        ..ModelInfo::unknown("m")
    };
    let fitted = fit(&conversation(), &knowing(Some(info)));
    let Message::User(blocks) = &fitted.messages[0] else {
        panic!("{fitted:?}");
    };
    assert_eq!(blocks[1], picture());
    assert!(matches!(blocks[2], UserBlock::Text(_)));
}

#[test]
fn what_the_request_says_comes_before_what_is_configured() {
    let mut candidate = knowing(None);
    candidate.defaults = Defaults {
        max_tokens: Some(10),
        effort: Some(Effort::High),
        temperature: Some(0.5),
        cache: crate::request::CacheRetention::Long,
    };
    let fitted = fit(&conversation(), &candidate);
    assert_eq!(
        (
            fitted.max_tokens,
            fitted.effort,
            fitted.temperature,
            fitted.cache
        ),
        (
            Some(9000),
            Some(Effort::High),
            Some(0.5),
            crate::request::CacheRetention::Long
        )
    );
}

#[tokio::test(start_paused = true)]
async fn each_candidate_is_asked_for_by_its_own_name() {
    let stage = Stage::new();
    let first = Actor::new("first", [Act::Refuse(404, None)]);
    let second = Actor::new("second", [Act::Say("yes")]);
    let mut stand_in = candidate(&second);
    stand_in.model.model = "other".to_owned();
    assert!(
        ask(&stage.of(vec![candidate(&first), stand_in]))
            .await
            .0
            .is_ok()
    );
    let names = [&first, &second].map(|actor| actor.asked.lock()[0].model.clone());
    assert_eq!(names, ["m", "other"]);
}
