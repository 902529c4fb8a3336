//! Limits over time, on a clock that only the tests move.

use std::net::{Ipv4Addr, Ipv6Addr};

use governor::clock::FakeRelativeClock;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn limits(settings: LimitSettings, lockout: &LockoutSettings) -> (Limits, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    let ticks = Ticks::Fake(clock.clone());
    (Limits::with_clock(settings, lockout, &ticks), clock)
}

fn usual() -> (Limits, FakeRelativeClock) {
    limits(LimitSettings::default(), &LockoutSettings::default())
}

fn at(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

/// Counts how many of `n` calls are answered.
fn calls(limits: &Limits, who: &Principal, from: Option<IpAddr>, n: usize) -> usize {
    let call = || limits.call(who, from, Scope::Read).is_ok();
    (0..n).filter(|_| call()).count()
}

fn bearer() -> Principal {
    Principal::SecretBearer
}

fn proxied(user: &str) -> Principal {
    Principal::Proxied(user.into())
}

#[test]
fn a_client_has_sixty_calls_a_minute_and_gets_them_back_one_by_one() {
    let (limits, clock) = usual();
    let from = at("192.0.2.1");
    assert_eq!(calls(&limits, &bearer(), from, 100), 60);
    let wait = limits.call(&bearer(), from, Scope::Read).unwrap_err();
    assert_eq!(wait.seconds(), 1);
    clock.advance(Duration::from_millis(999));
    assert_eq!(calls(&limits, &bearer(), from, 5), 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(calls(&limits, &bearer(), from, 5), 1);
    clock.advance(MINUTE);
    assert_eq!(calls(&limits, &bearer(), from, 100), 60);
}

#[test]
fn clients_are_counted_apart_and_a_named_one_wherever_it_is() {
    let (limits, _) = usual();
    let (here, there) = (at("192.0.2.1"), at("192.0.2.2"));
    assert_eq!(calls(&limits, &bearer(), here, 61), 60);
    assert_eq!(calls(&limits, &bearer(), there, 61), 60);
    assert_eq!(calls(&limits, &Principal::Anybody, here, 61), 60);
    assert_eq!(calls(&limits, &proxied("ada"), here, 61), 60);
    assert_eq!(calls(&limits, &proxied("ada"), there, 61), 0);
    assert_eq!(calls(&limits, &proxied("bob"), there, 61), 60);
}

#[test]
fn one_address_in_another_form_or_of_the_same_network_is_the_same_client() {
    let (limits, _) = usual();
    assert_eq!(calls(&limits, &bearer(), at("192.0.2.1"), 60), 60);
    assert_eq!(calls(&limits, &bearer(), at("::ffff:192.0.2.1"), 9), 0);
    for n in 0..60_u128 {
        let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) | n);
        assert_eq!(calls(&limits, &bearer(), Some(address.into()), 1), 1);
    }
    assert_eq!(calls(&limits, &bearer(), at("2001:db8::1:2:3:4"), 9), 0);
    assert_eq!(calls(&limits, &bearer(), at("2001:db8:0:1::1"), 9), 9);
}

#[test]
fn the_owner_and_what_an_owners_browser_looks_at_are_not_limited() {
    let (limits, _) = usual();
    assert_eq!(calls(&limits, &Principal::LocalOwner, None, 1000), 1000);
    let id = openclaw_core::access::TokenId("b".to_owned());
    let browser = Principal::Browser(id);
    assert_eq!(calls(&limits, &browser, at("127.0.0.1"), 1000), 1000);
    assert_eq!(calls(&limits, &browser, at("::ffff:127.0.0.1"), 1000), 1000);
    let write = |from| limits.call(&browser, from, Scope::Write).is_ok();
    assert_eq!((0..100).filter(|_| write(at("127.0.0.1"))).count(), 60);
    assert_eq!(calls(&limits, &browser, at("192.0.2.1"), 9), 0);
}

#[test]
fn a_session_takes_thirty_messages_a_minute_from_everybody_together() {
    let (limits, clock) = usual();
    let session: SessionKey = "agent:main:main".parse().unwrap();
    let other: SessionKey = "agent:main:other".parse().unwrap();
    let say = |who: &Principal| limits.message(who, &session).is_ok();
    assert_eq!((0..20).filter(|_| say(&bearer())).count(), 20);
    assert_eq!((0..20).filter(|_| say(&proxied("ada"))).count(), 10);
    assert_eq!(
        limits.message(&bearer(), &session).unwrap_err().seconds(),
        2
    );
    assert!(limits.message(&bearer(), &other).is_ok());
    assert!(say(&Principal::LocalOwner));
    clock.advance(Duration::from_secs(2));
    assert!(say(&bearer()) && !say(&bearer()));
}

/// Counts a wrong credential; returns how long the address is locked out, if it is now.
fn wrong(limits: &Limits, from: Option<IpAddr>) -> Option<Wait> {
    limits.wrong_credential(from);
    limits.locked(from)
}

