//! Hosts in every spelling, addresses in every block, and what the guard makes of both.

mod registry;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openclaw_core::Kind;
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_of_hosts_fall_over(text in "\\PC{0,40}|[0-9a-fx.:\\[\\]%@]{0,30}") {
        if let Ok(host) = text.parse::<Host>() {
            // What is shown is read as the same host again.
            prop_assert_eq!(host.to_string().parse::<Host>(), Ok(host));
        }
    }
}

#[test]
fn a_host_has_one_spelling() {
    for (text, host) in [
        ("example.com", "example.com"),
        ("EXAMPLE.Com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--BCHER-kva.example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ。com", "example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("1e100.net", "1e100.net"),
        ("93.184.216.34", "93.184.216.34"),
        ("93.184.216.34.", "93.184.216.34"),
        ("[2606:4700::1111]", "[2606:4700::1111]"),
        ("2606:4700:0::1111", "[2606:4700::1111]"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ("[::ffff:7f00:1]", "127.0.0.1"),
    ] {
        let read = text.parse::<Host>().map(|host| host.to_string());
        assert_eq!(read.as_deref(), Ok(host), "{text}");
    }
}

#[test]
fn what_programs_read_differently_is_no_host() {
    for odd in [
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.0.0.01",
        "127.0.0.1.1",
        "127.0.0.256",
        "256",
        "1.2.3.4.5",
        "a.1",
        "a.0x1",
        "１２７.0.0.1",
        "127。0。0。1",
        "127.0.0.1..",
        "0",
        "0x",
        "00.0.0.0",
    ] {
        let read = odd.parse::<Host>();
        assert!(
            matches!(read, Err(HostError::OddAddress | HostError::NotAHost)),
            "{odd}: {read:?}"
        );
    }
    for (text, err) in [
        ("", HostError::Empty),
        (".", HostError::Empty),
        ("user@example.com", HostError::NotAHost),
        ("example.com/", HostError::NotAHost),
        ("example.com\\", HostError::NotAHost),
        ("example.com#", HostError::NotAHost),
        ("example.com?", HostError::NotAHost),
        ("exa mple.com", HostError::NotAHost),
        ("example.com\0", HostError::NotAHost),
        ("example.com\r\n", HostError::NotAHost),
        ("example.com\u{85}", HostError::NotAHost),
        ("127.0.0.1%00", HostError::NotAHost),
        ("%31%32%37.0.0.1", HostError::NotAHost),
        ("[fe80::1%25eth0]", HostError::NotAHost),
        ("fe80::1%eth0", HostError::NotAHost),
        ("[127.0.0.1]", HostError::NotAHost),
        ("[example.com]", HostError::NotAHost),
        ("[::1", HostError::NotAHost),
        ("[[::1]]", HostError::NotAHost),
        ("a..b", HostError::NotAHost),
        (".a", HostError::NotAHost),
        ("*.example.com", HostError::NotAHost),
        ("a,b", HostError::NotAHost),
        ("$(id)", HostError::NotAHost),
    ] {
        assert_eq!(text.parse::<Host>(), Err(err), "{text:?}");
    }
    let label = "a".repeat(64);
    let name = ["abc"; 70].join(".");
    for long in [format!("{label}.example"), name, "a".repeat(5000)] {
        assert_eq!(
            long.parse::<Host>(),
            Err(HostError::TooLong),
            "{}",
            long.len()
        );
    }
}

#[test]
fn a_target_has_its_port() {
    for (text, target) in [
        ("example.com:443", "example.com:443"),
        ("[::1]:80", "[::1]:80"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), target);
    }
    for text in [
        "example.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:+80",
        "example.com:-1",
        "example.com: 80",
        "example.com:080000",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1]:80:90",
        ":80",
        "a:b@example.com:80",
        "[::1]x:80",
        "x[::1]:80",
    ] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
    assert_eq!(
        Target::parse("example.com", Some(80)),
        "example.com:80".parse()
    );
}

/// A guard whose resolver gives these answers, one after the other, and counts how often it is asked.
fn guard(answers: &'static [&'static [&'static str]]) -> (Guard, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let resolver = Resolver::new(move |_name| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        let answer = answers.get(n).copied();
        async move {
            let answer = answer.ok_or_else(|| io::Error::other("nobody should ask"))?;
            Ok(answer.iter().map(|text| text.parse().unwrap()).collect())
        }
    });
    (Guard::new(resolver), asked)
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

