//! Durations as they are written: `"300ms"`, `"1.5s"`, `"5m"`, `"2h"`.

/// What messages say is allowed.
pub(crate) const ALLOWED: &str = "a number with a unit ms, s, m or h, as in \"300ms\", \"1.5s\" or \"5m\"";

const UNITS: [(&str, u128); 4] =
    [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];

/// The duration in nanoseconds, or what is wrong with it.
///
/// Decimal fractions are exact; finer than a nanosecond is refused, as is what exceeds 2^64 ns (584 years).
pub(crate) fn parse_ns(text: &str) -> Result<u64, String> {
    let not_a_duration = || "is not a duration".to_owned();
    let number_len = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_len);
    if !number.is_empty() && unit.is_empty() {
        return Err("has no unit".to_owned());
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(not_a_duration());
    }
    let (_, unit_ns) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(not_a_duration)?;
    let fraction = fraction.trim_end_matches('0');
    scaled(whole, fraction, unit_ns)
}

/// `whole.fraction` times the unit.
fn scaled(whole: &str, fraction: &str, unit_ns: u128) -> Result<u64, String> {
    let too_long = || "is too long".to_owned();
    let too_fine = || "is finer than a nanosecond".to_owned();
    let whole: u64 = whole.parse().map_err(|_| too_long())?;
    let parts = u32::try_from(fraction.len()).ok().and_then(|digits| 10u128.checked_pow(digits));
    // an hour is 36 × 10^11 ns: no fraction of more than 13 digits comes out even
    let parts = parts.filter(|parts| *parts <= 10u128.pow(16)).ok_or_else(too_fine)?;
    let fraction_ns = fraction.parse::<u128>().unwrap_or(0) * unit_ns;
    if !fraction_ns.is_multiple_of(parts) {
        return Err(too_fine());
    }
    let total_ns = u128::from(whole) * unit_ns + fraction_ns / parts;
    u64::try_from(total_ns).map_err(|_| too_long())
}

/// `parse_ns` in whole milliseconds.
pub(crate) fn parse_ms(text: &str) -> Result<u64, String> {
    match parse_ns(text)? {
        ns if ns.is_multiple_of(1_000_000) => Ok(ns / 1_000_000),
        _ => Err("is not a whole number of milliseconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_fractions_are_exact() {
        let cases = [
            ("0s", 0),
            ("300ms", 300_000_000),
            ("5s", 5_000_000_000),
            ("1.5s", 1_500_000_000),
            ("0.1s", 100_000_000),
            ("0.000001ms", 1),
            ("1.50000000000000000000s", 1_500_000_000),
            ("5m", 300_000_000_000),
            ("2h", 7_200_000_000_000),
            ("0.0000000000625h", 225),
        ];
        for (text, ns) in cases {
            assert_eq!(parse_ns(text), Ok(ns), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        let cases = [
            ("", "is not a duration"),
            ("s", "is not a duration"),
            ("5", "has no unit"),
            ("5 s", "is not a duration"),
            ("5S", "is not a duration"),
            ("5d", "is not a duration"),
            ("-5s", "is not a duration"),
            ("+5s", "is not a duration"),
            (".5s", "is not a duration"),
            ("5.s", "is not a duration"),
            ("1.2.3s", "is not a duration"),
            ("1e3s", "is not a duration"),
            ("٥s", "is not a duration"),
            ("0.0000001ms", "is finer than a nanosecond"),
            ("0.00000000000000000000000000000000000000000000001h", "is finer than a nanosecond"),
            ("99999999999999999999s", "is too long"),
            ("9999999999999h", "is too long"),
        ];
        for (text, problem) in cases {
            assert_eq!(parse_ns(text), Err(problem.to_owned()), "{text}");
        }
        assert_eq!(parse_ms("1.5ms"), Err("is not a whole number of milliseconds".to_owned()));
        assert_eq!(parse_ms("1.5s"), Ok(1500));
    }
}
