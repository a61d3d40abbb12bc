//! pcapng: sections of blocks. Interfaces say how the times of their frames are to be read.
//!
//! Enhanced, simple and obsolete packet blocks hold frames; every other block is passed over. A simple packet block
//! has no time and takes that of the record before it in the file; those before the first record with a time take
//! its time, and if there is none, all are of 1970.
//!
//! Source: draft-ietf-opsawg-pcapng. The library's reading of `if_tsresol` and `if_tsoffset` isn't used: it refuses
//! powers of 2, and takes the offset as little endian in every section.

use super::{Fault, Records, SECOND_NS};
use pcap_parser::nom::{Err, IResult, Offset};
use pcap_parser::{EPB_MAGIC, IDB_MAGIC, SHB_MAGIC, SPB_MAGIC};
use pcap_parser::{
    EnhancedPacketBlock, InterfaceDescriptionBlock, Linktype, OptionCode, PcapError, PcapNGOption,
    UnknownBlock,
};
use pcap_parser::{
    parse_enhancedpacketblock_be, parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_sectionheaderblock, parse_unknownblock_be,
    parse_unknownblock_le,
};

/// Type of the obsolete packet block, which the library doesn't know.
const OPB_MAGIC: u32 = 2;
/// Option `if_fcslen` of an interface.
const IF_FCSLEN: OptionCode = OptionCode(13);
/// Option `epb_flags`, and in it the length of the frame check sequence.
const EPB_FLAGS: OptionCode = OptionCode(2);
const EPB_FLAGS_FCS: u32 = 0x1e0;

/// Reads all records of a file that starts with a section header.
pub(super) fn read(bytes: &[u8], records: &mut Records) -> Result<(), Fault> {
    let mut section = Section { big_endian: false, interfaces: Vec::new() };
    let mut clock = Clock::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        let offset = bytes.offset(rest);
        records.at(offset, false);
        if rest.starts_with(&SHB_MAGIC.to_le_bytes()) {
            section = Section { big_endian: is_big_endian(rest)?, interfaces: Vec::new() };
        }
        let kind = section.word(rest, 0);
        records.at(offset, matches!(kind, EPB_MAGIC | OPB_MAGIC | SPB_MAGIC));
        let block = section.block(rest)?;
        let (this, behind) = rest.split_at(block.block_len1 as usize);
        rest = behind;
        match kind {
            SHB_MAGIC => check_version(this)?,
            IDB_MAGIC => section.interfaces.push(section.interface(this)?),
            _ => {
                let Some(frame) = section.frame(this, &block, kind)? else { continue };
                let time_ns = clock.time(frame.time_ns, &mut records.list);
                records.push(time_ns, bytes.offset(frame.data), frame.captured, frame.original)?;
            }
        }
    }
    Ok(())
}

/// Byte order of the section whose header is at the front of `rest`.
fn is_big_endian(rest: &[u8]) -> Result<bool, Fault> {
    match rest.get(8..12) {
        Some([0x1a, 0x2b, 0x3c, 0x4d]) => Ok(true),
        Some([0x4d, 0x3c, 0x2b, 0x1a]) => Ok(false),
        Some(_) => Err(Fault::ByteOrder),
        None => Err(Fault::Cut { missing: 28 - rest.len() }),
    }
}

/// Versions 1.0 and 1.2 are the same format.
fn check_version(block: &[u8]) -> Result<(), Fault> {
    let (_, header) = whole(block, SHB_MAGIC, parse_sectionheaderblock)?;
    match (header.major_version, header.minor_version) {
        (1, _) => Ok(()),
        (major, minor) => Err(Fault::Version { format: "pcapng", major, minor, known: "1.0" }),
    }
}

/// Gives times to records without one.
#[derive(Debug, Default)]
struct Clock {
    last_ns: Option<u64>,
}

impl Clock {
    /// The time of the next record, if it has one of its own; the first one found is given to `earlier` ones too.
    fn time(&mut self, own_ns: Option<u64>, earlier: &mut [super::Record]) -> u64 {
        if let (None, Some(first_ns)) = (self.last_ns, own_ns) {
            earlier.iter_mut().for_each(|record| record.time_ns = first_ns);
        }
        self.last_ns = own_ns.or(self.last_ns);
        self.last_ns.unwrap_or(0)
    }
}

