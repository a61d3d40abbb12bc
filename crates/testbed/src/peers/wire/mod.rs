//! Both ends of the wire, as BPF programs: what makes frames, and what counts them at the end.

mod generator;
mod sink;

pub(super) use generator::pin;
pub(super) use generator::{Generator, Stream};
pub(super) use sink::Sink;

use anyhow::{Context, Result};
use libbpf_rs::{MapCore, MapHandle, Object, ObjectBuilder};

/// A compiled object. The linker gives it the place that ELF headers ask for.
#[repr(C, align(8))]
struct Aligned<T: ?Sized>(T);

fn load(object: &[u8]) -> Result<Object> {
    let open = ObjectBuilder::default().open_memory(object)?;
    open.load().context("the kernel refuses a program of the comparison; it needs root")
}

fn map(object: &Object, name: &str) -> Result<MapHandle> {
    let map = object.maps().find(|map| map.name() == name).with_context(|| format!("no map {name}"))?;
    Ok(MapHandle::try_from(&map)?)
}

/// The only key of a map with one slot.
const ONLY: [u8; 4] = [0; 4];
