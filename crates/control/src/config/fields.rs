//! A TOML table, read key by key: every key that nobody asked for is a mistake at the end.
//!
//! Knows types and ranges, not what a value means.

use super::report::Report;
use super::suggest::did_you_mean;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table whose keys are being read.
pub(crate) struct Fields<'t> {
    /// How messages call the table: `[dataplane]`.
    what: &'static str,
    table: &'t DeTable<'t>,
    /// Byte offset of its header.
    pub(crate) header: usize,
    asked: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    /// The whole file as a table.
    pub(crate) fn root(what: &'static str, table: &'t DeTable<'t>) -> Self {
        Self { what, table, header: 0, asked: Vec::new() }
    }

    /// The value of a key, if it is there.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<Field<'t>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let value = self.table.get(key)?;
        Some(Field { key, value: value.get_ref(), span: value.span(), in_array: false })
    }

    /// The value of a key that must be there.
    pub(crate) fn required(
        &mut self,
        key: &'static str,
        allowed: &str,
        report: &mut Report<'_>,
    ) -> Option<Field<'t>> {
        let field = self.optional(key);
        if field.is_none() {
            report.mistake(self.header, format!("{} has no `{key}`; required: {allowed}", self.what));
        }
        field
    }

    /// A table below this one, as `[key]`.
    pub(crate) fn table(
        &mut self,
        key: &'static str,
        what: &'static str,
        report: &mut Report<'_>,
    ) -> Option<Fields<'t>> {
        let field = self.optional(key)?;
        field.table(what, &format!("the table {what}"), report)
    }

    /// The tables of an array below this one, as `[[key]]`; none without the key.
    pub(crate) fn tables(
        &mut self,
        key: &'static str,
        what: &'static str,
        report: &mut Report<'_>,
    ) -> Tables<'t> {
        let Some(field) = self.optional(key) else { return Tables { list: Vec::new(), complete: true } };
        let allowed = format!("tables that each start with {what}");
        let elements = field.elements(&allowed, report);
        let count = elements.as_ref().map(Vec::len);
        let elements = elements.unwrap_or_default().into_iter();
        let list: Vec<_> = elements.filter_map(|element| element.table(what, &allowed, report)).collect();
        Tables { complete: count == Some(list.len()), list }
    }

    /// Ends the reading: keys that nobody asked for are mistakes.
    pub(crate) fn finish(self, report: &mut Report<'_>) {
        let unknown = self.table.iter().filter(|(key, _)| !self.asked.contains(&key.get_ref().as_ref()));
        for (key, _) in unknown {
            let hint = did_you_mean(key.get_ref(), self.asked.iter().copied());
            let allowed = self.asked.join(", ");
            let quoted = report.quote(&key.span());
            let text = format!("unknown key `{quoted}` in {}{hint}; allowed: {allowed}", self.what);
            report.mistake(key.span().start, text);
        }
    }
}

/// The tables of an array.
pub(crate) struct Tables<'t> {
    pub(crate) list: Vec<Fields<'t>>,
    /// False if something stood there that is no table.
    pub(crate) complete: bool,
}

/// A value with its place.
pub(crate) struct Field<'t> {
    key: &'static str,
    value: &'t DeValue<'t>,
    span: Range<usize>,
    /// True for an element of the array at `key`.
    in_array: bool,
}

impl<'t> Field<'t> {
    /// Byte offset of the value.
    pub(crate) fn offset(&self) -> usize {
        self.span.start
    }

    /// The value as something else, with its place.
    pub(crate) fn placed<T>(&self, value: T) -> Spanned<T> {
        Spanned::new(self.span.clone(), value)
    }

    /// Notes that this value is wrong.
    pub(crate) fn wrong(&self, problem: impl Display, allowed: impl Display, report: &mut Report<'_>) {
        let quoted = self.quoted(report);
        report.mistake(self.span.start, format!("{quoted} {problem}; allowed: {allowed}"));
    }

