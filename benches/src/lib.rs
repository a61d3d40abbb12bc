//! Inputs and set-ups that the benches share: generated frames with fixed seeds, and a worker on ports in memory.

pub mod clock;
pub mod contest;
pub mod count;
pub mod figures;
pub mod frames;
pub mod instructions;
pub mod machine;
pub mod mixed;
pub mod newflows;
pub mod plain;
pub mod polls;
pub mod publish;
pub mod rig;
pub mod sharing;
pub mod stalls;
pub mod traffic;
pub mod workers;

use evenkeel_packet::Mac;

/// MAC of the box's interface in all benches.
pub const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);
