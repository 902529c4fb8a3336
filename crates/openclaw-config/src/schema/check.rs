//! Holding a value against the parts of the schema.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};
use url::Url;

use super::forms::{is_file_id, is_program_id};
use super::part::{Format, Part, PartId, Schema, Type};
use super::trail::Trail;
use super::{Area, say};
use crate::problem::Problem;

/// One run over a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub(super) schema: &'static Schema,
    pub(super) area: Area,
}

/// A problem, and what the choice between the branches of a union needs to know of it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) problem: Problem,
    pub(super) kind: FaultKind,
    /// How many steps from the root it is.
    pub(super) depth: usize,
    /// The values that would have been right, if that is all that is wrong.
    pub(super) choices: Vec<Value>,
}

/// What sort of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The value is of another kind.
    Type,
    /// The value is none of those that are listed.
    Choice,
    /// The object has keys that nobody knows.
    UnknownKey,
    /// The value is of the right kind, but too long, too small, or of the wrong form.
    Limit,
}

impl Check {
    /// Returns what is wrong with a value.
    pub(super) fn problems(&self, part: PartId, value: &Value, trail: &Trail<'_>) -> Vec<Problem> {
        let faults = self.faults(part, value, trail);
        faults.into_iter().map(|fault| fault.problem).collect()
    }

    /// Returns what is wrong with a value, and of what sort it is.
    pub(super) fn faults(&self, part: PartId, value: &Value, trail: &Trail<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check(part, value, trail, &mut faults);
        faults
    }

