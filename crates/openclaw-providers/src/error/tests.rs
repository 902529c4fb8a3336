//! What failures say, and what they advise.

use super::*;

#[test]
fn a_refused_key_is_the_providers_failure_with_a_hint_for_the_operator() {
    let error = ProviderError::Status {
        provider: "anthropic".into(),
        status: 401,
        reason: Reason::of_status(401),
        message: "invalid x-api-key".into(),
        retry_after: None,
    };
    assert_eq!(
        (error.kind(), error.to_string(), error.hint()),
        (
            Kind::Unavailable,
            "provider `anthropic` answered with status 401: invalid x-api-key".into(),
            Some("check the API key of provider `anthropic`".into()),
        )
    );
}

fn refused(status: u16, retry_after: Option<u64>) -> ProviderError {
    ProviderError::Status {
        provider: "mine".into(),
        status,
        reason: Reason::of_status(status.into()),
        message: String::new(),
        retry_after: retry_after.map(Duration::from_secs),
    }
}

#[test]
fn a_redirect_says_that_the_address_has_to_be_changed() {
    for status in [301, 302, 303, 307, 308] {
        let hint = refused(status, None).hint().unwrap();
        assert!(
            hint.contains("redirects") && hint.contains("`baseUrl` of provider `mine`"),
            "{hint}"
        );
    }
}

#[test]
fn a_rate_limit_says_how_long_it_lasts_and_never_more_than_a_day() {
    let later = "configure another model";
    for (asked, hint) in [
        (None, format!("try again later or {later}")),
        (Some(90), format!("try again in 90 s or {later}")),
        (
            Some(1_000_000_000),
            format!("try again in 86400 s or {later}"),
        ),
    ] {
        assert_eq!(refused(429, asked).hint(), Some(hint));
    }
}

#[test]
fn an_unknown_api_names_the_known_ones() {
    let error = ProviderError::UnknownApi {
        api: "smoke".into(),
    };
    let hint = error.hint().unwrap();
    for spec in crate::PROVIDERS {
        assert!(hint.contains(spec.api), "{hint}");
    }
}

#[test]
fn an_excerpt_is_cut_between_characters() {
    assert_eq!(excerpt("grün", 4), "grün");
    assert_eq!(excerpt("grün", 3), "grü…");
}
