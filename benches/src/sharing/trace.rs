//! The tracing process: runs the workers under lackey and finds the lines that both touch.

use super::{LINE_LEN, Line, SAYS};
use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What two workers share.
#[derive(Debug)]
pub struct Sharing {
    /// Bursts that each worker took.
    pub bursts: u64,
    /// Lines that each worker touched.
    pub touched: [usize; 2],
    /// Lines that one worker wrote and the other one touched, those that come over most often first.
    pub shared: Vec<Shared>,
}

/// A line, and the places in the program that touch it: file and line number.
#[derive(Debug)]
pub struct Shared {
    /// What is done with it.
    pub line: Line,
    /// Where it is read.
    pub read_at: BTreeSet<String>,
    /// Where it is written, or changed.
    pub written_at: BTreeSet<String>,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// A program can't be run.
    #[error("can't run {0}, which scripts/setup.sh installs")]
    NoProgram(&'static str, #[source] std::io::Error),
    /// The trace can't be read to its end.
    #[error("the trace can't be read")]
    Read(#[from] std::io::Error),
    /// The workers have not had their turns.
    #[error("the workers have not had their turns: {0}")]
    NoTurns(std::process::ExitStatus),
}

impl Sharing {
    /// How often a burst waits for a line from the other core, at the most.
    #[must_use]
    pub fn transfers_per_burst(&self) -> f64 {
        self.shared.iter().map(|shared| shared.line.transfers()).sum::<u64>() as f64 / self.bursts as f64
    }
}

/// Traces `program --turns`, two workers in turn.
///
/// # Errors
/// [`TraceError`].
pub fn trace(program: &Path) -> Result<Sharing, TraceError> {
    let mut child = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes"])
        .arg(program)
        .arg("--turns")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| TraceError::NoProgram("valgrind", error))?;
    let mut reader = Reader::default();
    if let Some(trace) = child.stderr.take() {
        let (mut trace, mut text) = (BufReader::with_capacity(1 << 20, trace), Vec::new());
        while trace.read_until(b'\n', &mut text)? > 0 {
            reader.read(&text);
            text.clear();
        }
    }
    let status = child.wait()?;
    if !status.success() || reader.bursts == 0 || reader.lines.is_empty() {
        return Err(TraceError::NoTurns(status));
    }
    reader.sharing(program)
}

/// Reads the trace, text line by text line.
#[derive(Debug, Default)]
struct Reader {
    /// Address of the first mark; of the program's first page; bursts of a worker.
    marks: u64,
    base: u64,
    bursts: u64,
    /// Whose turn it is.
    turn: Option<usize>,
    /// Address of the instruction that does what follows.
    place: u64,
    lines: HashMap<u64, Line>,
}

impl Reader {
    fn read(&mut self, text: &[u8]) {
        match text {
            [b'I', b' ', b' ', rest @ ..] if self.turn.is_some() => self.place = address(rest),
            [b' ', sort @ (b'L' | b'S' | b'M'), b' ', rest @ ..] => self.access(*sort, address(rest)),
            _ => {
                if let Some(said) = std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix(SAYS)) {
                    self.hear(said);
                }
            }
        }
    }

    /// Where the marks are.
    fn hear(&mut self, said: &str) {
        let mut words = said.split_whitespace();
        let mut hex = || words.next().and_then(|word| u64::from_str_radix(word, 16).ok()).unwrap_or(0);
        (self.marks, self.base) = (hex(), hex());
        self.bursts = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    }

    fn access(&mut self, sort: u8, address: u64) {
        if self.marks > 0 && (self.marks..self.marks + 32).contains(&address) {
            let mark = (address - self.marks) / 8;
            self.turn = mark.is_multiple_of(2).then_some(mark as usize / 2);
        } else if let Some(worker) = self.turn {
            let line = self.lines.entry(address / LINE_LEN).or_default();
            line.reads[worker] += u64::from(sort != b'S');
            line.writes[worker] += u64::from(sort != b'L');
            let at = if sort == b'L' { &mut line.read_at } else { &mut line.written_at };
            at.insert(self.place.wrapping_sub(self.base));
        }
    }

    fn sharing(self, program: &Path) -> Result<Sharing, TraceError> {
        let touched = [0, 1].map(|worker: usize| {
            self.lines.values().filter(|line| line.reads[worker] + line.writes[worker] > 0).count()
        });
        let mut shared = Vec::new();
        for line in self.lines.into_values().filter(Line::is_shared) {
            let read_at = places(program, &line.read_at)?;
            let written_at = places(program, &line.written_at)?;
            shared.push(Shared { line, read_at, written_at });
        }
        shared.sort_by_key(|shared| std::cmp::Reverse(shared.line.transfers()));
        Ok(Sharing { bursts: self.bursts, touched, shared })
    }
}

/// The number that a line of the trace begins with, hexadecimal.
fn address(text: &[u8]) -> u64 {
    text.iter()
        .map_while(|&digit| char::from(digit).to_digit(16))
        .fold(0, |address, digit| address << 4 | u64::from(digit))
}

/// Files and line numbers of addresses (`addr2line(1)`): the innermost of Evenkeel's own that is inlined there, else the
/// innermost.
fn places(program: &Path, addresses: &BTreeSet<u64>) -> Result<BTreeSet<String>, TraceError> {
    let output = Command::new("addr2line")
        .args(["--inlines", "--addresses", "--exe"])
        .arg(program)
        .args(addresses.iter().map(|address| format!("{address:x}")))
        .output()
        .map_err(|error| TraceError::NoProgram("addr2line", error))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let each = said.split("0x").filter_map(|of_address| {
        let mut inlined = of_address.lines().skip(1);
        let innermost = inlined.next()?;
        let ours = |place: &&str| place.contains("/crates/") && !place.contains("/library/");
        let place = Some(innermost).filter(ours).or_else(|| inlined.find(ours)).unwrap_or(innermost);
        let from = place.find("/crates/").map_or(place, |at| &place[at + "/crates/".len()..]);
        Some(from.split(" (").next().unwrap_or(from).to_owned())
    });
    Ok(each.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_count_for_whose_turn_it_is() {
        let mut reader = Reader::default();
        let trace = "==1== Lackey\n S 5000,8\nturns: 1000 400 7\n S 1000,8\nI  0450,3\n S 2000,8\n L 2008,4\n S 1008,8\n L 2000,8\n \
                     S 1010,8\n M 203f,1\n L 2040,1\n S 1018,8\n S 2000,8\n";
        trace.split_inclusive('\n').for_each(|text| reader.read(text.as_bytes()));
        assert_eq!((reader.bursts, reader.lines.len()), (7, 2));
        let line = &reader.lines[&(0x2000 / 64)];
        assert_eq!((line.reads, line.writes), ([1, 1], [1, 1]));
        assert!(line.is_shared() && line.read_at.contains(&0x50) && line.written_at.contains(&0x50));
        assert!(!reader.lines[&(0x2040 / 64)].is_shared());
    }
}
