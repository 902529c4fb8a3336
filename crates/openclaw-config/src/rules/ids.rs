//! The forms in which OpenClaw compares names.

/// The agent that exists when no agent is named.
pub(super) const MAIN: &str = "main";

/// More of an agent's id does not count.
const LONGEST_AGENT_ID: usize = 64;

/// Plugins that go by another's name.
const PLUGIN_ALIASES: [(&str, &str); 3] = [
    ("google-gemini-cli", "google"),
    ("minimax-portal", "minimax"),
    ("minimax-portal-auth", "minimax"),
];

/// Returns the id that an agent's name stands for.
pub(super) fn agent(name: &str) -> String {
    let name = name.trim();
    let lower = name.to_lowercase();
    if is_agent(name) {
        return lower;
    }
    let mut id = String::new();
    for character in lower.chars() {
        let plain = character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
        if plain {
            id.push(character);
        } else if !id.ends_with('\0') {
            // Stands for a row of unusable characters until all of them are seen.
            id.push('\0');
        }
    }
    let id = id.replace('\0', "-");
    let id = id.trim_matches('-');
    let id: String = id.chars().take(LONGEST_AGENT_ID).collect();
    if id.is_empty() { MAIN.to_owned() } else { id }
}

/// Tells whether a name is the id of an agent as it stands, but for its case.
pub(super) fn is_agent(name: &str) -> bool {
    let name = name.trim();
    let usable =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    name.len() <= LONGEST_AGENT_ID
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(usable)
}

/// Returns the id that a plugin's name stands for.
pub(super) fn plugin(name: &str) -> String {
    let name = lower(name);
    let alias = PLUGIN_ALIASES.iter().find(|(alias, _)| *alias == name);
    alias.map_or(name, |(_, id)| (*id).to_owned())
}

/// Returns a name in lower case, without the space around it.
pub(super) fn lower(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Splits `provider/model`; nothing when either is missing.
pub(super) fn model(reference: &str) -> Option<(&str, &str)> {
    let (provider, model) = reference.trim().split_once('/')?;
    let (provider, model) = (provider.trim(), model.trim());
    (!provider.is_empty() && !model.is_empty()).then_some((provider, model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_name_becomes_an_id_as_openclaw_makes_it() {
        assert_eq!(agent(" Work "), "work");
        assert_eq!(agent("my agent!"), "my-agent");
        assert_eq!(agent("<agent-id>"), "agent-id");
        assert_eq!(agent("  "), MAIN);
        assert_eq!(agent("日本"), MAIN);
    }

    #[test]
    fn a_model_has_a_provider_and_a_name() {
        assert_eq!(model("openai/gpt/5"), Some(("openai", "gpt/5")));
        assert_eq!(model("openai/"), None);
        assert_eq!(model("gpt"), None);
    }
}
