//! What the server has given out, and what it answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use url::Url;

use super::{CLIENT_ID, Endpoint, Fault, Redirect, SeenAsk};

/// Everything that the server knows.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) issuer: String,
    pub(super) metadata: Map<String, Value>,
    pub(super) life: Option<Duration>,
    pub(super) rotates: bool,
    pub(super) faults: BTreeMap<Endpoint, VecDeque<Fault>>,
    pub(super) redirect: Redirect,
    pub(super) seen: Vec<SeenAsk>,
    pub(super) secrets: Vec<String>,
    tell: watch::Sender<usize>,
    codes: BTreeMap<String, Code>,
    devices: BTreeMap<String, Device>,
    /// Refresh tokens and access tokens, with the sign-in that they belong to.
    refresh: BTreeMap<String, Refresh>,
    access: BTreeMap<String, usize>,
    ended: BTreeSet<usize>,
    sign_ins: usize,
}

#[derive(Debug)]
struct Code {
    redirect_uri: String,
    challenge: String,
    scope: String,
}

#[derive(Debug)]
struct Device {
    user_code: String,
    scope: String,
    verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Pending,
    Approved,
    Denied,
}

#[derive(Debug)]
struct Refresh {
    sign_in: usize,
    scope: String,
    spent: bool,
}

/// What an endpoint answers: a status and a JSON document, or a redirect.
#[derive(Debug)]
pub(super) enum Said {
    Json(u16, Value),
    Redirect(String),
}

/// The form of a request.
pub(super) type Form = BTreeMap<String, String>;

impl Book {
    pub(super) fn new(tell: watch::Sender<usize>) -> Self {
        Self {
            issuer: String::new(),
            metadata: Map::new(),
            life: Some(Duration::from_hours(1)),
            rotates: true,
            faults: BTreeMap::new(),
            redirect: Redirect::Right,
            seen: Vec::new(),
            secrets: Vec::new(),
            tell,
            codes: BTreeMap::new(),
            devices: BTreeMap::new(),
            refresh: BTreeMap::new(),
            access: BTreeMap::new(),
            ended: BTreeSet::new(),
            sign_ins: 0,
        }
    }

    pub(super) fn decide(&mut self, user_code: &str, approved: Option<&str>) {
        let device = self
            .devices
            .values_mut()
            .find(|device| device.user_code == user_code)
            .unwrap_or_else(|| panic!("no such user code: {user_code}"));
        device.verdict = match approved {
            Some(_) => Verdict::Approved,
            None => Verdict::Denied,
        };
    }

    pub(super) fn accepts(&self, access: &str) -> bool {
        let sign_in = self.access.get(access);
        sign_in.is_some_and(|sign_in| !self.ended.contains(sign_in))
    }

    /// Puts a request on record and returns what is to go wrong with it.
    pub(super) fn note(&mut self, endpoint: Endpoint, form: &Form) -> Option<Fault> {
        if !matches!(endpoint, Endpoint::Metadata | Endpoint::Authorize) {
            self.seen.push(SeenAsk {
                endpoint,
                form: form.clone(),
            });
            self.tell.send_replace(self.seen.len());
        }
        self.secrets.extend(form.get("code_verifier").cloned());
        self.faults.get_mut(&endpoint)?.pop_front()
    }

    pub(super) fn answer(&mut self, endpoint: Endpoint, form: &Form) -> Said {
        match endpoint {
            Endpoint::Metadata => Said::Json(200, self.describe()),
            Endpoint::Authorize => self.authorize(form),
            _ if form.get("client_id").map(String::as_str) != Some(CLIENT_ID) => {
                Said::Json(401, json!({ "error": "invalid_client" }))
            }
            Endpoint::Device => self.device(form),
            Endpoint::Token => self.token(form),
            Endpoint::Revoke => self.revoke(form),
        }
    }

