//! Several keys of one provider, and when they rest.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_key_that_is_turned_down_is_followed_by_the_next_one_at_once() {
    for (status, rest) in [(429, 30), (401, 600), (403, 600), (402, 600)] {
        let stage = Stage::new();
        let mine = Actor::new("p", [Act::Refuse(status, None)]);
        let yours = Actor::new("p", [Act::Say("yes")]);
        let route = stage.of(vec![with_keys(&[("mine", &mine), ("yours", &yours)])]);
        let before = tokio::time::Instant::now();
        let (answer, calls) = ask(&route).await;
        assert!(answer.is_ok());
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(
            shown(&calls),
            [
                &format!("p/mine: provider `p` answered with status {status}"),
                "p/yours: ok"
            ]
        );
        let until = stage.health.snapshot()[0].until.unwrap();
        assert_eq!(until.as_second(), rest);
        assert!(ask(&route).await.0.is_ok());
        assert_eq!(mine.asked(), 1);
        stage.pass(rest + 1);
        assert!(ask(&route).await.0.is_ok());
        assert_eq!(mine.asked(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_rests_for_as_long_as_its_provider_asks() {
    let stage = Stage::new();
    let mine = Actor::new("p", [Act::Refuse(429, Some(7)), Act::Say("again")]);
    let yours = Actor::new("p", [Act::Say("yes")]);
    let route = stage.of(vec![with_keys(&[("mine", &mine), ("yours", &yours)])]);
    assert!(ask(&route).await.0.is_ok());
    stage.pass(6);
    assert!(ask(&route).await.0.is_ok());
    assert_eq!(mine.asked(), 1);
    stage.pass(2);
    assert!(ask(&route).await.0.is_ok());
    assert_eq!((mine.asked(), yours.asked()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_of_one_model_and_a_refused_key_of_all() {
    for (status, asked) in [(429, 2), (401, 1)] {
        let stage = Stage::new();
        let key = Actor::new("p", [Act::Refuse(status, None), Act::Say("yes")]);
        let other = Actor::new("q", [Act::Say("instead")]);
        let large = with_keys(&[("k", &key), ("spare", &Actor::new("p", [Act::Say("ok")]))]);
        let mut small = with_keys(&[("k", &key)]);
        small.model.model = "small".to_owned();
        assert!(ask(&stage.of(vec![large])).await.0.is_ok());
        assert!(
            ask(&stage.of(vec![small, candidate(&other)]))
                .await
                .0
                .is_ok()
        );
        assert_eq!(key.asked(), asked, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_key_waits_for_its_limit_and_goes_on() {
    let stage = Stage::new();
    let only = Actor::new("p", [Act::Refuse(429, Some(3)), Act::Say("yes")]);
    let before = tokio::time::Instant::now();
    let (answer, calls) = ask(&stage.route(&[&only])).await;
    assert!(answer.is_ok());
    assert_eq!(calls.len(), 2);
    assert!(before.elapsed() >= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_names_a_long_rest_is_left_alone_and_the_error_says_how_long() {
    let stage = Stage::new();
    let only = Actor::new("p", [Act::Refuse(429, Some(3600))]);
    let route = stage.route(&[&only]);
    assert!(ask(&route).await.0.is_err());
    stage.pass(600);
    let (answer, calls) = ask(&route).await;
    let error = answer.unwrap_err();
    assert_eq!(
        (error.to_string(), error.hint().unwrap()),
        (
            "provider `p` is left alone for 3000 s because too many requests were made".to_owned(),
            "try again in 3000 s or configure another model".to_owned(),
        )
    );
    assert_eq!((calls.len(), only.asked()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn when_all_rest_by_our_own_guess_the_first_to_be_over_is_asked_all_the_same() {
    let stage = Stage::new();
    let wrong = Act::Refuse(401, None);
    let first = Actor::new("first", [wrong.clone(), Act::Say("healed")]);
    let second = Actor::new("second", [wrong]);
    let route = stage.route(&[&first, &second]);
    assert!(ask(&route).await.0.is_err());
    let (answer, calls) = ask(&route).await;
    assert_eq!(answer.unwrap().provider.as_str(), "first");
    assert_eq!((calls.len(), second.asked()), (1, 1));
    // Its rest is over with the first answer.
    assert_eq!(stage.health.snapshot().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_changed_key_is_asked_at_once() {
    let stage = Stage::new();
    let first = Actor::new("first", [Act::Refuse(401, None), Act::Say("new key")]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let route = stage.route(&[&first, &second]);
    assert!(words(&route).await.starts_with("second"));
    stage.health.reconsider();
    assert!(words(&route).await.starts_with("first"));
}
