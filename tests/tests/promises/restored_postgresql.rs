//! What the real adapter gets out of a real database that was restored for a test, and what it does not.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use rehearsal::databases::{Member, StandbyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use shared::adapters::aws::Clients;
use shared::adapters::postgresql::NetworkPostgresql;
use shared::config::{Rehearsal, RehearsalTime};
use shared::domain::described::PostgresqlServer;
use shared::domain::identifier::{DomainName, Region};
use shared::domain::restore_test::{RestoreTest, Told, no_database};
use shared::ports::{PortResult, RestoredDatabases};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::postgresql::{PASSWORD, secrets_manager, servers};

const AUTHORITY: &str = include_str!("../../../shared/src/adapters/postgresql/fixtures/authority.pem");
const CERTIFICATE: &str = include_str!("../../../shared/src/adapters/postgresql/fixtures/server.pem");
const KEY: &str = include_str!("../../../shared/src/adapters/postgresql/fixtures/server-key.pem");
/// What the certificate is for.
const HOST: &str = "pg-1.shop.internal";

/// What stands before the server and speaks TLS: the rehearsal's own build of PostgreSQL has none.
async fn behind_tls(server: SocketAddr) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let config = config.clone();
            tokio::spawn(async move {
                let mut question = [0_u8; 8];
                client.read_exact(&mut question).await.unwrap();
                client.write_all(b"S").await.unwrap();
                let Ok(mut client) = TlsAcceptor::from(config).accept(client).await else { return };
                let mut server = TcpStream::connect(server).await.unwrap();
                // However it ends, whoever asked hears of it.
                let _ended = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

async fn ask(pair: &StandbyPair, database: &str, queries: &[&str], until: Option<Instant>) -> PortResult<Vec<Told>> {
    let login = json!({"username": "checker", "password": PASSWORD, "certificate_authority": AUTHORITY});
    let endpoint = secrets_manager(login).await;
    let credentials = Credentials::new("123456789012", "test", None, None, "a test");
    let config = SdkConfig::builder()
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let clock = RehearsalTime { real_ms: 0, simulated_ms: 0, speed: 1.0 };
    let address = behind_tls(pair.address(Member::Primary).unwrap()).await;
    let hosts = BTreeMap::from([(format!("{HOST}:5432"), address)]);
    let network = NetworkPostgresql::new(Clients::with(config), Some(Rehearsal { clock, hosts }));
    let number = |(index, sql): (usize, &&str)| json!({"name": format!("q{index}"), "sql": sql, "expect": "true"});
    let queries: Vec<_> = queries.iter().enumerate().map(number).collect();
    let test = json!({"database": database, "secret": "s", "queries": queries});
    let test: RestoreTest = serde_json::from_value(test).unwrap();
    let server = PostgresqlServer { host: DomainName::new(HOST).unwrap(), port: 5_432 };
    network.ask(&Region::new("us-west-2").unwrap(), &server, &test, until).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_tells_numbers_and_truths_and_nothing_is_written_there() {
    let Some(pair) = servers() else { return };
    for statement in [
        "CREATE TABLE orders (number int, buyer text)",
        "INSERT INTO orders VALUES (1, 'hunter2'), (2, NULL), (3, NULL)",
        "GRANT ALL ON orders TO checker",
    ] {
        pair.sql(Member::Primary, statement).unwrap();
    }
    let cases = [
        ("SELECT count(*) FROM orders", Told::Number(3)),
        ("SELECT max(number) FROM orders", Told::Number(3)),
        ("SELECT max(number)::smallint FROM orders", Told::Number(3)),
        ("SELECT count(*) = 3 FROM orders", Told::Truth(true)),
        ("SELECT bool_and(buyer = 'x') FROM orders", Told::Truth(false)),
        ("SELECT max(number) FROM orders WHERE false", Told::Other("null")),
        ("SELECT number FROM orders WHERE false", Told::Other("no row")),
        ("SELECT number FROM orders", Told::Other("more than one row")),
        ("SELECT generate_series(1, 1000000000)", Told::Other("more than one row")),
        ("SELECT 1, 2", Told::Other("more than one column")),
        ("SELECT buyer FROM orders LIMIT 1", Told::Other("neither a boolean nor a whole number")),
        ("SELECT count(*) FROM invoices", Told::Refused("42P01".to_owned())),
        // Its message would hold the buyer.
        ("SELECT count(*) FROM orders WHERE buyer::int > 1", Told::Refused("22P02".to_owned())),
        // Its role may write; its transaction may not.
        ("WITH gone AS (DELETE FROM orders RETURNING 1) SELECT count(*) FROM gone", Told::Refused("25006".to_owned())),
        ("SELECT 1; DELETE FROM orders", Told::Refused("42601".to_owned())),
        ("SELECT count(*) FROM orders", Told::Number(3)),
    ];
    let queries: Vec<&str> = cases.iter().map(|(query, _)| *query).collect();
    let told = ask(&pair, "postgres", &queries, None).await.unwrap();
    for (index, (query, expected)) in cases.iter().enumerate() {
        assert_eq!(told.get(index), Some(expected), "{query}");
    }
    assert!(!format!("{told:?}").contains("hunter2"));
    // Whatever leaves one transaction, the next one cannot write either.
    let leaves = ["SET TRANSACTION READ WRITE", "COMMIT", "DELETE FROM orders"];
    let told = ask(&pair, "postgres", &leaves, None).await.unwrap();
    assert_eq!(told.get(2), Some(&Told::Refused("25006".to_owned())), "{told:?}");
    assert_eq!(pair.sql(Member::Primary, "SELECT count(*) FROM orders").unwrap().trim(), "3");

    let began = Instant::now();
    let until = Some(began + Duration::from_secs(5));
    let slow = ask(&pair, "postgres", &["SELECT pg_sleep(60) IS NULL", "SELECT true"], until).await.unwrap();
    assert_eq!(slow, [Told::Silent("no answer in time")], "and what comes next is not asked");
    assert!(began.elapsed() < Duration::from_secs(15));

    let absent = ask(&pair, "shop", &["SELECT true"], None).await.unwrap_err();
    assert!(no_database(&absent.code), "{absent}");
    pair.sql(Member::Primary, "ALTER ROLE checker PASSWORD 'another'").unwrap();
    let refused = ask(&pair, "postgres", &["SELECT true"], None).await.unwrap_err();
    assert!(refused.to_string().contains("another login") && !refused.to_string().contains(PASSWORD), "{refused}");
}
