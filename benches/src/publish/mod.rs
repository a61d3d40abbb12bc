//! Publishing under work: how long a change takes until every worker sees it, what it leaves in memory, and that nobody
//! sees half of it.

pub mod half;
pub mod memory;
pub mod site;
pub mod times;
pub mod worker;
