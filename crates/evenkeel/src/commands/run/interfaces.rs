//! The interfaces of a configuration, as the kernel has them.

use super::say;
use evenkeel_afxdp::{Interface, InterfaceError, equal_queues};
use evenkeel_control::config::{InterfaceConfig, Mode};

/// Asks the kernel about the interface that a configuration names.
pub(super) fn open(config: &InterfaceConfig) -> Result<Interface, InterfaceError> {
    let mode = match config.mode {
        Mode::Auto => evenkeel_afxdp::Mode::Auto,
        Mode::ZeroCopy => evenkeel_afxdp::Mode::ZeroCopy,
        Mode::Copy => evenkeel_afxdp::Mode::Copy,
        Mode::Generic => evenkeel_afxdp::Mode::Generic,
    };
    Interface::open(&config.name, mode)
}

/// All interfaces of a configuration, and the number of receive queues that each of them has.
pub(super) fn open_all(configs: &[InterfaceConfig]) -> Result<(Vec<Interface>, u32), InterfaceError> {
    let interfaces = configs.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let queues = equal_queues(&interfaces)?;
    Ok((interfaces, queues))
}

/// A line for the operator.
pub(super) fn say(interface: &Interface) {
    say::note(format_args!(
        "{}: MAC {}, MTU {}, {} receive queues",
        interface.name, interface.mac, interface.mtu, interface.queues
    ));
}
