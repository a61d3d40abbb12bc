//! The lab of network namespaces, and the runner of golden captures; not shipped.
//!
//! [`lab`] lays a client, a load balancer and servers with real nginx; [`load`] sends real HTTP through it
//! and counts what was lost; [`demo`] does so beside the kernel's own multipath route. [`golden`] replays the captures of
//! `pcaps/`.

pub mod demo;
pub mod golden;
pub mod lab;
pub mod load;
pub mod workspace;
