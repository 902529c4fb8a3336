//! From events to lines: what an event says, and what it belongs to.

use std::fmt::{self, Debug};
use std::sync::Arc;

use openclaw_core::Clock;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::line::Line;
use super::sink::Sink;

/// The most of one value that is written, in bytes.
const LONGEST: usize = 8192;

/// The field that has what is said.
const MESSAGE: &str = "message";

/// Makes a line of each event.
#[derive(Debug)]
pub(super) struct Lines {
    sink: Arc<Sink>,
}

impl Lines {
    pub(super) fn to(sink: &Arc<Sink>) -> Self {
        Self {
            sink: Arc::clone(sink),
        }
    }
}

/// The fields of a span or an event, as text.
#[derive(Debug, Default)]
struct Fields(Vec<(&'static str, String)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let mut extensions = span.extensions_mut();
        // The other sink may have been here first.
        if extensions.get_mut::<Fields>().is_none() {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            extensions.insert(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut whose: Vec<(&'static str, String)> = Vec::new();
        for span in cx.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let Some(Fields(of_span)) = extensions.get::<Fields>() else {
                continue;
            };
            // The innermost span says it best, and the event itself better still.
            for (name, value) in of_span {
                let said = |known: &(&str, String)| known.0 == *name;
                if !whose.iter().any(said) && !fields.0.iter().any(said) {
                    whose.push((name, value.clone()));
                }
            }
        }
        let message = fields.0.iter().position(|(name, _)| *name == MESSAGE);
        let message = message.map(|at| fields.0.remove(at).1).unwrap_or_default();
        let about = event.metadata();
        self.sink.write(Line {
            time: Clock::system().now(),
            level: *about.level(),
            module: about.target(),
            message,
            fields: fields.0,
            whose,
        });
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), cut(value.to_owned())));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push((field.name(), cut(format!("{value:?}"))));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &Told(value));
    }
}

/// An error in its own words.
struct Told<'a>(&'a dyn std::error::Error);

impl Debug for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        text.truncate(end);
        text.push('…');
    }
    text
}
