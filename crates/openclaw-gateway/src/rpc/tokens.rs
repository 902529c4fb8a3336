//! The methods about who may use the gateway.

use std::sync::Arc;

use openclaw_core::Kind;
use openclaw_core::access::tokens::{Grantee, Issued, NewGrant, TokenError, Tokens};
use openclaw_core::access::{Scopes, TokenId};
use openclaw_core::clock::rfc3339;
use openclaw_core::events::AuditEntry;
use openclaw_ipc::methods::{
    Disclosed, LoginCreate, LoginCreateOutput, NoParams, TokenSummary, TokensCreate,
    TokensCreateOutput, TokensCreateParams, TokensList, TokensListOutput, TokensRevoke,
    TokensRevokeOutput, TokensRevokeParams,
};
use openclaw_ipc::{Handle, RpcError};
use tokio::task::spawn_blocking;

use super::{CallCx, Rpc, logged};

/// How many characters the name of a grant has at most.
const LONGEST_NAME: usize = 64;

impl Handle<TokensCreate> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: TokensCreateParams,
    ) -> Result<TokensCreateOutput, RpcError> {
        let scopes: Scopes = params.scopes.into();
        if scopes.is_empty() {
            let message = "a token needs at least one scope";
            return Err(RpcError::new(Kind::Invalid, message).with_field("scopes"));
        }
        let new = NewGrant {
            name: checked(params.name)?,
            grantee: Grantee::Client,
            scopes,
        };
        let issued = self.change_tokens(move |tokens| tokens.grant(new)).await?;
        self.token_issued(&issued, &cx.admitted.principal().to_string());
        Ok(issued.into())
    }
}

impl Handle<TokensList> for Rpc {
    async fn handle(&self, _cx: &CallCx, _params: NoParams) -> Result<TokensListOutput, RpcError> {
        let list = self.access.tokens()?.list();
        let tokens = list.into_iter().map(TokenSummary::from).collect();
        Ok(TokensListOutput { tokens })
    }
}

impl Handle<TokensRevoke> for Rpc {
    async fn handle(
        &self,
        cx: &CallCx,
        params: TokensRevokeParams,
    ) -> Result<TokensRevokeOutput, RpcError> {
        let id = params.token_id.clone();
        let revoked = self.change_tokens(move |tokens| tokens.revoke(&id)).await?;
        if revoked {
            let reason = format!("revoked by {}", cx.admitted.principal());
            self.token_ended(&params.token_id, &reason);
        }
        Ok(TokensRevokeOutput { revoked })
    }
}

impl Handle<LoginCreate> for Rpc {
    async fn handle(&self, cx: &CallCx, _params: NoParams) -> Result<LoginCreateOutput, RpcError> {
        let (code, until) = self.access.login_code()?;
        let by = cx.admitted.principal().to_string();
        self.audit.enter([AuditEntry::LoginOffered { by }]);
        Ok(LoginCreateOutput {
            code: Disclosed::from(code),
            expires_at: rfc3339(until),
        })
    }
}

impl Rpc {
    /// Puts on record that somebody was given tokens.
    pub(crate) fn token_issued(&self, issued: &Issued, by: &str) {
        self.audit.enter([AuditEntry::TokenIssued {
            id: issued.id.to_string(),
            scopes: issued
                .scopes
                .iter()
                .map(|scope| scope.to_string())
                .collect(),
            by: by.to_owned(),
        }]);
    }

    /// Puts on record that the tokens of a grant open nothing any more.
    pub(crate) fn token_ended(&self, id: &TokenId, reason: &str) {
        self.audit.enter([AuditEntry::TokenEnded {
            id: id.to_string(),
            reason: reason.to_owned(),
        }]);
    }

    /// Changes the tokens off the async threads: it waits for the disk.
    pub(crate) async fn change_tokens<T: Send + 'static>(
        &self,
        make: impl FnOnce(&Tokens) -> Result<T, TokenError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let access = Arc::clone(&self.access);
        let made = spawn_blocking(move || access.tokens().map(make)).await;
        match made {
            Ok(made) => made?.map_err(|err| token_error(&err)),
            Err(_stopping) => Err(RpcError::new(Kind::Cancelled, "the gateway stops")),
        }
    }
}

/// What is wrong with a token that was shown is told to nobody.
fn token_error(err: &TokenError) -> RpcError {
    match err {
        TokenError::Unknown
        | TokenError::RunOut
        | TokenError::Reused(_)
        | TokenError::Quicker
        | TokenError::Full => RpcError::new(err.kind(), err.to_string()),
        TokenError::Random | TokenError::File(_) => {
            logged(err, err.kind(), "the tokens could not be changed")
        }
    }
}

/// Tells whether a character breaks a line, or the order in which a line is shown.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn checked(name: String) -> Result<String, RpcError> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > LONGEST_NAME || name.chars().any(is_odd) {
        let message = format!("a name has 1 to {LONGEST_NAME} characters on one line");
        return Err(RpcError::new(Kind::Invalid, message).with_field("name"));
    }
    Ok(name)
}
