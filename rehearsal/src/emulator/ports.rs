//! Free ports on loopback.

use std::net::{Ipv4Addr, TcpListener};

/// A port that nothing listened on a moment ago.
///
/// Nothing keeps another program from taking it before it is used, so whoever uses it has to be ready for that.
///
/// # Errors
///
/// When the machine has no free port left.
pub fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
