//! An answer that is handed on while it is written, as server-sent events.
//!
//! A stream begins once its run does, so that what goes wrong before that has a status of its own.
//! What a client is too slow to take of the pieces comes with the end: the events are bounded, and
//! nothing of the answer is lost. Whoever goes away ends the run.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use openclaw_agents::bus::{Live, Part};
use openclaw_core::RunId;
use openclaw_core::access::tokens::Ended;
use openclaw_ipc::openai::ApiError;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::DropGuard;

use super::asking::{Asking, Outcome};
use super::door::{Counted, Entered, Failure};
use super::threads::Threads;
use super::tools::Wanted;
use crate::builder::Gateway;

/// What stands between the texts of two steps.
pub(super) const BETWEEN: &str = "\n\n";

/// How long a stream waits for its run before it begins without it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a client hears that nothing has happened, so that nobody in between hangs up.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many frames may wait for a client.
const FRAMES: usize = 64;
/// The last frame of every stream.
const DONE: Frame = Frame {
    name: None,
    data: String::new(),
};
/// What proxies are told, so that they hand pieces on at once.
const NO_BUFFER: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How a dialect says what happens.
pub(super) trait Voice: Send + Sync + 'static {
    /// Says that there will be an answer.
    fn begin(&mut self) -> Vec<Frame>;
    /// Says that the text goes on.
    fn text(&mut self, piece: String) -> Vec<Frame>;
    /// Says the rest of an answer, of whose text everything was said.
    fn end(&mut self, outcome: &Outcome) -> Vec<Frame>;
    /// Says that there is no answer.
    fn failed(&mut self, failure: &Failure) -> Vec<Frame>;
}

/// A server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    name: Option<&'static str>,
    data: String,
}

type Turn = Pin<Box<dyn Future<Output = Result<Outcome, Failure>> + Send>>;

impl Frame {
    /// Makes the frame of a value.
    pub(super) fn of(name: Option<&'static str>, value: &impl serde::Serialize) -> Self {
        Self {
            name,
            data: serde_json::to_string(value).unwrap_or_default(),
        }
    }

    fn bytes(&self) -> Bytes {
        let data = if self.data.is_empty() {
            "[DONE]"
        } else {
            self.data.as_str()
        };
        let name = self.name.map(|name| format!("event: {name}\n"));
        format!("{}data: {data}\n\n", name.unwrap_or_default()).into()
    }
}

/// Answers a request with a stream.
pub(super) async fn stream(
    gateway: Gateway,
    entered: Entered,
    asking: Asking,
    threads: Arc<Threads>,
    voice: impl Voice,
) -> Response {
    let ear = gateway.shared.rpc.bus.listen();
    let mut run = asking.terms.line.run();
    let line = asking.terms.line.gone().clone().drop_guard();
    let prose = match asking.wanted {
        Wanted::Nothing => Prose::AsItComes,
        Wanted::Any | Wanted::Tool(_) => Prose::AtTheEnd,
    };
    let of_gateway = gateway.clone();
    let mut turn: Turn = Box::pin(async move { asking.answer(&of_gateway, &threads).await });
    let early = tokio::select! {
        biased;
        outcome = turn.as_mut() => match outcome {
            Ok(outcome) => Some(outcome),
            Err(failure) => return entered.count.refuse(failure),
        },
        _started = run.wait_for(Option::is_some) => None,
        () = time::sleep(PATIENCE) => None,
    };
    let (frames, taken) = mpsc::channel(FRAMES);
    let teller = Teller {
        frames,
        ended: entered.pass.ended,
        count: entered.count,
        voice,
        told: Told::default(),
        prose,
        _line: line,
    };
    let told = async move {
        match early {
            Some(outcome) => teller.whole(outcome).await,
            None => teller.tell(turn, ear, run).await,
        }
    };
    drop(gateway.shared.connections.spawn("stream", told));
    let taken = stream::unfold(taken, |mut taken| async move {
        let bytes: Bytes = taken.recv().await?;
        Some((Ok::<_, Infallible>(bytes), taken))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-cache, no-store"),
        (NO_BUFFER, "no"),
    ];
    (StatusCode::OK, headers, Body::from_stream(taken)).into_response()
}

/// When text is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prose {
    AsItComes,
    /// Only when it is known that the answer has the call that it has to have.
    AtTheEnd,
}

/// Tells a client what happens.
struct Teller<V> {
    frames: mpsc::Sender<Bytes>,
    ended: Ended,
    count: Counted,
    voice: V,
    told: Told,
    prose: Prose,
    /// Ends the run when it is dropped.
    _line: DropGuard,
}

/// That the client is not to be told anything more.
struct Gone;

impl<V: Voice> Teller<V> {
    /// Tells an answer that is there already.
    async fn whole(mut self, outcome: Outcome) {
        let begin = self.voice.begin();
        if send(&self.frames, begin).await.is_ok() {
            // Whoever has gone hears no end.
            drop(self.end(Ok(outcome)).await);
        }
    }

