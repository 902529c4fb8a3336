//! What an attempt is.

use serde::{Deserialize, Serialize};

use super::{
    Group,
    call::{Arg, Call},
    stage::Stage,
    targets::Targets,
};
use crate::{Limits, Output, SandboxConfig};

/// One attempt to get what the sandbox does not give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// `group.name`.
    pub(super) id: &'static str,
    pub(super) group: Group,
    pub(super) title: &'static str,
    pub(super) way: Way,
    pub(super) control: Bare,
    /// What the attempt runs with, where the usual limits would make it slow or harmful.
    pub(super) bounds: Option<fn(&mut SandboxConfig, &mut Limits)>,
    /// What the host makes of it: an attempt that seems to succeed inside may have changed nothing.
    pub(super) judge: Judge,
}

/// How an attempt is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// By the first program inside, after it has given everything up.
    Inside(fn(&Targets) -> Tried),
    /// By a system call that no safe function makes, through an interpreter.
    Call(Call),
    /// By a shell script; exit code 0 is success.
    Script(&'static str),
}

/// How the attempt is made without the sandbox.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bare {
    /// In the same way.
    Same,
    /// In the same way, in namespaces made for it alone, where it is allowed and harms nothing.
    Room,
    /// Not at all, for this reason.
    Never(&'static str),
}

/// Decides what came of an attempt, given what it said itself.
pub(super) type Judge = fn(&Stage, &Output, Tried) -> Tried;

/// What an attempt says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Tried {
    /// It got this.
    Got(String),
    /// It was stopped in this way.
    Refused(String),
    /// This machine does not have what it needs.
    Unable(String),
}

impl Way {
    /// Says whether it is made on the process of the stage by its number.
    pub(super) fn needs_a_process(&self) -> bool {
        match self {
            Self::Call(call) => call.arguments.iter().any(|arg| matches!(arg, Arg::Process)),
            Self::Inside(_) | Self::Script(_) => false,
        }
    }
}

impl Attempt {
    /// An attempt that is made in the same way without the sandbox and judges itself.
    pub(super) const fn new(id: &'static str, group: Group, title: &'static str, way: Way) -> Self {
        Self {
            id,
            group,
            title,
            way,
            control: Bare::Same,
            bounds: None,
            judge: believed,
        }
    }

    pub(super) const fn judged(mut self, judge: Judge) -> Self {
        self.judge = judge;
        self
    }

    pub(super) const fn bounded(mut self, bounds: fn(&mut SandboxConfig, &mut Limits)) -> Self {
        self.bounds = Some(bounds);
        self
    }

    pub(super) const fn in_a_room(mut self) -> Self {
        self.control = Bare::Room;
        self
    }

    pub(super) const fn without_control(mut self, reason: &'static str) -> Self {
        self.control = Bare::Never(reason);
        self
    }
}

/// What an attempt says of itself is all that there is to know.
fn believed(_stage: &Stage, _output: &Output, tried: Tried) -> Tried {
    tried
}
