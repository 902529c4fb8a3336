//! What `gateway` means, with this program's own limits.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use openclaw_config::{
    AuthMode, Bind, ClientAddress, Config, GatewayRefusal, GatewaySettings, LockoutSettings,
    ProxyAuth, SecretInput,
};
use openclaw_core::env::Env;
use openclaw_core::state_dir::{Overrides, StateDir};
use tempfile::TempDir;

/// A home with a config, and perhaps this program's own file.
struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

fn home(config: &str) -> Home {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".openclaw")).unwrap();
    let home = Home {
        variables: vec![("HOME".to_owned(), folder.path().display().to_string())],
        folder,
    };
    home.with_file("openclaw.json", config)
}

impl Home {
    fn with_file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(".openclaw").join(name), text).unwrap();
        self
    }

    fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the config, or every problem with it.
    fn load(&self) -> Result<Config, Vec<String>> {
        let env = Env::from_iter(self.variables.clone());
        let state = StateDir::locate(&env, &Overrides::default()).unwrap();
        Config::load(&state, &env).map_err(|invalid| {
            let problems = invalid.problems.iter();
            problems
                .map(|problem| format!("{}: {}", problem.path, problem.message))
                .collect()
        })
    }

    fn gateway(&self) -> GatewaySettings {
        self.load().unwrap().gateway
    }

    /// Returns what is not followed, each as its path and the first word about it.
    fn not_followed(&self) -> Vec<String> {
        let config = self.load().unwrap();
        let problems = config.not_followed.iter();
        problems.map(|problem| problem.path.to_string()).collect()
    }

    fn refusal(&self, address: &str) -> Option<GatewayRefusal> {
        self.gateway().refusal(address.parse().unwrap())
    }
}

fn gateway(members: &str) -> Home {
    home(&format!("{{ gateway: {{ {members} }} }}"))
}

