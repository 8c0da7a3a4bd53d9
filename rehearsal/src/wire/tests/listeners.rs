//! What a client of a modelled database meets.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::wire::listeners::{Connectivity, DatabaseListeners, Instances};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

struct State {
    connectivity: Connectivity,
    commits: Result<u64, String>,
    cut: Option<u64>,
}

struct OneInstance(Mutex<State>);

impl OneInstance {
    fn answering() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { connectivity: Connectivity::Answers, commits: Ok(0), cut: None })))
    }

    fn becomes(&self, connectivity: Connectivity) {
        self.0.lock().unwrap().connectivity = connectivity;
    }
}

impl Instances for OneInstance {
    fn connection(&self, _instance: &str) -> Connectivity {
        self.0.lock().unwrap().connectivity
    }

    fn commit(&self, _instance: &str) -> Result<u64, String> {
        let mut state = self.0.lock().unwrap();
        if let Ok(number) = &mut state.commits {
            *number += 1;
        }
        state.commits.clone()
    }

    fn sessions_cut_at(&self, _instance: &str) -> Option<u64> {
        self.0.lock().unwrap().cut
    }
}

async fn listening(instances: &Arc<OneInstance>) -> (DatabaseListeners, SocketAddr) {
    let listeners = DatabaseListeners::new(instances.clone());
    let address = listeners.add("primary").await.unwrap();
    (listeners, address)
}

/// Long enough for the listeners to have looked again.
async fn a_moment() {
    sleep(Duration::from_millis(60)).await;
}

async fn say(stream: &mut TcpStream, text: &[u8]) -> io::Result<String> {
    stream.write_all(text).await?;
    let mut answer = [0; 200];
    let read = timeout(Duration::from_secs(2), stream.read(&mut answer))
        .await
        .map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

#[tokio::test]
async fn an_instance_answers_probes_and_commits_writes() {
    let instances = OneInstance::answering();
    let (_listeners, address) = listening(&instances).await;
    let mut session = TcpStream::connect(address).await.unwrap();
    assert_eq!(say(&mut session, &SSL_REQUEST[..5]).await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(say(&mut session, &SSL_REQUEST[5..]).await.unwrap(), "N");
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "committed 1\n");
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "committed 2\n");
    assert_eq!(say(&mut session, b"drop table patients\n").await.unwrap(), "refused not understood\n");
    instances.0.lock().unwrap().commits = Err("read-only\nreplica".to_owned());
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "refused read-only replica\n");
}

#[tokio::test]
async fn a_refusing_instance_is_like_a_closed_port_and_keeps_its_address() {
    let instances = OneInstance::answering();
    instances.becomes(Connectivity::Refuses);
    let (listeners, address) = listening(&instances).await;
    for _ in 0..3 {
        assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        instances.becomes(Connectivity::Answers);
        a_moment().await;
        let mut session = TcpStream::connect(address).await.unwrap();
        assert_eq!(say(&mut session, &SSL_REQUEST).await.unwrap(), "N");
        instances.becomes(Connectivity::Refuses);
        a_moment().await;
    }
    assert_eq!(listeners.address("primary"), Some(address));
    assert_eq!(listeners.add("primary").await.unwrap(), address);
}

#[tokio::test]
async fn an_instance_that_hangs_accepts_and_says_nothing_until_it_recovers() {
    let instances = OneInstance::answering();
    instances.becomes(Connectivity::AcceptsOnly);
    let (_listeners, address) = listening(&instances).await;
    let mut session = TcpStream::connect(address).await.unwrap();
    session.write_all(&SSL_REQUEST).await.unwrap();
    let mut answer = [0; 1];
    assert!(timeout(Duration::from_millis(100), session.read(&mut answer)).await.is_err());
    instances.becomes(Connectivity::Answers);
    timeout(Duration::from_secs(2), session.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"N");
}

#[tokio::test]
async fn an_established_session_still_writes_to_an_isolated_instance_until_it_is_rebooted() {
    let instances = OneInstance::answering();
    let (_listeners, address) = listening(&instances).await;
    let mut session = TcpStream::connect(address).await.unwrap();
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "committed 1\n");

    instances.becomes(Connectivity::Refuses);
    a_moment().await;
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "committed 2\n", "isolation does not reach it");

    instances.0.lock().unwrap().cut = Some(1);
    a_moment().await;
    let cut = say(&mut session, b"write\n").await;
    assert!(cut.as_ref().is_err() || cut.as_deref().is_ok_and(str::is_empty), "{cut:?}");
    assert_eq!(instances.0.lock().unwrap().commits, Ok(2));
}

#[tokio::test]
async fn a_silent_session_learns_at_once_that_it_was_cut() {
    let instances = OneInstance::answering();
    let (_listeners, address) = listening(&instances).await;
    let mut session = TcpStream::connect(address).await.unwrap();
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "committed 1\n");
    instances.0.lock().unwrap().cut = Some(1);
    let mut answer = [0; 1];
    let end = timeout(Duration::from_secs(2), session.read(&mut answer)).await;
    assert_eq!(end.expect("still open").unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn not_even_a_write_that_was_already_said_is_committed_after_the_cut() {
    let instances = OneInstance::answering();
    let (_listeners, address) = listening(&instances).await;
    for cut in 1..=20 {
        let mut session = TcpStream::connect(address).await.unwrap();
        assert_eq!(say(&mut session, &SSL_REQUEST).await.unwrap(), "N");
        instances.0.lock().unwrap().cut = Some(cut);
        let written = say(&mut session, b"write\n").await;
        assert!(!written.is_ok_and(|answer| answer.starts_with("committed")));
    }
    assert_eq!(instances.0.lock().unwrap().commits, Ok(0));
}

#[tokio::test]
async fn nobody_can_take_the_address_of_an_instance_that_refuses() {
    let instances = OneInstance::answering();
    instances.becomes(Connectivity::Refuses);
    let (_listeners, address) = listening(&instances).await;
    let taken = std::net::TcpListener::bind(address).unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_session_opened_after_a_reboot_is_not_cut_by_it() {
    let instances = OneInstance::answering();
    instances.0.lock().unwrap().cut = Some(3);
    let (_listeners, address) = listening(&instances).await;
    let mut session = TcpStream::connect(address).await.unwrap();
    a_moment().await;
    assert_eq!(say(&mut session, b"write\n").await.unwrap(), "committed 1\n");
}

#[tokio::test]
async fn each_instance_has_its_own_address_and_gives_it_back() {
    let instances = OneInstance::answering();
    let (listeners, primary) = listening(&instances).await;
    let replica = listeners.add("replica").await.unwrap();
    assert_ne!(primary, replica);
    assert_eq!(listeners.addresses().len(), 2);
    listeners.remove("replica");
    a_moment().await;
    assert_eq!(TcpStream::connect(replica).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(TcpStream::connect(primary).await.is_ok());
}
