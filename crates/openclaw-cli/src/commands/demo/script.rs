//! What is said in the demo, and what has to come of it.

use openclaw_ipc::{Event, EventData};
use openclaw_sandbox::SandboxLevel;
use serde_json::Value;

/// One thing that is said to the agent.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) said: &'static str,
    /// The tools whose calls have to do what they are asked, in order.
    works: &'static [&'static str],
    /// How many commands the sandbox has to refuse.
    refused: usize,
    /// What the answer has to contain.
    answer: &'static str,
    /// What is to be noticed, after all of it has come true.
    pub(super) lesson: &'static str,
}

/// The demo, in order.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        title: "The agent looks at its workspace with a tool",
        said: "list the files here",
        works: &["ls"],
        refused: 0,
        answer: "prices.csv",
        lesson: "Every call of a tool and its result are in the event log before the model goes on.",
    },
    Scene {
        title: "A command in the sandbox, with its output while it runs",
        said: "run `for n in 1 2 3 4 5; do echo \"step $n of 5\"; sleep 0.2; done; wc -l *.csv`",
        works: &["exec"],
        refused: 0,
        answer: "step 5 of 5",
        lesson: "The lines came one by one, over the WebSocket, while the command was running.",
    },
    Scene {
        title: "Three commands at once that want out of the sandbox: each of them has to fail",
        said: "run `cat /etc/shadow` and `touch /usr/mine` and `bash -c 'echo > /dev/tcp/192.0.2.1/80'`",
        works: &[],
        refused: 3,
        answer: "failed",
        lesson: "Inside the sandbox there is no password file, the system is read-only, and the \
                 only network is a loopback of its own.",
    },
    Scene {
        title: "Several steps: read the notes, add a line, confirm",
        said: "remember the tide takes its time",
        works: &["write"],
        refused: 0,
        answer: "notes.md",
        lesson: "The notes did not exist yet. A tool that fails is told to the model, which goes on.",
    },
    Scene {
        title: "What was written is there in the next turn",
        said: "what do you remember?",
        works: &["read"],
        refused: 0,
        answer: "the tide takes its time",
        lesson: "The transcript that the model sees is rebuilt from the event log for every turn.",
    },
];

impl Scene {
    /// Returns what is wrong with the events that the scene brought about.
    pub(super) fn check(&self, events: &[Event]) -> Result<(), String> {
        let worked: Vec<&str> = results(events)
            .filter(|(_, success, _)| *success)
            .map(|(tool, _, _)| tool)
            .collect();
        if worked != self.works {
            return Err(format!(
                "these tools worked: {worked:?}, and not: {:?}",
                self.works
            ));
        }
        let refused = results(events)
            .filter(|(tool, success, _)| *tool == "exec" && !success)
            .count();
        if refused != self.refused {
            let wanted = self.refused;
            return Err(format!(
                "{refused} commands were refused, and {wanted} should have been"
            ));
        }
        let loose = commands(events).find(|level| *level != Some(SandboxLevel::Strict.as_str()));
        if let Some(level) = loose {
            let level = level.unwrap_or("none");
            return Err(format!("a command ran at sandbox level {level}"));
        }
        match events.last().map(|event| &event.data) {
            Some(EventData::AgentResponse { content, .. }) if content.contains(self.answer) => {
                Ok(())
            }
            Some(EventData::AgentResponse { .. }) => Err(format!(
                "the answer does not have \"{}\" in it",
                self.answer
            )),
            _ => Err("there was no answer".to_owned()),
        }
    }
}

/// Returns every tool result as the tool's name, whether it worked, and the event.
fn results(events: &[Event]) -> impl Iterator<Item = (&str, bool, &Event)> {
    events.iter().filter_map(|event| match &event.data {
        EventData::ToolResult { tool, success, .. } => Some((tool.as_str(), *success, event)),
        _ => None,
    })
}

/// Returns the sandbox levels of all commands.
fn commands(events: &[Event]) -> impl Iterator<Item = Option<&str>> {
    results(events)
        .filter(|(tool, _, _)| *tool == "exec")
        .map(|(_, _, event)| {
            let level = event.payload.as_ref()?.get("tool")?.get("sandbox")?;
            Value::as_str(level)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(data: &Value, payload: &Value) -> Event {
        let mut event = json!({
            "sessionKey": "agent:main:main", "seq": 1, "position": 1, "time": "",
            "payload": payload, "hash": "0".repeat(64),
        });
        event
            .as_object_mut()
            .unwrap()
            .extend(data.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    fn ran(outcome: &str, level: &str) -> Event {
        let data = json!({"tool": "exec", "result": {}, "success": outcome == "worked"});
        event(
            &json!({"kind": "ToolResult", "data": data}),
            &json!({"tool": {"sandbox": level}}),
        )
    }

    fn answered(content: &str) -> Event {
        let data = json!({"content": content, "model": "m", "tokens": 1});
        event(
            &json!({"kind": "AgentResponse", "data": data}),
            &Value::Null,
        )
    }

    const SCENE: Scene = Scene {
        title: "",
        said: "",
        works: &["exec"],
        refused: 1,
        answer: "done",
        lesson: "",
    };

    #[test]
    fn accepts_what_has_to_happen() {
        let events = [
            ran("worked", "strict"),
            ran("failed", "strict"),
            answered("it is done"),
        ];
        assert_eq!(SCENE.check(&events), Ok(()));
    }

    #[test]
    fn notices_a_command_outside_the_strict_sandbox() {
        let events = [
            ran("worked", "none"),
            ran("failed", "strict"),
            answered("it is done"),
        ];
        assert!(SCENE.check(&events).unwrap_err().contains("level none"));
    }

    #[test]
    fn notices_a_command_that_should_have_been_refused() {
        let events = [
            ran("worked", "strict"),
            ran("worked", "strict"),
            answered("it is done"),
        ];
        assert!(SCENE.check(&events).is_err());
        assert!(
            SCENE
                .check(&[ran("worked", "strict"), answered("it is done")])
                .is_err()
        );
    }

    #[test]
    fn notices_a_missing_or_empty_answer() {
        let ran = [ran("worked", "strict"), ran("failed", "strict")];
        assert!(SCENE.check(&ran).is_err());
        let [a, b] = ran;
        assert!(SCENE.check(&[a, b, answered("no")]).is_err());
    }
}