async fn place(guard: &Guard, text: &str) -> Option<Place> {
    match guard.addresses(&target(text)).await {
        Err(Refused::Place { place, .. }) => Some(place),
        _ => None,
    }
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_every_address_is_judged() {
    let (guard, asked) = guard(&[&["93.184.216.34", "2606:4700::1111"], &["127.0.0.1"]]);
    let judged = guard.addresses(&target("rebind.example:80")).await.unwrap();
    let addresses: Vec<_> = judged
        .addresses()
        .map(|address| address.to_string())
        .collect();
    assert!(
        addresses.contains(&"93.184.216.34:80".to_owned()),
        "{addresses:?}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(
        place(&guard, "rebind.example:80").await,
        Some(Place::Loopback)
    );
}

#[tokio::test]
async fn one_bad_address_among_good_ones_refuses_the_host() {
    for (answer, found) in [
        (&["93.184.216.34", "10.0.0.1"][..], Place::Private),
        (&["169.254.169.254", "93.184.216.34"], Place::LinkLocal),
        (&["93.184.216.34", "::ffff:127.0.0.1"], Place::Loopback),
        (&["93.184.216.34", "64:ff9b::a00:1"], Place::Private),
        (&["0.0.0.0"], Place::Unspecified),
    ] {
        let resolver = Resolver::new(move |_| async move {
            Ok(answer.iter().map(|text| text.parse().unwrap()).collect())
        });
        let guard = Guard::new(resolver);
        assert_eq!(
            place(&guard, "mixed.example:80").await,
            Some(found),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn names_of_this_machine_and_of_metadata_services_are_never_looked_up() {
    let (guard, asked) = guard(&[]);
    for name in ["localhost", "LOCALHOST.", "a.localhost", "ip6-loopback"] {
        assert_eq!(
            place(&guard, &format!("{name}:80")).await,
            Some(Place::Loopback),
            "{name}"
        );
    }
    for name in METADATA {
        let refused = guard.addresses(&target(&format!("{name}.:80"))).await;
        assert!(matches!(refused, Err(Refused::Metadata { .. })), "{name}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_name_without_an_address_is_not_found() {
    let (guard, _) = guard(&[&[]]);
    for _ in 0..2 {
        let refused = guard
            .addresses(&target("nowhere.example:80"))
            .await
            .unwrap_err();
        assert_eq!(refused.to_string(), "nowhere.example cannot be found");
        assert_eq!(refused.kind(), Kind::Unavailable);
    }
}

#[tokio::test]
async fn a_private_host_is_reached_where_it_is_named_and_nowhere_else() {
    let (guard, _) = guard(&[
        &["10.0.0.7"],
        &["10.0.0.7"],
        &["169.254.169.254"],
        &["0.0.0.0"],
    ]);
    let private = [
        "127.0.0.1:8080",
        "db.example:5432",
        "169.254.169.254:80",
        "[fd12::1]:80",
    ];
    let guard = guard.with_private(private.iter().map(|text| target(text)).collect());
    for good in [
        "127.0.0.1:8080",
        "[::ffff:127.0.0.1]:8080",
        "localhost:8080",
        "169.254.169.254:80",
        "[fd12::1]:80",
        "db.example:5432",
    ] {
        assert!(guard.addresses(&target(good)).await.is_ok(), "{good}");
    }
    // The name is private at one port only, and not where it might lead to credentials.
    assert_eq!(place(&guard, "db.example:5433").await, Some(Place::Private));
    assert_eq!(
        place(&guard, "db.example:5432").await,
        Some(Place::LinkLocal)
    );
    assert_eq!(
        place(&guard, "db.example:5432").await,
        Some(Place::Unspecified)
    );
    for (bad, found) in [
        ("127.0.0.1:8081", Place::Loopback),
        ("127.0.0.2:8080", Place::Loopback),
        ("[::1]:8080", Place::Loopback),
        ("0.0.0.0:8080", Place::Unspecified),
        ("localhost:80", Place::Loopback),
        ("[fd12::2]:80", Place::Private),
    ] {
        assert_eq!(place(&guard, bad).await, Some(found), "{bad}");
    }
    let local = guard.addresses(&target("localhost:8080")).await.unwrap();
    let local: Vec<_> = local.addresses().collect();
    assert_eq!(local, ["127.0.0.1:8080".parse().unwrap()]);
}

#[tokio::test]
async fn nothing_makes_the_gateways_own_port_reachable() {
    let resolver = Resolver::new(|_| async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) });
    let all = [
        "127.0.0.1:18789",
        "[::1]:18789",
        "127.9.9.9:18789",
        "gateway.example:18789",
    ];
    let guard = Guard::new(resolver)
        .with_private(all.iter().map(|text| target(text)).collect())
        .with_own_ports(vec![18789]);
    for own in all
        .iter()
        .chain(&["localhost:18789", "[::ffff:7f00:1]:18789"])
    {
        let refused = guard.addresses(&target(own)).await;
        assert!(
            matches!(refused, Err(Refused::OwnPort { port: 18789 })),
            "{own}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn an_address_of_this_machine_is_its_own_whatever_it_looks_like() {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    if socket.connect("198.51.100.1:9").is_err() {
        eprintln!("skipped: this machine has no address but loopback ones");
        return;
    }
    let ip = socket.local_addr().unwrap().ip();
    let (guard, _) = guard(&[]);
    let own = Target {
        host: Host::Address(ip),
        port: 18789,
    };
    assert!(guard.addresses(&own).await.is_err());
    let guard = guard
        .with_private(vec![own.clone()])
        .with_own_ports(vec![18790]);
    assert!(guard.addresses(&own).await.is_ok());
    let guard = guard.with_own_ports(vec![18789]);
    let refused = guard.addresses(&own).await;
    assert!(matches!(refused, Err(Refused::OwnPort { port: 18789 })));
}
