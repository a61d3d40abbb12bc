//! What requests ask for, as the control thread takes it. All mistakes are told at once, each with its field.

mod flow;
mod pin;

pub(super) use flow::{flows, path};
pub(super) use pin::{pin, unpin};

use super::model::{Action, Change, Changes, Reload};
use super::problem::{Failed, Kind};
use crate::config::duration;
use crate::live::{self, ConfigSource, Verb};
use evenkeel_packet::Mac;
use std::net::IpAddr;

/// Most changes of a batch.
const CHANGES_MAX: usize = 1000;
/// Weight of a nexthop that is added without one.
const DEFAULT_WEIGHT: u16 = 1;
/// What messages call a configuration without a name.
const CONFIG_NAME: &str = "config";

/// A field and what is wrong with it.
type Mistake = (&'static str, String);

/// The changes of a batch.
pub(super) fn changes(batch: Changes) -> Result<Vec<live::Change>, Failed> {
    let count = batch.changes.len();
    if count == 0 || count > CHANGES_MAX {
        let reason = format!("has {count} changes; allowed: 1 to {CHANGES_MAX}");
        return Err(Kind::Invalid.at("/changes", reason));
    }
    let (mut changes, mut failed) = (Vec::with_capacity(count), None::<Failed>);
    for (index, asked) in batch.changes.into_iter().enumerate() {
        match change(asked) {
            Ok(change) => changes.push(change),
            Err((field, reason)) => {
                let field = format!("/changes/{index}/{field}");
                failed = Some(match failed {
                    None => Kind::Invalid.at(field, reason),
                    Some(failed) => failed.with(field, reason),
                });
            }
        }
    }
    failed.map_or(Ok(changes), Err)
}

fn change(asked: Change) -> Result<live::Change, Mistake> {
    let Change { group, nexthop, action, address, weight, interface, mac, deadline } = asked;
    let given = [
        ("address", address.is_some(), action == Action::Add),
        ("weight", weight.is_some(), matches!(action, Action::Add | Action::Weight)),
        ("interface", interface.is_some(), action == Action::Add),
        ("mac", mac.is_some(), action == Action::Add),
        ("deadline", deadline.is_some(), action == Action::Remove),
    ];
    if let Some((field, ..)) = given.iter().find(|(_, is_given, has_use)| *is_given && !*has_use) {
        return Err((field, format!("has no meaning for {}", word(action))));
    }
    let verb = match action {
        Action::Drain => Verb::Drain,
        Action::Activate => Verb::Activate,
        Action::Weight => Verb::Weight(weight.ok_or_else(|| missing("weight", "a weight from 0 to 1000"))?),
        Action::Remove => Verb::Remove { deadline_ms: deadline.map(|text| deadline_ms(&text)).transpose()? },
        Action::Add => {
            let address: IpAddr = address.ok_or_else(|| missing("address", "the address of the server"))?;
            let mac = mac.map(|text| parse_mac(&text)).transpose()?;
            Verb::Add { address, weight: weight.unwrap_or(DEFAULT_WEIGHT), interface, mac }
        }
    };
    Ok(live::Change { group, nexthop, verb })
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Drain => "drain",
        Action::Activate => "activate",
        Action::Remove => "remove",
        Action::Add => "add",
        Action::Weight => "weight",
    }
}

fn missing(field: &'static str, required: &str) -> Mistake {
    (field, format!("is missing; required: {required}"))
}

fn deadline_ms(text: &str) -> Result<u64, Mistake> {
    let allowed = duration::ALLOWED;
    duration::parse_ms(text)
        .map_err(|problem| ("deadline", format!("{text:?} {problem}; allowed: {allowed}")))
}

fn parse_mac(text: &str) -> Result<Mac, Mistake> {
    let allowed = crate::config::address::MAC;
    text.parse().map_err(|_| ("mac", format!("{text:?} is not a MAC address; allowed: {allowed}")))
}

