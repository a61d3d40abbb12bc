//! The ground that labs stand on: one at a time on a machine, namespaces under its name, all of them removed at its end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;

use super::namespace::Namespace;
use super::owner::{self, LabId};

/// How long [`Ground::take`] waits for another lab on this machine to go.
const TURN_LIMIT: Duration = Duration::from_secs(600);
const TURN_FILE: &str = "/run/evenkeel-lab.lock";

/// The right to lay namespaces. Dropping it removes them, everything that runs in them, and their files.
#[derive(Debug)]
pub struct Ground {
    /// Exists from before the first namespace, so that a half-laid lab goes too.
    removal: Removal,
    _turn: Flock<File>,
}

#[derive(Debug)]
struct Removal(LabId);

impl Drop for Removal {
    fn drop(&mut self) {
        owner::remove(&self.0);
    }
}

impl Ground {
    /// Waits for its turn, and removes what labs left whose owner was killed. It has no namespace yet, but a directory.
    ///
    /// # Errors
    /// Without root, or when another lab stands for ten minutes.
    pub fn take() -> Result<Self> {
        ensure!(Uid::effective().is_root(), "a lab of network namespaces needs root");
        let turn = take_turn()?;
        owner::sweep();
        owner::remove_on_signals()?;
        let id = LabId::unused()?;
        let removal = Removal(id);
        fs::create_dir_all(id.directory()).context("the lab's directory")?;
        Ok(Self { removal, _turn: turn })
    }

    /// Adds an empty namespace.
    ///
    /// # Errors
    /// When there is one of this role already.
    pub fn namespace(&self, role: &str) -> Result<Namespace> {
        Namespace::add(self.removal.0.namespace(role))
    }

    /// Where its files belong.
    pub fn directory(&self) -> PathBuf {
        self.removal.0.directory()
    }
}

/// Waits until no other lab stands on this machine; the kernel gives the turn back when its holder ends.
fn take_turn() -> Result<Flock<File>> {
    let deadline = Instant::now() + TURN_LIMIT;
    let mut file = File::create(Path::new(TURN_FILE)).context(TURN_FILE)?;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(turn) => return Ok(turn),
            Err((file, Errno::EWOULDBLOCK)) if Instant::now() < deadline => file,
            Err((_, Errno::EWOULDBLOCK)) => bail!("another lab has been standing for {TURN_LIMIT:?}"),
            Err((_, error)) => return Err(error).context(TURN_FILE),
        };
        thread::sleep(Duration::from_millis(50));
    }
}
