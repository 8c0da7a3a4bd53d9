//! TLS for tokio-postgres over the rustls that the SDK's clients have. The crate that does the same brings a second cryptography
//! library and a parser of certificates, for channel binding; a server whose certificate is verified is bound by that already.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};
use tokio_rustls::client;

use super::failure;
use crate::ports::{FailureKind, PortError, PortResult};

/// Encrypts one connection, to a server that can prove that it has this name.
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Connector {
    /// For a server of this name whose certificate this authority signed; without one, any that the system trusts.
    pub(super) fn new(host: &str, authority: Option<&str>) -> PortResult<Self> {
        let roots = match authority {
            Some(pem) => own(pem)?,
            None => public(),
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refused("tls_unavailable", &error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| refused("tls_name_invalid", &format!("{host} is no name that a certificate can be for")))?;
        Ok(Self { config: Arc::new(config), name })
    }
}

fn refused(code: &str, message: &str) -> PortError {
    failure(FailureKind::Refused, "Connect", code, message)
}

fn own(pem: &str) -> PortResult<RootCertStore> {
    let unreadable = || {
        let message = "the secret's field certificate_authority holds no certificate in PEM";
        refused("certificate_authority_unreadable", message)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| unreadable())?;
        roots.add(certificate).map_err(|_| unreadable())?;
    }
    if roots.is_empty() { Err(unreadable()) } else { Ok(roots) }
}

/// Those of the system. One that cannot be read trusts nobody.
fn public() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let _unreadable = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

impl TlsConnect<TcpStream> for Connector {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        let handshake = tokio_rustls::TlsConnector::from(self.config).connect(self.name, stream);
        Box::pin(async move { handshake.await.map(Encrypted) })
    }
}

/// An encrypted connection.
pub(super) struct Encrypted(client::TlsStream<TcpStream>);

impl Encrypted {
    fn inner(self: Pin<&mut Self>) -> Pin<&mut client::TlsStream<TcpStream>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(context)
    }
}

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
