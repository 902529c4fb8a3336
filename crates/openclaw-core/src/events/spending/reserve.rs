//! Setting aside what a call may take, and giving back what it did not.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::limit::{Limit, Raise, Size, Spent, Standing, standing};
use crate::events::audit::AuditEntry;
use crate::events::error::StoreError;
use crate::events::rows::{session_id, sql_integer};
use crate::events::store::EventStore;
use crate::events::transaction::{Outcome, Tx, Work};
use crate::events::writer::{Late, Releases};
use crate::ids::{AgentId, ChannelId, ProviderId, RunId};
use crate::session_key::SessionKey;
use crate::usage::{Attended, Cost, Price, Usage};

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spender {
    /// The agent.
    pub agent: AgentId,
    /// The session.
    pub session: SessionKey,
    /// The run.
    pub run: RunId,
    /// The channel that its message came by.
    pub channel: ChannelId,
    /// Whether anybody waits for the answer.
    pub attended: Attended,
}

/// A call that is about to be made.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who is to be asked.
    pub provider: ProviderId,
    /// The model.
    pub model: String,
    /// What its tokens cost; without a price it counts against limits on tokens only.
    pub price: Option<Price>,
    /// The tokens of the request, as they are estimated.
    pub input: u64,
    /// The least that it has to be able to write.
    pub least_output: u64,
    /// The most that it may write.
    pub most_output: u64,
}

/// Whether a call may be made.
#[derive(Debug)]
pub enum Verdict {
    /// It may be made.
    Granted(Reservation),
    /// A limit leaves too little.
    Short(Shortage),
}

/// A limit that leaves too little for a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortage {
    /// The limit.
    pub limit: Limit,
    /// How much of it is used.
    pub standing: Standing,
    /// Whether there may be enough when the calls that are under way have ended.
    pub passing: bool,
}

/// What was set aside for a call, until that is recorded.
///
/// Dropped without being settled, it says that the call was never made.
#[derive(Debug)]
pub struct Reservation {
    hold: Option<Hold>,
    store: EventStore,
    output: u64,
    most: Spent,
}

impl Reservation {
    /// Returns how much the call may write; a limit may leave less than was asked for.
    pub const fn output(&self) -> u64 {
        self.output
    }

    /// Returns the most that the call may take.
    pub const fn most(&self) -> Spent {
        self.most
    }

    /// Says what the call took; that counts until the event is recorded that says so, too.
    ///
    /// It is written with whatever is written next, which as a rule is that event.
    pub fn settle(mut self, usage: &Usage, cost: Option<Cost>) {
        if let Some(hold) = self.hold.take() {
            hold.settle(*usage, cost);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(unspent) = self.hold.take() {
            drop(unspent);
            self.store.wake();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.releases.push(Late::Unspent(id));
        }
    }
}

/// A reservation that is given back when nobody wants it any more.
#[derive(Debug)]
pub(in crate::events) struct Hold {
    id: Option<String>,
    releases: Releases,
}

impl Hold {
    pub(in crate::events) const fn new(id: String, releases: Releases) -> Self {
        Self {
            id: Some(id),
            releases,
        }
    }

    fn settle(mut self, usage: Usage, cost: Option<Cost>) {
        if let Some(id) = self.id.take() {
            self.releases.push(Late::Spent { id, usage, cost });
        }
    }
}

/// What is asked of the writer for a call.
#[derive(Debug)]
pub(in crate::events) struct Asked {
    pub(super) spender: Spender,
    pub(super) call: Call,
    pub(super) limits: Vec<Limit>,
}

/// What the writer says to it.
#[derive(Debug)]
pub(in crate::events) enum Granted {
    /// The call may be made.
    Yes {
        id: String,
        output: u64,
        most: Spent,
        /// Set by the writer, once it is sure that it is written.
        hold: Option<Hold>,
    },
    /// A limit leaves too little.
    No(Box<Shortage>),
    /// A process has died in a call, and what that took has to be recorded first.
    Later,
}

impl EventStore {
    /// Sets aside what a call may take, if every limit leaves enough.
    ///
    /// What all processes on this log have recorded and set aside counts. A limit that does not
    /// leave what the call may write at most leaves it less, but not less than it has to have.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing is set aside.
    pub async fn reserve(
        &self,
        spender: &Spender,
        call: &Call,
        limits: &[Limit],
    ) -> Result<Verdict, StoreError> {
        self.register()?;
        loop {
            let asked = Asked {
                spender: spender.clone(),
                call: call.clone(),
                limits: limits.to_vec(),
            };
            match self.submit(Work::Reserve(Box::new(asked))).await?.granted {
                Some(Granted::Yes {
                    output,
                    most,
                    hold: Some(hold),
                    ..
                }) => {
                    return Ok(Verdict::Granted(Reservation {
                        hold: Some(hold),
                        store: self.clone(),
                        output,
                        most,
                    }));
                }
                Some(Granted::No(shortage)) => return Ok(Verdict::Short(*shortage)),
                Some(Granted::Later) => self.record_lost_calls().await?,
                Some(Granted::Yes { hold: None, .. }) | None => return Err(StoreError::Closed),
            }
        }
    }

