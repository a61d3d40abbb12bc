//! A box without workers and steering: it notes what is asked of it, and refuses when told to.

use evenkeel_control::Config;
use evenkeel_control::live::{InterfaceStatus, Latency, LivePort, Plant, PlantError, WorkerStatus};
use evenkeel_nexthop::PortId;
use evenkeel_packet::Mac;
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub(crate) struct Bare {
    pub(crate) ports: Vec<LivePort>,
    /// What was asked, in order.
    pub(crate) asked: Arc<Mutex<Vec<&'static str>>>,
    /// What is to be refused.
    pub(crate) refuses: Arc<Mutex<Option<&'static str>>>,
}

impl Bare {
    pub(crate) fn new(ports: Vec<LivePort>) -> Self {
        Self { ports, asked: Arc::default(), refuses: Arc::default() }
    }

    fn ask(&self, what: &'static str) -> Result<(), PlantError> {
        self.asked.lock().unwrap().push(what);
        match *self.refuses.lock().unwrap() {
            Some(refused) if refused == what => Err(PlantError(format!("can't {what}"))),
            _ => Ok(()),
        }
    }
}

impl Plant for Bare {
    fn check(&self, _: &Config, _: &dyn Fn(PortId) -> bool) -> Result<Vec<LivePort>, PlantError> {
        self.ask("check").map(|()| self.ports.clone())
    }

    fn prepare(&mut self, _: &Config, _: &dyn Fn(PortId) -> bool) -> Result<Vec<LivePort>, PlantError> {
        self.ask("prepare").map(|()| self.ports.clone())
    }

    fn commit(&mut self) -> Result<(), PlantError> {
        self.ask("commit")
    }

    fn abort(&mut self) {
        // giving up is never refused
        let _ = self.ask("abort");
    }

    fn set_own_mac(&mut self, _: PortId, _: Mac) {}

    fn interfaces(&self) -> Vec<InterfaceStatus> {
        Vec::new()
    }

    fn workers(&self) -> Vec<WorkerStatus> {
        Vec::new()
    }

    fn latency(&self) -> Latency {
        Latency::default()
    }
}
