//! Who is talked to, and who gets to see a login.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::RehearsalTime;
use crate::domain::identifier::ResourceName;
use crate::redact::Secret;

const AUTHORITY: &str = include_str!("fixtures/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("fixtures/server.pem");
const KEY: &[u8] = include_bytes!("fixtures/server-key.pem");
/// What the certificate is for.
const NAME: &str = "pg-1.shop.internal";

/// A server that takes one connection, answers so to the question for TLS, and tells what it was sent after that.
async fn server(answer: &'static [u8]) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut question = [0_u8; 8];
        if stream.read_exact(&mut question).await.is_err() {
            return Vec::new();
        }
        stream.write_all(answer).await.unwrap();
        let mut said = vec![0_u8; 300];
        if answer == b"N" {
            let length = stream.read(&mut said).await.unwrap_or_default();
            said.truncate(length);
            return said;
        }
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return Vec::new() };
        let length = stream.read(&mut said).await.unwrap_or_default();
        said.truncate(length);
        said
    });
    (address, serving)
}

/// What came of opening a session with the server of this name, and what that server saw in the clear.
async fn opened(answer: &'static [u8], name: &str, authority: Option<&str>) -> (PortError, String) {
    let (address, serving) = server(answer).await;
    let clock = RehearsalTime { real_ms: 0, simulated_ms: 0, speed: 1.0 };
    let rehearsal = Rehearsal { clock, hosts: BTreeMap::from([(format!("{name}:5432"), address)]) };
    let database: Postgresql = serde_json::from_value(serde_json::json!({
        "primary": {"host": "pg-0.shop.internal", "port": 5432},
        "recovery": {"host": name, "port": 5432},
        "secret": "shop/check", "database": "postgres", "tls": "verified",
    }))
    .unwrap();
    let text = serde_json::json!({"username": "check", "password": "hunter2", "certificate_authority": authority});
    let login = Login::read(&ResourceName::new("shop/check").unwrap(), &Secret::new(text.to_string())).unwrap();
    let opened = Session::open(Some(&rehearsal), &database.recovery, &Opening::of(&database), &login).await;
    let Err(error) = opened else { panic!("no server here lets anybody in") };
    (error, String::from_utf8_lossy(&serving.await.unwrap()).into_owned())
}

#[tokio::test]
async fn a_login_goes_to_a_server_whose_certificate_is_for_its_host_and_to_no_other() {
    let (_, said) = opened(b"S", NAME, Some(AUTHORITY)).await;
    assert!(said.contains("user\0check\0"), "the server that it is meant for: {said:?}");

    for (what, name, authority, expected) in [
        ("another server's certificate", "pg-2.shop.internal", Some(AUTHORITY), "not valid for name"),
        ("an authority that nobody trusts", NAME, None, "UnknownIssuer"),
    ] {
        let (error, said) = opened(b"S", name, authority).await;
        assert!(error.message.contains(expected), "{what}: {error}");
        assert_eq!(said, "", "{what}");
    }
    let (error, said) = opened(b"N", NAME, Some(AUTHORITY)).await;
    assert!(error.message.contains("server does not support TLS"), "{error}");
    assert_eq!(said, "", "without TLS");
    let (error, said) = opened(b"S", NAME, Some("no certificate")).await;
    assert_eq!((error.code.as_str(), said.as_str()), ("certificate_authority_unreadable", ""));
}

#[tokio::test]
async fn a_host_that_is_none_of_the_rehearsals_is_not_looked_for() {
    let clock = RehearsalTime { real_ms: 0, simulated_ms: 0, speed: 1.0 };
    let rehearsal = Rehearsal { clock, hosts: BTreeMap::new() };
    let database: Postgresql = serde_json::from_value(serde_json::json!({
        "primary": {"host": "localhost.localdomain", "port": 5432}, "recovery": {"host": NAME, "port": 5432},
        "secret": "shop/check", "database": "postgres", "tls": "none",
    }))
    .unwrap();
    let text = Secret::new(r#"{"username": "check", "password": "hunter2"}"#.to_owned());
    let login = Login::read(&database.secret, &text).unwrap();
    let error = Session::open(Some(&rehearsal), &database.primary, &Opening::of(&database), &login).await.err().unwrap();
    assert_eq!((error.kind, error.code.as_str()), (FailureKind::NoAnswer, "host_unknown"));
}
