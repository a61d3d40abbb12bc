//! Every check is made to find what it is there for, on a machine that is well but for that.

mod cases;
mod machine;

pub(crate) use machine::healthy;

use super::super::facts::Facts;
use super::super::finding::{Finding, Severity};
use super::CHECKS;
use cases::CASES;
use std::collections::BTreeSet;

fn found(code: &str, facts: &Facts) -> Vec<Finding> {
    let check = CHECKS.iter().find(|check| check.code == code).unwrap_or_else(|| panic!("no check {code}"));
    (check.judge)(facts)
}

#[test]
fn a_machine_that_is_well_has_nothing_but_oks() {
    let facts = healthy();
    for check in CHECKS {
        for finding in (check.judge)(&facts) {
            assert_eq!(finding.severity, Severity::Ok, "{}: {finding:?}", check.code);
            assert!(finding.advice.is_empty(), "{}: {finding:?}", check.code);
        }
    }
}

#[test]
fn every_finding_can_happen() {
    for (code, severity, words, spoil) in CASES {
        let mut facts = healthy();
        spoil(&mut facts);
        let found = found(code, &facts);
        let worst = found.iter().max_by_key(|finding| finding.severity);
        let worst = worst.unwrap_or_else(|| panic!("{code}: nothing is found"));
        assert_eq!(worst.severity, *severity, "{code}: {found:?}");
        let told = format!("{} / {}", worst.seen, worst.advice.join(" / "));
        for word in *words {
            assert!(told.contains(word), "{code}: {word:?} isn't in {told:?}");
        }
    }
}

#[test]
fn every_check_has_a_case_and_codes_are_words_of_their_own() {
    let codes: BTreeSet<_> = CHECKS.iter().map(|check| check.code).collect();
    assert_eq!(codes.len(), CHECKS.len(), "two checks with one code");
    let is_word = |code: &&str| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    assert!(codes.iter().all(is_word), "{codes:?}");
    let with_case: BTreeSet<_> = CASES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, with_case);
}

#[test]
fn what_calls_for_action_says_which() {
    for (code, severity, _, spoil) in CASES {
        let mut facts = healthy();
        spoil(&mut facts);
        for finding in found(code, &facts) {
            let is_told = finding.severity < Severity::Warning || !finding.advice.is_empty();
            assert!(is_told, "{code}: {finding:?} ({severity:?})");
        }
    }
}

#[test]
fn what_was_not_seen_is_unknown_and_never_ok() {
    let facts = machine::unseen();
    for check in CHECKS {
        for finding in (check.judge)(&facts) {
            assert_ne!(finding.severity, Severity::Ok, "{}: {finding:?}", check.code);
        }
    }
    let unknown = |code: &str| {
        let found = found(code, &facts);
        assert!(!found.is_empty(), "{code}");
        assert!(found.iter().all(|finding| finding.severity == Severity::Unknown), "{code}: {found:?}");
    };
    for code in ["memlock", "kernel_version", "bpf_jit", "clock_source", "ip_forward", "vip_local"] {
        unknown(code);
    }
    for code in
        ["neighbour_table", "workers", "irqbalance", "huge_pages", "flow_memory", "interface", "daemon"]
    {
        unknown(code);
    }
}

#[test]
fn of_a_driver_that_tells_nothing_everything_is_unknown() {
    let facts = machine::silent_driver();
    for code in ["interrupts", "numa", "stacked", "xdp_mode", "xdp_program", "ring_size", "coalescing"] {
        let found = found(code, &facts);
        assert!(found.iter().any(|finding| finding.severity == Severity::Unknown), "{code}: {found:?}");
    }
    for code in ["vlan_offload", "receive_merging", "rp_filter", "hash_fields"] {
        let found = found(code, &facts);
        assert!(found.iter().any(|finding| finding.severity == Severity::Unknown), "{code}: {found:?}");
    }
}
