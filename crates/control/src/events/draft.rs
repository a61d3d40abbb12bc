//! One `[[event]]`, each part right by itself.

use crate::config::fields::{Field, Fields};
use crate::config::name::{self, Names};
use crate::config::report::Report;
use crate::config::{Config, address, dataplane, duration, group};
use evenkeel_nexthop::{Change, PortId, Verb};
use evenkeel_packet::Mac;
use std::net::IpAddr;
use std::ops::Range;
use toml::Spanned;

/// Latest time of an event in nanoseconds: a year.
const MAX_AT_NS: u64 = 365 * 24 * 3_600_000_000_000;

/// An event with the places that decide whether it can be applied.
pub(super) struct EventDraft {
    pub(super) at_ns: u64,
    pub(super) change: Change,
    /// Byte offset of the table.
    pub(super) header: usize,
    pub(super) nexthop: Range<usize>,
    /// Of an added nexthop.
    pub(super) address: Option<Range<usize>>,
    pub(super) mac: Option<Range<usize>>,
}

/// The words for actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Drain,
    Activate,
    Remove,
    Add,
    Weight,
    Down,
    Up,
}

const WORDS: [(&str, Word); 7] = [
    ("drain", Word::Drain),
    ("activate", Word::Activate),
    ("remove", Word::Remove),
    ("add", Word::Add),
    ("weight", Word::Weight),
    ("down", Word::Down),
    ("up", Word::Up),
];

/// Keys that only some actions have.
const KEYS: [(&str, &[Word]); 5] = [
    ("deadline", &[Word::Remove]),
    ("weight", &[Word::Weight, Word::Add]),
    ("address", &[Word::Add]),
    ("interface", &[Word::Add]),
    ("mac", &[Word::Add]),
];

impl EventDraft {
    pub(super) fn read(mut fields: Fields<'_>, config: &Config, report: &mut Report<'_>) -> Option<Self> {
        let at = fields.required("at", "the time from the first packet, as \"1.5s\"", report);
        let at_ns = at.and_then(|field| at_ns(&field, report));
        let words = WORDS.map(|(word, _)| format!("\"{word}\"")).join(", ");
        let action = fields.required("action", &words, report);
        let word = action.as_ref().and_then(|field| field.choice(&WORDS, report));
        let group = fields.required("group", "the name of a [[group]] of the configuration", report);
        let group = group.and_then(|field| name::name(&field, report));
        if let Some(group) = &group {
            let known = Names::known(config.groups.iter().map(|group| group.name.as_str()));
            known.check("group", "group", group, report);
        }
        let nexthop = fields.required("nexthop", "the name of a nexthop of the group", report);
        let nexthop = nexthop.and_then(|field| name::name(&field, report));
        check_keys(&mut fields, word, report);
        let added = match word {
            Some(Word::Add) => Added::read(&mut fields, config, report),
            _ => Added::default(),
        };
        let verb = word.and_then(|word| verb(word, &added, &mut fields, report));
        let header = fields.header;
        fields.finish(report);
        let (group, nexthop) = (group?, nexthop?);
        Some(Self {
            at_ns: at_ns?,
            header,
            nexthop: nexthop.span(),
            address: added.address.map(|address| address.span()),
            mac: added.mac.map(|mac| mac.span()),
            change: Change { group: group.into_inner(), nexthop: nexthop.into_inner(), verb: verb? },
        })
    }
}

fn at_ns(field: &Field<'_>, report: &mut Report<'_>) -> Option<u64> {
    let allowed = format!("from 0s to 8760h (a year), {}", duration::ALLOWED);
    let parse = |text: &str| match duration::parse_ns(text)? {
        ns if ns > MAX_AT_NS => Err("is too late".to_owned()),
        ns => Ok(ns),
    };
    field.parsed(&allowed, parse, report).map(Spanned::into_inner)
}

/// Notes keys that are there and belong to other actions.
fn check_keys(fields: &mut Fields<'_>, word: Option<Word>, report: &mut Report<'_>) {
    for (key, actions) in KEYS {
        let (Some(field), Some(word)) = (fields.optional(key), word) else { continue };
        if !actions.contains(&word) {
            let names = |of: &[Word]| {
                let names = WORDS.iter().filter(|(_, word)| of.contains(word));
                names.map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(" and ")
            };
            let problem = format!("does not belong to the action {}", names(&[word]));
            field.wrong(problem, format_args!("with the action {}", names(actions)), report);
        }
    }
}

fn verb(word: Word, added: &Added, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Verb> {
    Some(match word {
        Word::Drain => Verb::Drain,
        Word::Activate => Verb::Activate,
        Word::Down => Verb::Down,
        Word::Up => Verb::Up,
        Word::Remove => {
            let deadline = fields.optional("deadline");
            Verb::Remove { deadline_ms: deadline.and_then(|field| dataplane::deadline_ms(&field, report)) }
        }
        Word::Weight => {
            let weight = fields.required("weight", "an integer from 0 to 1000", report)?;
            Verb::Weight(group::weight(&weight, report)?)
        }
        Word::Add => {
            let address = *added.address.as_ref()?.get_ref();
            let weight = fields.optional("weight").map_or(Some(1), |field| group::weight(&field, report))?;
            Verb::Add { address, weight, port: added.port, mac: added.mac.as_ref().map(|mac| *mac.get_ref()) }
        }
    })
}

/// Where an added nexthop is.
#[derive(Default)]
struct Added {
    address: Option<Spanned<IpAddr>>,
    port: Option<PortId>,
    mac: Option<Spanned<Mac>>,
}

impl Added {
    fn read(fields: &mut Fields<'_>, config: &Config, report: &mut Report<'_>) -> Self {
        let address = fields.required("address", address::NEXTHOP, report);
        let address = address.and_then(|field| server_address(&field, config, report));
        let port = match (fields.optional("interface"), config.interfaces.as_slice()) {
            (Some(field), _) => port(&field, config, report),
            (None, [_only]) => Some(PortId(0)),
            (None, _) => {
                let text = "[[event]] has no `interface`; required to add a nexthop where there are several: where it \
                            leaves";
                report.mistake(fields.header, text.to_owned());
                None
            }
        };
        let mac = fields.optional("mac").and_then(|field| address::mac(&field, report));
        Self { address, port, mac }
    }
}

fn server_address(field: &Field<'_>, config: &Config, report: &mut Report<'_>) -> Option<Spanned<IpAddr>> {
    let address = address::nexthop(field, report)?;
    let alone = address::alone(*address.get_ref());
    if let Some(service) = config.services.iter().find(|service| service.vip == alone) {
        let problem = format!("is the VIP of the service \"{}\"", service.name);
        field.wrong(problem, "the server's own address", report);
    }
    Some(address)
}

fn port(field: &Field<'_>, config: &Config, report: &mut Report<'_>) -> Option<PortId> {
    let interface = name::interface(field, report)?;
    let known = Names::known(config.interfaces.iter().map(|interface| interface.name.as_str()));
    known.check("interface", "interface", &interface, report);
    config.port(interface.get_ref())
}
