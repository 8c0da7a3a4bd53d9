//! Finding the process at the other end of a loopback connection, and killing or stopping it.
//!
//! Only a descendant of the emulator is ever struck: the emulator starts one process per function, and a drill that is
//! started from a shell or a test runner must never be able to hit anything else.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::processes::{descendants_of, state_and_parent};

/// What a process is made to suffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// It ends at once.
    Kill,
    /// It stays, and does nothing any more.
    Stop,
}

/// Why nobody was struck.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotStruck {
    /// The rehearsal does not say which process is the emulator.
    #[error("the emulator's process is not known")]
    NoEmulator,
    /// No socket of this machine is the other end.
    #[error("the connection's other end is gone")]
    NoSocket,
    /// The other end belongs to a process that the emulator did not start, or to the emulator itself.
    #[error("the caller is not a descendant of the emulator")]
    NotADescendant,
}

/// Strikes the process that holds the client side of a connection, and waits until it is dead or stands still.
///
/// `client` and `server` are the connection's two ends as the server sees them. Where several processes share the
/// client side, as a shell and what it started do, each that descends from the emulator is struck. Blocks for milliseconds.
pub fn strike_caller(client: SocketAddr, server: SocketAddr, emulator: u32, blow: Blow) -> Result<Vec<u32>, NotStruck> {
    let socket = format!("socket:[{}]", inode_of(client, server).ok_or(NotStruck::NoSocket)?);
    let mut struck = Vec::new();
    for process in descendants_of(emulator) {
        if holds(process, &socket) && strike(process, &socket, blow) {
            struck.push(process);
        }
    }
    if struck.is_empty() {
        return Err(NotStruck::NotADescendant);
    }
    struck.iter().for_each(|process| wait_for_effect(*process, blow));
    Ok(struck)
}

/// The handle is taken first and the socket looked up again, so that a number given to a new process is never hit.
fn strike(process: u32, socket: &str, blow: Blow) -> bool {
    let signal = match blow {
        Blow::Kill => Signal::KILL,
        Blow::Stop => Signal::STOP,
    };
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    let Some(handle) = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) else {
        return false;
    };
    holds(process, socket) && pidfd_send_signal(handle, signal).is_ok()
}

fn wait_for_effect(process: u32, blow: Blow) {
    for _ in 0..1_000 {
        match state_and_parent(process) {
            None | Some(('Z' | 'X', _)) => return,
            Some(('T', _)) if blow == Blow::Stop => return,
            Some(_) => sleep(Duration::from_millis(1)),
        }
    }
}

/// The inode of the client's socket, from the kernel's tables of connections.
fn inode_of(client: SocketAddr, server: SocketAddr) -> Option<u64> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| inode_in(line, client, server))
    })
}

/// Of `sl local_address rem_address st … inode`, where both addresses are the wanted ones.
fn inode_in(line: &str, client: SocketAddr, server: SocketAddr) -> Option<u64> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (local, remote) = (address(columns.get(1)?)?, address(columns.get(2)?)?);
    if local != client || remote != server {
        return None;
    }
    // A socket that nobody holds any more has no inode.
    columns.get(9)?.parse().ok().filter(|inode| *inode != 0)
}

/// `0100007F:1F90`: each word of the address in the machine's byte order, the port in the network's.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = (0..address.len() / 8)
        .map(|index| {
            let word = address.get(index * 8..index * 8 + 8)?;
            u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
        })
        .collect();
    let address = match words?.as_slice() {
        [word] => IpAddr::from(*word),
        // A client may reach us over an IPv6 socket with a mapped address.
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0xff, 0xff], word] => IpAddr::from(Ipv4Addr::from(*word)),
        [a, b, c, d] => {
            let bytes: [u8; 16] = [*a, *b, *c, *d].concat().try_into().ok()?;
            IpAddr::from(bytes)
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

fn holds(process: u32, socket: &str) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    entries.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target.as_os_str() == socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_spelling_of_addresses_is_read() {
        assert_eq!(address("0100007F:1F90"), Some("127.0.0.1:8080".parse().unwrap()));
        assert_eq!(address("0000000000000000FFFF00000100007F:1F90"), Some("127.0.0.1:8080".parse().unwrap()));
        assert_eq!(address("00000000000000000000000001000000:0050"), Some("[::1]:80".parse().unwrap()));
        assert_eq!(address("nonsense"), None);
        assert_eq!(address("01:zz"), None);
    }

    #[test]
    fn only_the_clients_side_is_found() {
        let line = "  1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 20 4 30 10 -1";
        let (client, server) = ("127.0.0.1:49153".parse().unwrap(), "127.0.0.1:8080".parse().unwrap());
        assert_eq!(inode_in(line, client, server), Some(4711));
        assert_eq!(inode_in(line, server, client), None);
        assert_eq!(inode_in(&line.replace("4711", "0"), client, server), None);
    }
}
