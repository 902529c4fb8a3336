//! From one model to the next, and back.

use super::*;

const DOWN: Act = Act::Refuse(529, None);

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_three_times_is_followed_by_the_next_one_and_returns_after_its_rest() {
    let stage = Stage::new();
    let first = Actor::new("first", [DOWN, DOWN, DOWN, Act::Say("I am back")]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let route = stage.route(&[&first, &second]);

    let (answer, calls) = ask(&route).await;
    assert_eq!(answer.unwrap().provider.as_str(), "second");
    assert_eq!(
        shown(&calls),
        [
            "first/-: provider `first` answered with status 529",
            "first/-: provider `first` answered with status 529",
            "first/-: provider `first` answered with status 529",
            "second/-: ok",
        ]
    );

    let (answer, calls) = ask(&route).await;
    assert_eq!(
        (answer.unwrap().provider.as_str(), calls.len()),
        ("second", 1)
    );
    stage.pass(31);
    let (answer, calls) = ask(&route).await;
    assert_eq!(
        (answer.unwrap().provider.as_str(), calls.len()),
        ("first", 1)
    );
    assert_eq!(stage.health.snapshot(), []);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_is_not_repeated_and_the_rest_grows() {
    let stage = Stage::new();
    let first = Actor::new("first", [DOWN]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let route = stage.route(&[&first, &second]);

    let mut rests = Vec::new();
    let mut asked = Vec::new();
    for _ in 0..4 {
        let before = first.asked();
        assert!(ask(&route).await.0.is_ok());
        asked.push(first.asked() - before);
        let until = stage.health.snapshot()[0].until.unwrap();
        let rest = until.duration_since(stage.clock.now()).as_secs();
        rests.push(rest);
        stage.pass(rest + 1);
    }
    assert_eq!((asked, rests), (vec![3, 1, 1, 1], vec![30, 60, 300, 300]));
}

#[tokio::test(start_paused = true)]
async fn one_call_at_a_time_finds_out_whether_a_model_works_again() {
    let stage = Stage::new();
    let first = Actor::new("first", [DOWN, DOWN, DOWN, Act::Hang(vec![started()])]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let route = stage.route(&[&first, &second]);
    assert!(ask(&route).await.0.is_ok());
    stage.pass(31);

    let mut probe = std::pin::pin!(ask(&route));
    assert!(futures_util::poll!(&mut probe).is_pending());
    assert_eq!(first.asked(), 4);
    let (answer, _) = ask(&route).await;
    assert_eq!(answer.unwrap().provider.as_str(), "second");
    assert_eq!(first.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_every_model_would_refuse_is_asked_of_none_but_the_first() {
    for act in [Act::Refuse(400, None), Act::Refuse(422, None)] {
        let stage = Stage::new();
        let first = Actor::new("first", [act]);
        let second = Actor::new("second", [Act::Say("instead")]);
        let (answer, calls) = ask(&stage.route(&[&first, &second])).await;
        assert!(matches!(answer, Err(ProviderError::Status { .. })));
        assert_eq!((calls.len(), second.asked()), (1, 0));
        assert_eq!(stage.health.snapshot(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_model_cannot_do_another_one_does_and_nobody_rests() {
    for act in [
        Act::Refuse(404, None),
        Act::Refuse(413, None),
        Act::Break(vec![started()], Reason::ContextLength),
        Act::Break(vec![started()], Reason::ContentFilter),
    ] {
        let stage = Stage::new();
        let first = Actor::new("first", [act]);
        let second = Actor::new("second", [Act::Say("instead")]);
        let (answer, calls) = ask(&stage.route(&[&first, &second])).await;
        assert_eq!(answer.unwrap().provider.as_str(), "second");
        assert_eq!((calls.len(), first.asked()), (2, 1));
        assert_eq!(stage.health.snapshot(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_before_its_first_token_is_asked_for_again() {
    for act in [
        Act::Break(vec![started(), used(9, 0)], Reason::Overloaded),
        Act::Send(vec![started()]),
        Act::Send(vec![started(), ended()]),
    ] {
        let stage = Stage::new();
        let only = Actor::new("only", [act, Act::Say("yes")]);
        let (answer, calls) = ask(&stage.route(&[&only])).await;
        assert_eq!(answer.unwrap().content.len(), 1);
        assert_eq!(calls.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_mixed_into_an_answer_that_breaks_off_after_its_first_token() {
    let stage = Stage::new();
    let cut = Act::Break(vec![started(), said("half")], Reason::Overloaded);
    let first = Actor::new("first", [cut]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let (answer, calls) = ask(&stage.route(&[&first, &second])).await;
    assert_eq!(
        answer.unwrap_err().to_string(),
        "provider `first` broke off its answer"
    );
    assert_eq!((calls.len(), second.asked()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn when_nobody_answers_every_model_is_named_and_the_hint_is_the_most_useful_one() {
    let stage = Stage::new();
    let first = Actor::new("first", [DOWN]);
    let second = Actor::new("second", [Act::Refuse(401, None)]);
    let (answer, _) = ask(&stage.route(&[&first, &second])).await;
    let error = answer.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no model answered: `first/m`: provider `first` answered with status 529; \
         `second/m`: provider `second` answered with status 401"
    );
    assert_eq!(
        error.hint().unwrap(),
        "check the API key of provider `second`"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_nothing_but_thoughts_or_blanks_is_none() {
    let thoughts = vec![
        started(),
        StreamEvent::Thinking("hm".to_owned()),
        said(" \n"),
        used(10, 5),
        ended(),
    ];
    let stage = Stage::new();
    let only = Actor::new("only", [Act::Send(thoughts)]);
    let (answer, calls) = ask(&stage.route(&[&only])).await;
    assert_eq!(
        answer.unwrap_err().to_string(),
        "provider `only` sent an answer with nothing in it (stop: end_turn)"
    );
    assert_eq!((calls.len(), calls[0].usage.output), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_word_is_not_taken_to_another_model() {
    let stage = Stage::new();
    let declined = vec![started(), StreamEvent::Stop(StopReason::Refusal)];
    let first = Actor::new("first", [Act::Send(declined)]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let (answer, _) = ask(&stage.route(&[&first, &second])).await;
    assert_eq!(
        answer.unwrap_err().hint().unwrap(),
        "put the message differently or choose another model"
    );
    assert_eq!(second.asked(), 0);
}

#[tokio::test]
async fn a_route_to_nobody_says_what_is_missing() {
    let (answer, _) = ask(&Stage::new().of(Vec::new())).await;
    let error = answer.unwrap_err();
    assert_eq!(
        (error.to_string(), error.kind()),
        (
            "there is no model that could be asked".to_owned(),
            openclaw_core::Kind::Config
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_alone_tries_again_the_same_way() {
    let only = Actor::new("only", [DOWN, Act::Send(vec![started()]), Act::Say("yes")]);
    let answer = only
        .complete(Request::default(), CancellationToken::new())
        .await;
    assert_eq!((answer.unwrap().content.len(), only.asked()), (1, 3));
    let never = Actor::new("never", [Act::Refuse(401, None)]);
    let refused = never
        .complete(Request::default(), CancellationToken::new())
        .await;
    assert!(refused.is_err());
    assert_eq!(never.asked(), 1);
}
