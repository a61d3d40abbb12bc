//! One connection's bytes: a reader that has stopped ends it, and what the HTTP library refuses by itself is refused as all
//! else is, with a problem document.

use super::MEDIA_TYPE_PROBLEM;
use super::problem::{Failed, Kind};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};

/// How long the peer may take nothing of what is written to it.
const STALL: Duration = Duration::from_secs(30);

/// How long what is still being sent is read and dropped at the end, and how much of it: who sends would else see a
/// reset in place of the answer (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 1 << 20;

/// A connection.
pub(super) struct Wire<S> {
    stream: S,
    /// Until when the peer may take nothing; none while it takes.
    stalled: Option<Pin<Box<Sleep>>>,
    /// An answer in place of the one that is being written, and how much of it is written.
    instead: Option<(Vec<u8>, usize)>,
    /// True if something has come since the last answer.
    is_asking: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, stalled: None, instead: None, is_asking: false }
    }

    /// True if a request has begun to come and was not answered.
    pub(super) fn is_asking(&self) -> bool {
        self.is_asking
    }

    /// Answers outside of any request and ends the connection, so that the peer sees the answer.
    pub(super) async fn refuse(mut self, failed: &Failed) {
        // who has gone needs no answer
        let _ = timeout(LINGER, self.stream.write_all(&written(failed))).await;
        self.linger().await;
    }

    /// Ends the connection.
    pub(super) async fn linger(mut self) {
        let _ = self.stream.shutdown().await;
        let mut rest = (&mut self.stream).take(LINGER_BYTES);
        let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    /// What comes of a write, unless the peer has taken nothing for too long.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = write(Pin::new(&mut self.stream), cx) {
            self.stalled = None;
            return Poll::Ready(done);
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        self.is_asking |= into.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_asking = false;
        let Some((mut answer, mut sent)) = self.instead.take().or_else(|| Some((instead_of(bytes)?, 0)))
        else {
            return self.unless_stalled(cx, |stream, cx| stream.poll_write(cx, bytes));
        };
        while sent < answer.len() {
            match self.unless_stalled(cx, |stream, cx| stream.poll_write(cx, answer.split_at(sent).1)) {
                Poll::Ready(written) => sent += written?,
                Poll::Pending => {
                    self.instead = Some((std::mem::take(&mut answer), sent));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_stalled(cx, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_stalled(cx, AsyncWrite::poll_shutdown)
    }
}

/// What to write in place of a refusal without a body: only hyper writes those, to what it can't read as a request.
fn instead_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    let head = std::str::from_utf8(head).ok()?.strip_prefix("HTTP/1.1 4")?;
    if !head.to_ascii_lowercase().contains("content-length: 0") {
        return None;
    }
    Some(written(&match head.as_bytes() {
        [b'3', b'1', ..] => Kind::HeaderTooLarge.because("the request line and the header are too long"),
        [b'1', b'4', ..] => Kind::PathTooLong.because("path and query are too long"),
        _ => Kind::Malformed.because("this is no request of HTTP/1.1"),
    }))
}

/// An answer as it goes over the wire; the last one of the connection.
fn written(failed: &Failed) -> Vec<u8> {
    let (status, body) = (failed.status(), failed.body());
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {MEDIA_TYPE_PROBLEM}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
    .into_bytes();
    answer.extend(body);
    answer
}
