//! A replay as people read it: a line or two for each step, the recorded side marked with `-` and
//! the replayed one with `+` where they differ.

use openclaw_core::ModelRef;
use openclaw_core::Usage;
use openclaw_gateway::agents::calls::Call;
use openclaw_gateway::agents::replay::{
    CallChanges, Decision, Difference, End, Recording, Replay, ReplayStep,
};
use openclaw_gateway::providers::{AssistantBlock, Message, UserBlock};

use crate::conversation::whole_arguments;
use crate::error::CliError;
use crate::output::{Look, Output};
use crate::text;

/// How many columns stand before what was said or called.
const MARGIN: usize = 4;

/// The least that is shown of what was said, however narrow the terminal is.
const NARROW: usize = 24;

/// Says where the replay begins.
pub(super) fn head(out: &Output, recording: &Recording, what: &str) -> Result<(), CliError> {
    let place = format!(
        "{} at event {} of {}",
        recording.session, recording.at, recording.head
    );
    out.line(out.look(Look::Strong, &text::one_line(&place)))?;
    out.line(fit(what, room(out)))
}

/// Says who decided, and who decides now.
pub(super) fn models(
    out: &Output,
    recorded: Option<&ModelRef>,
    replayed: &ModelRef,
) -> Result<(), CliError> {
    let line = match recorded {
        Some(recorded) => format!("recorded {recorded}, replayed {replayed}"),
        None => format!("replayed {replayed}"),
    };
    let line = fit(&line, room(out));
    out.line(out.look(Look::Dim, &line))?;
    out.line("")
}

/// Shows a step that was taken.
pub(super) fn step(out: &Output, step: &ReplayStep) -> Result<(), CliError> {
    let named: Vec<&str> = step
        .differences
        .iter()
        .filter(|difference| **difference != Difference::Tokens)
        .map(|difference| difference.as_str())
        .collect();
    let (mark, look, verdict) = match &step.recorded {
        None => ('+', Look::Doubtful, "nothing recorded".to_owned()),
        Some(_) if step.is_same() => ('=', Look::Good, "same".to_owned()),
        Some(_) => (
            '!',
            Look::Doubtful,
            format!("other {}", named.join(" and ")),
        ),
    };
    let before = step.recorded.as_ref().map(|step| &step.decision);
    let title = format!("{mark} step {}  {verdict}", step.step);
    let tokens = tokens(before.and_then(|before| before.usage), step.replayed.usage);
    let tokens = out.look(Look::Dim, &tokens);
    out.line(format_args!("{}, {tokens}", out.look(look, &title)))?;
    decisions(out, before, &step.replayed)
}

fn decisions(out: &Output, before: Option<&Decision>, now: &Decision) -> Result<(), CliError> {
    pair(out, before.map(|before| before.text.as_str()), &now.text)?;
    let none = Vec::new();
    let changes = CallChanges::between(before.map_or(&none, |before| &before.calls), &now.calls);
    for call in &changes.kept {
        line(out, ' ', &shown(call))?;
    }
    let rows = changes.left_out.len().max(changes.added.len());
    for row in 0..rows {
        let gone = changes.left_out.get(row).map(|call| shown(call));
        let new = changes.added.get(row).map(|call| shown(call));
        match new {
            Some(new) => pair(out, gone.as_deref(), &new)?,
            None => line(out, '-', &gone.unwrap_or_default())?,
        }
    }
    if let (Some(before), Some(now)) = (before.and_then(|before| before.stop.as_ref()), &now.stop)
        && before != now
    {
        pair(
            out,
            Some(&format!("stopped: {before}")),
            &format!("stopped: {now}"),
        )?;
    }
    Ok(())
}

/// Shows two texts, or the one text that both are; texts that are cut are cut at the same place.
fn pair(out: &Output, before: Option<&str>, now: &str) -> Result<(), CliError> {
    match before {
        Some(before) if before == now => line_unless_empty(out, ' ', now),
        Some(before) => {
            let (before, now) = (text::one_line(before), text::one_line(now));
            let from = room(out).map_or(0, |room| start(&before, &now, room));
            line_unless_empty(out, '-', &skip(&before, from))?;
            line_unless_empty(out, '+', &skip(&now, from))
        }
        None => line_unless_empty(out, '+', now),
    }
}

fn line_unless_empty(out: &Output, mark: char, what: &str) -> Result<(), CliError> {
    if what.is_empty() {
        return Ok(());
    }
    line(out, mark, what)
}

fn line(out: &Output, mark: char, what: &str) -> Result<(), CliError> {
    out.line(format_args!("  {mark} {}", fit(what, room(out))))
}

/// Says how the replay ended.
pub(super) fn end(out: &Output, replay: &Replay, steps: &[ReplayStep]) -> Result<(), CliError> {
    out.line("")?;
    let same = steps.iter().filter(|step| step.is_same()).count();
    let taken = match steps.len() {
        1 => "1 step".to_owned(),
        n => format!("{n} steps"),
    };
    let (look, how) = match replay.end() {
        Some(End::Diverged(divergence)) => {
            let call = fit(&shown(&divergence.call), room(out));
            out.line(format_args!("not run: {call}"))?;
            let why = format!(
                "diverged in step {}: {}",
                divergence.step, divergence.missing
            );
            (Look::Bad, why)
        }
        Some(End::TooManySteps(most)) => {
            let why = format!("stopped: a turn has at most {most} steps");
            (Look::Bad, why)
        }
        Some(End::Answered) | None if same == steps.len() => {
            (Look::Good, "answered as recorded".to_owned())
        }
        Some(End::Answered) | None => (Look::Doubtful, "answered otherwise".to_owned()),
    };
    out.line(out.look(look, &how))?;
    let totals = replay.totals();
    out.line(format_args!(
        "{taken}, {same} the same, {}",
        tokens(Some(totals.recorded), Some(totals.replayed))
    ))
}

