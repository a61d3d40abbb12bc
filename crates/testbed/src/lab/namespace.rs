//! One network namespace: commands, threads and settings in it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, setns};

/// A named network namespace. Its owner (the lab) deletes it, not its drop.
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace with its loopback up.
    ///
    /// # Errors
    /// Without root, or when the name is taken.
    pub fn add(name: String) -> Result<Self> {
        succeed(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name, for `ip netns` and `ip -n`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file, for `nsenter --net=` and as the end of a link in another namespace.
    pub fn path(&self) -> PathBuf {
        Path::new("/run/netns").join(&self.name)
    }

    /// A command that will run in the namespace, with the same process id (`nsenter` execs it).
    /// Unlike `ip netns exec` it leaves the mounts alone, among them the bpf filesystem.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display())).arg("--").arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a program with arguments divided by blanks; returns what it wrote on stdout.
    ///
    /// # Errors
    /// When it can't be started or its status isn't 0; with its stderr.
    pub fn run(&self, line: &str) -> Result<String> {
        let mut words = line.split_whitespace();
        let program = words.next().context("an empty command")?;
        let output = succeed(self.command(program).args(words))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs one `ip` command in the namespace; what it wrote on stdout.
    ///
    /// # Errors
    /// When it can't be started or its status isn't 0; with its stderr.
    pub fn run_ip(&self, line: &str) -> Result<String> {
        let mut command = Command::new("ip");
        let output = succeed(command.args(["-n", &self.name]).args(line.split_whitespace()))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs lines of `ip` commands in one go; the first that fails ends it.
    ///
    /// # Errors
    /// With the message of `ip`, which names the line.
    pub fn ip(&self, lines: &str) -> Result<()> {
        let mut child = Command::new("ip")
            .args(["-n", &self.name, "-batch", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("ip (package iproute2) can't be started")?;
        let mut stdin = child.stdin.take().context("ip without stdin")?;
        let written = stdin.write_all(lines.as_bytes());
        drop(stdin);
        let output = child.wait_with_output()?;
        let message = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "in {}: ip: {}\n{lines}", self.name, message.trim());
        // An `ip` that ended before it had read everything says why itself.
        written.context("ip")
    }

    /// Writes kernel settings of the namespace, named from `net` on: `ipv4/ip_forward`.
    ///
    /// # Errors
    /// When the kernel has no such setting or refuses the value.
    pub fn set(&self, settings: &[(&str, &str)]) -> Result<()> {
        self.within(|| {
            for (name, value) in settings {
                fs::write(format!("/proc/sys/net/{name}"), value)
                    .with_context(|| format!("net/{name} = {value}"))?;
            }
            Ok(())
        })?
    }

    /// Runs work in a thread of its own in the namespace: sockets that it opens belong there.
    ///
    /// # Errors
    /// When the namespace is gone or the thread panicked.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let entered = scope.spawn(move || -> Result<T> {
                self.enter()?;
                Ok(work())
            });
            entered.join().unwrap_or_else(|_| bail!("the thread in {} panicked", self.name))
        })
    }

    /// Moves the calling thread into the namespace, for good.
    ///
    /// # Errors
    /// When the namespace is gone.
    pub fn enter(&self) -> Result<()> {
        let namespace = File::open(self.path()).with_context(|| format!("namespace {}", self.name))?;
        setns(namespace, CloneFlags::CLONE_NEWNET).context("setns")
    }
}

/// Runs a command to its end; its output, when its status is 0.
///
/// # Errors
/// When it can't be started or its status isn't 0; with the command and its stderr.
pub fn succeed(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("{command:?} can't be started"))?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}: {}", output.status, message.trim());
    Ok(output)
}
