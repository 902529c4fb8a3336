//! Whether an address is this machine's own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::place::translated;

/// Any port will do: nothing is sent.
const PORT: u16 = 9;

/// Asks the system which address it would speak from: only to itself it speaks from the address it
/// speaks to, or from a loopback one.
///
/// This knows what a list of the interfaces does not: addresses that are routed here as a whole, as
/// load balancers do, and it is never older than the question.
pub(super) fn is_own(address: IpAddr) -> io::Result<bool> {
    let inside = match address {
        IpAddr::V6(outer) => translated(outer).map(IpAddr::V4),
        IpAddr::V4(_) => None,
    };
    match inside {
        Some(inside) => Ok(leads_here(inside)? || leads_here(address)?),
        None => leads_here(address),
    }
}

fn leads_here(address: IpAddr) -> io::Result<bool> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    match socket.connect(SocketAddr::new(address, PORT)) {
        Ok(()) => {
            let from = socket.local_addr()?.ip();
            Ok(from == address || from.is_loopback())
        }
        // To itself every machine finds the way; where there is none, connecting fails as well.
        Err(err)
            if matches!(
                err.kind(),
                io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::AddrNotAvailable
            ) =>
        {
            Ok(false)
        }
        Err(err) => Err(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_this_machine_are_its_own_and_others_are_not() {
        for own in ["127.0.0.1", "127.8.9.1"] {
            assert!(is_own(own.parse().unwrap()).unwrap(), "{own}");
        }
        for other in ["192.0.2.77", "198.51.100.1", "8.8.8.8"] {
            assert!(!is_own(other.parse().unwrap()).unwrap(), "{other}");
        }
    }

    #[test]
    fn the_address_that_it_speaks_to_others_from_is_its_own() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        if socket.connect("198.51.100.1:9").is_err() {
            eprintln!("skipped: this machine has no route to others");
            return;
        }
        let own = socket.local_addr().unwrap().ip();
        assert!(is_own(own).unwrap(), "{own}");
    }
}
