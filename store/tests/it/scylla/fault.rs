//! What may befall a statement, and the frames of CQL's protocol, version 4, that it takes to do so.

/// What befalls a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    /// An error is answered, and the node was never asked.
    Refused(Error),
    /// The node does it, and an error is answered.
    Misreported(Error),
    /// It never arrives.
    Lost,
    /// The node does it, and its answer never arrives.
    Unanswered,
    /// It arrives when nobody waits for it any more, and is done then.
    Late,
    /// The connection closes before it arrives.
    Closed,
    /// The node does it, and the connection closes instead of the answer.
    ClosedAfter,
}

/// An error of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Error {
    Server,
    Unavailable,
    Overloaded,
    IsBootstrapping,
    WriteTimeout,
    ReadTimeout,
    /// The node has forgotten what was prepared.
    Unprepared,
}

impl Fault {
    /// Every error, before the node is asked and after.
    pub(super) fn errors() -> Vec<Self> {
        let errors = [
            Error::Server,
            Error::Unavailable,
            Error::Overloaded,
            Error::IsBootstrapping,
            Error::WriteTimeout,
            Error::ReadTimeout,
            Error::Unprepared,
        ];
        errors.iter().flat_map(|error| [Self::Refused(*error), Self::Misreported(*error)]).collect()
    }

    /// True where the driver itself cures it: it prepares again and repeats.
    pub(super) fn is_cured(self) -> bool {
        matches!(self, Self::Refused(Error::Unprepared) | Self::Misreported(Error::Unprepared))
    }
}

/// A frame of either direction.
pub(super) struct Frame {
    pub(super) head: [u8; Frame::HEAD],
    pub(super) body: Vec<u8>,
}

impl Frame {
    /// Version, flags, stream (2), kind, length of the body (4).
    pub(super) const HEAD: usize = 9;

    pub(super) fn body_bytes(head: &[u8; Self::HEAD]) -> usize {
        u32::from_be_bytes([head[5], head[6], head[7], head[8]]) as usize
    }

    pub(super) fn stream(&self) -> [u8; 2] {
        [self.head[2], self.head[3]]
    }

    /// EXECUTE or BATCH.
    pub(super) fn is_statement(&self) -> bool {
        matches!(self.head[4], EXECUTE | BATCH)
    }

    pub(super) fn is_prepare(&self) -> bool {
        self.head[4] == PREPARE
    }

    pub(super) fn is_register(&self) -> bool {
        self.head[4] == REGISTER
    }

    /// What a request is of, as it stands in it: a length and the name that the node gave to the statement. Of a
    /// batch, its first.
    pub(super) fn prepared(&self) -> Vec<u8> {
        // A batch: its kind, its count of two bytes, and that the first is prepared.
        let from = if self.head[4] == BATCH { 4 } else { 0 };
        let length = usize::from(u16::from_be_bytes([self.body[from], self.body[from + 1]]));
        self.body[from..from + 2 + length].to_vec()
    }

    /// The answer with an error; `prepared` is of the request.
    pub(super) fn error(stream: [u8; 2], error: Error, prepared: &[u8]) -> Self {
        const QUORUM_OF_A_DATACENTRE: [u8; 2] = [0, 6];
        let (needs_2_has_1, has_1_of_2) = ([0, 0, 0, 2, 0, 0, 0, 1], [0, 0, 0, 1, 0, 0, 0, 2]);
        let (code, more): (u32, Vec<u8>) = match error {
            Error::Server => (0x0000, Vec::new()),
            Error::Unavailable => (0x1000, [&QUORUM_OF_A_DATACENTRE[..], &needs_2_has_1].concat()),
            Error::Overloaded => (0x1001, Vec::new()),
            Error::IsBootstrapping => (0x1002, Vec::new()),
            Error::WriteTimeout => (0x1100, [&QUORUM_OF_A_DATACENTRE[..], &has_1_of_2, &text("SIMPLE")].concat()),
            Error::ReadTimeout => (0x1200, [&QUORUM_OF_A_DATACENTRE[..], &has_1_of_2, &[0]].concat()),
            Error::Unprepared => (0x2500, prepared.to_vec()),
        };
        let body = [&code.to_be_bytes()[..], &text("forged"), &more].concat();
        let length = (body.len() as u32).to_be_bytes();
        let [first, second] = stream;
        let head = [ANSWER, 0, first, second, ERROR, length[0], length[1], length[2], length[3]];
        Self { head, body }
    }
}

const ANSWER: u8 = 0x84;
const ERROR: u8 = 0x00;
const PREPARE: u8 = 0x09;
const EXECUTE: u8 = 0x0A;
const REGISTER: u8 = 0x0B;
const BATCH: u8 = 0x0D;

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}
