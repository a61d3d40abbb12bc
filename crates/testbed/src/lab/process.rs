//! A program that runs beside the lab: its log, its end.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

const POLL: Duration = Duration::from_millis(5);

/// A running program in a process group of its own; dropping it kills the group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts the program with stdout and stderr going to `log`.
    ///
    /// # Errors
    /// When the log can't be made or the program can't be started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("{}", log.display()))?;
        command.stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = command.spawn().with_context(|| format!("{command:?} can't be started"))?;
        Ok(Self { child, log: log.to_path_buf() })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Waits until the log behind its first `seen_bytes` holds a line that `wanted` accepts; returns the line.
    ///
    /// # Errors
    /// When the time is over or the program ended before; with the whole log.
    pub fn wait_for_line(
        &mut self,
        seen_bytes: usize,
        limit: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let deadline = Instant::now() + limit;
        loop {
            let ended = self.child.try_wait()?;
            let log = self.log();
            let news = log.get(seen_bytes..).unwrap_or_default();
            if let Some(line) = news.lines().find(|line| wanted(line)) {
                return Ok(line.to_owned());
            }
            if let Some(status) = ended {
                bail!("ended ({status}) before the line that was waited for:\n{log}");
            }
            if Instant::now() >= deadline {
                bail!("no such line after {limit:?}:\n{log}");
            }
            thread::sleep(POLL);
        }
    }

    /// Sends a signal to the program itself, not to its children.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.child.id() as i32), signal).with_context(|| format!("{signal}"))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the time is over; with the whole log.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("still running after {limit:?}:\n{}", self.log());
            }
            thread::sleep(POLL);
        }
    }

    /// How long one of its threads, by its name, has had a core so far.
    ///
    /// # Errors
    /// When it has no such thread.
    pub fn thread_time(&self, name: &str) -> Result<Duration> {
        let tasks = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        for task in fs::read_dir(&tasks).with_context(|| tasks.display().to_string())? {
            let task = task?.path();
            // A thread may have ended meanwhile.
            if fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim_end() == name) {
                // The first number: nanoseconds on a core (`Documentation/scheduler/sched-stats.rst`).
                let statistics = fs::read_to_string(task.join("schedstat")).context("schedstat")?;
                let time_ns = statistics.split_whitespace().next().context("an empty schedstat")?;
                return Ok(Duration::from_nanos(time_ns.parse()?));
            }
        }
        bail!("it has no thread {name}")
    }

    /// Kills the program and its children at once, as `kill -9` does.
    pub fn kill(&mut self) {
        // Once it has been waited for, its number may belong to somebody else.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let log = std::env::temp_dir().join(format!("process-test-{}-{}", std::process::id(), script.len()));
        Process::start(Command::new("sh").args(["-c", script]), &log).unwrap()
    }

    #[test]
    fn waits_for_news_only() {
        let mut process = shell("echo one; sleep 0.1; echo two; exec sleep 60");
        let line = process.wait_for_line(0, Duration::from_secs(5), |line| line == "one").unwrap();
        assert_eq!(line, "one");
        let news = process.wait_for_line(4, Duration::from_secs(5), |line| !line.is_empty()).unwrap();
        assert_eq!(news, "two");
        fs::remove_file(&process.log).unwrap();
    }

    #[test]
    fn says_what_a_dead_program_wrote() {
        let mut process = shell("echo broken; exit 3");
        let error = process.wait_for_line(0, Duration::from_secs(5), |line| line == "ready").unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
        assert_eq!(process.wait(Duration::from_secs(5)).unwrap().code(), Some(3));
        fs::remove_file(&process.log).unwrap();
    }
}
