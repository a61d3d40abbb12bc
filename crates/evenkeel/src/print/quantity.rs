//! Quantities for people.

/// Milliseconds as the two largest units that matter, from a minute on to the nearest second: `250ms`, `4.2s`, `4m10s`,
/// `2h03m`, `3d04h`.
pub(crate) fn duration(ms: u64) -> String {
    if ms < 1000 {
        return format!("{ms}ms");
    }
    let seconds = if ms < 60_000 { ms / 1000 } else { (ms + 500) / 1000 };
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if minutes == 0 => format!("{seconds}.{}s", ms % 1000 / 100),
        () if hours == 0 => format!("{minutes}m{:02}s", seconds % 60),
        () if days == 0 => format!("{hours}h{:02}m", minutes % 60),
        () => format!("{days}d{:02}h", hours % 24),
    }
}

/// A rate per second: whole from 10 on.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second == 0.0 || per_second >= 9.95 {
        format!("{per_second:.0}")
    } else {
        format!("{per_second:.1}")
    }
}

/// `1 flow`, `2 flows`.
pub(crate) fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        for (ms, want) in [
            (0, "0ms"),
            (999, "999ms"),
            (1000, "1.0s"),
            (59_999, "59.9s"),
            (250_000, "4m10s"),
            (3_599_499, "59m59s"),
            (3_599_999, "1h00m"),
            (7_380_000, "2h03m"),
            (273_600_000, "3d04h"),
        ] {
            assert_eq!(duration(ms), want);
        }
    }

    #[test]
    fn rates_are_whole_where_it_doesnt_matter() {
        let rates = [0.0, 0.04, 2.25, 9.94, 9.96, 1234.5].map(rate);
        assert_eq!(rates, ["0", "0.0", "2.2", "9.9", "10", "1234"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([count(0, "flow"), count(1, "flow"), count(2, "flow")], ["0 flows", "1 flow", "2 flows"]);
    }
}