    /// Raises a cap for a period and puts that on record.
    pub async fn raise(&self, raise: Raise) -> Result<(), StoreError> {
        self.submit(Work::Raise(Box::new(raise))).await.map(drop)
    }

    /// Returns how much of each limit is used.
    pub async fn standings(&self, limits: Vec<Limit>) -> Result<Vec<Standing>, StoreError> {
        self.query(move |connection| {
            limits
                .iter()
                .map(|limit| standing(connection, limit))
                .collect()
        })
        .await
    }
}

impl Tx<'_> {
    /// Sets aside what a call may take, or says why not.
    pub(in crate::events) fn reserve(&self, asked: &Asked) -> Result<Outcome, StoreError> {
        let granted = if self.has_lost_calls()? {
            Granted::Later
        } else {
            judge(self.connection, self.owner.name(), asked)?
        };
        Ok(Outcome {
            granted: Some(granted),
            ..Outcome::default()
        })
    }

    /// Raises a cap and puts that on record.
    pub(in crate::events) fn raise(&mut self, raise: Raise) -> Result<Outcome, StoreError> {
        let nanos = raise.usd.map(|cost| sql_integer(cost.as_nanos()));
        self.connection
            .prepare_cached(
                "INSERT INTO raises (cap, subject, period_ms, nanos, tokens)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (cap, subject, period_ms) DO UPDATE
                 SET nanos = coalesce(excluded.nanos, nanos),
                     tokens = coalesce(excluded.tokens, tokens)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    raise.cap,
                    raise.subject,
                    raise.period.as_millisecond(),
                    nanos,
                    raise.tokens.map(sql_integer),
                ])
            })
            .map_err(StoreError::write)?;
        let entry = AuditEntry::CapRaised {
            cap: raise.cap,
            subject: Some(raise.subject).filter(|subject| !subject.is_empty()),
            since: raise.period,
            usd: raise.usd.map(Cost::usd),
            tokens: raise.tokens,
            by: raise.by,
        };
        Ok(Outcome {
            events: vec![self.audit(&entry)?],
            ..Outcome::default()
        })
    }
}

fn judge(connection: &Connection, owner: &str, asked: &Asked) -> Result<Granted, StoreError> {
    let Asked {
        spender,
        call,
        limits,
    } = asked;
    let size = Size {
        price: call.price.as_ref(),
        input: call.input,
    };
    let mut output = call.most_output;
    for limit in limits {
        let standing = standing(connection, limit)?;
        let mut used = standing.spent;
        used += standing.reserved;
        let room = size.room(call.least_output, output, &used, &standing);
        let Some(room) = room else {
            let alone = size.room(call.least_output, output, &standing.spent, &standing);
            return Ok(Granted::No(Box::new(Shortage {
                limit: limit.clone(),
                standing,
                passing: alone.is_some(),
            })));
        };
        output = room;
    }
    let (usage, cost) = size.with_output(output);
    let session = session_id(connection, &spender.session)?;
    let id = Uuid::new_v4().to_string();
    connection
        .prepare_cached(
            "INSERT INTO reservations
             (id, owner, run_id, session_id, agent, channel, attended, provider, model, usage,
              tokens, nanos)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                id,
                owner,
                spender.run.as_str(),
                session,
                spender.agent.as_str(),
                spender.channel.as_str(),
                spender.attended == Attended::Yes,
                call.provider.as_str(),
                call.model,
                written(&usage),
                sql_integer(usage.total()),
                cost.map(|cost| sql_integer(cost.as_nanos())),
            ])
        })
        .map_err(StoreError::write)?;
    Ok(Granted::Yes {
        id,
        output,
        most: Spent {
            cost: cost.unwrap_or_default(),
            tokens: usage.total(),
        },
        hold: None,
    })
}

fn written(usage: &Usage) -> String {
    // A handful of numbers can always be written.
    serde_json::to_string(usage).unwrap_or_default()
}

/// Takes away what was set aside for a call that was never made.
pub(in crate::events) fn unspent(connection: &Connection, id: &str) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("DELETE FROM reservations WHERE id = ?1")?
        .execute([id])
}

/// Puts what a call took in the place of what was set aside for it.
pub(in crate::events) fn spent(
    connection: &Connection,
    id: &str,
    usage: &Usage,
    cost: Option<Cost>,
) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE reservations SET usage = ?2, tokens = ?3, nanos = ?4, settled = 1 WHERE id = ?1",
        )?
        .execute(params![
            id,
            written(usage),
            sql_integer(usage.total()),
            cost.map(|cost| sql_integer(cost.as_nanos())),
        ])
}
