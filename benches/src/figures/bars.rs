//! The figures to reach, by case: absolute ones for a machine of two cores (x86-64, 2.6 GHz), ratios for any.

/// A figure to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bar {
    /// Time per packet at the most, in nanoseconds.
    Ns(f64),
    /// Time per packet at the most, and how often it must go into the plain way's time.
    NsAndTimes(f64, f64),
    /// The ratio at the most.
    Ratio(f64),
}

const BARS: [(&str, Bar); 9] = [
    ("walk/tcp4-established/64k", Bar::Ns(30.0)),
    ("walk/tcp4-established/1M", Bar::NsAndTimes(45.0, 3.0)),
    ("walk/tcp4-established/10M", Bar::Ns(62.0)),
    ("walk/tcp6-established/64k", Bar::Ns(38.0)),
    ("walk/tcp6-established/1M", Bar::NsAndTimes(56.0, 3.0)),
    ("walk/tcp6-established/10M", Bar::Ns(75.0)),
    ("walk/tcp4-first/1M-of-2M", Bar::Ns(330.0)),
    ("walk/mixed", Bar::Ns(60.0)),
    ("walk/two-workers/1M", Bar::Ratio(1.1)),
];

/// The bar of a case, if it has one.
#[must_use]
pub fn bar(case: &str) -> Option<Bar> {
    BARS.iter().find(|(of, _)| *of == case).map(|&(_, bar)| bar)
}

impl Bar {
    /// Whether figures reach it.
    #[must_use]
    pub fn is_met(self, ns: f64, ratio: f64) -> bool {
        match self {
            Self::Ns(most) => ns <= most,
            Self::NsAndTimes(most, times) => ns <= most && ratio >= times,
            Self::Ratio(most) => ratio <= most,
        }
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ns(most) => write!(f, "{most} ns"),
            Self::NsAndTimes(most, times) => write!(f, "{most} ns, {times}x"),
            Self::Ratio(most) => write!(f, "<= {most:.2}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_of_two_figures_is_met_by_both() {
        let bar = bar("walk/tcp4-established/1M").unwrap();
        assert!(bar.is_met(45.0, 3.0));
        assert!(!bar.is_met(45.1, 3.0) && !bar.is_met(45.0, 2.9));
    }

    #[test]
    fn a_ratio_of_workers_is_met_from_below() {
        let bar = bar("walk/two-workers/1M").unwrap();
        assert!(bar.is_met(1000.0, 1.1) && !bar.is_met(1.0, 1.11));
    }
}
