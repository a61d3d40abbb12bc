//! Instructions per packet, counted by callgrind: unlike times they repeat, on a busy machine too.
//!
//! Each case is a process of its own under valgrind. It sets itself up, and callgrind collects only in `measured`.

mod cases;
mod kept;
mod run;

pub use cases::{CASES, Case};
pub use kept::{Kept, KeptError, Release, Verdict};
pub use run::{RunError, count};

/// Name by which callgrind knows `measured`.
const MEASURED: &str = "evenkeel_benches::instructions::measured*";

/// Does what is counted, in a function of its own by whose name callgrind is switched on and off.
#[inline(never)]
fn measured<R>(work: impl FnOnce() -> R) -> R {
    work()
}
