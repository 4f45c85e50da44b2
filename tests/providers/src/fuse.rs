//! A connection that can be reset in the middle of an answer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How many bytes may still be written.
#[derive(Clone, Debug)]
pub(crate) struct Fuse(Arc<AtomicUsize>);

impl Fuse {
    const UNLIMITED: usize = usize::MAX;

    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(Self::UNLIMITED)))
    }

    /// Resets the connection after so many more bytes, or when it is closed.
    pub(crate) fn light(&self, after_bytes: usize) {
        self.0.store(after_bytes.min(Self::UNLIMITED - 1), Ordering::SeqCst);
    }

    fn left(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn is_lit(&self) -> bool {
        self.left() != Self::UNLIMITED
    }

    fn burn(&self, bytes: usize) {
        if self.is_lit() {
            self.0.fetch_sub(bytes, Ordering::SeqCst);
        }
    }
}

/// A connection with a fuse in it.
#[derive(Debug)]
pub(crate) struct FusedStream {
    stream: TcpStream,
    fuse: Fuse,
}

impl FusedStream {
    pub(crate) fn new(stream: TcpStream, fuse: Fuse) -> Self {
        Self { stream, fuse }
    }

    fn blow(&self) -> io::Error {
        reset(&self.stream);
        io::ErrorKind::ConnectionReset.into()
    }
}

/// Makes the connection end with a reset when it is dropped.
pub(crate) fn reset(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).set_linger(Some(Duration::ZERO)) {
        tracing::warn!(%error, "the connection will be closed, not reset");
    }
}

impl AsyncRead for FusedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FusedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.fuse.left();
        if left == 0 {
            return Poll::Ready(Err(self.blow()));
        }
        let most = bytes.len().min(left);
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..most]))?;
        self.fuse.burn(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.fuse.is_lit() {
            return Poll::Ready(Err(self.blow()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
