//! Real bytes through [`parse`](crate::parse) and [`rewrite`](crate::rewrite).

use crate::{Class, FlowKey, FlowKey4, Fragment, Mac, Outcome, Packet, TcpSignal, parse};

const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);

#[test]
fn a_plain_syn_over_ipv4_parses() {
    let frame = [
        &OWN.0[..],
        &[2, 0, 0, 0, 9, 9, 0x08, 0x00],
        &[0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 203, 0, 113, 7, 192, 0, 2, 10],
        &[0xc0, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0],
    ]
    .concat();
    let key = FlowKey4::new([203, 0, 113, 7], [192, 0, 2, 10], 49152, 80, 6);
    let packet = Packet {
        key: FlowKey::V4(key),
        class: Class::Tcp(TcpSignal::Open),
        fragment: Fragment::Whole,
        l3_offset: 14,
    };
    assert_eq!(parse(&frame, frame.len(), OWN), Outcome::Ours(packet));
}
