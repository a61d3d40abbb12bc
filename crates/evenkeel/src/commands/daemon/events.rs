//! `evenkeel events`: what happens in the running daemon, as it happens.

use super::Connect;
use crate::print::{self, word};
use anyhow::{Result, bail};
use evenkeel_control::api::client::Told;
use evenkeel_control::api::model::{Event, Missed};

/// Follow what happens, until the daemon or the reader ends.
///
/// One line for each: time, kind, of whom, and a sentence. The daemon keeps the last events: --after begins with those
/// behind a number.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  evenkeel events\n  evenkeel events --after 0 --json")]
pub(crate) struct Args {
    /// Begin behind the event of this number.
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// End after so many.
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
    /// Print one line of JSON for each.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let daemon = args.connect.client()?;
    let mut left = args.count;
    let mut events = daemon.events(args.after)?.until(print::reader_gone());
    for told in events.by_ref() {
        if left == Some(0) {
            return Ok(());
        }
        let line = match told? {
            Told::Event(event) => {
                left = left.map(|left| left - 1);
                if args.json { print::json_line(&event)? } else { line(&event) }
            }
            Told::Missed(missed) => {
                eprintln!("evenkeel: {}", gap(&missed));
                continue;
            }
        };
        if !print::write(&line)? || left == Some(0) {
            return Ok(());
        }
    }
    if events.is_cut() { Ok(()) } else { bail!("the daemon has ended") }
}

fn line(event: &Event) -> String {
    let Event { time, subject, text, .. } = event;
    let subject = if subject.is_empty() { "-" } else { subject };
    format!("{time}  {:<9}  {subject:<12}  {text}\n", word(event.kind))
}

fn gap(missed: &Missed) -> String {
    format!("events {} to {} are no longer kept", missed.first, missed.last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_control::api::model::EventKind;

    #[test]
    fn an_event_is_a_line() {
        let mut event = Event {
            id: 7,
            time: "2026-11-27T02:00:00.000Z".into(),
            generation: 3,
            kind: EventKind::Drained,
            subject: "web/s1".into(),
            text: "web/s1 has no flow left".into(),
        };
        assert_eq!(
            line(&event),
            "2026-11-27T02:00:00.000Z  drained    web/s1        web/s1 has no flow left\n"
        );
        event.subject.clear();
        assert!(line(&event).contains("  -             web"), "{}", line(&event));
        assert_eq!(gap(&Missed { first: 1, last: 6 }), "events 1 to 6 are no longer kept");
    }
}