#[test]
fn ten_wrong_credentials_in_a_minute_shut_an_address_out_for_five() {
    let (limits, clock) = usual();
    let (from, other) = (at("127.0.0.1"), at("192.0.2.9"));
    for _ in 0..9 {
        assert_eq!(wrong(&limits, from), None);
        clock.advance(Duration::from_secs(6));
    }
    assert_eq!(limits.locked(from), None);
    assert_eq!(wrong(&limits, from).unwrap().seconds(), 300);
    assert_eq!(limits.locked(other), None);
    clock.advance(Duration::from_secs(200));
    // One more does not make it longer.
    assert_eq!(wrong(&limits, from).unwrap().seconds(), 100);
    clock.advance(Duration::from_millis(99_500));
    assert_eq!(limits.locked(from).unwrap().seconds(), 1);
    clock.advance(Duration::from_millis(500));
    assert_eq!(limits.locked(from), None);
    // All ten are free again.
    assert_eq!((0..9).filter_map(|_| wrong(&limits, from)).count(), 0);
    assert!(wrong(&limits, from).is_some());
}

#[test]
fn a_wrong_credential_now_and_then_shuts_nobody_out() {
    let (limits, clock) = usual();
    for _ in 0..1000 {
        assert_eq!(wrong(&limits, None), None);
        clock.advance(Duration::from_secs(8));
    }
}

#[test]
fn loopback_is_exempt_only_where_the_config_says_so() {
    let lockout = LockoutSettings {
        exempt_loopback: true,
        ..LockoutSettings::default()
    };
    let (limits, _) = limits(LimitSettings::default(), &lockout);
    for from in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        let wrong = (0..100).filter_map(|_| wrong(&limits, at(from)));
        assert_eq!((wrong.count(), limits.locked(at(from))), (0, None));
    }
    let wrong = (0..10).filter_map(|_| wrong(&limits, at("192.0.2.1")));
    assert_eq!(wrong.count(), 1);
}

#[test]
fn a_changed_config_counts_at_once_and_lets_nobody_out() {
    let (limits, clock) = usual();
    let from = at("192.0.2.1");
    assert_eq!(calls(&limits, &bearer(), from, 61), 60);
    for _ in 0..10 {
        wrong(&limits, from);
    }
    clock.advance(MINUTE);
    let ten = NonZeroU32::new(10).unwrap();
    let settings = LimitSettings {
        requests_per_minute: ten,
        messages_per_minute: ten,
    };
    let lockout = LockoutSettings {
        attempts: NonZeroU32::MIN,
        window: Duration::from_secs(1),
        lockout: Duration::from_secs(1),
        exempt_loopback: true,
    };
    limits.configure(settings, &lockout);
    assert_eq!(limits.locked(from).unwrap().seconds(), 240);
    assert_eq!(calls(&limits, &bearer(), from, 61), 10);
    limits.configure(settings, &lockout);
    assert_eq!(calls(&limits, &bearer(), from, 61), 0, "nothing changed");
    assert_eq!(wrong(&limits, at("192.0.2.2")).unwrap().seconds(), 1);
}

#[test]
fn what_a_program_sets_is_not_changed_by_a_config() {
    let (limits, clock) = usual();
    let limits = limits.with_calls(3, Duration::from_secs(3));
    limits.configure(LimitSettings::default(), &LockoutSettings::default());
    assert_eq!(calls(&limits, &bearer(), None, 9), 3);
    clock.advance(Duration::from_secs(1));
    assert_eq!(calls(&limits, &bearer(), None, 9), 1);
    for (n, per) in [
        (0, MINUTE),
        (5, Duration::ZERO),
        (u32::MAX, Duration::from_nanos(1)),
        (1, Duration::MAX),
    ] {
        let limits = usual().0.with_calls(n, per);
        assert_eq!(calls(&limits, &bearer(), None, 9), 1, "{n} in {per:?}");
    }
}

#[test]
fn a_flood_of_clients_takes_no_more_than_its_room_and_frees_nobody_who_is_shut_out() {
    let (limits, clock) = usual();
    let (busy, locked) = (at("192.0.2.1"), at("192.0.2.2"));
    for _ in 0..10 {
        wrong(&limits, locked);
    }
    clock.advance(MINUTE);
    assert_eq!(calls(&limits, &bearer(), busy, 61), 60);
    for n in 0..20_000_u32 {
        let address = Some(Ipv4Addr::from_bits(0x0a00_0000 + n).into());
        assert_eq!(calls(&limits, &bearer(), address, 1), 1);
        assert_eq!(wrong(&limits, address), None);
        let session = format!("agent:main:s{n}").parse().unwrap();
        assert_eq!(limits.message(&bearer(), &session), Ok(()));
    }
    assert!(limits.calls.keys() <= cells::ROOM && limits.messages.keys() <= cells::ROOM);
    assert!(limits.lockouts.places() <= cells::ROOM);
    assert_eq!(
        calls(&limits, &bearer(), busy, 9),
        0,
        "used up for longer than the flood"
    );
    assert_eq!(limits.locked(locked).unwrap().seconds(), 240);
}

#[test]
fn whoever_has_to_wait_is_told_how_long() {
    let error = Wait(Duration::from_millis(1200)).refusal("calls");
    let json = serde_json::to_string(&error).unwrap();
    assert_eq!(
        json,
        r#"{"code":-32029,"message":"too many calls","data":{"kind":"limited","hint":"try again in 2 s","retryAfterMs":1200}}"#
    );
}
