//! The way to an answer: who is asked after whom.

use std::mem;

use openclaw_core::ModelRef;
use openclaw_core::events::CallPayload;
use tokio_util::sync::CancellationToken;

use crate::dispatch::answer::{Answer, Refused, note_failure, spoken};
use crate::dispatch::candidate::{Candidate, Credential};
use crate::dispatch::exhausted::{Exhausted, Failure, weight};
use crate::dispatch::fit::fit;
use crate::dispatch::health::{AtRest, Pass, Rest};
use crate::dispatch::opening::{Begun, Live, pause};
use crate::dispatch::route::Route;
use crate::dispatch::tab::Tab;
use crate::dispatch::verdict::Verdict;
use crate::error::ProviderError;
use crate::meter::Meter;
use crate::request::Request;

/// The search for somebody who answers one request.
pub(super) struct Search<'a> {
    route: &'a Route,
    request: &'a Request,
    meter: &'a dyn Meter,
    stop: &'a CancellationToken,
    /// Every call so far.
    calls: Vec<CallPayload>,
    /// What came of each candidate, in order; the last word about it counts.
    failures: Vec<Failure>,
    /// Who was passed over.
    resting: Vec<Resting<'a>>,
}

/// A key that rests, or whose model does.
struct Resting<'a> {
    candidate: &'a Candidate,
    credential: &'a Credential,
    rest: AtRest,
}

/// What came of asking.
enum Found {
    Answer(Box<Answer>),
    /// It is of no use to ask anybody else.
    End(ProviderError),
    /// Another key of the same model may do.
    NextKey(ProviderError),
    /// Another model may do.
    NextModel(ProviderError),
}

impl<'a> Search<'a> {
    pub(super) const fn new(
        route: &'a Route,
        request: &'a Request,
        meter: &'a dyn Meter,
        stop: &'a CancellationToken,
    ) -> Self {
        Self {
            route,
            request,
            meter,
            stop,
            calls: Vec::new(),
            failures: Vec::new(),
            resting: Vec::new(),
        }
    }

