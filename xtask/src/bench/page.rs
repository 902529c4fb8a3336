//! The places of the page that figures are written to.

/// Returns the line before the figures of a part, and the line after them.
pub(super) fn marks(part: &str) -> (String, String) {
    (
        format!("<!-- {part}: written by `cargo xtask bench {part}` -->"),
        format!("<!-- end of {part} -->"),
    )
}

/// Returns the page with the text between the two marks replaced.
pub(super) fn replaced(page: &str, (start, end): (&str, &str), figures: &str) -> Option<String> {
    let (before, rest) = page.split_once(start)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!(
        "{before}{start}\n\n{}\n\n{end}{after}",
        figures.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let (start, end) = marks("gateway");
        let (other, end_of_other) = marks("events");
        let others = format!("{other}\nkept\n{end_of_other}\n");
        let page = format!("a\n{others}{start}\nold\n{end}\nb\n");
        assert_eq!(
            replaced(&page, (&start, &end), "new\n"),
            Some(format!("a\n{others}{start}\n\nnew\n\n{end}\nb\n"))
        );
        assert_eq!(replaced("no marks", (&start, &end), "new"), None);
    }
}
