//! Whether an address is this machine's own.

use std::net::IpAddr;

/// Whether an `http` or `https` URL names a loopback address. Anything that is not plainly one is not: no user-info, no
/// backslash, no name but `localhost`.
pub(super) fn is_loopback_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['@', '\\', '%']) || authority.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, port.strip_prefix(':').or(Some(""))),
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    port.is_none_or(|port| port.parse::<u16>().is_ok())
        && (host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plainly_this_machine_is_loopback() {
        for url in [
            "http://127.0.0.1:4566",
            "http://127.0.0.1",
            "https://localhost:1/x",
            "http://[::1]:4566/",
            "http://127.8.8.8:1",
        ] {
            assert!(is_loopback_url(url), "{url}");
        }
        for url in [
            "",
            "127.0.0.1:4566",
            "http://",
            "http://10.0.0.5:4566",
            "http://0.0.0.0:4566",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1@example.com",
            "http://127.0.0.1:80@example.com",
            "http://example.com/127.0.0.1",
            "http://example.com#127.0.0.1",
            "http://127.0.0.1\\@example.com",
            "http://[::1]x:80",
            "http://127.0.0.1:port",
            "http://127.1",
            "ftp://127.0.0.1",
            "HTTP://example.com",
        ] {
            assert!(!is_loopback_url(url), "{url}");
        }
    }
}
