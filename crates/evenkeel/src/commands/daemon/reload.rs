//! `evenkeel reload`: another configuration, whole or not at all.

use super::Show;
use crate::commands::Refused;
use crate::print::Columns;
use anyhow::Result;
use evenkeel_control::api::model::{Difference, Reload, Reloaded};
use std::fs;
use std::path::PathBuf;

/// Take up the configuration again, whole or not at all, and say what differs.
///
/// The daemon reads its own file again, as at SIGHUP. With FILE it takes up that text instead, until it next reads its own file.
/// What can't change while it runs is refused, and nothing is changed then.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  evenkeel reload --dry-run\n  evenkeel reload\n  evenkeel reload next.toml"
)]
pub(crate) struct Args {
    /// A configuration that the daemon takes up in place of its own file.
    file: Option<PathBuf>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (config, file) = match &args.file {
        None => (None, None),
        Some(file) => {
            let name = file.display().to_string();
            let text = fs::read_to_string(file)
                .map_err(|error| Refused(format!("{name}: cannot be read: {error}")))?;
            (Some(text), Some(name))
        }
    };
    let reload = Reload { config, file, dry_run: args.dry_run };
    let reloaded = args.show.connect.client()?.reload(&reload)?;
    for warning in &reloaded.warnings {
        eprintln!("{warning}");
    }
    args.show.print(&reloaded, |reloaded| text(reloaded, args.dry_run))
}

fn text(reloaded: &Reloaded, dry_run: bool) -> String {
    let Reloaded { generation, applied, differences, .. } = reloaded;
    let end = match (differences.is_empty(), dry_run, applied) {
        (true, ..) => "no difference\n".to_owned(),
        (false, true, _) => "\ndry run: nothing was changed\n".to_owned(),
        (false, false, true) => format!("\ntaken up: generation {generation}\n"),
        (false, false, false) => format!("\nalready so: generation {generation}\n"),
    };
    if differences.is_empty() { end } else { difference_text(differences) + &end }
}

/// A line for each thing that is another one.
pub(crate) fn difference_text(differences: &[Difference]) -> String {
    let mut columns = Columns::new(&["what", "key", "from", "to"]);
    for Difference { what, key, from, to } in differences {
        let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        columns.line([what.clone(), key.clone(), or_dash(from), or_dash(to)]);
    }
    columns.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_then_what_came_of_them() {
        let weight = Difference {
            what: "nexthop web/s1".into(),
            key: "weight".into(),
            from: Some("1".into()),
            to: Some("3".into()),
        };
        let added = Difference {
            what: "service dns".into(),
            key: "added".into(),
            from: None,
            to: Some("192.0.2.53".into()),
        };
        let mut reloaded =
            Reloaded { generation: 9, applied: true, differences: vec![weight, added], warnings: vec![] };
        let table = "\
what            key     from  to
nexthop web/s1  weight  1     3
service dns     added   -     192.0.2.53
";
        assert_eq!(text(&reloaded, false), format!("{table}\ntaken up: generation 9\n"));
        assert_eq!(text(&reloaded, true), format!("{table}\ndry run: nothing was changed\n"));
        reloaded.differences.clear();
        assert_eq!(text(&reloaded, false), "no difference\n");
    }
}
