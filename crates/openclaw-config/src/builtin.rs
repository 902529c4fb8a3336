//! What OpenClaw says about the tools that it has built in: their group, and the profiles that allow
//! them.

use crate::migration::tools::catalog;

/// A group of tools, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name: `fs` for `group:fs`.
    pub id: &'static str,
    /// Its name for people.
    pub label: &'static str,
}

/// The groups, in the order in which OpenClaw shows them.
const SECTIONS: [Section; 11] = [
    section_of("fs", "Files"),
    section_of("runtime", "Runtime"),
    section_of("web", "Web"),
    section_of("memory", "Memory"),
    section_of("sessions", "Sessions"),
    section_of("ui", "UI"),
    section_of("messaging", "Messaging"),
    section_of("automation", "Automation"),
    section_of("nodes", "Nodes"),
    section_of("agents", "Agents"),
    section_of("media", "Media"),
];

const fn section_of(id: &'static str, label: &'static str) -> Section {
    Section { id, label }
}

/// Returns the group of a tool; nothing for one that OpenClaw does not have.
pub fn section(tool: &str) -> Option<Section> {
    let (group, _) = catalog::entry(tool)?;
    SECTIONS.into_iter().find(|section| section.id == group)
}

/// Returns the place of a group among all of them; one that is not known comes last.
pub fn place(section: Section) -> usize {
    let known = SECTIONS.iter().position(|known| *known == section);
    known.unwrap_or(SECTIONS.len())
}

/// Returns the profiles that allow a tool.
pub fn profiles(tool: &str) -> &'static [&'static str] {
    catalog::entry(tool).map_or(&[], |(_, profiles)| profiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_in_tool_has_its_group_and_its_profiles() {
        let exec = section("exec").unwrap();
        assert_eq!((exec.id, exec.label), ("runtime", "Runtime"));
        assert_eq!(profiles("exec"), ["coding"]);
        assert_eq!((section("find"), profiles("find")), (None, &[][..]));
        assert!(place(section("ls").unwrap()) < place(exec));
    }
}
