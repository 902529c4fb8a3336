//! The list of skills in the system prompt, and what is left of it when it is too long.
//!
//! What is read first is what a skill is called and where it is; so when room is short,
//! descriptions get shorter, then go, and only then are skills left out.

use super::skill::Skill;

/// The longest description in a list that is too long.
const SHORT: usize = 220;
/// The shortest description that is worth printing.
const SHORTEST: usize = 4;

/// How much of the prompt skills may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogLimits {
    /// The most skills (`skills.limits.maxSkillsInPrompt`).
    pub max_skills: usize,
    /// The most characters, counted as JavaScript counts them
    /// (`skills.limits.maxSkillsPromptChars`).
    pub max_chars: usize,
}

impl Default for CatalogLimits {
    fn default() -> Self {
        Self {
            max_skills: 150,
            max_chars: 18_000,
        }
    }
}

/// What is said of each skill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// All of its description.
    Full,
    /// This much of its description.
    Short(usize),
    /// Nothing but its name and place.
    None,
}

/// Whether the list says that something is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    Shown,
    Hidden,
}

/// Returns the block for the system prompt; nothing without skills, or without room for one.
pub(super) fn block(skills: &[&Skill], limits: &CatalogLimits) -> String {
    let total = skills.len();
    let skills = skills.get(..limits.max_skills).unwrap_or(skills);
    let fits = |count: usize, detail, note| {
        let shown = skills.get(..count).unwrap_or(skills);
        let text = render(shown, total, detail, note);
        (count > 0 && length(&text) <= limits.max_chars).then_some(text)
    };
    if let Some(full) = fits(skills.len(), Detail::Full, Note::Shown) {
        return full;
    }
    let most = |note| {
        largest(0, skills.len(), |n| {
            n == 0 || fits(n, Detail::None, note).is_some()
        })
    };
    let (count, note) = match most(Note::Shown) {
        0 => (most(Note::Hidden), Note::Hidden),
        count => (count, Note::Shown),
    };
    let short = |chars| fits(count, Detail::Short(chars), note);
    if short(SHORTEST).is_none() {
        return fits(count, Detail::None, note).unwrap_or_default();
    }
    let chars = largest(SHORTEST, SHORT, |chars| short(chars).is_some());
    short(chars).unwrap_or_default()
}

/// Returns the largest number for which `fits` holds; it holds for the least.
fn largest(least: usize, most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (least, most);
    while low < high {
        let middle = low.saturating_add(high).div_ceil(2);
        if fits(middle) {
            low = middle;
        } else {
            high = middle.saturating_sub(1);
        }
    }
    low
}

fn render(skills: &[&Skill], total: usize, detail: Detail, note: Note) -> String {
    let mut text = String::new();
    if note == Note::Shown && (skills.len() < total || detail != Detail::Full) {
        text.push_str(&what_is_left_out(skills.len(), total, detail));
        text.push('\n');
    }
    text.push_str("<available_skills>\n");
    for skill in skills {
        let description = match detail {
            Detail::Full => Some(skill.description.clone()),
            Detail::Short(chars) => Some(shortened(&skill.description, chars)),
            Detail::None => None,
        };
        text.push_str("  <skill>\n");
        line(&mut text, "name", &skill.name);
        if let Some(description) = description.filter(|text| !text.is_empty()) {
            line(&mut text, "description", &description);
        }
        line(&mut text, "location", &skill.file.to_string_lossy());
        text.push_str("  </skill>\n");
    }
    text.push_str("</available_skills>");
    text
}

fn what_is_left_out(shown: usize, total: usize, detail: Detail) -> String {
    let listed = if shown < total {
        format!("Only {shown} of {total} skills are listed")
    } else {
        "All skills are listed".to_owned()
    };
    let how = match detail {
        Detail::Full => "",
        Detail::Short(_) => ", with shortened descriptions",
        Detail::None => ", without descriptions",
    };
    format!("{listed}{how}; `openclaw skills check` shows the rest.")
}

fn line(text: &mut String, name: &str, value: &str) {
    for part in ["    <", name, ">", &escaped(value), "</", name, ">\n"] {
        text.push_str(part);
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Returns a text on one line and not longer than this, with dots where it was cut.
fn shortened(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if length(&line) <= chars {
        return line;
    }
    match chars.checked_sub(3).filter(|kept| *kept > 0) {
        Some(kept) => format!("{}...", start(&line, kept).trim_end()),
        None => start(&line, chars).to_owned(),
    }
}

/// Returns a text's length as JavaScript counts it.
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Returns as much of a text's beginning as has this length.
pub(crate) fn start(text: &str, most: usize) -> &str {
    let mut used = 0_usize;
    for (at, c) in text.char_indices() {
        used = used.saturating_add(c.len_utf16());
        if used > most {
            return text.get(..at).unwrap_or(text);
        }
    }
    text
}

/// Returns as much of a text's end as has this length.
pub(crate) fn end(text: &str, most: usize) -> &str {
    let mut used = 0_usize;
    for (at, c) in text.char_indices().rev() {
        used = used.saturating_add(c.len_utf16());
        if used > most {
            return text.get(at.saturating_add(c.len_utf8())..).unwrap_or(text);
        }
    }
    text
}
