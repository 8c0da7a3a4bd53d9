//! What the codes mean, from the page that people read.

const PAGE: &str = include_str!("../../../docs/plan-check.md");

/// The paragraphs about a code; `None` for a code that there is not.
#[must_use]
pub fn explanation(code: &str) -> Option<&'static str> {
    sections().find(|(name, _)| *name == code).map(|(_, text)| text)
}

fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGE.split("\n## `").skip(1).filter_map(|section| {
        let (name, text) = section.split_once("`\n")?;
        Some((name, text.trim()))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::code;
    use super::*;

    #[test]
    fn every_code_is_explained_and_nothing_else_is() {
        let explained: BTreeSet<&str> = sections().map(|(name, _)| name).collect();
        assert_eq!(explained, code::ALL.iter().copied().collect::<BTreeSet<&str>>());
        assert_eq!(sections().count(), code::ALL.len(), "no code is explained twice");
        for (name, text) in sections() {
            assert!(text.len() > 40 && text.ends_with('.'), "{name}: {text}");
        }
        assert_eq!(explanation("no_such_code"), None);
    }
}
