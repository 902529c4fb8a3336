//! The rules of grants, without a file.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::ended::Ended;
use super::grant::{self, Grant, GrantInfo, Grantee, Hashed, Issued, NewGrant};
use super::{TokenError, TokenId, Verified};
use crate::access::{Admitted, Principal};
use crate::secrets::ApiKey;

/// How long an access token is good.
pub const ACCESS_LIFE: Duration = Duration::from_hours(1);
/// How long a refresh token is good; each one counts anew.
pub const REFRESH_LIFE: Duration = Duration::from_hours(30 * 24);
/// How many grants there are at most.
pub const GRANTS: usize = 1000;

/// How long the tabs of one browser may show the same refresh token.
const TABS: Duration = Duration::from_secs(5);
/// How many access tokens of one grant are good at the same time.
const PARALLEL: usize = 8;
/// How many exchanged refresh tokens of one grant are known again.
const SPENT: usize = 1000;

/// Every grant, and an index to find them by.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    grants: BTreeMap<TokenId, Grant>,
    /// From the hash of an access token to its grant, and until when it is good.
    access: HashMap<String, (TokenId, Timestamp)>,
}

impl Book {
    pub(super) fn of(grants: Vec<Grant>) -> Self {
        let grants = grants.into_iter().map(|grant| (grant.id.clone(), grant));
        let mut book = Self {
            grants: grants.collect(),
            access: HashMap::new(),
        };
        book.index();
        book
    }

    pub(super) fn grants(&self) -> Vec<&Grant> {
        self.grants.values().collect()
    }

    pub(super) fn find(&self, id: &TokenId) -> Option<&Grant> {
        self.grants.get(id)
    }

    pub(super) fn list(&self, now: Timestamp) -> Vec<GrantInfo> {
        let mut list: Vec<GrantInfo> = self
            .grants
            .values()
            .filter(|grant| grant.refresh.until > now)
            .map(Grant::info)
            .collect();
        list.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.id.cmp(&b.id)));
        list
    }

    pub(super) fn verify(&self, presented: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let (id, until) = self
            .access
            .get(&grant::sha256(presented))
            .ok_or(TokenError::Unknown)?;
        if *until <= now {
            return Err(TokenError::RunOut);
        }
        let grant = self.grants.get(id).ok_or(TokenError::Unknown)?;
        grant.used(now);
        Ok(Verified {
            admitted: Admitted {
                principal: match grant.grantee {
                    Grantee::Client => Principal::Issued(id.clone()),
                    Grantee::Browser => Principal::Browser(id.clone()),
                },
                scopes: grant.scopes,
            },
            ended: Ended::new(grant.revoked.subscribe(), Some(*until)),
        })
    }

    pub(super) fn grant(&mut self, new: NewGrant, now: Timestamp) -> Result<Issued, TokenError> {
        if self.grants.len() >= GRANTS {
            return Err(TokenError::Full);
        }
        let (access, refresh) = (grant::access_token()?, grant::refresh_token()?);
        let id = self.fresh_id()?;
        let grant = Grant {
            id: id.clone(),
            name: new.name,
            grantee: new.grantee,
            scopes: new.scopes,
            created: now,
            access: vec![hashed(&access, now, ACCESS_LIFE)],
            refresh: hashed(&refresh, now, REFRESH_LIFE),
            spent: Vec::new(),
            revoked: grant::alive(),
            last_used: <_>::default(),
        };
        let issued = issued(&grant, access, refresh, now);
        self.grants.insert(id, grant);
        self.index();
        Ok(issued)
    }

    pub(super) fn refresh(
        &mut self,
        presented: &str,
        by: Grantee,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        let sha256 = grant::sha256(presented);
        let reused = self
            .grants
            .values()
            .find(|grant| grant.spent.contains(&sha256))
            .map(|grant| grant.id.clone());
        if let Some(id) = reused {
            if self.is_of_another_tab(&id, &sha256, now) {
                return Err(TokenError::Quicker);
            }
            self.revoke(&id);
            return Err(TokenError::Reused(id));
        }
        let grant = self
            .grants
            .values_mut()
            .find(|grant| grant.refresh.sha256 == sha256 && grant.grantee == by)
            .ok_or(TokenError::Unknown)?;
        if grant.refresh.until <= now {
            return Err(TokenError::RunOut);
        }
        let (access, refresh) = (grant::access_token()?, grant::refresh_token()?);
        // The oldest go: they have run out long before so many are exchanged at a sane pace.
        if grant.spent.len() >= SPENT {
            grant.spent.remove(0);
        }
        grant.spent.push(sha256);
        grant.refresh = hashed(&refresh, now, REFRESH_LIFE);
        grant.access.retain(|access| access.until > now);
        if grant.access.len() >= PARALLEL {
            grant.access.remove(0);
        }
        grant.access.push(hashed(&access, now, ACCESS_LIFE));
        let issued = issued(grant, access, refresh, now);
        self.index();
        Ok(issued)
    }

    pub(super) fn revoke(&mut self, id: &TokenId) -> bool {
        let was_there = self.grants.remove(id).is_some();
        self.index();
        was_there
    }

    pub(super) fn forget_run_out(&mut self, now: Timestamp) {
        self.grants.retain(|_, grant| grant.refresh.until > now);
        self.index();
    }

    /// Tells those who hold grants of this book that the next one does not have any more.
    pub(super) fn end_what_is_gone(&self, next: &Self) {
        for (id, grant) in &self.grants {
            if !next.grants.contains_key(id) {
                grant.revoked.send_replace(true);
            }
        }
    }

    /// Tells whether a browser shows a token that it has only just exchanged.
    ///
    /// Its tabs share their cookies and know nothing of each other, and no script can read them.
    fn is_of_another_tab(&self, id: &TokenId, sha256: &String, now: Timestamp) -> bool {
        self.grants.get(id).is_some_and(|grant| {
            let left = grant.refresh.until.duration_since(now);
            let left = Duration::try_from(left).unwrap_or_default();
            grant.grantee == Grantee::Browser
                && grant.spent.last() == Some(sha256)
                && left.saturating_add(TABS) >= REFRESH_LIFE
        })
    }

    fn index(&mut self) {
        self.access = self
            .grants
            .values()
            .flat_map(|grant| {
                let one =
                    |access: &Hashed| (access.sha256.clone(), (grant.id.clone(), access.until));
                grant.access.iter().map(one)
            })
            .collect();
    }

    fn fresh_id(&self) -> Result<TokenId, TokenError> {
        loop {
            let random = getrandom::u32().map_err(|_none| TokenError::Random)?;
            let id = TokenId(format!("t-{random:08x}"));
            if !self.grants.contains_key(&id) {
                return Ok(id);
            }
        }
    }
}

fn issued(grant: &Grant, access: ApiKey, refresh: ApiKey, now: Timestamp) -> Issued {
    Issued {
        id: grant.id.clone(),
        grantee: grant.grantee,
        scopes: grant.scopes,
        access,
        access_until: later(now, ACCESS_LIFE),
        refresh,
        refresh_until: later(now, REFRESH_LIFE),
    }
}

#[expect(clippy::disallowed_methods, reason = "only the hash is kept")]
fn hashed(token: &ApiKey, now: Timestamp, life: Duration) -> Hashed {
    Hashed {
        sha256: grant::sha256(token.expose_secret()),
        until: later(now, life),
    }
}

fn later(now: Timestamp, life: Duration) -> Timestamp {
    now.saturating_add(life).unwrap_or(now)
}