    fn describe(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut described = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize?tenant=1"),
            "token_endpoint": at("/token"),
            "device_authorization_endpoint": at("/device"),
            "revocation_endpoint": at("/revoke"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        let members = described.as_object_mut().expect("an object");
        members.extend(self.metadata.clone());
        members.retain(|_, value| !value.is_null());
        described
    }

    fn authorize(&mut self, query: &Form) -> Said {
        let get = |name: &str| query.get(name).cloned().unwrap_or_default();
        let fits = get("response_type") == "code"
            && get("client_id") == CLIENT_ID
            && get("tenant") == "1"
            && get("code_challenge_method") == "S256"
            && get("code_challenge").len() == 43
            && get("state").len() >= 43
            && get("redirect_uri").starts_with("http://127.0.0.1:");
        if !fits {
            return Said::Json(400, json!({ "error": "invalid_request" }));
        }
        let code = self.secret("code");
        self.codes.insert(
            code.clone(),
            Code {
                redirect_uri: get("redirect_uri"),
                challenge: get("code_challenge"),
                scope: get("scope"),
            },
        );
        let mut to = Url::parse(&get("redirect_uri")).expect("a redirect URI");
        {
            let mut back = to.query_pairs_mut();
            match self.redirect {
                Redirect::Error(error) => {
                    back.append_pair("error", error)
                        .append_pair("error_description", "words\u{1b}[31m of the server");
                }
                _ => {
                    back.append_pair("code", &code);
                }
            }
            if self.redirect == Redirect::TwoCodes {
                back.append_pair("code", "another");
            }
            match self.redirect {
                Redirect::WrongState => back.append_pair("state", "guessed"),
                _ => back.append_pair("state", &get("state")),
            };
            match self.redirect {
                Redirect::NoIssuer => {}
                Redirect::OtherIssuer => {
                    back.append_pair("iss", "https://attacker.example");
                }
                _ => {
                    back.append_pair("iss", &self.issuer);
                }
            }
        }
        Said::Redirect(to.into())
    }

    fn device(&mut self, form: &Form) -> Said {
        let device_code = self.secret("device");
        let user_code = format!("WDJB-{:04}", self.devices.len() + 1);
        let page = format!("{}/type-it-in", self.issuer);
        let answer = json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": 600,
            "interval": 1,
        });
        let device = Device {
            user_code,
            scope: form.get("scope").cloned().unwrap_or_default(),
            verdict: Verdict::Pending,
        };
        self.devices.insert(device_code, device);
        Said::Json(200, answer)
    }

    fn token(&mut self, form: &Form) -> Said {
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        match get("grant_type") {
            "authorization_code" => {
                // A code is good for one try.
                let Some(code) = self.codes.remove(get("code")) else {
                    return refused("invalid_grant");
                };
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
                if code.challenge != challenge || code.redirect_uri != get("redirect_uri") {
                    return refused("invalid_grant");
                }
                self.sign_ins += 1;
                self.granted(self.sign_ins, &code.scope)
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let Some(device) = self.devices.get(get("device_code")) else {
                    return refused("expired_token");
                };
                let scope = device.scope.clone();
                match device.verdict {
                    Verdict::Pending => refused("authorization_pending"),
                    Verdict::Denied => refused("access_denied"),
                    Verdict::Approved => {
                        self.devices.remove(get("device_code"));
                        self.sign_ins += 1;
                        self.granted(self.sign_ins, &scope)
                    }
                }
            }
            "refresh_token" => self.renewed(get("refresh_token")),
            _ => refused("unsupported_grant_type"),
        }
    }

    fn renewed(&mut self, presented: &str) -> Said {
        let rotates = self.rotates;
        let Some(refresh) = self.refresh.get_mut(presented) else {
            return refused("invalid_grant");
        };
        let (sign_in, scope) = (refresh.sign_in, refresh.scope.clone());
        if refresh.spent {
            // One of the two who have it is a thief, so neither may go on (RFC 9700, 4.14.2).
            self.ended.insert(sign_in);
        }
        if self.ended.contains(&sign_in) {
            return refused("invalid_grant");
        }
        refresh.spent = rotates;
        self.granted(sign_in, &scope)
    }

    fn granted(&mut self, sign_in: usize, scope: &str) -> Said {
        let access = self.secret("access");
        self.access.insert(access.clone(), sign_in);
        let mut answer = json!({ "access_token": access, "token_type": "Bearer", "scope": scope });
        let members = answer.as_object_mut().expect("an object");
        if let Some(life) = self.life {
            members.insert("expires_in".to_owned(), life.as_secs().into());
        }
        let first = !self
            .refresh
            .values()
            .any(|refresh| refresh.sign_in == sign_in);
        if self.rotates || first {
            let token = self.secret("refresh");
            let refresh = Refresh {
                sign_in,
                scope: scope.to_owned(),
                spent: false,
            };
            self.refresh.insert(token.clone(), refresh);
            members.insert("refresh_token".to_owned(), token.into());
        }
        Said::Json(200, answer)
    }

    fn revoke(&mut self, form: &Form) -> Said {
        let token = form.get("token").map(String::as_str).unwrap_or_default();
        let sign_in = self
            .refresh
            .get(token)
            .map(|refresh| refresh.sign_in)
            .or_else(|| self.access.get(token).copied());
        self.ended.extend(sign_in);
        // A token that is not known is as good as revoked (RFC 7009, 2.2).
        Said::Json(200, json!({}))
    }

    /// Makes a secret that a test can search for.
    fn secret(&mut self, kind: &str) -> String {
        let secret = format!("canary-{kind}-{:03}", self.secrets.len());
        self.secrets.push(secret.clone());
        secret
    }
}

fn refused(error: &str) -> Said {
    Said::Json(400, json!({ "error": error }))
}
