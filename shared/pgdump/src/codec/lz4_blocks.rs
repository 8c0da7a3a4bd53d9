//! LZ4 as pg_dump writes it, block by block, so that decoding can stop between any two of them.
//!
//! pg_dump leaves every option of its frames but the compression level at liblz4's default: blocks of 64 KiB, linked, without
//! checksums and without the size of the content. So all its frames begin with the same seven bytes.

use std::io::{self, BufRead, ErrorKind, Read};

use lz4_flex::block::decompress_into_with_dict;

use super::Sink;
use super::continued::{Until, Window};

/// Magic number, flags, size of blocks, and the checksum of both.
pub(super) const HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0];

/// What a block can refer to before itself.
pub(super) const WINDOW: usize = 64 << 10;

/// The most bytes of a block, compressed or not.
pub(super) const BLOCK: usize = 64 << 10;

/// Says that a block is not compressed.
const UNCOMPRESSED: u32 = 1 << 31;

/// The first bytes of a frame, as many as pg_dump's header has; fewer where there are no more.
pub(super) fn header(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut header = Vec::with_capacity(HEADER.len());
    reader.take(HEADER.len() as u64).read_to_end(&mut header)?;
    Ok(header)
}

/// Decodes from behind the header, or between two blocks, to the end of the frame; or until it is time to stop, where the bytes are that
/// the next block can refer to. Where the input ends between two blocks this ends, too: whoever asked sees that.
pub(super) fn decode(
    window: Window,
    reader: &mut impl BufRead,
    sink: &mut Sink<'_>,
    until: Until<'_>,
) -> io::Result<Option<Window>> {
    let mut window = window.0;
    let (mut source, mut output) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let mut head = [0; 4];
        match reader.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let head = u32::from_le_bytes(head);
        if head == 0 {
            return Ok(None);
        }
        let length = (head & !UNCOMPRESSED) as usize;
        let Some(source) = source.get_mut(..length) else { return Err(ErrorKind::InvalidData.into()) };
        reader.read_exact(source)?;
        let decoded = if head & UNCOMPRESSED != 0 {
            &*source
        } else {
            let length = decompress_into_with_dict(source, &mut output, &window);
            &output[..length.map_err(|_| ErrorKind::InvalidData)?]
        };
        if decoded.is_empty() {
            // The decoder of whole frames takes it for the end, too.
            return Ok(None);
        }
        sink.push(decoded)?;
        keep(&mut window, decoded);
        if until.reached(sink.seen) {
            return Ok(Some(Window(window)));
        }
    }
}

/// Moves the window on.
fn keep(window: &mut Vec<u8>, decoded: &[u8]) {
    let excess = (window.len() + decoded.len()).saturating_sub(WINDOW);
    window.drain(..excess.min(window.len()));
    window.extend_from_slice(decoded);
}
