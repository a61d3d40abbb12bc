//! Questions to a worker: answered between bursts, a piece at a time.

use super::super::answer::ENTRIES_PER_POLL;
use super::{Lab, tcp};
use crate::flow_table::{Cursor, FlowPage, FlowState};
use crate::mailbox::{AskError, Pending};
use evenkeel_packet::{FlowKey, FlowKey4};
use std::collections::HashSet;

const FLOWS: u16 = 2000;

fn key(port: u16) -> FlowKey {
    FlowKey::V4(FlowKey4::new([203, 0, 113, 5], [192, 0, 2, 10], port, 80, 6))
}

/// A lab whose only worker has flows of the client ports below [`FLOWS`].
fn lab() -> Lab {
    let mut lab = Lab::new(1, 10_000);
    let frames: Vec<_> = (0..FLOWS).map(|port| tcp(port, "S")).collect();
    lab.poll(0, 0, &frames);
    lab
}

/// Polls without packets until the answer is there; how often.
fn polls_until<T>(lab: &mut Lab, pending: &mut Pending<T>) -> (T, usize) {
    for polls in 0..10_000 {
        if let Some(answer) = pending.take().unwrap() {
            return (answer, polls);
        }
        lab.poll(0, 7, &[]);
    }
    panic!("the worker doesn't answer");
}

#[test]
fn all_flows_are_told_a_piece_at_a_time() {
    let mut lab = lab();
    let (mut ports, mut cursor, mut polls) = (HashSet::new(), Cursor::default(), 0);
    loop {
        let mut pending = lab.mailboxes[0].ask_page(FlowPage::new(cursor, 600)).unwrap();
        let (page, took) = polls_until(&mut lab, &mut pending);
        polls += took;
        assert!(page.records.len() <= 600);
        assert!(page.records.iter().all(|record| (record.packets, record.idle_ms) == (1, 7)));
        for record in &page.records {
            assert!(ports.insert(record.key), "{:?} is listed twice", record.key);
        }
        if page.is_last {
            break;
        }
        cursor = page.cursor;
    }
    assert_eq!(ports.len(), usize::from(FLOWS));
    assert!(polls >= usize::from(FLOWS) / ENTRIES_PER_POLL, "{polls} polls: too much in one");
}

#[test]
fn a_worker_with_a_question_in_work_does_not_sleep() {
    let mut lab = lab();
    lab.poll(0, 7, &[]);
    assert!(!lab.workers[0].is_behind());
    let mut pending = lab.mailboxes[0].ask_page(FlowPage::new(Cursor::default(), 10_000)).unwrap();
    while pending.take().unwrap().is_none() {
        lab.poll(0, 7, &[]);
        assert!(lab.workers[0].is_behind());
    }
    lab.poll(0, 7, &[]);
    assert!(!lab.workers[0].is_behind());
}

#[test]
fn a_worker_answers_while_packets_come() {
    let mut lab = lab();
    let mut pending = lab.mailboxes[0].ask_page(FlowPage::new(Cursor::default(), 10_000)).unwrap();
    let mut sent = 0;
    let page = loop {
        if let Some(page) = pending.take().unwrap() {
            break page;
        }
        assert_eq!(lab.poll(0, 8, &[tcp(sent % FLOWS, "A")]).len(), 1);
        sent += 1;
    };
    assert_eq!(page.records.len(), usize::from(FLOWS));
    lab.assert_adds_up();
}

#[test]
fn one_flow_is_found_by_its_key() {
    let mut lab = lab();
    lab.poll(0, 5, &[tcp(40, "A")]);
    let mut known = lab.mailboxes[0].ask_flow(key(40)).unwrap();
    let mut unknown = lab.mailboxes[0].ask_flow(key(FLOWS)).unwrap();
    let (record, _) = polls_until(&mut lab, &mut known);
    let record = record.expect("the flow is known");
    assert_eq!((record.key, record.state, record.packets), (key(40), FlowState::Established, 2));
    assert_eq!((record.idle_ms, record.confirmed), (2, true));
    assert_eq!(polls_until(&mut lab, &mut unknown).0, None);
}

#[test]
fn a_worker_that_has_ended_leaves_no_asker_waiting() {
    let mut lab = lab();
    let mut pending = lab.mailboxes[0].ask_flow(key(1)).unwrap();
    lab.workers.clear();
    assert_eq!(pending.take(), Err(AskError::Ended));
}
