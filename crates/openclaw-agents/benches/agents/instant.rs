//! A model and a tool that take no time.

use async_trait::async_trait;
use futures_util::stream;
use openclaw_agents::{Tool, ToolCx, ToolError, ToolOutput};
use openclaw_core::{CallId, ProviderId, Usage};
use openclaw_providers::{
    EventStream, Message, Provider, ProviderError, Request, StopReason, StreamEvent,
};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

/// Calls the tool once in each turn, then answers.
#[derive(Debug)]
pub(crate) struct Instant(pub(crate) ProviderId);

#[async_trait]
impl Provider for Instant {
    fn id(&self) -> &ProviderId {
        &self.0
    }

    async fn stream(
        &self,
        request: Request,
        _stop: CancellationToken,
    ) -> Result<EventStream, ProviderError> {
        let mut events = vec![StreamEvent::Started {
            model: request.model,
        }];
        if matches!(request.messages.last(), Some(Message::ToolResults(_))) {
            events.push(StreamEvent::Text("It is done.".to_owned()));
        } else {
            events.extend([
                StreamEvent::ToolCallStart {
                    index: 0,
                    id: CallId(format!("call-{}", request.messages.len())),
                    name: Nothing::NAME.to_owned(),
                },
                StreamEvent::ToolCallArguments {
                    index: 0,
                    json: "{}".to_owned(),
                },
                StreamEvent::ToolCallEnd { index: 0 },
            ]);
        }
        let stop = if events.len() > 2 {
            StopReason::ToolUse
        } else {
            StopReason::EndTurn
        };
        events.push(StreamEvent::Usage(Usage {
            input: 100,
            output: 10,
            ..Usage::default()
        }));
        events.push(StreamEvent::Stop(stop));
        Ok(Box::pin(stream::iter(events.into_iter().map(Ok))))
    }
}

/// A tool that does nothing.
pub(crate) struct Nothing;

#[async_trait]
impl Tool for Nothing {
    const NAME: &'static str = "nothing";
    const DESCRIPTION: &'static str = "Does nothing.";
    type Args = Map<String, Value>;

    async fn run(&self, _args: Self::Args, _cx: &ToolCx) -> Result<ToolOutput, ToolError> {
        Ok(ToolOutput::text("nothing was done"))
    }
}
