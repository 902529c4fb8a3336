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

#[tokio::test(start_paused = true)]
async fn no_provider_is_left_alone_for_more_than_a_day_because_it_asks() {
    let stage = Stage::new();
    let only = Actor::new(
        "p",
        [Act::Refuse(429, Some(1_000_000_000)), Act::Say("yes")],
    );
    let route = stage.route(&[&only]);
    assert!(ask(&route).await.0.is_err());
    let until = stage.health.snapshot()[0].until.unwrap();
    assert_eq!(until.as_second(), 24 * 60 * 60);
    stage.pass(24 * 60 * 60 - 60);
    assert!(ask(&route).await.0.is_err());
    assert_eq!(only.asked(), 1);
    stage.pass(60);
    assert!(ask(&route).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_a_provider_asked_for_is_that_of_its_address_and_of_the_key() {
    for status in [429, 503] {
        let stage = Stage::new();
        let refusal = Act::Refuse(status, Some(3600));
        let asked = |address: &str, key: &str| {
            let acts = [refusal.clone(), refusal.clone(), Act::Say("yes")];
            let actor = Actor::at(address, key, "p", acts);
            (stage.route(&[&actor]), actor)
        };
        let (old, _) = asked("https://a.example", "old");
        assert!(ask(&old).await.0.is_err());
        stage.health.reconsider();
        let (same, same_actor) = asked("https://a.example/", "old");
        assert!(ask(&same).await.0.is_err());
        assert_eq!(same_actor.asked(), 0, "{status}");
        let (moved, moved_actor) = asked("https://b.example", "old");
        assert!(ask(&moved).await.0.is_err());
        assert_eq!(moved_actor.asked(), 1, "{status}");
        // Another key is of no use where the model itself is to be left alone.
        let (new, new_actor) = asked("https://a.example", "new");
        assert!(ask(&new).await.0.is_err());
        assert_eq!(new_actor.asked(), usize::from(status == 429), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_key_that_was_replaced_is_forgotten_with_the_first_answer() {
    let stage = Stage::new();
    let refusal = Act::Refuse(429, Some(3600));
    let old = Actor::at("https://a.example", "old", "p", [refusal]);
    let new = Actor::at("https://a.example", "new", "p", [Act::Say("yes")]);
    assert!(ask(&stage.route(&[&old])).await.0.is_err());
    // Of two keys with one name that are in use at the same time, each has its own rests.
    assert!(ask(&stage.route(&[&new])).await.0.is_ok());
    assert_eq!(stage.health.snapshot().len(), 1);
    stage.health.reconsider();
    assert!(ask(&stage.route(&[&new])).await.0.is_ok());
    assert_eq!(stage.health.snapshot(), []);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_back_makes_nobody_rest_for_longer() {
    let stage = Stage::new();
    let only = Actor::new("p", [Act::Refuse(429, Some(3600)), Act::Say("yes")]);
    let route = stage.route(&[&only]);
    assert!(ask(&route).await.0.is_err());
    stage.pass(-365 * 24 * 60 * 60);
    tokio::time::advance(Duration::from_secs(3500)).await;
    assert!(ask(&route).await.0.is_err());
    assert_eq!(only.asked(), 1);
    tokio::time::advance(Duration::from_secs(101)).await;
    assert!(ask(&route).await.0.is_ok());
}
