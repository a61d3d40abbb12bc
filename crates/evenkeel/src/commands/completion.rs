//! `evenkeel completion`: what a shell completes.

use crate::command_line::definition;
use crate::print::print;
use anyhow::Result;
use clap_complete::Shell;

/// Print what a shell needs to complete commands and options.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel completion bash > /usr/share/bash-completion/completions/evenkeel
  evenkeel completion zsh > /usr/share/zsh/site-functions/_evenkeel
  evenkeel completion fish > /usr/share/fish/vendor_completions.d/evenkeel.fish")]
pub(crate) struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "evenkeel", &mut script);
    Ok(print(&String::from_utf8(script)?)?)
}
