//! What a driver can do for XDP, and whether a program is attached. Unsafe: libbpf is called directly.

#![expect(unsafe_code, reason = "bpf_xdp_query has no safe wrapper")]

use libbpf_rs::libbpf_sys::{bpf_xdp_query, bpf_xdp_query_opts};
use std::io;

/// What the kernel says of an interface and XDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XdpState {
    /// The driver runs programs itself, and can send frames to sockets: native mode works (`NETDEV_XDP_ACT_BASIC` and
    /// `NETDEV_XDP_ACT_REDIRECT`, `linux/netdev.h`).
    pub is_native: bool,
    /// Sockets can do without copies (`NETDEV_XDP_ACT_XSK_ZEROCOPY`).
    pub is_zero_copy: bool,
    /// The kernel's number of the program that is attached, if there is one.
    pub program: Option<u32>,
}

/// `NETDEV_XDP_ACT_BASIC` and `NETDEV_XDP_ACT_REDIRECT`.
const NATIVE: u64 = 1 | 1 << 1;
/// `NETDEV_XDP_ACT_XSK_ZEROCOPY`.
const ZERO_COPY: u64 = 1 << 3;

/// Asks what the interface with this index can do. Linux tells from 6.3 on; before, nothing seems to work.
///
/// # Errors
/// What the kernel says: ENODEV without such an interface.
pub fn xdp_state(ifindex: u32) -> io::Result<XdpState> {
    let index = i32::try_from(ifindex).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    let mut answer = bpf_xdp_query_opts { sz: size_of::<bpf_xdp_query_opts>() as u64, ..Default::default() };
    // SAFETY: `answer` is a whole bpf_xdp_query_opts that says its own size, and outlives the call.
    let result = unsafe { bpf_xdp_query(index, 0, &raw mut answer) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    Ok(state(answer.feature_flags, answer.prog_id))
}

fn state(flags: u64, program: u32) -> XdpState {
    XdpState {
        is_native: flags & NATIVE == NATIVE,
        is_zero_copy: flags & ZERO_COPY != 0,
        program: (program != 0).then_some(program),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read() {
        assert_eq!(state(0, 0), XdpState { is_native: false, is_zero_copy: false, program: None });
        assert!(!state(1, 0).is_native, "a driver that can't redirect");
        assert_eq!(state(0x0b, 7), XdpState { is_native: true, is_zero_copy: true, program: Some(7) });
    }

    #[test]
    fn the_loopback_interface_has_no_driver_for_it() {
        let index = crate::ioctl::index("lo").unwrap();
        assert_eq!(xdp_state(index).unwrap(), state(0, 0));
        assert!(xdp_state(u32::MAX).is_err());
    }
}