    fn quoted(&self, report: &Report<'_>) -> String {
        let text = report.quote(&self.span);
        match self.value {
            _ if self.in_array => format!("`{text}` in `{}`", self.key),
            // tables under headers span the header, or a part of it; inline ones span the braces
            DeValue::Table(_) if !text.starts_with('{') => format!("`{}`", self.key),
            DeValue::Array(array) if array.first().is_some_and(|first| first.span() == self.span) => {
                format!("`{text}`")
            }
            _ => format!("`{} = {text}`", self.key),
        }
    }

    fn wrong_type(&self, wanted: &str, allowed: &str, report: &mut Report<'_>) {
        let found = match self.value {
            DeValue::Integer(_) => "an integer",
            DeValue::Array(_) => "an array",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Float(_) => "a float",
            DeValue::String(_) => "a string",
            DeValue::Table(_) => "a table",
        };
        self.wrong(format_args!("is {found}, not {wanted}"), allowed, report);
    }

    /// The value as a string.
    pub(crate) fn text(&self, allowed: &str, report: &mut Report<'_>) -> Option<&'t str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type("a string", allowed, report);
        }
        text
    }

    /// The value as an integer within a range.
    pub(crate) fn integer(&self, range: RangeInclusive<u64>, report: &mut Report<'_>) -> Option<u64> {
        let allowed = format!("an integer from {} to {}", range.start(), range.end());
        let DeValue::Integer(integer) = self.value else {
            self.wrong_type("an integer", &allowed, report);
            return None;
        };
        let number = u64::from_str_radix(integer.as_str(), integer.radix());
        let number = number.ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong("is out of range", &allowed, report);
        }
        number
    }

    /// The value as one of some words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)], report: &mut Report<'_>) -> Option<T> {
        let words = || choices.iter().map(|(word, _)| *word);
        let allowed = words().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let text = self.text(&allowed, report)?;
        let choice = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if choice.is_none() {
            self.wrong(format_args!("is unknown{}", did_you_mean(text, words())), &allowed, report);
        }
        choice
    }

    /// The value as a string that something else can be made of; the error says what is wrong with it.
    pub(crate) fn parsed<T>(
        &self,
        allowed: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
        report: &mut Report<'_>,
    ) -> Option<Spanned<T>> {
        let parsed = parse(self.text(allowed, report)?);
        parsed.map_err(|problem| self.wrong(problem, allowed, report)).ok().map(|value| self.placed(value))
    }

    /// The elements of an array.
    pub(crate) fn elements(&self, allowed: &str, report: &mut Report<'_>) -> Option<Vec<Field<'t>>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type("an array", allowed, report);
            return None;
        };
        let element = |value: &'t Spanned<DeValue<'t>>| Field {
            key: self.key,
            value: value.get_ref(),
            span: value.span(),
            in_array: true,
        };
        Some(array.iter().map(element).collect())
    }

    /// The elements of an array that may not be empty, each a different integer within a range.
    pub(crate) fn distinct_integers(
        &self,
        range: RangeInclusive<u64>,
        report: &mut Report<'_>,
    ) -> Vec<Spanned<u64>> {
        let allowed = format!("an array of different integers from {} to {}", range.start(), range.end());
        if self.value.as_array().is_some_and(|array| array.is_empty()) {
            self.wrong("is empty", format_args!("{allowed}, or no `{}`", self.key), report);
        }
        let mut seen = std::collections::HashSet::new();
        let mut integers = Vec::new();
        for element in self.elements(&allowed, report).unwrap_or_default() {
            let Some(integer) = element.integer(range.clone(), report) else { continue };
            if seen.insert(integer) {
                integers.push(element.placed(integer));
            } else {
                element.wrong("is there twice", &allowed, report);
            }
        }
        integers
    }

    fn table(&self, what: &'static str, allowed: &str, report: &mut Report<'_>) -> Option<Fields<'t>> {
        let DeValue::Table(table) = self.value else {
            self.wrong_type("a table", allowed, report);
            return None;
        };
        Some(Fields { what, table, header: self.span.start, asked: Vec::new() })
    }
}
