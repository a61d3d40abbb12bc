//! Fragments of one datagram follow their first: what became of first fragments, and later ones that wait for theirs.
//!
//! One per worker: a NIC sends all fragments of a datagram to one queue, by their addresses.

mod fates;
mod held;

pub(crate) use fates::Fates;
pub(crate) use held::{CAPACITY as HELD_CAPACITY, Held};