/// What a section has said so far.
#[derive(Debug)]
struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

/// What an interface says about its frames.
#[derive(Debug)]
struct Interface {
    link_type: u32,
    /// Longest captured length, in bytes; 0 is no limit.
    snaplen: u32,
    /// `if_tsresol`.
    resolution: u8,
    /// `if_tsoffset`, in seconds.
    offset_s: i64,
    fcs: bool,
}

/// A frame in a packet block.
#[derive(Debug)]
struct Frame<'a> {
    time_ns: Option<u64>,
    /// Starts with the captured bytes.
    data: &'a [u8],
    captured: u32,
    original: u32,
}

impl Section {
    /// The block at the front of `rest`, as far as all blocks are alike.
    fn block<'a>(&self, rest: &'a [u8]) -> Result<UnknownBlock<'a>, Fault> {
        let parse = if self.big_endian { parse_unknownblock_be } else { parse_unknownblock_le };
        let (kind, length) = (self.word(rest, 0), self.word(rest, 4));
        let (_, block) = parse(rest).map_err(|e| match e {
            Err::Incomplete(_) => Fault::Cut { missing: (length as usize).max(12) - rest.len() },
            _ => Fault::BlockLength { kind, length },
        })?;
        if length % 4 != 0 {
            return Err(Fault::BlockLength { kind, length });
        }
        if block.block_len1 != block.block_len2 {
            return Err(Fault::BlockLengths { front: block.block_len1, back: block.block_len2 });
        }
        Ok(block)
    }

    /// The number at `offset`; 0 if it isn't there.
    fn word(&self, bytes: &[u8], offset: usize) -> u32 {
        let word = bytes.get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    }

    fn interface(&self, this: &[u8]) -> Result<Interface, Fault> {
        let parse = if self.big_endian {
            parse_interfacedescriptionblock_be
        } else {
            parse_interfacedescriptionblock_le
        };
        let (_, description): (_, InterfaceDescriptionBlock<'_>) = whole(this, IDB_MAGIC, parse)?;
        let options = &description.options;
        let resolution = option(options, OptionCode::IfTsresol, "if_tsresol")?.map_or(6, |[power]| power);
        let fcs = option(options, IF_FCSLEN, "if_fcslen")?.is_some_and(|[len]| len != 0);
        let offset_s = option(options, OptionCode::IfTsoffset, "if_tsoffset")?.map_or(0, |offset| {
            if self.big_endian { i64::from_be_bytes(offset) } else { i64::from_le_bytes(offset) }
        });
        let link_type = description.linktype.0.cast_unsigned();
        Ok(Interface { link_type, snaplen: description.snaplen, resolution, offset_s, fcs })
    }

    /// The frame in a block of this kind, if it is one that holds a frame.
    fn frame<'a>(
        &self,
        this: &'a [u8],
        block: &UnknownBlock<'a>,
        kind: u32,
    ) -> Result<Option<Frame<'a>>, Fault> {
        match kind {
            EPB_MAGIC => self.enhanced(this).map(Some),
            OPB_MAGIC => self.obsolete(block).map(Some),
            SPB_MAGIC => self.simple(block).map(Some),
            _ => Ok(None),
        }
    }

    fn enhanced<'a>(&self, this: &'a [u8]) -> Result<Frame<'a>, Fault> {
        let parse = if self.big_endian { parse_enhancedpacketblock_be } else { parse_enhancedpacketblock_le };
        let (_, packet): (_, EnhancedPacketBlock<'a>) = whole(this, EPB_MAGIC, parse)?;
        let flags = option::<4>(&packet.options, EPB_FLAGS, "epb_flags")?;
        if flags.is_some_and(|flags| self.word(&flags, 0) & EPB_FLAGS_FCS != 0) {
            return Err(Fault::FrameCheckSequence);
        }
        let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
        let time_ns = Some(self.described(packet.if_id)?.time_ns(ticks)?);
        Ok(Frame { time_ns, data: packet.data, captured: packet.caplen, original: packet.origlen })
    }

    /// Interface and drop count (16 bits each), time (high, low), captured and original length, frame.
    fn obsolete<'a>(&self, block: &UnknownBlock<'a>) -> Result<Frame<'a>, Fault> {
        let (captured, original) = (self.word(block.data, 12), self.word(block.data, 16));
        let data = block.data.get(20..).filter(|data| data.len() >= captured as usize);
        let data = data.ok_or(Fault::BlockLength { kind: OPB_MAGIC, length: block.block_len1 })?;
        let both = self.word(block.data, 0);
        let id = if self.big_endian { both >> 16 } else { both & 0xffff };
        let ticks = u64::from(self.word(block.data, 4)) << 32 | u64::from(self.word(block.data, 8));
        let time_ns = Some(self.described(id)?.time_ns(ticks)?);
        Ok(Frame { time_ns, data, captured, original })
    }

    /// Original length, frame; of the section's first interface, whose snaplen says how much was captured.
    fn simple<'a>(&self, block: &UnknownBlock<'a>) -> Result<Frame<'a>, Fault> {
        let length = Fault::BlockLength { kind: SPB_MAGIC, length: block.block_len1 };
        let data = block.data.get(4..).ok_or(length.clone())?;
        let original = self.word(block.data, 0);
        let captured = match self.described(0)?.snaplen {
            0 => original,
            snaplen => original.min(snaplen),
        };
        let data = Some(data).filter(|data| data.len() >= captured as usize).ok_or(length)?;
        Ok(Frame { time_ns: None, data, captured, original })
    }

    /// The interface `id`, if its frames can be replayed.
    fn described(&self, id: u32) -> Result<&Interface, Fault> {
        let described = self.interfaces.len();
        let interface = self.interfaces.get(id as usize).ok_or(Fault::Interface { id, described })?;
        match interface {
            Interface { fcs: true, .. } => Err(Fault::FrameCheckSequence),
            Interface { link_type, .. } if *link_type != Linktype::ETHERNET.0.cast_unsigned() => {
                Err(Fault::LinkType(*link_type))
            }
            _ => Ok(interface),
        }
    }
}

