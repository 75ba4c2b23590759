//! Takes the encoder's padding out of the Huffman data of a frame, where strict decoders trip over it.
//! The encoder fills a frame by lengthening its Huffman data with ones; where those are no whole code words, decoders
//! that judge (those of browsers among them) refuse the frame. Declared shorter, the ones are ancillary data, which
//! everybody skips.

use shine_rs::ShineGlobalConfig;
use shine_rs::quantization::{count_bit, count1_bitcount};

use super::frame::Frame;

/// Bits of scale factors and Huffman data that the encoder's last frame really has.
pub(super) fn main_data_bits(encoder: &ShineGlobalConfig) -> u16 {
    let mut info = encoder.side_info.gr[0].ch[0].tt.clone();
    let mut values = encoder.l3_enc[0][0];
    for value in &mut values {
        // Signs have been put back for writing; lengths are of magnitudes.
        *value = value.abs();
    }
    let big_values_end = info.big_values * 2;
    let regions = [(0, info.address1), (info.address1, info.address2), (info.address2, info.address3)];
    let big_values: i32 = regions
        .into_iter()
        .zip(info.table_select)
        .map(|((from, to), table)| count_bit(&values, from, to.min(big_values_end), table))
        .sum();
    let bits = i64::from(info.part2_length) + i64::from(big_values + count1_bitcount(&values, &mut info));
    u16::try_from(bits).unwrap_or(u16::MAX)
}

/// Declares `bits` as the length of a frame's main data, if that is shorter than what stands there.
pub(super) fn declare(frame: &mut [u8], bits: u16) {
    let Ok(read) = Frame::read(frame) else { return };
    // MPEG-2 mono (ISO 13818-3 section 2.4.1.7): 8 bits main_data_begin, 1 private bit, then 12 bits of length.
    let Some([high, low]) = frame.get_mut(read.side_at + 1..read.side_at + 3) else { return };
    let declared = (u16::from(*high & 0x7f) << 5) | (u16::from(*low) >> 3);
    if bits < declared {
        let [upper, lower] = (bits << 3).to_be_bytes();
        *high = (*high & 0x80) | upper;
        *low = (*low & 0x07) | lower;
    }
}
