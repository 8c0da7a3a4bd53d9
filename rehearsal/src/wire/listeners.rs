//! One loopback listener per database instance, so that fences and probes meet real connections.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::session::{self, LOOK};

/// What becomes of a *new* connection to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connectivity {
    /// It is accepted, and the instance speaks.
    Answers,
    /// It is accepted, and nothing comes.
    AcceptsOnly,
    /// It is refused like a closed port: the instance is isolated, or gone.
    Refuses,
}

/// What is behind an instance's listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backing {
    /// Nothing but the model.
    Model,
    /// A server at that address.
    Server(SocketAddr),
    /// A server that is down at the moment.
    ServerDown,
}

/// The database instances of the modelled world.
pub trait Instances: Send + Sync {
    /// What a new connection finds.
    fn connection(&self, instance: &str) -> Connectivity;
    /// One write of an established session: the number of the commit, or why there is none.
    fn commit(&self, instance: &str) -> Result<u64, String>;
    /// How often the instance's sessions were cut so far (a reboot, a crash); `None` while never. Whatever changes this
    /// ends every session that was established before.
    fn sessions_cut_at(&self, instance: &str) -> Option<u64>;
    /// What a session is held with.
    fn backing(&self, _instance: &str) -> Backing {
        Backing::Model
    }
}

/// The listeners. They and all sessions end when this is dropped.
pub struct DatabaseListeners {
    instances: Arc<dyn Instances>,
    listening: Mutex<BTreeMap<String, Listening>>,
}

struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DatabaseListeners {
    /// No listener yet.
    pub fn new(instances: Arc<dyn Instances>) -> Self {
        Self { instances, listening: Mutex::default() }
    }

    /// Gives an instance an address of its own, which it keeps, and starts to do there what the world says. An instance
    /// that has one already keeps it.
    pub async fn add(&self, instance: &str) -> io::Result<SocketAddr> {
        if let Some(address) = self.address(instance) {
            return Ok(address);
        }
        let port = Port::reserve()?;
        let address = port.address;
        // The first state holds when this returns, not only some milliseconds later.
        let mut door = Door { port, listener: None };
        door.follow(self.instances.connection(instance));
        let task = tokio::spawn(keep(door, instance.to_owned(), Arc::clone(&self.instances)));
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.insert(instance.to_owned(), Listening { address, task });
        Ok(address)
    }

    /// Where an instance listens, or would if it did not refuse.
    pub fn address(&self, instance: &str) -> Option<SocketAddr> {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.get(instance).map(|listening| listening.address)
    }

    /// All addresses, by instance.
    pub fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.iter().map(|(instance, listening)| (instance.clone(), listening.address)).collect()
    }

    /// Ends an instance's listener and sessions, and gives its address back.
    pub fn remove(&self, instance: &str) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).remove(instance);
    }
}

/// A port that stays ours while nobody listens on it: bound, and so given to nobody else, but refusing.
struct Port {
    address: SocketAddr,
    _reservation: Socket,
}

impl Port {
    fn reserve() -> io::Result<Self> {
        let reservation = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let address = reservation.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { address, _reservation: reservation })
    }

    fn listen(&self) -> io::Result<TcpListener> {
        let socket = socket(self.address)?;
        socket.listen(128)?;
        TcpListener::from_std(socket.into())
    }
}

/// Sharing the port lets the reservation and the listener stand side by side; only the one that listens gets anything.
fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// A port with or without a listener.
struct Door {
    port: Port,
    listener: Option<TcpListener>,
}

impl Door {
    fn follow(&mut self, connectivity: Connectivity) {
        match connectivity {
            // Dropping the listener also resets what it had not accepted yet.
            Connectivity::Refuses => self.listener = None,
            Connectivity::Answers | Connectivity::AcceptsOnly if self.listener.is_none() => {
                match self.port.listen() {
                    Ok(listener) => self.listener = Some(listener),
                    // Tried again at the next look.
                    Err(error) => {
                        tracing::warn!(%error, address = %self.port.address, "an instance cannot listen")
                    }
                }
            }
            Connectivity::Answers | Connectivity::AcceptsOnly => {}
        }
    }
}

async fn keep(mut door: Door, instance: String, instances: Arc<dyn Instances>) {
    // Sessions live as long as the instance's listener is kept, whether its door is open or not.
    let mut sessions = JoinSet::new();
    loop {
        door.follow(instances.connection(&instance));
        let accepted = match &door.listener {
            Some(listener) => tokio::select! {
                accepted = listener.accept() => accepted.ok(),
                () = sleep(LOOK) => None,
            },
            None => {
                sleep(LOOK).await;
                None
            }
        };
        while sessions.try_join_next().is_some() {}
        let Some((stream, _)) = accepted else {
            continue;
        };
        let cut = instances.sessions_cut_at(&instance);
        // The world may have closed the door while this connection waited in it.
        if instances.connection(&instance) == Connectivity::Refuses {
            session::reset(&stream);
            continue;
        }
        let (instance, instances) = (instance.clone(), Arc::clone(&instances));
        sessions.spawn(async move { session::serve(stream, &instance, instances, cut).await });
    }
}
