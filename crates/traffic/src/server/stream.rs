//! TCP connections of the server.

use super::{Role, name_over};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

/// Taken at once from a connection.
const CHUNK_LEN_BYTES: usize = 4096;

/// After an error of `accept` (a connection that has gone, no memory) so long nothing is accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// One permit for each connection that may be held.
pub(super) fn places(capacity: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(capacity.min(Semaphore::MAX_PERMITS)))
}

/// Accepts for ever; who comes when all places are taken waits in the kernel's backlog.
pub(super) async fn serve(listener: TcpListener, role: Role, host: Arc<str>, places: Arc<Semaphore>) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let host = host.clone();
                tokio::spawn(async move {
                    // A client that goes is no event here; it counts its own losses.
                    let _ = answer(stream, role, &host).await;
                    drop(place);
                });
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn answer(mut stream: TcpStream, role: Role, host: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut chunk = [0; CHUNK_LEN_BYTES];
    let mut echoed = 0;
    if role == Role::Names {
        stream.write_all(host.as_bytes()).await?;
    }
    loop {
        let len = stream.read(&mut chunk).await?;
        let Some(bytes) = chunk.get_mut(..len).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        match role {
            Role::Names => stream.write_all(host.as_bytes()).await?,
            Role::Echo => {
                name_over(bytes, echoed, host);
                stream.write_all(bytes).await?;
            }
        }
        echoed = echoed.saturating_add(len);
    }
}
