//! What a connection runs over: TCP, TLS over TCP, or a test's pipe.

use std::io::Result;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// From now on the runtime of the caller waits for it, not the one that opened it.
    fn move_here(&mut self) -> Result<()>;
}

pub type BoxIo = Box<dyn Io>;

impl Io for BoxIo {
    fn move_here(&mut self) -> Result<()> {
        (**self).move_here()
    }
}

impl Io for TcpStream {
    fn move_here(&mut self) -> Result<()> {
        let same = SockRef::from(&*self).try_clone()?;
        *self = TcpStream::from_std(same.into())?;
        Ok(())
    }
}

impl<T: Io> Io for TlsStream<T> {
    fn move_here(&mut self) -> Result<()> {
        self.get_mut().0.move_here()
    }
}

#[cfg(test)]
impl Io for tokio::io::DuplexStream {
    fn move_here(&mut self) -> Result<()> {
        Ok(())
    }
}
