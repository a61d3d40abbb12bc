//! Whatever is done to a good file, it resolves or has placed mistakes, and nothing panics.

use evenkeel_control::Config;
use proptest::prelude::*;
use std::path::Path;

const GOOD: [&str; 3] = [
    include_str!("../corpus/good/whole.toml"),
    include_str!("../corpus/good/extremes.toml"),
    include_str!("../corpus/everything-at-once.toml"),
];

/// Values of every type and size, to stand where others stood.
const VALUES: [&str; 16] = [
    "0",
    "-1",
    "1.5",
    "nan",
    "true",
    "1979-05-27",
    "\"\"",
    "\"web\"",
    "\"0s\"",
    "\"::/0\"",
    "[]",
    "[[1]]",
    "{}",
    "99999999999999999999",
    "\"ff:ff:ff:ff:ff:ff\"",
    "{ name = 1, nexthop = [{}] }",
];

/// One change to a text; positions are fractions of it.
#[derive(Debug, Clone)]
enum Mutation {
    DeleteLine(f64),
    DoubleLine(f64),
    MoveLine(f64, f64),
    ReplaceValue(f64, usize),
    Insert(f64, String),
    Delete(f64, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = || 0.0..1.0f64;
    prop_oneof![
        at().prop_map(Mutation::DeleteLine),
        at().prop_map(Mutation::DoubleLine),
        (at(), at()).prop_map(|(from, to)| Mutation::MoveLine(from, to)),
        (at(), 0..VALUES.len()).prop_map(|(line, value)| Mutation::ReplaceValue(line, value)),
        (at(), "[\\[\\]{}\"'=.,#a-z0-9\n\r\t -]{1,4}|\\PC{1,3}")
            .prop_map(|(at, text)| Mutation::Insert(at, text)),
        (at(), 1..20usize).prop_map(|(at, count)| Mutation::Delete(at, count)),
    ]
}

fn index(at: f64, len: usize) -> usize {
    ((at * len as f64) as usize).min(len.saturating_sub(1))
}

fn mutate(text: &str, mutation: &Mutation) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let mut characters: Vec<char> = text.chars().collect();
    match mutation {
        Mutation::DeleteLine(at) => drop(lines.remove(index(*at, lines.len()))),
        Mutation::DoubleLine(at) => {
            let at = index(*at, lines.len());
            lines.insert(at, lines[at].clone());
        }
        Mutation::MoveLine(from, to) => {
            let line = lines.remove(index(*from, lines.len()));
            lines.insert(index(*to, lines.len()), line);
        }
        Mutation::ReplaceValue(at, value) => {
            let at = index(*at, lines.len());
            if let Some((key, _)) = lines[at].split_once('=') {
                lines[at] = format!("{key}= {}", VALUES[*value]);
            }
        }
        Mutation::Insert(at, inserted) => {
            let at = index(*at, characters.len());
            characters.splice(at..at, inserted.chars());
            return characters.into_iter().collect();
        }
        Mutation::Delete(at, count) => {
            let at = index(*at, characters.len());
            characters.drain(at..(at + count).min(characters.len()));
            return characters.into_iter().collect();
        }
    }
    lines.join("\n")
}

/// The text resolves, or each mistake is on one line at a place that the text has.
fn is_judged(text: &str) -> Result<(), TestCaseError> {
    let Err(mistakes) = Config::parse(Path::new("mutated.toml"), text) else { return Ok(()) };
    prop_assert!(!mistakes.list().is_empty());
    let lines: Vec<_> = text.split('\n').collect();
    for mistake in mistakes.list() {
        let place = mistake.place.expect("a text that was read has places");
        let line = lines.get(place.line - 1);
        prop_assert!(line.is_some_and(|line| place.column <= line.chars().count() + 1), "{}", mistakes);
        prop_assert!(!mistake.text.contains(char::is_control), "{:?}", mistake.text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_mutated_file_resolves_or_has_placed_mistakes(
        file in 0..GOOD.len(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut text = GOOD[file].to_owned();
        for mutation in &mutations {
            text = mutate(&text, mutation);
        }
        is_judged(&text)?;
    }

    #[test]
    fn any_text_resolves_or_has_placed_mistakes(text in "\\PC{0,200}|[\\[\\]{}\"'=.,#a-z0-9\n ]{0,200}") {
        is_judged(&text)?;
    }
}

#[test]
fn every_value_in_the_place_of_every_other_is_judged() {
    for good in GOOD {
        for line in 0..good.lines().count() {
            for value in 0..VALUES.len() {
                let at = (line as f64 + 0.5) / good.split('\n').count() as f64;
                let text = mutate(good, &Mutation::ReplaceValue(at, value));
                is_judged(&text).unwrap();
            }
        }
    }
}
