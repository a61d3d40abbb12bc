//! What was measured, as tables for people and rows for programs, beside the bars.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::contender::Contender;
use super::load::At;
use super::measure::{Sample, median};
use super::throughput::Turn;
use crate::scenario::Table;

/// What Evenkeel should reach of another contender's rate.
const BARS: [(Contender, Contender, f64); 3] = [
    (Contender::EvenkeelFew, Contender::Bare, 0.95),
    (Contender::EvenkeelMany, Contender::Bare, 0.88),
    (Contender::EvenkeelFew, Contender::Testpmd, 0.92),
];
/// The load at which 99 of 100 frames should be in the box no longer than this.
const IN_BOX_PERCENT: u32 = 20;
const IN_BOX_BAR_US: f64 = 50.0;

/// All that was measured.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Turns at the highest rate, in their order.
    pub(super) turns: Vec<Turn>,
    /// Turns of Evenkeel at several loads.
    pub(super) loads: Vec<At>,
    /// Who couldn't be measured, and why.
    pub(super) missing: Vec<(Contender, String)>,
}

/// A row for programs.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    case: String,
    packets_per_second: f64,
    lowest: f64,
    highest: f64,
    /// Time of the forwarder's thread, without that of others on its core; 0: not measured.
    own_ns_per_packet: f64,
    /// Of the contender that it is compared with; 0: of none.
    baseline_packets_per_second: f64,
    note: String,
}

impl Outcome {
    /// The median of a contender's samples in frames per second, when there are any.
    pub fn most(&self, contender: Contender) -> Option<f64> {
        let seen: Vec<_> = self.samples(contender).map(|sample| sample.seen).collect();
        (!seen.is_empty()).then(|| median(seen))
    }

    /// True when every contender's frames arrived, and Evenkeel accounts for each that didn't.
    pub fn is_sound(&self) -> bool {
        self.turns.iter().all(|turn| turn.median() > 0.0) && self.unaccounted() == 0
    }

    /// Rows of all cases.
    pub fn rows(&self) -> Vec<Row> {
        let rates = self.contenders().map(|contender| self.rate_row(contender));
        rates.chain(self.percents().into_iter().filter_map(|percent| self.load_row(percent))).collect()
    }

    fn samples(&self, contender: Contender) -> impl Iterator<Item = &Sample> {
        self.turns_of(contender).flat_map(|turn| &turn.samples)
    }

