//! Stands between clients and a broker, and can swallow what producers send.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp},
};

/// The number of a `Produce` request.
const PRODUCE: i16 = 0;

pub(super) struct Relay {
    listener: TcpListener,
    pub(super) port: u16,
    pub(super) swallows: Arc<AtomicBool>,
}

impl Relay {
    pub(super) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port, swallows: Arc::default() }
    }

    /// Passes everything on to the broker at `address` and back, until the test ends.
    pub(super) fn run(self, address: String) {
        tokio::spawn(async move {
            while let Ok((client, _)) = self.listener.accept().await {
                let Ok(broker) = TcpStream::connect(&address).await else { continue };
                let ((from_client, mut to_client), (mut from_broker, to_broker)) =
                    (client.into_split(), broker.into_split());
                let swallows = Arc::clone(&self.swallows);
                // Each ends with its connection, which either side may close.
                tokio::spawn(async move { requests(from_client, to_broker, &swallows).await });
                tokio::spawn(async move { tokio::io::copy(&mut from_broker, &mut to_client).await });
            }
        });
    }
}

/// A request is its length and then its bytes, which begin with the number of what is asked.
async fn requests(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    swallows: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let length = from.read_u32().await?;
        let mut request = vec![0; length as usize];
        from.read_exact(&mut request).await?;
        let produces = request.starts_with(&PRODUCE.to_be_bytes());
        if !(produces && swallows.load(Ordering::Acquire)) {
            to.write_u32(length).await?;
            to.write_all(&request).await?;
        }
    }
}
