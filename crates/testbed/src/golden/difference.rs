//! In what two captures or two reports differ, said so that a reader finds the place.

use serde_json::Value;

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// A record of a little-endian nanosecond capture.
struct Record<'a> {
    seconds: u32,
    nanoseconds: u32,
    wire_len: u32,
    frame: &'a [u8],
}

/// The first difference between two captures; `None` if they are equal byte for byte.
pub(super) fn capture_difference(want: &[u8], got: &[u8]) -> Option<String> {
    if want == got {
        return None;
    }
    if want.get(..FILE_HEADER) != got.get(..FILE_HEADER) {
        return Some(format!("file header: {}", bytes_difference(want, got)));
    }
    let (wanted, gotten) = (records(want), records(got));
    for (number, pair) in wanted.iter().zip(&gotten).enumerate() {
        if let Some(text) = record_difference(pair.0, pair.1) {
            let at = format!("frame {} of {} ({} expected)", number + 1, gotten.len(), wanted.len());
            return Some(format!("{at}: {text}"));
        }
    }
    let (more, which) =
        if wanted.len() > gotten.len() { (&wanted, "missing") } else { (&gotten, "too many") };
    let first = more.get(wanted.len().min(gotten.len())).map_or(String::new(), |record| hex(record.frame));
    Some(format!("{} frames, expected {}; first {which}: {first}", gotten.len(), wanted.len()))
}

fn records(capture: &[u8]) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    let mut rest = capture.get(FILE_HEADER..).unwrap_or_default();
    while let Some((header, behind)) = rest.split_at_checked(RECORD_HEADER) {
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let Some((frame, next)) = behind.split_at_checked(word(8) as usize) else { break };
        records.push(Record { seconds: word(0), nanoseconds: word(4), wire_len: word(12), frame });
        rest = next;
    }
    records
}

fn record_difference(want: &Record<'_>, got: &Record<'_>) -> Option<String> {
    if want.frame != got.frame {
        return Some(bytes_difference(want.frame, got.frame));
    }
    let time = |record: &Record<'_>| format!("{}.{:09}", record.seconds, record.nanoseconds);
    if time(want) != time(got) {
        return Some(format!("time {}, expected {}", time(got), time(want)));
    }
    (want.wire_len != got.wire_len)
        .then(|| format!("original length {}, expected {}", got.wire_len, want.wire_len))
}

fn bytes_difference(want: &[u8], got: &[u8]) -> String {
    let offset = want.iter().zip(got).take_while(|(a, b)| a == b).count();
    let lengths = if want.len() == got.len() {
        String::new()
    } else {
        format!(", {} bytes, expected {}", got.len(), want.len())
    };
    format!("differs at offset {offset}{lengths}\n      got      {}\n      expected {}", hex(got), hex(want))
}

/// At most the first 96 bytes.
fn hex(bytes: &[u8]) -> String {
    let mut text: String = bytes.iter().take(96).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 96 {
        text.push('…');
    }
    text
}

/// Every field of `want` that `got` hasn't or has otherwise. Fields that only `got` has are no difference.
pub(super) fn report_differences(want: &Value, got: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare("report", want, got, &mut differences);
    differences
}

fn compare(path: &str, want: &Value, got: &Value, differences: &mut Vec<String>) {
    match (want, got) {
        (Value::Object(wanted), Value::Object(gotten)) => {
            for (key, value) in wanted {
                compare(
                    &format!("{path}.{key}"),
                    value,
                    gotten.get(key).unwrap_or(&Value::Null),
                    differences,
                );
            }
        }
        (Value::Array(wanted), Value::Array(gotten)) if wanted.len() == gotten.len() => {
            for (number, (value, other)) in wanted.iter().zip(gotten).enumerate() {
                compare(&format!("{path}[{number}]"), value, other, differences);
            }
        }
        _ if want == got => {}
        _ => differences.push(format!("{path}: {got}, expected {want}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn capture(frames: &[(u32, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![7; FILE_HEADER];
        for (time, frame) in frames {
            for word in [*time, 5, frame.len() as u32, frame.len() as u32] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(*frame);
        }
        bytes
    }

    #[test]
    fn equal_captures_do_not_differ() {
        assert_eq!(capture_difference(&capture(&[(1, b"ab")]), &capture(&[(1, b"ab")])), None);
    }

    #[test]
    fn the_frame_and_the_offset_are_named() {
        let want = capture(&[(1, b"ab"), (2, b"cdef")]);
        let text = capture_difference(&want, &capture(&[(1, b"ab"), (2, b"cdxf")])).unwrap();
        assert!(text.starts_with("frame 2 of 2 (2 expected): differs at offset 2\n"), "{text}");
        let text = capture_difference(&want, &capture(&[(1, b"ab"), (3, b"cdef")])).unwrap();
        assert!(text.ends_with("time 3.000000005, expected 2.000000005"), "{text}");
    }

    #[test]
    fn a_missing_frame_is_shown() {
        let text = capture_difference(&capture(&[(1, b"ab"), (2, b"cd")]), &capture(&[(1, b"ab")])).unwrap();
        assert_eq!(text, "1 frames, expected 2; first missing: 6364");
    }

    #[test]
    fn reports_differ_by_path_and_may_say_more() {
        let want = json!({"flows": {"live": 1, "created": 2}, "nexthops": [{"packets": 1}]});
        let got = json!({"flows": {"live": 1}, "nexthops": [{"packets": 3}], "workers": []});
        let differences = report_differences(&want, &got);
        assert_eq!(
            differences,
            ["report.flows.created: null, expected 2", "report.nexthops[0].packets: 3, expected 1"]
        );
    }
}