    fn turns_of(&self, contender: Contender) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(move |turn| turn.contender == contender)
    }

    fn contenders(&self) -> impl Iterator<Item = Contender> {
        Contender::ALL.into_iter().filter(|&contender| self.turns_of(contender).next().is_some())
    }

    fn percents(&self) -> BTreeSet<u32> {
        self.loads.iter().map(|at| at.percent).collect()
    }

    fn loads_at(&self, percent: u32) -> impl Iterator<Item = &At> + Clone {
        self.loads.iter().filter(move |at| at.percent == percent)
    }

    fn unaccounted(&self) -> u64 {
        let of_turns = self.turns.iter().filter_map(|turn| turn.unaccounted);
        of_turns.chain(self.loads.iter().map(|at| at.unaccounted)).map(i64::unsigned_abs).sum()
    }

    fn own_ns(&self, contender: Contender) -> f64 {
        median(self.samples(contender).map(Sample::own_ns))
    }

    fn rate_row(&self, contender: Contender) -> Row {
        let seen = || self.samples(contender).map(|sample| sample.seen);
        let baseline = BARS.iter().find(|(who, ..)| *who == contender).and_then(|(_, of, _)| self.most(*of));
        Row {
            case: format!("peers/{contender}"),
            packets_per_second: median(seen()).round(),
            lowest: seen().fold(f64::INFINITY, f64::min).round(),
            highest: seen().fold(0.0, f64::max).round(),
            own_ns_per_packet: self.own_ns(contender).round(),
            baseline_packets_per_second: baseline.unwrap_or_default().round(),
            note: self.note(contender),
        }
    }

    /// True if the forwarder alone decided the rate in most turns: the median is that of such a turn.
    fn is_comparable(&self, contender: Contender) -> bool {
        let sound = self.turns_of(contender).filter(|turn| turn.is_saturated() && !turn.is_disturbed());
        2 * sound.count() > self.turns_of(contender).count()
    }

    /// What stands in the way of comparing the figures.
    fn note(&self, contender: Contender) -> String {
        let turns = self.turns_of(contender).count();
        let unsaturated = self.turns_of(contender).filter(|turn| !turn.is_saturated()).count();
        let disturbed = self.turns_of(contender).filter(|turn| turn.is_disturbed()).count();
        match (unsaturated, disturbed) {
            (0, 0) => String::new(),
            (0, _) => format!("DISTURBED: in {disturbed} of {turns} turns others had time on its core"),
            _ => format!("VOID: in {unsaturated} of {turns} turns the forwarder was not the bottleneck"),
        }
    }

    fn load_row(&self, percent: u32) -> Option<Row> {
        self.loads_at(percent).next()?;
        let middle = |value: fn(&At) -> f64| median(self.loads_at(percent).map(value));
        let seen = || self.loads_at(percent).map(|at| at.seen);
        Some(Row {
            case: format!("peers/evenkeel/64k/load-{percent}"),
            packets_per_second: middle(|at| at.seen).round(),
            lowest: seen().fold(f64::INFINITY, f64::min).round(),
            highest: seen().fold(0.0, f64::max).round(),
            own_ns_per_packet: 0.0,
            baseline_packets_per_second: 0.0,
            note: format!(
                "in the box p50 {:.1} us, p99 {:.1} us, p99.9 {:.1} us; from client to server p50 {:.0} us, p99 {:.0} us, p99.9 {:.0} us",
                middle(|at| at.in_box.p50_us),
                middle(|at| at.in_box.p99_us),
                middle(|at| at.in_box.p999_us),
                middle(|at| at.whole_way_us[0] as f64),
                middle(|at| at.whole_way_us[1] as f64),
                middle(|at| at.whole_way_us[2] as f64),
            ),
        })
    }

    fn rates(&self) -> Table {
        let mut table = Table::new([
            "frames of 60 bytes",
            "million\nper second",
            "lowest\nsecond",
            "highest\nsecond",
            "sent",
            "core\nbusy",
            "forwarder's own\nns per frame",
            "",
        ]);
        for contender in self.contenders() {
            let row = self.rate_row(contender);
            let middle = |value: fn(&Sample) -> f64| median(self.samples(contender).map(value));
            let million = |frames: f64| format!("{:.3}", frames / 1e6);
            table.push(
                contender.name(),
                [
                    million(row.packets_per_second),
                    million(row.lowest),
                    million(row.highest),
                    million(middle(|sample| sample.sent)),
                    format!("{:.0} %", 100.0 * middle(|sample| sample.busy)),
                    format!("{:.0}", self.own_ns(contender)),
                    row.note,
                ],
            );
        }
        table
    }

    fn ratios(&self) -> Table {
        let mut table = Table::new([
            "ratio",
            "of medians",
            "lowest\nround",
            "highest\nround",
            "of own ns\nper frame",
            "bar",
            "",
        ]);
        for (who, of, bar) in BARS {
            let (Some(mine), Some(theirs)) = (self.most(who), self.most(of)) else { continue };
            let rounds: Vec<_> = self.turns_of(who).zip(self.turns_of(of)).collect();
            let of_round = || rounds.iter().map(|(mine, theirs)| mine.median() / theirs.median());
            let ratio = mine / theirs;
            table.push(
                format!("{who} / {of}"),
                [
                    format!("{ratio:.3}"),
                    format!("{:.3}", of_round().fold(f64::INFINITY, f64::min)),
                    format!("{:.3}", of_round().fold(0.0, f64::max)),
                    format!("{:.3}", self.own_ns(of) / self.own_ns(who)),
                    format!(">= {bar:.2}"),
                    if self.is_comparable(who) && self.is_comparable(of) {
                        verdict(ratio >= bar)
                    } else {
                        "VOID".to_owned()
                    },
                ],
            );
        }
        table
    }

    fn times(&self) -> Table {
        let mut table = Table::new([
            "evenkeel/64k at",
            "million\nper second",
            "in the box\np50 us",
            "\np99 us",
            "\np99.9 us",
            "whole way\np50 us",
            "\np99 us",
            "\np99.9 us",
            "bar",
            "",
        ]);
        for percent in self.percents() {
            let middle = |value: fn(&At) -> f64| median(self.loads_at(percent).map(value));
            let p99_us = middle(|at| at.in_box.p99_us);
            let bar = if percent == IN_BOX_PERCENT {
                [format!("p99 <= {IN_BOX_BAR_US:.0} us"), verdict(p99_us <= IN_BOX_BAR_US)]
            } else {
                [String::new(), String::new()]
            };
            let figures = [
                format!("{:.3}", middle(|at| at.seen) / 1e6),
                format!("{:.1}", middle(|at| at.in_box.p50_us)),
                format!("{p99_us:.1}"),
                format!("{:.1}", middle(|at| at.in_box.p999_us)),
                format!("{:.0}", middle(|at| at.whole_way_us[0] as f64)),
                format!("{:.0}", middle(|at| at.whole_way_us[1] as f64)),
                format!("{:.0}", middle(|at| at.whole_way_us[2] as f64)),
            ];
            table.push(format!("{percent} % of its highest rate"), figures.into_iter().chain(bar));
        }
        table
    }
}

fn verdict(is_reached: bool) -> String {
    if is_reached { "reached" } else { "MISSED" }.to_owned()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.rates())?;
        for (contender, why) in &self.missing {
            writeln!(f, "{contender} was not measured: {why}")?;
        }
        writeln!(f, "{}", self.ratios())?;
        if !self.loads.is_empty() {
            writeln!(f, "{}", self.times())?;
        }
        let unaccounted = self.unaccounted();
        writeln!(f, "packets unaccounted for, any load: {unaccounted} (bar 0: {})", verdict(unaccounted == 0))
    }
}
