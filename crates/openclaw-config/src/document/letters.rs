//! Which characters are blanks, line ends and letters of names.

/// Returns a character as an error names it.
pub(super) fn shown(character: char) -> String {
    match character {
        '\'' | '"' | '\\' => format!("\\{character}"),
        '\u{8}' => "\\b".to_owned(),
        '\u{b}' => "\\v".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\0' => "\\0".to_owned(),
        '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(character)),
        hidden if hidden < ' ' => format!("\\x{:02x}", u32::from(hidden)),
        plain => plain.to_string(),
    }
}

/// Returns whether a line comment ends before this character.
pub(super) const fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Returns whether the character may stand anywhere between tokens.
pub(super) const fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\t' | '\u{b}' | '\u{c}' | ' ' | '\u{a0}' | '\u{feff}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    ) || is_line_end(character)
}

/// Returns whether an unquoted key may begin with the character.
///
/// npm's `json5` goes by the letters of Unicode 10; letters that came later are taken too.
pub(super) fn is_name_start(character: char) -> bool {
    matches!(character, '$' | '_')
        || is_plain_letter(character)
        || (unicode_ident::is_xid_start(character) && !is_letter_by_exception(character))
}

/// Returns whether an unquoted key may go on with the character.
pub(super) fn is_name_part(character: char) -> bool {
    matches!(character, '$' | '\u{200c}' | '\u{200d}')
        || is_plain_letter(character)
        || (unicode_ident::is_xid_continue(character) && !is_letter_by_exception(character))
}

/// Letters by their category that Unicode's `XID` classes leave out, for the sake of normalised
/// text: npm's `json5` does not normalise.
const fn is_plain_letter(character: char) -> bool {
    matches!(
        character,
        '\u{37a}' | '\u{e33}' | '\u{eb3}' | '\u{2e2f}' | '\u{fc5e}'
            ..='\u{fc63}'
                | '\u{fdfa}'
                | '\u{fdfb}'
                | '\u{fe70}'
                | '\u{fe72}'
                | '\u{fe74}'
                | '\u{fe76}'
                | '\u{fe78}'
                | '\u{fe7a}'
                | '\u{fe7c}'
                | '\u{fe7e}'
                | '\u{ff9e}'
                | '\u{ff9f}'
    )
}

/// Characters that Unicode counts in by name only; npm's `json5` goes by categories.
const fn is_letter_by_exception(character: char) -> bool {
    matches!(
        character,
        '\u{b7}' | '\u{387}' | '\u{1369}'
            ..='\u{1371}'
                | '\u{1885}'
                | '\u{1886}'
                | '\u{19da}'
                | '\u{2118}'
                | '\u{212e}'
                | '\u{30fb}'
                | '\u{ff65}'
    )
}