/// Tells whether one of the trusted networks has the address of a connection.
fn trusts(gateway: &GatewaySettings, peer: &str) -> bool {
    let peer = address(peer).to_canonical();
    let mut networks = gateway.trusted_proxies.iter();
    networks.any(|network| network.contains(&peer))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn without_a_word_about_it_a_token_is_asked_for_and_ten_tries_are_allowed() {
    let gateway = home("{}").gateway();
    assert_eq!(gateway.auth.mode, AuthMode::Token);
    assert!(gateway.auth.token.is_none() && gateway.auth.password.is_none());
    assert_eq!(gateway.auth.rate, LockoutSettings::default());
    let rate = gateway.auth.rate;
    assert_eq!(
        (
            rate.attempts.get(),
            rate.window,
            rate.lockout,
            rate.exempt_loopback
        ),
        (10, Duration::from_mins(1), Duration::from_mins(5), false)
    );
    assert_eq!(gateway.auth.proxy, None);
    assert_eq!(gateway.client_address, ClientAddress::Forwarded);
    assert!(gateway.allowed_origins.is_empty() && gateway.trusted_proxies.is_empty());
    let limits = gateway.limits;
    assert_eq!(
        (
            limits.requests_per_minute.get(),
            limits.messages_per_minute.get()
        ),
        (60, 30)
    );
    assert_eq!(gateway.refusal(address("0.0.0.0")), None);
}

#[test]
fn everything_that_is_read_has_openclaws_meaning() {
    let home = gateway(
        "bind: 'custom', customBindHost: '192.0.2.7',
         auth: { mode: 'trusted-proxy',
                 password: { source: 'env', provider: 'default', id: 'PASSWORD' },
                 trustedProxy: { userHeader: ' X-Forwarded-User', requiredHeaders: ['X-Forwarded-Proto', ''],
                                 allowUsers: ['ada@example.com', ' '], allowLoopback: true },
                 rateLimit: { maxAttempts: 3, windowMs: 1000, lockoutMs: 9e99, exemptLoopback: true } },
         trustedProxies: ['10.0.0.1'], allowRealIpFallback: true,
         controlUi: { allowedOrigins: ['HTTPS://Ui.Example.com:443', 'http://[::1]:8080/'] }",
    );
    let gateway = home.gateway();
    assert_eq!(home.not_followed(), ["gateway.auth.rateLimit.lockoutMs"]);
    assert_eq!(gateway.bind, Bind::Custom([192, 0, 2, 7].into()));
    assert_eq!(gateway.bind.address(), address("192.0.2.7"));
    assert_eq!(gateway.auth.mode, AuthMode::TrustedProxy);
    assert!(matches!(gateway.auth.password, Some(SecretInput::Ref(_))));
    let proxy = ProxyAuth {
        user_header: "x-forwarded-user".to_owned(),
        required_headers: vec!["x-forwarded-proto".to_owned(), String::new()],
        // A blank name lets nobody in; without it, the list might be empty and let everybody in.
        allow_users: vec!["ada@example.com".to_owned(), " ".to_owned()],
        allow_loopback: true,
    };
    assert_eq!(gateway.auth.proxy, Some(proxy));
    let rate = gateway.auth.rate;
    assert_eq!(
        (
            rate.attempts.get(),
            rate.window,
            rate.lockout,
            rate.exempt_loopback
        ),
        (3, Duration::from_secs(1), Duration::from_mins(5), true)
    );
    assert_eq!(gateway.client_address, ClientAddress::ForwardedOrReal);
    assert_eq!(
        gateway.allowed_origins,
        ["https://ui.example.com", "http://[::1]:8080"]
    );
    assert_eq!(gateway.refusal(address("192.0.2.7")), None);
}

#[test]
fn a_proxy_is_trusted_by_address_or_network_in_either_form() {
    let gateway = gateway(
        "trustedProxies: ['10.0.0.1', '172.16.9.9/12', ' ::ffff:192.0.2.0/120 ', '2001:db8::/32', '::/0'],",
    )
    .gateway();
    for (peer, trusted) in [
        ("10.0.0.1", true),
        ("::ffff:10.0.0.1", true),
        ("10.0.0.2", false),
        ("172.31.255.255", true),
        ("172.32.0.0", false),
        ("192.0.2.255", true),
        ("::ffff:192.0.2.255", true),
        ("192.0.3.0", false),
        ("2001:db8::1", true),
        ("2001:db9::1", true),
        // A network of IPv6 never has addresses of IPv4, in whatever form they come.
        ("::ffff:198.51.100.1", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(trusts(&gateway, peer), trusted, "{peer}");
    }
    let all = "trustedProxies: ['::ffff:0:0/96']";
    let gateway = self::gateway(all).gateway();
    assert!(trusts(&gateway, "198.51.100.1") && !trusts(&gateway, "::2"));
}

#[test]
fn what_cannot_be_followed_is_named_and_opens_nothing() {
    for (members, path) in [
        ("bind: 'tailnet'", "gateway.bind"),
        ("bind: 'custom'", "gateway.customBindHost"),
        (
            "bind: 'custom', customBindHost: '::1'",
            "gateway.customBindHost",
        ),
        (
            "controlUi: { allowedOrigins: ['*'] }",
            "gateway.controlUi.allowedOrigins",
        ),
        (
            "controlUi: { allowedOrigins: [' * '] }",
            "gateway.controlUi.allowedOrigins",
        ),
        (
            "controlUi: { allowedOrigins: ['null'] }",
            "gateway.controlUi.allowedOrigins",
        ),
        (
            "controlUi: { allowedOrigins: ['https://*.example.com/x'] }",
            "gateway.controlUi.allowedOrigins",
        ),
        (
            "controlUi: { dangerouslyAllowHostHeaderOriginFallback: true }",
            "gateway.controlUi",
        ),
        ("trustedProxies: ['10.0.0.0/33']", "gateway.trustedProxies"),
        ("trustedProxies: ['*']", "gateway.trustedProxies"),
        (
            "trustedProxies: ['proxy.example.com']",
            "gateway.trustedProxies",
        ),
        (
            "auth: { rateLimit: { maxAttempts: 0 } }",
            "gateway.auth.rateLimit.maxAttempts",
        ),
        (
            "auth: { rateLimit: { windowMs: -1 } }",
            "gateway.auth.rateLimit.windowMs",
        ),
        (
            "auth: { rateLimit: { maxAttempts: 1.5 } }",
            "gateway.auth.rateLimit.maxAttempts",
        ),
        (
            "auth: { allowTailscale: true }",
            "gateway.auth.allowTailscale",
        ),
    ] {
        let home = gateway(members);
        let named = home.not_followed();
        assert!(
            named.iter().any(|named| named.starts_with(path)),
            "{members}: {named:?}"
        );
        let gateway = home.gateway();
        assert_eq!(gateway.bind, Bind::Loopback, "{members}");
        // Where others may listen in, OpenClaw's migration adds the gateway's own origins.
        let own = |origin: &String| origin.ends_with(":18789");
        assert!(gateway.allowed_origins.iter().all(own), "{members}");
        assert!(gateway.trusted_proxies.is_empty(), "{members}");
        assert_eq!(gateway.auth.rate, LockoutSettings::default(), "{members}");
    }
}

#[test]
fn without_authentication_nobody_but_this_computer_is_answered() {
    let home = gateway("auth: { mode: 'none' }, bind: 'lan'");
    for open in ["0.0.0.0", "192.0.2.1", "::", "::ffff:192.0.2.1"] {
        let expected = GatewayRefusal::OpenToOthers(address(open));
        assert_eq!(home.refusal(open), Some(expected));
    }
    for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(home.refusal(loopback), None, "{loopback}");
    }
}

#[test]
fn settings_that_contradict_each_other_stop_the_start() {
    let proxy = "trustedProxy: { userHeader: 'x-user' }";
    let behind = "trustedProxies: ['10.0.0.1']";
    for (members, expected) in [
        (
            "auth: { token: 'a', password: 'b' }".to_owned(),
            Some(GatewayRefusal::TwoSecrets),
        ),
        (
            "auth: { mode: 'token', token: 'a', password: 'b' }".to_owned(),
            None,
        ),
        (
            "auth: { mode: 'password', token: 'a', password: 'b' }".to_owned(),
            None,
        ),
        (
            "auth: { mode: 'password' }".to_owned(),
            Some(GatewayRefusal::NoPassword),
        ),
        (
            format!("auth: {{ mode: 'trusted-proxy', {proxy} }}, {behind}"),
            None,
        ),
        (
            format!("auth: {{ mode: 'trusted-proxy', {proxy}, token: 'a' }}, {behind}"),
            Some(GatewayRefusal::ProxyAndToken),
        ),
        (
            format!("auth: {{ mode: 'trusted-proxy', {proxy}, password: 'a' }}, {behind}"),
            None,
        ),
        (
            format!("auth: {{ mode: 'trusted-proxy' }}, {behind}"),
            Some(GatewayRefusal::NoUserHeader),
        ),
        (
            format!("auth: {{ mode: 'trusted-proxy', {proxy} }}"),
            Some(GatewayRefusal::NoProxies),
        ),
        (
            format!("auth: {{ mode: 'trusted-proxy', {proxy} }}, trustedProxies: ['proxy']"),
            Some(GatewayRefusal::NoProxies),
        ),
    ] {
        assert_eq!(
            gateway(&members).refusal("127.0.0.1"),
            expected,
            "{members}"
        );
    }
}

#[test]
fn a_secret_of_the_environment_counts_like_one_of_the_config() {
    let token = |home: Home| home.with_variable("OPENCLAW_GATEWAY_TOKEN", "t");
    let password = |home: Home| home.with_variable("OPENCLAW_GATEWAY_PASSWORD", "p");
    assert_eq!(password(home("{}")).gateway().auth.mode, AuthMode::Password);
    assert_eq!(password(home("{}")).refusal("0.0.0.0"), None);
    assert_eq!(
        password(gateway("auth: { mode: 'password' }")).refusal("0.0.0.0"),
        None
    );
    assert_eq!(
        token(password(home("{}"))).refusal("127.0.0.1"),
        Some(GatewayRefusal::TwoSecrets)
    );
    let proxy = "auth: { mode: 'trusted-proxy', trustedProxy: { userHeader: 'u' } }, trustedProxies: ['10.0.0.1']";
    assert_eq!(
        token(gateway(proxy)).refusal("10.0.0.2"),
        Some(GatewayRefusal::ProxyAndToken)
    );
}

#[test]
fn limits_stand_in_the_own_file_or_as_a_form_of_our_own() {
    let limits = |home: Home| {
        let limits = home.gateway().limits;
        let (requests, messages) = (limits.requests_per_minute, limits.messages_per_minute);
        assert_eq!(home.not_followed(), <[&str; 0]>::default());
        (requests.get(), messages.get())
    };
    let own = "{ rateLimit: { requestsPerMinute: 1000000 } }";
    let form = "rateLimit: { requestsPerMinute: 7, messagesPerMinute: 1e1 }";
    assert_eq!(
        limits(home("{}").with_file("openclaw-rs.json5", own)),
        (1_000_000, 30)
    );
    assert_eq!(limits(gateway(form)), (7, 10));
    assert_eq!(
        limits(gateway(form).with_file("openclaw-rs.json5", own)),
        (1_000_000, 10),
        "the own file comes first"
    );
}

#[test]
fn a_limit_that_makes_no_sense_is_named_wherever_it_stands() {
    for value in [
        "0", "-1", "1.5", "10000001", "'60'", "null", "true", "{}", "1e99",
    ] {
        let text = format!("rateLimit: {{ messagesPerMinute: 5, requestsPerMinute: {value} }}");
        let problem = "rateLimit.requestsPerMinute: expected a whole number from 1 to 10000000";
        let own = home("{}").with_file("openclaw-rs.json5", &format!("{{ {text} }}"));
        assert_eq!(own.load().unwrap_err(), [problem], "{value}");
        let form = gateway(&text).load().unwrap_err();
        assert!(
            form.contains(&format!("gateway.{problem}")),
            "{value}: {form:?}"
        );
    }
    let own = |text: &str| {
        let home = home("{}").with_file("openclaw-rs.json5", text);
        home.load().unwrap_err()
    };
    assert_eq!(own("{ rateLimit: 60 }"), ["rateLimit: expected an object"]);
    assert_eq!(
        own("{ rateLimit: { requestsPerSecond: 1 } }"),
        ["rateLimit.requestsPerSecond: Unrecognized key: \"requestsPerSecond\""]
    );
    // Nothing in it is ours, so that OpenClaw's word counts.
    assert_eq!(
        gateway("rateLimit: {}").load().unwrap_err(),
        ["gateway: Unrecognized key: \"rateLimit\""]
    );
}