/// Shows what would be sent, and what it would be held against.
pub(super) fn plan(out: &Output, replay: &Replay) -> Result<(), CliError> {
    let request = replay.request();
    let tools: Vec<&str> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_str())
        .collect();
    let system = request.system.chars().count();
    out.line(out.look(
        Look::Strong,
        &format!("would send for step {}", replay.next()),
    ))?;
    line(out, ' ', &format!("system prompt of {system} characters"))?;
    line(out, ' ', &format!("tools {}", tools.join(", ")))?;
    for message in &request.messages {
        for said in said(message) {
            line(out, ' ', &said)?;
        }
    }
    out.line("")?;
    out.line(out.look(Look::Strong, "would compare with"))?;
    if replay.recorded().is_empty() {
        line(out, ' ', "nothing, for nothing more is recorded")?;
    }
    for step in replay.recorded() {
        let tokens = tokens(step.decision.usage, None);
        let comma = if tokens.is_empty() { "" } else { ", " };
        let title = format!("step {} at event {}", step.step, step.seq);
        out.line(format_args!("  {title}{comma}{tokens}"))?;
        decisions(out, Some(&step.decision), &step.decision)?;
    }
    out.line("")?;
    out.line("nothing was sent")
}

fn said(message: &Message) -> Vec<String> {
    match message {
        Message::User(blocks) => blocks
            .iter()
            .map(|block| match block {
                UserBlock::Text(text) => format!("user  {text}"),
                UserBlock::Image { mime, .. } => format!("user  ({mime})"),
                UserBlock::Document { mime, name, .. } => format!("user  ({name}, {mime})"),
            })
            .collect(),
        Message::Assistant(blocks) => blocks
            .iter()
            .filter_map(|block| match block {
                AssistantBlock::Text(text) => Some(format!("assistant  {text}")),
                AssistantBlock::ToolCall(call) => {
                    let params = call.arguments.to_object().into();
                    Some(format!("call  {}  {}", call.name, whole_arguments(&params)))
                }
                AssistantBlock::Thinking(_) => None,
            })
            .collect(),
        Message::ToolResults(results) => results
            .iter()
            .map(|result| {
                let label = if result.is_error { "failed" } else { "result" };
                format!("{label}  {}", result.content)
            })
            .collect(),
    }
}

fn shown(call: &Call) -> String {
    format!("{}  {}", call.tool, whole_arguments(&call.params))
}

fn tokens(before: Option<Usage>, now: Option<Usage>) -> String {
    let total = |usage: Usage| usage.total();
    match (before.map(total), now.map(total)) {
        (Some(before), Some(now)) if before != now => format!("{before} -> {now} tokens"),
        (Some(one), _) | (None, Some(one)) => format!("{one} tokens"),
        (None, None) => String::new(),
    }
}

/// Returns how many characters of what was said fit on a line; all of them without a terminal.
fn room(out: &Output) -> Option<usize> {
    let width = usize::from(out.stdout().width?);
    Some(width.saturating_sub(MARGIN).max(NARROW))
}

fn fit(what: &str, room: Option<usize>) -> String {
    let what = text::one_line(what);
    match room {
        Some(room) => text::shorten(&what, room).into_owned(),
        None => what.into_owned(),
    }
}

/// Returns how many characters two long texts may lose at their beginning, where they are alike.
fn start(one: &str, other: &str, room: usize) -> usize {
    if [one, other]
        .iter()
        .all(|text| text.chars().nth(room).is_none())
    {
        return 0;
    }
    let alike = one
        .chars()
        .zip(other.chars())
        .take_while(|(one, other)| one == other)
        .count();
    let kept = room / 3;
    if alike <= kept.saturating_mul(2) {
        return 0;
    }
    alike.saturating_sub(kept)
}

fn skip(text: &str, from: usize) -> String {
    if from == 0 {
        return text.to_owned();
    }
    "...".chars().chain(text.chars().skip(from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_so_that_their_difference_shows() {
        let long = |end: &str| format!("{}{end}", "x".repeat(100));
        let from = start(&long("one"), &long("two"), 30);
        assert_eq!(from, 90);
        assert_eq!(
            fit(&skip(&long("one"), from), Some(30)),
            format!("...{}one", "x".repeat(10))
        );
    }

    #[test]
    fn texts_that_fit_or_differ_at_once_keep_their_beginning() {
        assert_eq!(start("same and a", "same and b", 30), 0);
        assert_eq!(start(&"a".repeat(90), &"b".repeat(90), 30), 0);
    }

    #[test]
    fn tokens_are_told_once_when_they_are_the_same() {
        let usage = |output| {
            Some(Usage {
                output,
                ..Usage::default()
            })
        };
        assert_eq!(tokens(usage(5), usage(5)), "5 tokens");
        assert_eq!(tokens(usage(5), usage(7)), "5 -> 7 tokens");
        assert_eq!(tokens(None, usage(7)), "7 tokens");
    }
}
