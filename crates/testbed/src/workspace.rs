//! Where the workspace and its built programs are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The root of the workspace.
///
/// # Panics
/// Never: this crate lies two directories below it.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/testbed has a root above it")
}

/// The built `evenkeel`: what `EVENKEEL` names, else the newest of the target directory that this program
/// was built in.
///
/// # Errors
/// When there is none; says how to build it.
pub fn evenkeel() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("EVENKEEL") {
        return std::fs::canonicalize(&named).with_context(|| format!("EVENKEEL={}", named.display()));
    }
    let own = std::env::current_exe().context("the path of this program")?;
    let built = |profile: &str| {
        let target = own.ancestors().find(|directory| directory.join(profile).join("evenkeel").is_file())?;
        Some(target.join(profile).join("evenkeel"))
    };
    let age = |path: &PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
    match ["release", "debug"].into_iter().filter_map(built).max_by_key(age) {
        Some(path) => Ok(path),
        None => {
            bail!("evenkeel isn't built; `cargo build --release` builds it, or EVENKEEL says where it is")
        }
    }
}