impl Interface {
    /// A time of this interface in nanoseconds since 1970; what is below a nanosecond is cut off.
    fn time_ns(&self, ticks: u64) -> Result<u64, Fault> {
        let power = u32::from(self.resolution & 0x7f);
        let per_second =
            if self.resolution & 0x80 == 0 { 10u128.checked_pow(power) } else { Some(1 << power) };
        let per_second = per_second.ok_or(Fault::Resolution(self.resolution))?;
        let since_offset_ns = u128::from(ticks) * u128::from(SECOND_NS) / per_second;
        let time_ns = i128::try_from(since_offset_ns).map_err(|_| Fault::Time)?
            + i128::from(self.offset_s) * i128::from(SECOND_NS);
        u64::try_from(time_ns).map_err(|_| Fault::Time)
    }
}

/// Parses a block that is known to be there as a whole: what its parser misses is missing in the block.
fn whole<'a, T>(
    block: &'a [u8],
    kind: u32,
    parse: impl Fn(&'a [u8]) -> IResult<&'a [u8], T, PcapError<&'a [u8]>>,
) -> Result<(&'a [u8], T), Fault> {
    parse(block).map_err(|_| Fault::BlockLength { kind, length: block.len().try_into().unwrap_or(u32::MAX) })
}

/// The value of the first option with this code, of exactly `N` bytes.
fn option<const N: usize>(
    options: &[PcapNGOption<'_>],
    code: OptionCode,
    name: &'static str,
) -> Result<Option<[u8; N]>, Fault> {
    let mut until_end = options.iter().take_while(|option| option.code != OptionCode::EndOfOpt);
    let Some(option) = until_end.find(|option| option.code == code) else { return Ok(None) };
    let length = usize::from(option.len);
    let wrong = Fault::OptionLength { name, length, allowed: N };
    let exact = option.value().get(..length).and_then(|value| value.try_into().ok());
    exact.map(Some).ok_or(wrong)
}