    fn check(&self, id: PartId, value: &Value, trail: &Trail<'_>, faults: &mut Vec<Fault>) {
        let part = self.schema.part(id);
        if let Some(fault) = self.kind_fault(part, value, trail) {
            faults.push(fault);
            return;
        }
        if let Some(fault) = self.choice_fault(part, value, trail) {
            faults.push(fault);
        }
        match value {
            Value::String(text) => self.check_text(part, text, trail, faults),
            Value::Number(number) => self.check_number(part, number, trail, faults),
            Value::Array(elements) => self.check_array(part, elements, trail, faults),
            Value::Object(members) => self.check_object(part, members, trail, faults),
            Value::Null | Value::Bool(_) => {}
        }
        if !part.any_of.is_empty() {
            self.check_any_of(&part.any_of, value, trail, faults);
        }
        if !part.one_of.is_empty() {
            self.check_one_of(&part.one_of, value, trail, faults);
        }
        for id in &part.all_of {
            self.check(*id, value, trail, faults);
        }
        if part
            .not
            .is_some_and(|id| self.faults(id, value, trail).is_empty())
        {
            faults.push(self.limit(trail, "must not be of this form"));
        }
        if let (Some(condition), Some(then)) = (part.r#if, part.then)
            && self.faults(condition, value, trail).is_empty()
        {
            self.check(then, value, trail, faults);
        }
    }

    fn kind_fault(&self, part: &Part, value: &Value, trail: &Trail<'_>) -> Option<Fault> {
        let kinds = part.types.named();
        if !part.never && (kinds.is_empty() || kinds.iter().any(|kind| kind.holds(value))) {
            return None;
        }
        let fraction = value.is_number() && kinds.contains(&Type::Integer);
        let expected: Vec<_> = kinds.iter().map(|kind| say::expected(*kind)).collect();
        let sentence = match self.area {
            Area::Core if fraction => Cow::from("expected int, received number"),
            Area::Core if expected.is_empty() => Cow::from("nothing may stand here"),
            Area::Core => {
                let (expected, received) = (expected.join(" or "), say::kind(value));
                Cow::from(format!("expected {expected}, received {received}"))
            }
            Area::Owned if fraction => Cow::from("must be integer, found a fraction"),
            Area::Owned if expected.is_empty() => Cow::from("nothing may stand here"),
            Area::Owned => {
                let (expected, found) = (expected.join(" or "), say::kind(value));
                Cow::from(format!("must be {expected}, found {found}"))
            }
        };
        let problem = Problem::new(trail.path(), self.say(&sentence));
        let mut fault = Fault::new(problem, FaultKind::Type, trail);
        if kinds == [Type::Boolean] {
            fault.choices = vec![Value::Bool(true), Value::Bool(false)];
        }
        Some(fault)
    }

    fn choice_fault(&self, part: &Part, value: &Value, trail: &Trail<'_>) -> Option<Fault> {
        let one = part.r#const.iter().collect::<Vec<_>>();
        let choices = if one.is_empty() {
            part.r#enum.iter().collect()
        } else {
            one
        };
        if choices.is_empty() || choices.iter().any(|choice| same(choice, value)) {
            return None;
        }
        Some(self.none_of(&choices, value, trail))
    }

    /// Says that a value is none of those that are allowed.
    pub(super) fn none_of(&self, choices: &[&Value], value: &Value, trail: &Trail<'_>) -> Fault {
        let path = trail.path();
        let quoted: Vec<String> = choices.iter().map(ToString::to_string).collect();
        let found = say::found(value, &path);
        let sentence = match (self.area, found) {
            (Area::Core, None) => "Invalid input".to_owned(),
            (Area::Core, Some(found)) => format!("Invalid input: found {found}"),
            (Area::Owned, None) => self.say("must be equal to one of the allowed values"),
            (Area::Owned, Some(found)) => self.say(&format!(
                "must be equal to one of the allowed values, found {found}"
            )),
        };
        let mut problem = Problem::new(path, format!("{sentence} {}", say::allowed(&quoted)));
        problem.allowed = choices.iter().map(|choice| say::plain(choice)).collect();
        let mut fault = Fault::new(problem, FaultKind::Choice, trail);
        fault.choices = choices.iter().map(|choice| (*choice).clone()).collect();
        fault
    }

    fn check_text(&self, part: &Part, text: &str, trail: &Trail<'_>, faults: &mut Vec<Fault>) {
        if part.min_length.is_some() || part.max_length.is_some() {
            // JavaScript counts UTF-16.
            let length = text.encode_utf16().count();
            if part.min_length.is_some_and(|least| length < least) {
                let least = part.min_length.unwrap_or_default();
                let text = format!("must have at least {least} characters, has {length}");
                faults.push(self.limit(trail, &text));
            }
            if part.max_length.is_some_and(|most| length > most) {
                let most = part.max_length.unwrap_or_default();
                let text = format!("must have at most {most} characters, has {length}");
                faults.push(self.limit(trail, &text));
            }
        }
        if part
            .pattern
            .is_some_and(|pattern| !self.schema.fits(pattern, text))
        {
            faults.push(self.limit(trail, "is not of the form that is asked for"));
        }
        // Only OpenClaw's own settings are held to the form of a secret's id.
        let fault = match part.format {
            Some(Format::Uri) if Url::parse(text).is_err() => "must be a URL",
            Some(Format::SecretInFile) if self.area == Area::Core && !is_file_id(text) => {
                "must be a JSON pointer such as /openai/apiKey, or \"value\""
            }
            Some(Format::SecretOfProgram) if self.area == Area::Core && !is_program_id(text) => {
                "must be an id such as vault/openai/api-key, without . and .. as parts"
            }
            _ => return,
        };
        faults.push(self.limit(trail, fault));
    }

    fn check_number(
        &self,
        part: &Part,
        number: &Number,
        trail: &Trail<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        if let Some(least) = part.minimum.filter(|least| value < *least) {
            let text = format!("must be at least {least}, found {number} (minimum: {least})");
            faults.push(self.limit(trail, &text));
        }
        if let Some(least) = part.exclusive_minimum.filter(|least| value <= *least) {
            let text = format!("found {number} (must be greater than {least})");
            faults.push(self.limit(trail, &text));
        }
        if let Some(most) = part.maximum.filter(|most| value > *most) {
            let text = format!("must be at most {most}, found {number} (maximum: {most})");
            faults.push(self.limit(trail, &text));
        }
    }

    fn check_array(
        &self,
        part: &Part,
        elements: &[Value],
        trail: &Trail<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let length = elements.len();
        if let Some(least) = part.min_items.filter(|least| length < *least) {
            let text = format!("must have at least {least} elements, has {length}");
            faults.push(self.limit(trail, &text));
        }
        // A list of fixed places takes no more elements than it names.
        let most = part
            .max_items
            .or((!part.tuple.is_empty()).then_some(part.tuple.len()));
        if let Some(most) = most.filter(|most| length > *most) {
            let text = format!("must have at most {most} elements, has {length}");
            faults.push(self.limit(trail, &text));
        }
        for (index, element) in elements.iter().enumerate() {
            if let Some(id) = part.tuple.get(index).or(part.items.as_ref()) {
                self.check(*id, element, &trail.index(index), faults);
            }
        }
        if part.unique_items {
            let twice = elements.iter().enumerate().any(|(index, element)| {
                elements
                    .iter()
                    .take(index)
                    .any(|earlier| same(earlier, element))
            });
            if twice {
                faults.push(self.limit(trail, "must not have the same element twice"));
            }
        }
    }

    fn check_object(
        &self,
        part: &Part,
        members: &Map<String, Value>,
        trail: &Trail<'_>,
        faults: &mut Vec<Fault>,
    ) {
        for key in &part.required {
            if !members.contains_key(&**key) {
                faults.push(self.missing(part, key, &trail.key(key)));
            }
        }
        let mut unknown = Vec::new();
        for (key, value) in members {
            let above = trail;
            let trail = trail.key(key);
            if let Some(id) = part.property_names {
                self.check_name(id, key, (&trail, above), faults);
            }
            match part.member(key).or(part.additional_properties) {
                Some(id) if self.schema.part(id).never => unknown.push(key.as_str()),
                // OpenClaw itself asks only what kind of value a plugin's settings are.
                Some(id) if self.area == Area::Core && trail.is_of_plugin() => {
                    faults.extend(self.kind_fault(self.schema.part(id), value, &trail));
                }
                Some(_) if self.area == Area::Core && trail.is_of_channel() => {}
                Some(id) => self.check(id, value, &trail, faults),
                None => {}
            }
        }
        if !unknown.is_empty() {
            faults.push(self.unknown_keys(part, &unknown, trail));
        }
        let count = members.len();
        if let Some(least) = part.min_properties.filter(|least| count < *least) {
            let text = format!("must have at least {least} members, has {count}");
            faults.push(self.limit(trail, &text));
        }
        if let Some(most) = part.max_properties.filter(|most| count > *most) {
            let text = format!("must have at most {most} members, has {count}");
            faults.push(self.limit(trail, &text));
        }
    }

    fn check_name(
        &self,
        id: PartId,
        key: &str,
        (trail, above): (&Trail<'_>, &Trail<'_>),
        faults: &mut Vec<Fault>,
    ) {
        let name = Value::String(key.to_owned());
        if self.faults(id, &name, trail).is_empty() {
            return;
        }
        let (at, sentence) = match self.area {
            Area::Core => (trail, "Invalid key in record".to_owned()),
            Area::Owned => (above, self.say(&format!("\"{key}\" cannot be a name here"))),
        };
        let problem = Problem::new(at.path(), sentence);
        faults.push(Fault::new(problem, FaultKind::UnknownKey, at));
    }

    fn missing(&self, part: &Part, key: &str, trail: &Trail<'_>) -> Fault {
        let wanted = part.member(key).map(|id| self.schema.part(id));
        let kinds: Vec<_> = wanted
            .map(|part| part.types.named())
            .unwrap_or_default()
            .iter()
            .map(|kind| say::expected(*kind))
            .collect();
        let sentence = match self.area {
            Area::Core if kinds.is_empty() => "Invalid input: required".to_owned(),
            Area::Core => format!(
                "Invalid input: expected {}, received undefined",
                kinds.join(" or ")
            ),
            Area::Owned => self.say(&format!("must have required property '{key}'")),
        };
        let problem = Problem::new(trail.path(), sentence);
        Fault::new(problem, FaultKind::Type, trail)
    }

    fn unknown_keys(&self, part: &Part, unknown: &[&str], trail: &Trail<'_>) -> Fault {
        let keys = say::keys(unknown);
        let sentence = match (self.area, unknown.len()) {
            (Area::Core, 1) => format!("Unrecognized key: {keys}"),
            (Area::Core, _) => format!("Unrecognized keys: {keys}"),
            (Area::Owned, _) => self.say(&format!("must not have additional properties: {keys}")),
        };
        let mut problem = Problem::new(trail.path(), sentence);
        problem.nearest = unknown
            .iter()
            .find_map(|key| say::nearest(key, part.members()));
        Fault::new(problem, FaultKind::UnknownKey, trail)
    }

    fn limit(&self, trail: &Trail<'_>, sentence: &str) -> Fault {
        let problem = Problem::new(trail.path(), self.say(sentence));
        Fault::new(problem, FaultKind::Limit, trail)
    }

    /// Puts the words before a sentence by which a reader knows whose settings are wrong.
    fn say(&self, sentence: &str) -> String {
        match self.area {
            Area::Core => format!("Invalid input: {sentence}"),
            Area::Owned => format!("invalid config: {sentence}"),
        }
    }
}

impl Fault {
    pub(super) fn new(problem: Problem, kind: FaultKind, trail: &Trail<'_>) -> Self {
        let depth = trail.depth();
        Self {
            problem,
            kind,
            depth,
            choices: Vec::new(),
        }
    }
}

/// Compares as JavaScript does, which has one kind of number.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}
