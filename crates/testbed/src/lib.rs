//! The lab of network namespaces, and the runner of golden captures; not shipped.
//!
//! [`lab`] lays a client, a load balancer and servers with real nginx; [`load`] sends real HTTP through it
//! and counts what was lost; [`demo`] and [`scenario`] do so on the kernel's
//! own ECMP and on Evenkeel ([`forwarder`]). [`peers`] measures Evenkeel's rate beside that of others.
//! [`golden`] replays the captures of `pcaps/`.

pub mod demo;
pub mod forwarder;
pub mod frames;
pub mod golden;
pub mod lab;
pub mod load;
pub mod peers;
pub mod scenario;
pub mod workspace;
