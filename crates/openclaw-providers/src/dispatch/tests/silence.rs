//! Answers that do not come, or do not go on, and stops.

use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_model_that_says_nothing_is_followed_by_the_next_one_and_rests_at_once() {
    let stage = Stage::new();
    let first = Actor::new("first", [Act::Hang(vec![started(), used(5, 0)])]);
    let second = Actor::new("second", [Act::Say("instead")]);
    let route = stage.route(&[&first, &second]);
    let before = Instant::now();
    let (answer, calls) = ask(&route).await;
    assert_eq!(answer.unwrap().provider.as_str(), "second");
    assert_eq!(before.elapsed(), Policy::default().stall);
    assert_eq!(
        shown(&calls)[0],
        "first/-: provider `first` said nothing for 300 s"
    );
    assert!(ask(&route).await.0.is_ok());
    assert_eq!(first.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_falls_silent_fails_the_answer_although_usage_keeps_coming() {
    let stage = Stage::new();
    let mut only = candidate(&Actor::new(
        "only",
        [Act::Hang(vec![
            started(),
            said("half"),
            used(5, 1),
            used(5, 2),
        ])],
    ));
    only.stall = Some(Duration::from_secs(20));
    let before = Instant::now();
    let (answer, calls) = ask(&stage.of(vec![only])).await;
    assert_eq!(
        answer.unwrap_err().to_string(),
        "provider `only` said nothing for 20 s"
    );
    assert_eq!(before.elapsed(), Duration::from_secs(20));
    assert_eq!((calls.len(), calls[0].usage.input), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn a_lone_model_that_is_silent_is_asked_again() {
    let stage = Stage::new();
    let only = Actor::new("only", [Act::Hang(vec![]), Act::Say("yes")]);
    let (answer, calls) = ask(&stage.route(&[&only])).await;
    assert!(answer.is_ok());
    assert_eq!(calls.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_an_answer_and_a_wait() {
    let stage = Stage::new();
    let acts = [
        Act::Hang(vec![started(), said("half")]),
        Act::Hang(vec![started()]),
        Act::Refuse(529, Some(20)),
    ];
    for act in acts {
        let only = Actor::new("only", [act]);
        let route = stage.route(&[&only]);
        let stop = CancellationToken::new();
        let asked = async {
            match route.ask(&Request::default(), &Unmetered, &stop).await {
                Ok(mut answer) => {
                    while answer.next().await.is_some() {}
                    answer.finish()
                }
                Err(Refused { error, calls }) => (Err(error), calls),
            }
        };
        let stopped = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stop.cancel();
        };
        let ((answer, calls), ()) = tokio::join!(asked, stopped);
        assert!(matches!(answer, Err(ProviderError::Cancelled)));
        assert_eq!(calls.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_broken_off_says_so_in_its_call() {
    let only = Actor::new("only", [Act::Say("yes")]);
    let route = Stage::new().route(&[&only]);
    let stop = CancellationToken::new();
    let mut answer = route
        .ask(&Request::default(), &Unmetered, &stop)
        .await
        .unwrap();
    assert_eq!(answer.next().await, Some(started()));
    let (answer, calls) = answer.finish();
    assert!(matches!(answer, Err(ProviderError::Cancelled)));
    assert_eq!(shown(&calls), ["only/-: the model was stopped"]);
}
