//! pcap: a header of 24 bytes, then records of 16 bytes and a frame each, in the byte order of the header.
//!
//! Source: draft-ietf-opsawg-pcap.

use super::{FRAME_LEN_MAX, Fault, Records, SECOND_NS};
use pcap_parser::nom::{Err, IResult, Needed, Offset};
use pcap_parser::{LegacyPcapBlock, Linktype, PcapError, PcapHeader};
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

/// First four bytes, read as little endian: micro- and nanoseconds, little and big endian.
pub(super) const MAGICS: [u32; 4] = [0xa1b2_c3d4, 0xa1b2_3c4d, 0xd4c3_b2a1, 0x4d3c_b2a1];

/// Bytes of a record in front of its frame.
const RECORD_HEADER_LEN: usize = 16;
/// Bits of the link type in its field; those above tell of a frame check sequence.
const LINK_TYPE_BITS: u32 = 0x03ff_ffff;

/// Reads all records of a file that starts with one of [`MAGICS`].
pub(super) fn read(bytes: &[u8], records: &mut Records) -> Result<(), Fault> {
    let (mut rest, header) = parse_pcap_header(bytes).map_err(|e| match e {
        Err::Incomplete(needed) => Fault::Cut { missing: missing(needed) },
        _ => Fault::Magic(bytes.iter().take(4).copied().collect()),
    })?;
    check(&header)?;
    let parse = if header.is_bigendian() { parse_pcap_frame_be } else { parse_pcap_frame };
    let tick_ns = if header.is_nanosecond_precision() { 1 } else { 1000 };
    while !rest.is_empty() {
        records.at(bytes.offset(rest), true);
        let (behind, frame) = one(parse, rest)?;
        // a fraction of a second or more is no fault: it carries
        let time_ns = u64::from(frame.ts_sec) * SECOND_NS + u64::from(frame.ts_usec) * tick_ns;
        records.push(time_ns, bytes.offset(frame.data), frame.caplen, frame.origlen)?;
        rest = behind;
    }
    Ok(())
}

fn check(header: &PcapHeader) -> Result<(), Fault> {
    let (major, minor) = (header.version_major, header.version_minor);
    if (major, minor) != (2, 4) {
        return Err(Fault::Version { format: "pcap", major, minor, known: "2.4" });
    }
    let network = header.network.0.cast_unsigned();
    if network & LINK_TYPE_BITS != Linktype::ETHERNET.0.cast_unsigned() {
        return Err(Fault::LinkType(network & LINK_TYPE_BITS));
    }
    if network & !LINK_TYPE_BITS != 0 { Err(Fault::FrameCheckSequence) } else { Ok(()) }
}

/// What a parser that wanted more bytes than there are says.
fn missing(needed: Needed) -> usize {
    match needed {
        Needed::Size(n) => n.get(),
        Needed::Unknown => 1,
    }
}

type Parse = for<'a> fn(&'a [u8]) -> IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>;

fn one(parse: Parse, rest: &[u8]) -> Result<(&[u8], LegacyPcapBlock<'_>), Fault> {
    parse(rest).map_err(|e| {
        let missing = match e {
            Err::Incomplete(needed) => missing(needed),
            _ => 1,
        };
        // the record's header is whole: its captured length is known
        let captured = (rest.len() + missing).saturating_sub(RECORD_HEADER_LEN);
        if rest.len() >= RECORD_HEADER_LEN && captured > FRAME_LEN_MAX {
            Fault::FrameLength(captured)
        } else {
            Fault::Cut { missing }
        }
    })
}
