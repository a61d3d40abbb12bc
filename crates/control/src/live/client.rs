//! Asking the control thread: the same questions for the API, which waits as a future, and for other threads, which block.

use super::change::{Change, Changed};
use super::control::Control;
use super::flows::Mailboxes;
use super::log::{LogReader, Subscription};
use super::pins::PinView;
use super::refusal::Refusal;
use super::reload::{ConfigSource, Reloaded};
use super::view::{Buckets, CountersView, GroupView, InterfaceView, NexthopView, ServiceView, StatusView};
use crate::config::Config;
use evenkeel_nexthop::{PinMatch, PinSpec};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

/// What the control thread is asked to do.
pub(super) type Command = Box<dyn FnOnce(&mut Control) + Send>;

/// Asks the control thread. Cheap to clone; works from any thread, and every method is refused with
/// [`Refusal::Ended`] when that thread has ended.
#[derive(Debug, Clone)]
pub struct ControlClient {
    commands: UnboundedSender<Command>,
    log: LogReader,
    config_file: Option<Arc<PathBuf>>,
    pub(super) mailboxes: Mailboxes,
}

impl ControlClient {
    pub(super) fn new(
        commands: UnboundedSender<Command>,
        log: LogReader,
        config_file: Option<PathBuf>,
        mailboxes: Mailboxes,
    ) -> Self {
        Self { commands, log, config_file: config_file.map(Arc::new), mailboxes }
    }

    pub(super) fn config_file(&self) -> Option<Arc<PathBuf>> {
        self.config_file.clone()
    }

    /// Follows what happens, behind the event of this number or from now on.
    #[must_use]
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        self.log.subscribe(after)
    }

    /// Does a batch of changes, whole or not at all. What is so already is no error: the same batch again changes nothing.
    /// When this returns, the snapshot that shows it is published.
    ///
    /// # Errors
    /// The first change that makes no sense; nothing has changed.
    pub async fn change(&self, changes: Vec<Change>) -> Result<Changed, Refusal> {
        self.send(|control, answer| control.change(changes, answer)).await.unwrap_or(Err(Refusal::Ended))
    }

    /// As [`change`](Self::change), for threads without a runtime.
    ///
    /// # Errors
    /// As [`change`](Self::change).
    ///
    /// # Panics
    /// On a thread with a runtime.
    pub fn change_blocking(&self, changes: Vec<Change>) -> Result<Changed, Refusal> {
        let answered = self.send(|control, answer| control.change(changes, answer));
        answered.blocking_recv().unwrap_or(Err(Refusal::Ended))
    }

    /// Takes up a configuration, whole or not at all; with `dry_run` it only says what would change. The file is read and
    /// resolved beside the control thread.
    ///
    /// # Errors
    /// Its mistakes, or what it can't do to this box; nothing has changed.
    pub async fn reload(&self, source: ConfigSource, dry_run: bool) -> Result<Reloaded, Refusal> {
        let file = self.config_file.clone();
        let read = tokio::task::spawn_blocking(move || read(source, file.as_deref()));
        let config = read.await.map_err(|_| Refusal::Ended)?;
        self.ask(move |control| control.reload_or_tell(config, dry_run)).await?
    }

    /// As [`reload`](Self::reload), for threads without a runtime.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    ///
    /// # Panics
    /// On a thread with a runtime.
    pub fn reload_blocking(&self, source: ConfigSource, dry_run: bool) -> Result<Reloaded, Refusal> {
        let config = read(source, self.config_file.as_deref());
        self.ask_blocking(move |control| control.reload_or_tell(config, dry_run))?
    }

    /// The daemon itself.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn status(&self) -> Result<StatusView, Refusal> {
        let file = self.config_file.as_deref().cloned();
        self.ask(move |control| control.status(file)).await
    }

    /// The services, in the order of the configuration.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn services(&self) -> Result<Vec<ServiceView>, Refusal> {
        self.ask(|control| control.services()).await
    }

    /// The groups, in the order of the configuration.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn groups(&self) -> Result<Vec<GroupView>, Refusal> {
        self.ask(|control| control.groups()).await
    }

    /// The nexthops by group, in the order of the configuration, then of adding; removed ones too.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn nexthops(&self) -> Result<Vec<NexthopView>, Refusal> {
        self.ask(|control| control.nexthops()).await
    }

    /// The interfaces in use.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn interfaces(&self) -> Result<Vec<InterfaceView>, Refusal> {
        self.ask(|control| control.interfaces()).await
    }

    /// All counters, and their rates over the last second.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn counters(&self) -> Result<CountersView, Refusal> {
        self.ask(|control| control.counters()).await
    }

    /// The static pins, the oldest first.
    ///
    /// # Errors
    /// [`Refusal::Ended`] alone.
    pub async fn pins(&self) -> Result<Vec<PinView>, Refusal> {
        self.ask(|control| control.pins()).await
    }

    /// Adds a static pin, in the place of one of the same group for the same flows. False if it was there just so. When
    /// this returns, the snapshot that has it is published.
    ///
    /// # Errors
    /// It makes no sense, or there are too many; nothing has changed.
    pub async fn pin(&self, spec: PinSpec) -> Result<bool, Refusal> {
        self.ask(move |control| control.pin(&spec)).await?
    }

    /// Takes a static pin away; false if there was none. Flows that it decided stay where they are.
    ///
    /// # Errors
    /// [`Refusal::UnknownGroup`].
    pub async fn unpin(&self, group: String, matches: PinMatch) -> Result<bool, Refusal> {
        self.ask(move |control| control.unpin(&group, &matches)).await?
    }

    /// Who serves each bucket of a group.
    ///
    /// # Errors
    /// [`Refusal::UnknownGroup`].
    pub async fn buckets(&self, group: &str) -> Result<Buckets, Refusal> {
        let group = group.to_owned();
        self.ask(move |control| control.buckets(&group)).await?
    }

    /// Asks about the state as workers see it, so after everything that was asked before.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Control) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.send_question(question).await.map_err(|_| Refusal::Ended)
    }

    pub(super) fn ask_blocking<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Control) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.send_question(question).blocking_recv().map_err(|_| Refusal::Ended)
    }

    fn send_question<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Control) -> T + Send + 'static,
    ) -> oneshot::Receiver<T> {
        self.send(|control, answer| {
            control.flush();
            // an asker that has gone needs no answer
            let _ = answer.send(question(control));
        })
    }

    /// Sends a command. An answer that nobody waits for is lost, and one that never comes is an error of the receiver.
    pub(super) fn send<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Control, oneshot::Sender<T>) + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (answer, answered) = oneshot::channel();
        let _ = self.commands.send(Box::new(move |control| work(control, answer)));
        answered
    }
}

pub(super) fn read(source: ConfigSource, file: Option<&PathBuf>) -> Result<Config, Refusal> {
    let read = match (source, file) {
        (ConfigSource::File, Some(file)) => Config::read(file),
        (ConfigSource::File, None) => return Err(Refusal::NoConfigFile),
        (ConfigSource::Text { name, text }, _) => Config::parse(name.as_ref(), &text),
    };
    read.map_err(Refusal::Config)
}
