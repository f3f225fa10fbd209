//! Packed bodies: unpacked step by step, so that no body holds more than its part of the budget or than its limit.

use std::io::{self, Cursor, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use hyper::StatusCode;

use super::body::{Received, overloaded, too_large};
use crate::{cores::Cores, problem::Refusal};

/// Room for what comes out, at first.
const STEP_BYTES: usize = 64 << 10;
/// The window that every zstd decoder supports (RFC 8878, section 3.1.1.1.2): 8 MiB. A frame may ask for gigabytes.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    /// What the decoder itself holds at most.
    fn scratch_bytes(self) -> usize {
        match self {
            Coding::Gzip => 64 << 10,
            Coding::Zstd => (1 << ZSTD_WINDOW_LOG) + (512 << 10),
        }
    }
}

/// Unpacks a body to at most `max` bytes. It waits for the budget between steps only, never with a core in hand.
pub(super) async fn inflate(coding: Coding, packed: Received, max: usize, cores: &Cores) -> Result<Received, Refusal> {
    let Received { bytes: packed, mut held } = packed;
    let around = packed.len().saturating_add(coding.scratch_bytes());
    // One byte more than allowed tells a body that fits from one that does not.
    let most = max.saturating_add(1);
    let mut room = packed.len().saturating_mul(4).max(STEP_BYTES).min(most);
    let mut stream = Stream::open(coding, packed).map_err(broken)?;
    let unpacked = loop {
        held.resize(around.saturating_add(room)).await.map_err(overloaded)?;
        match cores.run(room, move || stream.fill(room)).await?.map_err(broken)? {
            Step::Ended(unpacked) => break unpacked,
            Step::Full(rest) => stream = rest,
        }
        if room == most {
            return Err(too_large(max));
        }
        room = room.saturating_mul(2).min(most);
    };
    held.resize(unpacked.capacity()).await.map_err(overloaded)?;
    if unpacked.len() > max {
        return Err(too_large(max));
    }
    Ok(Received { bytes: unpacked.into(), held })
}

/// A body half unpacked.
struct Stream {
    packed: Box<dyn Read + Send>,
    unpacked: Vec<u8>,
}

enum Step {
    Ended(Vec<u8>),
    Full(Stream),
}

impl Stream {
    fn open(coding: Coding, packed: Bytes) -> io::Result<Self> {
        let packed = Cursor::new(packed);
        let packed: Box<dyn Read + Send> = match coding {
            Coding::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Coding::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        };
        Ok(Self { packed, unpacked: Vec::new() })
    }

    /// Goes on until the end, or until `room` bytes are there in all.
    fn fill(mut self, room: usize) -> io::Result<Step> {
        let free = room.saturating_sub(self.unpacked.len());
        self.unpacked.reserve_exact(free);
        let read = (&mut self.packed).take(free as u64).read_to_end(&mut self.unpacked)?;
        Ok(if read < free { Step::Ended(self.unpacked) } else { Step::Full(self) })
    }
}

fn broken(error: io::Error) -> Refusal {
    let detail = if error.kind() == io::ErrorKind::UnexpectedEof {
        "the packed body ends too early; send it whole"
    } else {
        "the body is not packed as its Content-Encoding says, or something follows its end (zstd: windows up to 8 MiB)"
    };
    tracing::debug!(error = &error as &dyn std::error::Error, "a body could not be unpacked");
    Refusal::new(StatusCode::BAD_REQUEST, "content-encoding-broken", detail)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    use super::*;
    use crate::budget::Budget;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    async fn unpack(coding: Coding, packed: Vec<u8>, max: usize) -> Result<Bytes, (u16, &'static str)> {
        let budget = Budget::new(32 << 20, Duration::from_secs(1));
        let received = Received { bytes: packed.into(), held: budget.hold() };
        let unpacked = inflate(coding, received, max, &Cores::new()).await;
        unpacked.map(|received| received.bytes).map_err(|refusal| (refusal.problem().status, refusal.problem().code))
    }

    #[tokio::test]
    async fn what_was_packed_comes_out_up_to_the_limit_and_not_a_byte_more() {
        for len in [0, 1, STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 999_999, 1_000_000] {
            let body = vec![b'x'; len];
            for (coding, packed) in [(Coding::Gzip, gzip(&body)), (Coding::Zstd, zstd(&body))] {
                assert_eq!(unpack(coding, packed.clone(), 1_000_000).await.unwrap(), body, "{coding:?} {len}");
                if len > 0 {
                    let over = unpack(coding, packed, len - 1).await;
                    assert_eq!(over, Err((413, "body-too-large")), "{coding:?} {len}");
                }
            }
        }
    }

    #[tokio::test]
    async fn members_may_follow_one_another_but_nothing_else_may() {
        for (coding, pack) in [(Coding::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Coding::Zstd, zstd)] {
            let packed = pack(b"one");
            let twice = [packed.clone(), packed.clone()].concat();
            assert_eq!(unpack(coding, twice, 99).await.unwrap(), "oneone");
            let broken = Err((400, "content-encoding-broken"));
            let mut damaged = packed.clone();
            damaged[0] ^= 1;
            for bad in [packed[..packed.len() - 1].to_vec(), [&packed[..], b"rest"].concat(), damaged] {
                assert_eq!(unpack(coding, bad, 99).await, broken, "{coding:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_frame_that_asks_for_a_huge_window_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        // The size is not declared, so the window is what the frame asks for.
        encoder.write_all(&[b'x'; 4096]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(unpack(Coding::Zstd, packed, 1 << 20).await, Err((400, "content-encoding-broken")));
    }

    #[tokio::test]
    async fn what_is_held_covers_what_came_out_and_nothing_is_kept_after() {
        let budget = Budget::new(32 << 20, Duration::from_millis(10));
        let received = Received { bytes: gzip(&[b'x'; 1 << 20]).into(), held: budget.hold() };
        let received = inflate(Coding::Gzip, received, 8 << 20, &Cores::new()).await.unwrap();
        let mut rest = budget.hold();
        assert!(rest.resize(31 << 20).await.is_err(), "the body holds its part");
        drop(received);
        rest.resize(32 << 20).await.unwrap();
    }
}
