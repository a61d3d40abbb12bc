//! Real bytes through [`parse`](crate::parse()) and [`rewrite`](crate::rewrite()): one module per header, and properties.

mod ethernet;
mod flow_key;
mod fragments;
mod frames;
mod icmp;
mod ipv4;
mod ipv6;
mod l4;
mod properties;
mod rewrite;
