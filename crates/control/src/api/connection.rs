//! Serving connections: how many at once, and each of them from its first request to its last.

use super::problem::Kind;
use super::wire::Wire;
use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections of one listener at once. Each listener has its own: a network can't shut out who sits at the machine.
pub(super) const CONNECTIONS: usize = 128;

/// Connections that are being told at once that there are too many; the rest is closed without a word.
const REFUSALS: usize = 16;

/// How long a request line and its header may take to arrive; so long, too, a connection may wait for its next request.
const HEADER_ARRIVAL: Duration = Duration::from_secs(10);

/// Longest request line and header together, in bytes, that are read at all.
const HEAD_BYTES: usize = 64 << 10;

/// Serves all who come, for ever.
pub(super) async fn serve_all<L: Listener>(mut listener: L, router: Router) {
    let (seats, refusals) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::new(Semaphore::new(REFUSALS)));
    loop {
        let (stream, _) = listener.accept().await;
        let wire = Wire::new(stream);
        if let Ok(seat) = Arc::clone(&seats).try_acquire_owned() {
            tokio::spawn(serve(wire, router.clone(), seat));
        } else if let Ok(refusal) = Arc::clone(&refusals).try_acquire_owned() {
            tokio::spawn(async move {
                wire.refuse(&Kind::Unavailable.because("too many connections")).await;
                drop(refusal);
            });
        }
    }
}

/// Serves one connection, as long as it has its seat.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut wire: Wire<S>,
    router: Router,
    _seat: OwnedSemaphorePermit,
) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_ARRIVAL)
        .max_buf_size(HEAD_BYTES)
        // the wire sees a head without a body in one piece
        .writev(false)
        .serve_connection(TokioIo::new(&mut wire), TowerToHyperService::new(router))
        .await;
    match served {
        Err(error) if error.is_timeout() && wire.is_asking() => {
            let seconds = HEADER_ARRIVAL.as_secs();
            wire.refuse(&Kind::Slow.because(format!("the header was not whole within {seconds} seconds")))
                .await;
        }
        // whatever else is wrong with a connection ends it alone
        _ => wire.linger().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    /// A connection whose buffers hold `bytes`, and who serves it.
    fn connected(bytes: usize) -> (DuplexStream, JoinHandle<()>) {
        let big = || async { vec![b'x'; 1 << 20] };
        let router = Router::new().route("/", get(|| async { "well" })).route("/big", get(big));
        let (ours, theirs) = duplex(bytes);
        let seats = Arc::new(Semaphore::new(1));
        let served = serve(Wire::new(theirs), router, seats.try_acquire_owned().unwrap());
        (ours, tokio::spawn(served))
    }

    async fn answered(sent: &[u8]) -> String {
        let (mut stream, served) = connected(1 << 20);
        stream.write_all(sent).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        served.await.unwrap();
        answer
    }

    fn is_problem(answer: &str, status: u16, word: &str) -> bool {
        answer.starts_with(&format!("HTTP/1.1 {status} "))
            && answer.contains("content-type: application/problem+json")
            && answer.contains(&format!("\"type\":\"urn:evenkeel:problem:{word}\",\"title\":"))
            && answer.ends_with('}')
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_request_is_refused_with_a_problem_document() {
        let long = |bytes: usize| "x".repeat(bytes);
        for (sent, status, word) in [
            ("\0\u{1}\u{2}\r\n\r\n".to_owned(), 400, "malformed"),
            ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), 400, "malformed"),
            ("GET / HTTP/3.0\r\n\r\n".to_owned(), 400, "malformed"),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400, "malformed"),
            ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(), 400, "malformed"),
            (format!("GET /{} HTTP/1.1\r\n\r\n", long(100_000)), 414, "path-too-long"),
            (format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", long(500_000)), 431, "header-too-large"),
            (format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1000)), 431, "header-too-large"),
            ("GET / HTTP/1.1\r\nHost: x".to_owned(), 408, "slow"),
        ] {
            let answer = answered(sent.as_bytes()).await;
            assert!(is_problem(&answer, status, word), "{sent:.60?}: {answer:.600}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_after_an_answer_is_one_too() {
        let (mut stream, _served) = connected(1 << 20);
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = [0; 1000];
        let len = stream.read(&mut answer).await.unwrap();
        assert!(answer[..len].ends_with(b"well"));
        stream.write_all(b"\0\r\n\r\n").await.unwrap();
        let mut refused = String::new();
        stream.read_to_string(&mut refused).await.unwrap();
        assert!(is_problem(&refused, 400, "malformed"), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends_without_a_word() {
        for sent in ["", "GET / HTTP/1.1\r\n\r\n"] {
            let answer = answered(sent.as_bytes()).await;
            assert!(answer.is_empty() || answer.ends_with("well"), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_loses_its_connection() {
        let (mut stream, served) = connected(1 << 10);
        stream.write_all(b"GET /big HTTP/1.1\r\n\r\n").await.unwrap();
        let begun = tokio::time::Instant::now();
        served.await.unwrap();
        let seconds = begun.elapsed().as_secs();
        assert!((30..40).contains(&seconds), "after {seconds} s");
        drop(stream);
    }
}
