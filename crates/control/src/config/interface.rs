//! `[[interface]]`.

use super::fields::Fields;
use super::report::Report;
use super::{Mode, address, name};
use evenkeel_packet::Mac;
use toml::Spanned;

/// An interface as far as it could be read.
pub(super) struct InterfaceDraft {
    pub(super) header: usize,
    pub(super) name: Option<Spanned<String>>,
    pub(super) mac: Option<Mac>,
    pub(super) mode: Mode,
}

impl InterfaceDraft {
    pub(super) fn read(mut fields: Fields<'_>, report: &mut Report<'_>) -> Self {
        let name = fields.required("name", name::INTERFACE, report);
        let name = name.and_then(|field| name::interface(&field, report));
        let mac = fields.optional("mac").and_then(|field| address::mac(&field, report));
        let words = [
            ("auto", Mode::Auto),
            ("zero-copy", Mode::ZeroCopy),
            ("copy", Mode::Copy),
            ("generic", Mode::Generic),
        ];
        let mode = fields.optional("mode").and_then(|field| field.choice(&words, report));
        let header = fields.header;
        fields.finish(report);
        Self { header, name, mac: mac.map(Spanned::into_inner), mode: mode.unwrap_or_default() }
    }
}
