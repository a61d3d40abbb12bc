//! Flow keys: their size and their canonical bytes.

use super::frames::*;
use crate::{FlowKey, FlowKey4, FlowKey6};

#[test]
fn keys_are_compact() {
    assert_eq!(size_of::<FlowKey4>(), 16);
    assert_eq!(size_of::<FlowKey6>(), 40);
}

#[test]
fn canonical_bytes_are_the_tuple_in_wire_order() {
    let expected = [203, 0, 113, 7, 192, 0, 2, 10, 0xc0, 0x00, 0x01, 0xbb, 6];
    assert_eq!(*key4(CLIENT_PORT, PORT, TCP).canonical(), expected);
    assert_eq!(FlowKey4::new(CLIENT4, VIP4, CLIENT_PORT, PORT, TCP).canonical(), expected);

    let expected = [&CLIENT6[..], &VIP6, &[0xc0, 0x00, 0x01, 0xbb, 17]].concat();
    assert_eq!(*key6(CLIENT_PORT, PORT, UDP).canonical(), expected);
    assert_eq!(FlowKey6::new(CLIENT6, VIP6, CLIENT_PORT, PORT, UDP).canonical()[..], expected);
}

#[test]
fn without_ports_keeps_the_addresses() {
    assert_eq!(key4(CLIENT_PORT, PORT, TCP).without_ports(UDP), key4(0, 0, UDP));
    assert_eq!(key6(CLIENT_PORT, PORT, TCP).without_ports(UDP), key6(0, 0, UDP));
}

#[test]
fn what_goes_in_comes_out() {
    for key in [key4(CLIENT_PORT, PORT, TCP), key6(CLIENT_PORT, PORT, TCP)] {
        let again = FlowKey::new(key.source(), key.destination(), CLIENT_PORT, PORT, key.protocol()).unwrap();
        assert_eq!(again, key);
        assert_eq!((key.source_port(), key.destination_port()), (CLIENT_PORT, PORT));
    }
    assert_eq!(FlowKey::new(CLIENT4.into(), VIP6.into(), 1, 2, TCP), None);
}
