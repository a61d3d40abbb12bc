//! Lines for people on stderr and stdout. Nobody need read them: a line that can't be written is lost.

use std::fmt::Display;
use std::io::{self, Write};

/// A line on stderr.
pub(super) fn note(line: impl Display) {
    write_line(&mut io::stderr().lock(), &line);
}

/// A line on stdout.
pub(super) fn print(line: impl Display) {
    write_line(&mut io::stdout().lock(), &line);
}

/// A failure is ignored: the forwarder goes on without a reader.
fn write_line(to: &mut impl Write, line: &impl Display) {
    let text = format!("{line}\n");
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

#[cfg(test)]
mod tests {
    use super::write_line;
    use std::io::{self, Write};

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        write_line(&mut Gone, &"line");
        let mut kept = Vec::new();
        write_line(&mut kept, &"line");
        assert_eq!(kept, b"line\n");
    }
}
