//! A box without workers and steering: it takes up every configuration and says nothing.

use evenkeel_control::Config;
use evenkeel_control::live::{InterfaceStatus, Latency, LivePort, Plant, PlantError, WorkerStatus};

pub(crate) struct Bare {
    pub(crate) ports: Vec<LivePort>,
}

impl Plant for Bare {
    fn prepare(&mut self, _: &Config) -> Result<Vec<LivePort>, PlantError> {
        Ok(self.ports.clone())
    }

    fn commit(&mut self) -> Result<(), PlantError> {
        Ok(())
    }

    fn abort(&mut self) {}

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
