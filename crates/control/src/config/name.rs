//! Names as they are written.

use super::fields::Field;
use super::report::Report;
use std::collections::HashMap;
use toml::Spanned;

/// What messages say is allowed as a name.
pub(crate) const NAME: &str =
    "a name of 1 to 255 characters, without control characters and without white space at its ends";
/// What messages say is allowed as the name of an interface (`dev_valid_name` in Linux net/core/dev.c).
pub(crate) const INTERFACE: &str =
    "an interface as Linux names them: 1 to 15 bytes without `/`, `:` and white space";

/// Reads the name of a service, group or nexthop.
pub(crate) fn name(field: &Field<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    field.parsed(NAME, parse_name, report)
}

/// A name, or what is wrong with it.
pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("is empty".to_owned()),
        _ if text.chars().count() > 255 => Err("is too long".to_owned()),
        _ if text.contains(char::is_control) => Err("has control characters".to_owned()),
        _ if text.trim() != text => Err("has white space at an end".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Reads the name of a network interface.
pub(crate) fn interface(field: &Field<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    let parse = |text: &str| match text {
        "" => Err("is empty".to_owned()),
        "." | ".." => Err("names a directory".to_owned()),
        _ if text.len() > 15 => Err(format!("is {} bytes long", text.len())),
        _ if text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control()) => {
            Err("has a character that no interface has".to_owned())
        }
        _ => Ok(text.to_owned()),
    };
    field.parsed(INTERFACE, parse, report)
}

/// The names of all things of one kind.
pub(crate) struct Names<'a> {
    /// Each name with the byte offset of the first that has it.
    first: HashMap<&'a str, usize>,
    /// False if something has no readable name: a reference may mean that.
    complete: bool,
}

impl<'a> Names<'a> {
    /// Collects names; each that was there before is a mistake. `allowed` is what messages say.
    pub(crate) fn unique(
        names: impl Iterator<Item = Option<&'a Spanned<String>>>,
        allowed: &str,
        report: &mut Report<'_>,
    ) -> Self {
        let (mut first, mut complete) = (HashMap::new(), true);
        for name in names {
            let Some(name) = name else {
                complete = false;
                continue;
            };
            let offset = name.span().start;
            let before = *first.entry(name.get_ref().as_str()).or_insert(offset);
            if before != offset {
                let (quoted, line) = (report.quote(&name.span()), report.line(before));
                report.mistake(offset, format!("`name = {quoted}` is also on {line}; allowed: {allowed}"));
            }
        }
        Self { first, complete }
    }

    /// The names of things that are known without places, in their order.
    pub(crate) fn known(names: impl Iterator<Item = &'a str>) -> Self {
        Self { first: names.zip(0..).collect(), complete: true }
    }

    /// Checks that a reference names one of them; `key` is where it stands, `kind` what it should name.
    pub(crate) fn check(&self, key: &str, kind: &str, reference: &Spanned<String>, report: &mut Report<'_>) {
        if !self.complete || self.first.contains_key(reference.get_ref().as_str()) {
            return;
        }
        let quoted = report.quote(&reference.span());
        let hint = super::suggest::did_you_mean(reference.get_ref(), self.first.keys().copied());
        let allowed = self.listed(kind);
        report.mistake(
            reference.span().start,
            format!("`{key} = {quoted}` names no {kind}{hint}; allowed: {allowed}"),
        );
    }

    /// The names as messages list them, in the order of the file.
    fn listed(&self, kind: &str) -> String {
        const SHOWN: usize = 8;
        let mut names: Vec<_> = self.first.iter().map(|(name, offset)| (*offset, *name)).collect();
        names.sort_unstable();
        let shown: Vec<_> = names.iter().take(SHOWN).map(|(_, name)| format!("\"{name}\"")).collect();
        match names.len() {
            0 => format!("the name of a [[{kind}]]; there is none"),
            count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
            _ => shown.join(", "),
        }
    }
}