    pub(super) async fn answer(mut self) -> Result<Answer, Refused> {
        for (place, candidate) in self.route.candidates().iter().enumerate() {
            match self.candidate(place, candidate).await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(error) => return Err(self.refused(error)),
            }
        }
        match self.last_resort().await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => {
                let error = self.exhausted();
                Err(self.refused(error))
            }
            Err(error) => Err(self.refused(error)),
        }
    }

    fn refused(self, error: ProviderError) -> Refused {
        Refused {
            error,
            calls: self.calls,
        }
    }

    /// The failure of a single model is told as it is.
    fn exhausted(&mut self) -> ProviderError {
        let mut failures = mem::take(&mut self.failures);
        match failures.pop() {
            Some(only) if failures.is_empty() => only.error,
            last => {
                failures.extend(last);
                ProviderError::Exhausted(Exhausted { failures })
            }
        }
    }

    /// Asks one candidate with each of its keys; an error ends the search.
    async fn candidate(
        &mut self,
        place: usize,
        candidate: &'a Candidate,
    ) -> Result<Option<Answer>, ProviderError> {
        let fitted = fit(self.request, candidate);
        let mut failed: Option<ProviderError> = None;
        for (n, credential) in candidate.credentials.iter().enumerate() {
            let health = self.route.health();
            let pass = match health.admit(&candidate.model, credential) {
                Ok(pass) => pass,
                Err(rest) => {
                    self.resting.push(Resting {
                        candidate,
                        credential,
                        rest,
                    });
                    failed.get_or_insert(resting(candidate, &rest, self.route));
                    continue;
                }
            };
            let others = Others {
                keys: candidate.credentials.len() > n.saturating_add(1),
                models: self.route.candidates().len() > place.saturating_add(1),
            };
            let asked = Asked {
                candidate,
                credential,
                request: &fitted,
            };
            match self.key(asked, pass, others).await {
                Found::Answer(answer) => return Ok(Some(*answer)),
                Found::End(error) => return Err(error),
                Found::NextKey(error) => keep(&mut failed, error),
                Found::NextModel(error) => {
                    keep(&mut failed, error);
                    break;
                }
            }
        }
        if let Some(error) = failed {
            tracing::info!(model = %candidate.model, why = %error, "a model does not answer");
            self.failures.push(Failure {
                model: candidate.model.clone(),
                error,
            });
        }
        Ok(None)
    }

    /// When nobody else is left, those who rest are asked all the same, the one whose rest ends
    /// first: it may work again, and a wrong guess costs one call. What a provider itself named is
    /// no guess; that is waited for if it is short, and otherwise left alone.
    async fn last_resort(&mut self) -> Result<Option<Answer>, ProviderError> {
        let now = self.route.health().now();
        let patience = self.route.policy().retry.cap;
        let mut resting = mem::take(&mut self.resting);
        resting.sort_by_key(|resting| resting.rest.left(now));
        let next = resting
            .into_iter()
            .find(|resting| !resting.rest.asked || resting.rest.left(now) <= patience);
        let Some(Resting {
            candidate,
            credential,
            rest,
        }) = next
        else {
            return Ok(None);
        };
        if rest.asked {
            pause(rest.left(now), self.stop).await?;
        }
        tracing::info!(model = %candidate.model, credential = %credential.name, "nobody else is left, so a model is asked before its rest is over");
        let fitted = fit(self.request, candidate);
        let pass = self.route.health().force(&candidate.model, credential);
        let asked = Asked {
            candidate,
            credential,
            request: &fitted,
        };
        match self.key(asked, pass, Others::NONE).await {
            Found::Answer(answer) => Ok(Some(*answer)),
            Found::End(error) => Err(error),
            Found::NextKey(error) | Found::NextModel(error) => {
                let of = |failure: &&mut Failure| failure.model == candidate.model;
                if let Some(failure) = self.failures.iter_mut().find(of) {
                    failure.error = error;
                }
                Ok(None)
            }
        }
    }

    /// Asks a model with one key, as often as the policy has it.
    async fn key(&mut self, asked: Asked<'_>, pass: Pass, others: Others) -> Found {
        let retry = self.route.policy().retry;
        let (mut pass, mut attempt) = (pass, 1_u32);
        loop {
            let probes = pass.is_probe();
            let (error, back) = match self.attempt(asked, pass).await {
                Ok(answer) => return Found::Answer(Box::new(answer)),
                Err(failed) => failed,
            };
            pass = back;
            let again = match error.verdict() {
                Verdict::Final => return Found::End(error),
                Verdict::Key(_) if !error.is_retryable() || others.keys => {
                    return Found::NextKey(error);
                }
                Verdict::Silent => !others.models && !probes,
                Verdict::Key(_) | Verdict::Passing | Verdict::Empty => !probes,
                Verdict::Broken | Verdict::Unable => false,
            };
            let Some(wait) = error.wait(&retry, attempt).filter(|_| again) else {
                return match error.verdict() {
                    Verdict::Key(_) => Found::NextKey(error),
                    _ => Found::NextModel(error),
                };
            };
            let model = &asked.candidate.model;
            tracing::info!(%model, attempt, ?wait, why = %error, "a model is asked again after a wait");
            if let Err(stopped) = pause(wait, self.stop).await {
                return Found::End(stopped);
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// Asks once. The call is on the list when it failed, and with the answer when it did not.
    async fn attempt(
        &mut self,
        asked: Asked<'_>,
        mut pass: Pass,
    ) -> Result<Answer, (ProviderError, Pass)> {
        let Asked {
            candidate,
            credential,
            request,
        } = asked;
        let policy = self.route.policy();
        let rest = Rest::of(policy, candidate.rest);
        let stall = candidate.stall.unwrap_or(policy.stall);
        let opened = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err((ProviderError::Cancelled, pass)),
            opened = Tab::open(candidate, credential, request, self.meter) => opened,
        };
        let mut tab = match opened {
            Ok(tab) => tab,
            Err(capped) => return Err((capped.into(), pass)),
        };
        let mut request = request.clone();
        request.max_tokens = tab.max_tokens().or(request.max_tokens);
        let begun = async {
            let provider = credential.provider.as_ref();
            let mut live = Live::open(provider, request, stall, self.stop).await?;
            let (early, begun) = live.begin(|event| tab.note(event)).await?;
            if begun == Begun::Ended {
                spoken(live.finish()?)?;
                // Whoever spoke did not end without a word.
                return Err(ProviderError::EndedEarly {
                    provider: candidate.model.provider.clone(),
                    source: None,
                });
            }
            Ok((live, early))
        };
        match begun.await {
            Ok((live, early)) => {
                self.note_stand_in(&candidate.model);
                Ok(Answer {
                    model: candidate.model.clone(),
                    early,
                    live,
                    tab,
                    pass,
                    rest,
                    calls: mem::take(&mut self.calls),
                    end: None,
                })
            }
            Err(error) => {
                note_failure(&mut pass, rest, &error);
                self.calls.push(tab.close(Some(&error)));
                Err((error, pass))
            }
        }
    }

    fn note_stand_in(&self, model: &ModelRef) {
        if let Some(primary) = self.route.primary().filter(|primary| *primary != model) {
            tracing::info!(%model, %primary, "another model stands in");
        }
    }
}

/// One way to ask.
#[derive(Clone, Copy)]
struct Asked<'a> {
    candidate: &'a Candidate,
    credential: &'a Credential,
    request: &'a Request,
}

/// Whether there is anybody else.
#[derive(Clone, Copy)]
struct Others {
    keys: bool,
    models: bool,
}

impl Others {
    const NONE: Self = Self {
        keys: false,
        models: false,
    };
}

/// Of several failures of a model the one is told that somebody can do most about.
fn keep(failed: &mut Option<ProviderError>, error: ProviderError) {
    if failed
        .as_ref()
        .is_none_or(|before| weight(&error) <= weight(before))
    {
        *failed = Some(error);
    }
}

fn resting(candidate: &Candidate, rest: &AtRest, route: &Route) -> ProviderError {
    ProviderError::Resting {
        provider: candidate.model.provider.clone(),
        why: rest.ailment,
        left: rest.left(route.health().now()),
    }
}
