//! How often a client may call, a session be written to, and a credential be wrong.
//!
//! Calls and messages go through governor's algorithm (GCRA): a client may spend a minute's calls at
//! once, and gets them back one by one over the minute that follows. Wrong credentials are counted
//! instead (`lockout`), because enough of them shut an address out for longer than they took.
//!
//! Everything here is in memory, of a fixed size however many clients there are (`cells`), and
//! forgotten when the process ends. Whether somebody was refused is put on record by the caller.

mod cells;
mod clock;
mod lockout;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use openclaw_config::{LimitSettings, LockoutSettings};
use openclaw_core::access::{Principal, Scope};
use openclaw_core::{Kind, SessionKey};
use openclaw_ipc::RpcError;

use self::cells::Limiter;
use self::clock::Ticks;
use self::lockout::Lockouts;

/// The longest stretch that a limit can be about; its nanoseconds still fit a number.
const LONGEST: Duration = Duration::from_secs(1 << 32);

/// Everything that is limited, and what has been used of it.
#[derive(Debug)]
pub(crate) struct Limits {
    calls: Limiter<Client>,
    messages: Limiter<SessionKey>,
    lockouts: Lockouts,
    /// The same for the token of the webhooks, which is another one.
    webhooks: Lockouts,
    /// Whether the limit on calls was set by the program and not by a config.
    calls_by: SetBy,
}

/// Who has set a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetBy {
    Config,
    Program,
}

/// How long somebody has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

/// Whose calls are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// One that has a name of its own, from wherever it comes.
    Named(Principal),
    /// One of those that share a name, or have none: told apart by where they come from.
    At(Principal, Place),
}

/// An address as clients are told apart by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    V4(u32),
    /// The upper half: whoever has one address of IPv6 has all the others of its network.
    V6(u64),
    /// Not by the network at all.
    Here,
}

impl Limits {
    /// Starts to count, with nothing used.
    pub(crate) fn new(limits: LimitSettings, lockout: &LockoutSettings) -> Self {
        Self::with_clock(limits, lockout, &Ticks::system())
    }

    fn with_clock(limits: LimitSettings, lockout: &LockoutSettings, clock: &Ticks) -> Self {
        Self {
            calls: Limiter::new(Quota::per_minute(limits.requests_per_minute), clock),
            messages: Limiter::new(Quota::per_minute(limits.messages_per_minute), clock),
            lockouts: Lockouts::new(*lockout, clock.clone()),
            webhooks: Lockouts::new(webhook_lockout(), clock.clone()),
            calls_by: SetBy::Config,
        }
    }

    /// Allows each client `calls` calls in `per`, whatever a config says.
    pub(crate) fn with_calls(mut self, calls: u32, per: Duration) -> Self {
        self.calls_by = SetBy::Program;
        self.calls.configure(quota(calls, per));
        self
    }

    /// Takes up changed settings. Who is locked out stays so; a changed limit is counted anew.
    pub(crate) fn configure(&self, limits: LimitSettings, lockout: &LockoutSettings) {
        if self.calls_by == SetBy::Config {
            self.calls
                .configure(Quota::per_minute(limits.requests_per_minute));
        }
        self.messages
            .configure(Quota::per_minute(limits.messages_per_minute));
        self.lockouts.configure(*lockout);
    }

    /// Counts a call that needs this scope, or says how long its client has to wait.
    ///
    /// The owner in this process is not limited, and neither is the owner's browser or device on
    /// this computer as long as it only looks: a page that shows what goes on asks often.
    pub(crate) fn call(
        &self,
        who: &Principal,
        from: Option<IpAddr>,
        scope: Scope,
    ) -> Result<(), Wait> {
        let client = match who {
            Principal::LocalOwner => return Ok(()),
            Principal::Browser(_) | Principal::Device(_)
                if scope == Scope::Read && from.is_some_and(is_loopback) =>
            {
                return Ok(());
            }
            Principal::Issued(_)
            | Principal::Browser(_)
            | Principal::Device(_)
            | Principal::Proxied(_) => Client::Named(who.clone()),
            Principal::SecretBearer | Principal::Webhook | Principal::Anybody => {
                Client::At(who.clone(), Place::of(from))
            }
        };
        self.calls.check(&client)
    }

    /// Counts a message to a session, or says how long its sender has to wait.
    pub(crate) fn message(&self, who: &Principal, session: &SessionKey) -> Result<(), Wait> {
        match who {
            Principal::LocalOwner => Ok(()),
            _ => self.messages.check(session),
        }
    }

    /// Returns how long this address is locked out yet.
    ///
    /// # Security
    /// Whoever is locked out is told so for a right password, too; it could be told from a wrong
    /// one otherwise. A token that cannot be guessed may be let in all the same.
    pub(crate) fn locked(&self, from: Option<IpAddr>) -> Option<Wait> {
        self.lockouts.locked(from)
    }

    /// Counts a wrong token of the webhooks, or says how long this address has to wait with the next
    /// one, whoever it is.
    pub(crate) fn wrong_webhook_token(&self, from: Option<IpAddr>) -> Result<(), Wait> {
        if let Some(wait) = self.webhooks.locked(from) {
            return Err(wait);
        }
        self.webhooks.wrong(from);
        Ok(())
    }

    /// Forgets the wrong tokens of an address that has shown the right one, which nobody guesses.
    pub(crate) fn right_webhook_token(&self, from: Option<IpAddr>) {
        self.webhooks.forget(from);
    }

    /// Counts a wrong credential; enough of them lock the address out.
    pub(crate) fn wrong_credential(&self, from: Option<IpAddr>) {
        self.lockouts.wrong(from);
    }
}

impl Wait {
    /// Returns the whole seconds to wait, at least one, as `Retry-After` has them.
    pub(crate) fn seconds(self) -> u64 {
        let whole = self.0.as_secs();
        let rest = u64::from(self.0.subsec_nanos() > 0);
        whole.saturating_add(rest).max(1)
    }

    /// Returns what a caller is told who has to wait.
    pub(crate) fn refusal(self, what: &str) -> RpcError {
        let seconds = self.seconds();
        RpcError::new(Kind::Limited, format!("too many {what}"))
            .with_hint(format!("try again in {seconds} s"))
            .with_retry_after(self.0)
    }
}

impl From<Wait> for Duration {
    fn from(wait: Wait) -> Self {
        wait.0
    }
}

impl Place {
    fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::V4(address.to_bits()),
            Some(IpAddr::V6(address)) => {
                let network = address.to_bits() >> 64;
                Self::V6(u64::try_from(network).unwrap_or_default())
            }
            None => Self::Here,
        }
    }
}

/// As OpenClaw has it: twenty in a minute, from this machine, too.
fn webhook_lockout() -> LockoutSettings {
    const MINUTE: Duration = Duration::from_mins(1);
    LockoutSettings {
        attempts: NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN),
        window: MINUTE,
        lockout: MINUTE,
        exempt_loopback: false,
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A limit that cannot be expressed is the tightest one that can.
fn quota(calls: u32, per: Duration) -> Quota {
    let each = per
        .min(LONGEST)
        .checked_div(calls)
        .filter(|each| !each.is_zero());
    let burst = NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN);
    each.and_then(Quota::with_period).map_or_else(
        || Quota::with_period(LONGEST).unwrap_or_else(|| Quota::per_hour(NonZeroU32::MIN)),
        |quota| quota.allow_burst(burst),
    )
}