/// Where a reload takes its configuration from, and whether it only says what would change.
pub(super) fn reload(asked: Reload) -> Result<(ConfigSource, bool), Failed> {
    let source = match (asked.config, asked.file) {
        (Some(config), file) => text(config, file)?,
        (None, None) => ConfigSource::File,
        (None, Some(_)) => return Err(Kind::Invalid.at("/file", "has no meaning without `config`")),
    };
    Ok((source, asked.dry_run))
}

/// A configuration as text.
pub(super) fn text(config: String, name: Option<String>) -> Result<ConfigSource, Failed> {
    let name = name.unwrap_or_else(|| CONFIG_NAME.to_owned());
    let is_one_line = !name.contains(char::is_control) && !name.is_empty();
    if !is_one_line || name.len() > 4096 {
        return Err(Kind::Invalid.at("/file", "is no name of a file; allowed: 1 to 4096 bytes on one line"));
    }
    Ok(ConfigSource::Text { name, text: config })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Vec<(String, String)> {
        let failed = changes(serde_json::from_str(text).unwrap()).unwrap_err();
        assert_eq!(failed.0.status, 422);
        failed.0.errors.iter().map(|item| (item.field.clone(), item.reason.clone())).collect()
    }

    #[test]
    fn every_change_has_what_its_action_needs_and_nothing_else() {
        let cases = [
            (r#""drain","weight":1"#, "weight", "has no meaning for drain"),
            (r#""activate","deadline":"1s""#, "deadline", "has no meaning for activate"),
            (r#""remove","address":"198.51.100.1""#, "address", "has no meaning for remove"),
            (r#""weight","mac":"x""#, "mac", "has no meaning for weight"),
            (r#""weight""#, "weight", "is missing; required: a weight from 0 to 1000"),
            (r#""add""#, "address", "is missing; required: the address of the server"),
            (r#""add","address":"198.51.100.1","deadline":"1s""#, "deadline", "has no meaning for add"),
            (
                r#""add","address":"198.51.100.1","mac":"02:00"#,
                "mac",
                "\"02:00\" is not a MAC address; allowed: six pairs",
            ),
            (r#""remove","deadline":"5"#, "deadline", "\"5\" has no unit; allowed: a number with a unit"),
        ];
        let change = |rest: &str| {
            let quote = if rest.matches('"').count().is_multiple_of(2) { "" } else { "\"" };
            format!(r#"{{"group":"web","nexthop":"s1","action":{rest}{quote}}}"#)
        };
        for (rest, field, reason) in cases {
            let found = refused(&format!(r#"{{"changes":[{}]}}"#, change(rest)));
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0, format!("/changes/0/{field}"));
            assert!(found[0].1.starts_with(reason), "{found:?}");
        }
        let all: Vec<_> = cases.iter().map(|(rest, ..)| change(rest)).collect();
        assert_eq!(
            refused(&format!(r#"{{"changes":[{}]}}"#, all.join(","))).len(),
            cases.len(),
            "all at once"
        );
    }

    #[test]
    fn batches_have_a_length() {
        let change = r#"{"group":"web","nexthop":"s1","action":"drain"}"#;
        let batch = |count: usize| format!(r#"{{"changes":[{}]}}"#, vec![change; count].join(","));
        assert_eq!(refused(&batch(0))[0].1, "has 0 changes; allowed: 1 to 1000");
        assert_eq!(refused(&batch(1001))[0].1, "has 1001 changes; allowed: 1 to 1000");
        assert_eq!(changes(serde_json::from_str(&batch(1000)).unwrap()).unwrap().len(), 1000);
    }

    #[test]
    fn a_text_has_a_name_and_only_a_text_has_one() {
        let asked = |text: &str| reload(serde_json::from_str(text).unwrap());
        assert_eq!(asked("{}").unwrap(), (ConfigSource::File, false));
        let (source, dry_run) = asked(r#"{"config":"","dry_run":true}"#).unwrap();
        assert_eq!(
            (source, dry_run),
            (ConfigSource::Text { name: "config".into(), text: String::new() }, true)
        );
        for text in [r#"{"file":"x.toml"}"#, r#"{"config":"","file":""}"#, r#"{"config":"","file":"a\nb"}"#] {
            assert_eq!(asked(text).unwrap_err().0.errors[0].field, "/file", "{text}");
        }
    }
}
