//! `evenkeel man`: a manual page for each command, made from the same text as its help.

use super::Refused;
use crate::command_line::definition;
use crate::print::print;
use anyhow::{Context, Result};
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Print the manual page of a command, or write those of all commands.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel man drain | man -l -
  evenkeel man traffic client | man -l -
  evenkeel man --dir /usr/local/share/man/man8")]
pub(crate) struct Args {
    /// The command; evenkeel itself unless it is said.
    command: Vec<String>,
    /// Write the page of each command into this directory, as evenkeel.8, evenkeel-run.8 and so on.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// Section of the manual for what administrators run.
const SECTION: &str = "8";

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut whole = definition().disable_help_subcommand(true);
    whole.build();
    if let Some(dir) = &args.dir {
        return write_all(&whole, dir)
            .with_context(|| format!("can't write manual pages into {}", dir.display()));
    }
    let mut command = &whole;
    for name in &args.command {
        let unknown = || Refused(format!("\"{}\" is no command", args.command.join(" ")));
        command = command.find_subcommand(name).ok_or_else(unknown)?;
    }
    Ok(print(&String::from_utf8(page(command)?)?)?)
}

fn write_all(whole: &Command, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    write_page(whole, dir)
}

/// Writes the page of a command and those of its own commands.
fn write_page(command: &Command, dir: &Path) -> io::Result<()> {
    fs::write(dir.join(format!("{}.{SECTION}", title(command))), page(command)?)?;
    command.get_subcommands().try_for_each(|below| write_page(below, dir))
}

/// `evenkeel`, `evenkeel-drain`, `evenkeel-traffic-client`.
fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let manual = Man::new(command.clone())
        .title(title(command))
        .section(SECTION)
        .source(concat!("evenkeel ", env!("CARGO_PKG_VERSION")))
        .manual("Evenkeel");
    let mut page = Vec::new();
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    if command.has_subcommands() {
        manual.render_subcommands_section(&mut page)?;
    }
    let mut end = Roff::new();
    if let Some(help) = command.get_after_help() {
        examples(&mut end, &help.to_string());
    }
    end.control("SH", ["EXIT STATUS"]);
    end.text([roman("0: done. 1: it failed. 2: bad configuration or bad arguments.")]);
    end.to_writer(&mut page)?;
    Ok(page)
}

/// `Examples:` and `Undo:` become sections; what stands below stays as it is.
fn examples(roff: &mut Roff, help: &str) {
    let mut is_listing = false;
    for line in help.lines() {
        match line.strip_suffix(':') {
            Some(heading) if !line.starts_with(' ') => {
                if std::mem::take(&mut is_listing) {
                    roff.control("fi", []);
                }
                roff.control("SH", [heading.to_uppercase().as_str()]);
            }
            _ if line.starts_with("  ") => {
                if !std::mem::replace(&mut is_listing, true) {
                    roff.control("nf", []);
                }
                roff.text([roman(line.trim_start())]);
            }
            _ => {}
        }
    }
    if is_listing {
        roff.control("fi", []);
    }
}
