//! The lists and the reader of heads.

use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::head::{BadHead, Head, MAX_HEAD};
use super::pattern::{Pattern, PatternError};
use super::*;
use crate::guard::{HostError, Place, Target};

fn texts(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

fn policy(allow: &[&str], deny: &[&str], private: &[&str]) -> Result<Policy, PolicyError> {
    let (allow, deny, private) = (texts(allow), texts(deny), texts(private));
    Policy::parse(&Lists {
        allow: &allow,
        deny: &deny,
        private: &private,
    })
}

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

#[test]
fn an_entry_means_what_the_table_says() {
    for (entry, meant, others) in [
        (
            "Example.com.",
            &["example.com:1", "EXAMPLE.COM:443"][..],
            &[
                "a.example.com:1",
                "notexample.com:1",
                "example.com.evil.example:1",
            ][..],
        ),
        (
            "*.example.com",
            &["a.example.com:1", "a.b.example.com:1"],
            &["example.com:1", "notexample.com:1", "xexample.com:1"],
        ),
        (
            "bücher.example:443",
            &["xn--bcher-kva.example:443"],
            &["xn--bcher-kva.example:80"],
        ),
        ("*", &["a.example:1", "93.184.216.34:1", "[::1]:1"], &[]),
        ("*:443", &["a.example:443"], &["a.example:80"]),
        (
            "93.184.216.34",
            &["93.184.216.34:1", "[::ffff:93.184.216.34]:1"],
            &["93.184.216.35:1"],
        ),
        (
            "93.184.216.34:443",
            &["93.184.216.34:443"],
            &["93.184.216.34:80"],
        ),
        (
            "93.184.0.0/16",
            &["93.184.9.9:1", "[64:ff9b::5db8:1]:1"],
            &["93.185.0.0:1", "a.example:1"],
        ),
        ("93.184.0.0/16:80", &["93.184.9.9:80"], &["93.184.9.9:81"]),
        (
            "2606:4700::/32",
            &["[2606:4700::1]:1"],
            &["[2606:4701::1]:1"],
        ),
        (
            "[2606:4700::]/32:443",
            &["[2606:4700::1]:443"],
            &["[2606:4700::1]:80"],
        ),
        (
            "[2606:4700::1]:443",
            &["[2606:4700::1]:443"],
            &["[2606:4700::1]:80"],
        ),
        (
            "2606:4700::1",
            &["[2606:4700::1]:443"],
            &["[2606:4700::2]:443"],
        ),
    ] {
        let pattern: Pattern = entry.parse().unwrap();
        let shown: Pattern = pattern.to_string().parse().unwrap();
        assert_eq!(shown, pattern);
        for text in meant {
            assert!(pattern.means(&target(text)), "{entry} means {text}");
        }
        for text in others {
            assert!(
                !pattern.means(&target(text)),
                "{entry} does not mean {text}"
            );
        }
    }
}

#[test]
fn what_is_no_entry_says_why() {
    for (entry, err) in [
        ("https://example.com", PatternError::Url),
        ("*example.com", PatternError::Star),
        ("a.*.example.com", PatternError::Star),
        ("*.*.example.com", PatternError::Star),
        ("*.127.0.0.1", PatternError::Star),
        ("93.184.216.34/16", PatternError::Block),
        ("93.184.0.0/33", PatternError::Block),
        ("93.184.0.0/", PatternError::Block),
        ("example.com/16", PatternError::Block),
        ("example.com/path", PatternError::Block),
        ("", PatternError::Host(HostError::Empty)),
        ("example.com:http", PatternError::Host(HostError::Port)),
        ("example.com:0", PatternError::Host(HostError::Port)),
        ("user@example.com", PatternError::Host(HostError::NotAHost)),
        (".example.com", PatternError::Host(HostError::NotAHost)),
        ("127.1", PatternError::Host(HostError::OddAddress)),
        ("127.0.0.1", PatternError::NotPublic(Place::Loopback)),
        ("10.0.0.1:80", PatternError::NotPublic(Place::Private)),
    ] {
        match policy(&[entry], &[], &[]) {
            Err(PolicyError::Entry { source, .. }) => assert_eq!(source, err, "{entry}"),
            other => panic!("{entry}: {other:?}"),
        }
    }
    assert!(policy(&[], &["127.0.0.1", "10.0.0.0/8"], &[]).is_ok());
    for private in [
        "127.0.0.1",
        "10.0.0.0/8:80",
        "*.example.com:80",
        "*:80",
        "127.0.0.1:0",
    ] {
        let refused = policy(&[], &[], &[private]);
        assert!(
            matches!(refused, Err(PolicyError::Private { .. })),
            "{private}"
        );
    }
    let refused = policy(&[], &[], &["0.0.0.0:80"]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`0.0.0.0:80` in sandbox.egress.private is no address of any host, and nothing can be reached there"
    );
}

#[test]
fn denied_goes_before_private_and_private_before_allowed() {
    let policy = policy(
        &["*.example.com"],
        &["bad.example.com", "10.0.0.0/8"],
        &["127.0.0.1:8080", "10.0.0.1:80"],
    )
    .unwrap();
    let decide = |text: &str| match policy.decide(&target(text)) {
        Ok(rule) => rule.to_string(),
        Err(refusal) => refusal.to_string(),
    };
    for (text, decision) in [
        ("a.example.com:1", "sandbox.egress.allow: *.example.com"),
        ("127.0.0.1:8080", "sandbox.egress.private: 127.0.0.1:8080"),
        ("localhost:8080", "sandbox.egress.private: 127.0.0.1:8080"),
        (
            "bad.example.com:1",
            "bad.example.com:1 is denied by `bad.example.com` in sandbox.egress.deny",
        ),
        (
            "10.0.0.1:80",
            "10.0.0.1:80 is denied by `10.0.0.0/8` in sandbox.egress.deny",
        ),
        (
            "other.example:1",
            "other.example:1 is not in sandbox.egress.allow",
        ),
        (
            "127.0.0.1:8081",
            "127.0.0.1:8081 is not in sandbox.egress.allow",
        ),
    ] {
        assert_eq!(decide(text), decision);
    }
    let open = Policy::default();
    assert_eq!(open.decide(&target("any.example:1")).unwrap(), Rule::Public);
}

async fn read(head: &str) -> Result<String, BadHead> {
    let mut bytes = head.as_bytes();
    let read = Head::read(&mut bytes).await?;
    Ok(format!("{} {}", read.way, read.target))
}

#[tokio::test]
async fn a_head_says_what_is_asked_for() {
    for (head, asked) in [
        (
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
            "tunnel a.example:443",
        ),
        (
            "CONNECT a.example:443 HTTP/1.0\r\n\r\n",
            "tunnel a.example:443",
        ),
        (
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            "tunnel [::1]:443",
        ),
        (
            "GET http://A.example HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "request a.example:80",
        ),
        (
            "GET HTTP://a.example:80/?b HTTP/1.1\r\nhOST:a.example\r\n\r\n",
            "request a.example:80",
        ),
        (
            "GET http://a.example?b HTTP/1.0\r\n\r\n",
            "request a.example:80",
        ),
        (
            "POST http://[::1]:8/ HTTP/1.1\r\nHost: [::1]:8\r\nContent-Length: 3\r\n\r\nabc",
            "request [::1]:8",
        ),
        (
            "PUT http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: Chunked\r\n\r\n",
            "request a.example:80",
        ),
        (
            "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: b\u{fc}\r\n\r\n",
            "request a.example:80",
        ),
    ] {
        assert_eq!(read(head).await.unwrap(), asked, "{head:?}");
    }
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_no_request() {
    for head in [
        "GET http://a.example/ HTTP/1.1\nHost: a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\n\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\rX: y\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: a\r\n b\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: a\0b\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX : a\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n: a\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example:81\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost:\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\n\r\n",
        "GET http://a.example/ HTTP/2.0\r\nHost: a.example\r\n\r\n",
        "GET  http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/ x HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/\tHTTP/1.1\r\nHost: a.example\r\n\r\n",
        "G(T http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example/# HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET http://a.example\u{fc}/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\n",
        "\r\nGET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1, 1\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: +1\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 01\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length:\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST http://a.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nabcde",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01",
        "\x05\x01\x00",
    ] {
        let read = read(head).await;
        assert!(
            matches!(read, Err(BadHead::Malformed(_))),
            "{head:?}: {read:?}"
        );
    }
    for asked in [
        "CONNECT a.example",
        "CONNECT http://a.example/",
        "CONNECT u@a.example:443",
        "CONNECT :443",
        "CONNECT 2130706433:80",
        "CONNECT 0177.0.0.1:80",
        "CONNECT 0x7f.1:80",
        "CONNECT 127.1:80",
        "CONNECT [fe80::1%25lo]:80",
        "CONNECT a.example:0",
        "CONNECT a%00.example:80",
        "GET http://u@a.example/",
        "GET http:///",
        "GET http://u:p@a.example/",
        "GET http://127.1/",
        "GET http://a.example:/",
        "GET http://a\\b/",
    ] {
        let read = read(&format!("{asked} HTTP/1.1\r\nHost: a.example\r\n\r\n")).await;
        assert!(matches!(read, Err(BadHead::Host(_))), "{asked}: {read:?}");
    }
}

#[tokio::test]
async fn a_head_has_an_end() {
    assert!(matches!(read("").await, Err(BadHead::Gone)));
    assert!(matches!(
        read("GET http://a.exam").await,
        Err(BadHead::Gone)
    ));
    let start = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: ";
    let fill = |n: usize| format!("{start}{}\r\n\r\n", "x".repeat(n - start.len() - 4));
    assert!(read(&fill(MAX_HEAD)).await.is_ok());
    assert!(matches!(
        read(&fill(MAX_HEAD + 1)).await,
        Err(BadHead::TooLong)
    ));
    let endless = "x".repeat(MAX_HEAD * 4);
    assert!(matches!(read(&endless).await, Err(BadHead::TooLong)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_is_sent_is_read_or_refused(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "GET ", "CONNECT ", "http://", "a.example", ":80", "/", " HTTP/1.1", "\r\n", "\r", "\n",
                    "Host: ", "Content-Length: 1", "Transfer-Encoding: chunked", " ", "\0", "[", "]", "::1", "@",
                ])
                .prop_map(|text| text.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..8),
            ],
            0..30,
        )
    ) {
        let mut bytes = &*pieces.concat();
        // Reading from memory never waits.
        let read = Head::read(&mut bytes).now_or_never().unwrap();
        if let Ok(head) = read {
            prop_assert_ne!(head.target.port, 0);
        }
    }
}