    /// Tells an answer while it is made.
    async fn tell(
        mut self,
        turn: Turn,
        mut ear: broadcast::Receiver<Arc<Live>>,
        run: watch::Receiver<Option<RunId>>,
    ) {
        let begin = self.voice.begin();
        if send(&self.frames, begin).await.is_err() {
            return;
        }
        let mut turn = turn;
        let mut beat = time::interval_at(time::Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let outcome = loop {
            let ended = self.ended.clone();
            let frames = self.frames.clone();
            let said = tokio::select! {
                biased;
                () = frames.closed() => return,
                () = ended.wait() => break Err(no_longer_good()),
                piece = ear.recv(), if self.told.goes_on() => {
                    let text = self.heard(piece.as_deref(), &run);
                    self.text(text).await
                }
                outcome = turn.as_mut() => break outcome,
                _ = beat.tick() => self.beat().await,
            };
            if said.is_err() {
                return;
            }
        };
        // Whoever has gone hears no end.
        drop(self.end(outcome).await);
    }

    /// Returns the text in a piece, if it is one of this run's.
    fn heard(
        &mut self,
        piece: Result<&Live, &RecvError>,
        run: &watch::Receiver<Option<RunId>>,
    ) -> Option<String> {
        match piece {
            Ok(Live::Delta {
                run: of,
                step,
                part: Part::Text,
                text,
                ..
            }) if run.borrow().as_ref() == Some(of) => self.told.piece(*step, text),
            Ok(_) => None,
            Err(RecvError::Lagged(_) | RecvError::Closed) => {
                self.told.stop();
                None
            }
        }
    }

    async fn text(&mut self, text: Option<String>) -> Result<(), Gone> {
        match text.filter(|_| self.prose == Prose::AsItComes) {
            Some(text) => {
                self.told.whole.push_str(&text);
                let frames = self.voice.text(text);
                send(&self.frames, frames).await
            }
            None => Ok(()),
        }
    }

    async fn end(mut self, outcome: Result<Outcome, Failure>) -> Result<(), Gone> {
        let mut frames = match outcome.and_then(|outcome| self.rest(&outcome)) {
            Ok(frames) => {
                self.count.ends(None);
                frames
            }
            Err(failure) => {
                self.count.ends(Some(&failure));
                self.voice.failed(&failure)
            }
        };
        frames.push(DONE);
        send(&self.frames, frames).await
    }

    /// Returns what of an answer the client was not told yet.
    fn rest(&mut self, outcome: &Outcome) -> Result<Vec<Frame>, Failure> {
        let rest = outcome.text.strip_prefix(self.told.whole.as_str());
        let rest = rest.ok_or_else(other_than_said)?;
        let mut frames = match rest {
            "" => Vec::new(),
            rest => self.voice.text(rest.to_owned()),
        };
        frames.extend(self.voice.end(outcome));
        Ok(frames)
    }

    async fn beat(&self) -> Result<(), Gone> {
        hand_over(&self.frames, Bytes::from_static(b": keep-alive\n\n")).await
    }
}

async fn send(to: &mpsc::Sender<Bytes>, frames: Vec<Frame>) -> Result<(), Gone> {
    for frame in frames {
        hand_over(to, frame.bytes()).await?;
    }
    Ok(())
}

async fn hand_over(to: &mpsc::Sender<Bytes>, bytes: Bytes) -> Result<(), Gone> {
    to.send(bytes).await.map_err(|_closed| Gone)
}

fn no_longer_good() -> Failure {
    let error = ApiError::invalid("the credential of this request has ended");
    Failure::new(StatusCode::UNAUTHORIZED, error.with_code("invalid_api_key"))
}

fn other_than_said() -> Failure {
    let message = "Assistant output cannot be represented as an append-only response stream.";
    Failure::new(StatusCode::BAD_GATEWAY, ApiError::new("api_error", message))
}

/// The text of an answer, as far as it has come.
#[derive(Debug, Default)]
struct Told {
    /// What the client was told.
    whole: String,
    step: Option<u32>,
    /// Blanks that count only if words follow.
    blank: String,
    /// Whether the step has said anything.
    spoken: Spoken,
    /// Whether pieces were lost, so that no more can be told before the end.
    lost: Lost,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Spoken {
    #[default]
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Lost {
    #[default]
    Nothing,
    Pieces,
}

impl Told {
    fn goes_on(&self) -> bool {
        self.lost == Lost::Nothing
    }

    fn stop(&mut self) {
        self.lost = Lost::Pieces;
    }

    /// Returns what a piece adds to the text, if it adds anything now.
    fn piece(&mut self, step: u32, piece: &str) -> Option<String> {
        if self.step != Some(step) {
            self.step = Some(step);
            self.spoken = Spoken::No;
            self.blank.clear();
        }
        if self.spoken == Spoken::Yes {
            return Some(piece.to_owned());
        }
        self.blank.push_str(piece);
        if piece.trim().is_empty() {
            return None;
        }
        self.spoken = Spoken::Yes;
        let between = if self.whole.is_empty() { "" } else { BETWEEN };
        let text = format!("{between}{}", self.blank);
        self.blank.clear();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_all_steps_add_up_to_the_texts_of_all_steps() {
        let mut told = Told::default();
        for (step, piece) in [
            (1, "\n"),
            (1, "Look"),
            (1, "ing. "),
            (2, "  "),
            (3, ""),
            (3, "It is"),
            (3, "\n\n"),
            (3, "done."),
        ] {
            if let Some(text) = told.piece(step, piece) {
                told.whole.push_str(&text);
            }
        }
        assert_eq!(told.whole, ["\nLooking. ", "It is\n\ndone."].join(BETWEEN));
    }

    #[test]
    fn a_frame_is_its_name_and_its_data() {
        let frame = Frame::of(Some("a.b"), &5);
        assert_eq!(frame.bytes(), "event: a.b\ndata: 5\n\n");
        assert_eq!(Frame::of(None, &5).bytes(), "data: 5\n\n");
        assert_eq!(DONE.bytes(), "data: [DONE]\n\n");
    }
}
