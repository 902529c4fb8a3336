//! Services of the host and of its network.

use std::{
    env, fs,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::FileTypeExt as _,
            net::{SocketAddr as Name, UnixStream},
        },
    },
    path::PathBuf,
    time::Duration,
};

use rustix::net::{AddressFamily, Protocol, RawProtocol, SocketType, socket};

use super::{
    Group,
    attempt::{Attempt, Tried, Way},
    errno,
    targets::Targets,
};

pub(super) const ATTEMPTS: &[Attempt] = &[
    of(
        "network.tcp",
        "connect to a service on the host's 127.0.0.1",
        |targets| connect(targets.tcp4, targets),
    ),
    of(
        "network.tcp6",
        "connect to a service on the host's ::1",
        |targets| connect(targets.tcp6, targets),
    ),
    of(
        "network.udp",
        "ask a service on the host's 127.0.0.1 by UDP",
        datagram,
    ),
    of(
        "network.socket",
        "connect to a socket of the host in a folder",
        |targets| match &targets.socket {
            Some(path) => heard(UnixStream::connect(path), targets),
            None => nothing("socket in a folder"),
        },
    ),
    of(
        "network.abstract-socket",
        "connect to a socket of the host without a folder",
        |targets| match &targets.unnamed {
            Some(name) => heard(
                Name::from_abstract_name(name).and_then(|name| UnixStream::connect_addr(&name)),
                targets,
            ),
            None => nothing("socket without a folder"),
        },
    ),
    of(
        "network.services",
        "find the services of the host in /run",
        |_| services(),
    ),
    of(
        "network.interface",
        "find a way out beside the loopback device",
        |_| interface(),
    ),
    of(
        "network.metadata",
        "connect to the metadata service of a cloud",
        |_| {
            let metadata = SocketAddr::from((METADATA, 80));
            let connected = TcpStream::connect_timeout(&metadata, PATIENCE);
            Tried::of(connected, metadata.to_string())
        },
    )
    .without_control("it would ask a service outside this machine"),
    of(
        "network.hypervisor",
        "open a socket to the hypervisor (AF_VSOCK)",
        |_| family(libc::AF_VSOCK),
    ),
    of(
        "network.crypto",
        "open a socket to the kernel's ciphers (AF_ALG)",
        |_| family(libc::AF_ALG),
    ),
    of(
        "network.rare-families",
        "open a socket of a family that hardly anyone needs",
        |_| Tried::any(RARE.map(family)),
    ),
    of(
        "network.packet",
        "open a socket to the wire (AF_PACKET)",
        |_| family(libc::AF_PACKET),
    ),
    of("network.raw", "open a raw socket", |_| {
        Tried::of(
            socket(AddressFamily::INET, SocketType::RAW, protocol(1)),
            "a raw socket",
        )
    }),
    of(
        "network.netlink",
        "talk to the kernel's firewall, audit and devices (netlink)",
        |_| {
            Tried::any(
                [
                    libc::NETLINK_NETFILTER,
                    libc::NETLINK_AUDIT,
                    libc::NETLINK_KOBJECT_UEVENT,
                ]
                .map(netlink),
            )
        },
    ),
];

/// What is tried only where a command gets the proxy.
pub(super) const BY_PROXY: &[Attempt] = &[
    of(
        "network.proxy-loopback",
        "connect to a service on the host's 127.0.0.1 by the proxy",
        |targets| match targets.tcp4 {
            Some(address) => by_proxy(address),
            None => nothing("service on 127.0.0.1"),
        },
    )
    .without_control("there is no proxy without the sandbox"),
    of(
        "network.proxy-metadata",
        "connect to the metadata service of a cloud by the proxy",
        |_| by_proxy(SocketAddr::from((METADATA, 80))),
    )
    .without_control("there is no proxy without the sandbox"),
];

/// Where the clouds answer questions about a machine, passwords among them.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Families with few users and many past faults.
const RARE: [libc::c_int; 10] = [
    libc::AF_BLUETOOTH,
    libc::AF_CAN,
    libc::AF_TIPC,
    libc::AF_RDS,
    libc::AF_KEY,
    libc::AF_X25,
    libc::AF_NFC,
    libc::AF_LLC,
    libc::AF_XDP,
    libc::AF_IB,
];

const fn of(id: &'static str, title: &'static str, inside: fn(&Targets) -> Tried) -> Attempt {
    Attempt::new(id, Group::Network, title, Way::Inside(inside))
}

fn nothing(what: &str) -> Tried {
    Tried::Unable(format!("this machine has no {what}"))
}

fn connect(address: Option<SocketAddr>, targets: &Targets) -> Tried {
    match address {
        Some(address) => heard(TcpStream::connect_timeout(&address, PATIENCE), targets),
        None => nothing("such address"),
    }
}

/// Reads what the listener says, so that no other one is taken for it.
fn heard(connected: io::Result<impl io::Read>, targets: &Targets) -> Tried {
    let mut said = String::new();
    let length = u64::try_from(targets.secret.len()).unwrap_or(u64::MAX);
    let read = connected.and_then(|stream| stream.take(length).read_to_string(&mut said));
    match read {
        Ok(_) if said == targets.secret => Tried::Got("the secret".to_owned()),
        Ok(_) => Tried::Refused("another service is there".to_owned()),
        Err(err) => Tried::Refused(errno::of(err)),
    }
}

fn datagram(targets: &Targets) -> Tried {
    let Some(address) = targets.udp else {
        return nothing("service by UDP");
    };
    let ask = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(address)?;
        socket.send(b"?")?;
        let mut answer = vec![0; targets.secret.len()];
        let length = socket.recv(&mut answer)?;
        answer.truncate(length);
        Ok::<_, io::Error>(answer)
    };
    match ask() {
        Ok(answer) if answer == targets.secret.as_bytes() => Tried::Got("the secret".to_owned()),
        Ok(_) => Tried::Refused("another service is there".to_owned()),
        Err(err) => Tried::Refused(errno::of(err)),
    }
}

/// Looks for sockets that belong to programs of the host, two folders deep.
fn services() -> Tried {
    let within = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let entries: Vec<_> = within("/run".into()).collect();
    let below = entries.iter().flat_map(|entry| within(entry.path()));
    let socket = below
        .chain(within("/run".into()))
        .find(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
    match socket {
        Some(entry) => Tried::Got(entry.path().display().to_string()),
        None => Tried::Refused("there is none".to_owned()),
    }
}

fn interface() -> Tried {
    match fs::read_to_string("/proc/net/dev") {
        Ok(table) => table
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name.trim())
            .find(|name| *name != "lo")
            .map_or_else(
                || Tried::Refused("there is only `lo`".to_owned()),
                |name| Tried::Got(format!("the device `{name}`")),
            ),
        Err(err) => Tried::Refused(errno::of(err)),
    }
}

fn family(number: libc::c_int) -> Tried {
    let Ok(raw) = u16::try_from(number) else {
        return Tried::Unable(format!("there is no family {number}"));
    };
    let family = AddressFamily::from_raw(raw);
    // A family has some of these types, and the wrong one is refused before the family is made.
    Tried::any(
        [
            SocketType::SEQPACKET,
            SocketType::RAW,
            SocketType::DGRAM,
            SocketType::STREAM,
        ]
        .map(|kind| {
            Tried::of(
                socket(family, kind, None),
                format!("a socket of family {number}"),
            )
        }),
    )
}

fn netlink(number: libc::c_int) -> Tried {
    let made = socket(AddressFamily::NETLINK, SocketType::RAW, protocol(number));
    Tried::of(made, format!("netlink of protocol {number}"))
}

fn protocol(number: libc::c_int) -> Option<Protocol> {
    let number = u32::try_from(number).ok()?;
    RawProtocol::new(number).map(Protocol::from_raw)
}

/// Asks the proxy of this run for a connection.
fn by_proxy(address: SocketAddr) -> Tried {
    let Some(proxy) = proxy() else {
        return Tried::Unable("HTTPS_PROXY names no address".to_owned());
    };
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&proxy, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE * 3))?;
        write!(
            stream,
            "CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n"
        )?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    match ask() {
        Ok(answer) => match answer.split_whitespace().nth(1) {
            Some(code) if code.starts_with('2') => Tried::Got(address.to_string()),
            Some(code) => Tried::Refused(format!("HTTP {code}")),
            None => Tried::Refused("the proxy makes no sense".to_owned()),
        },
        Err(err) => Tried::Unable(format!("the proxy does not answer: {}", errno::of(err))),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the environment of the command, not the one that configures the gateway"
)]
fn proxy() -> Option<SocketAddr> {
    let address = env::var("HTTPS_PROXY").or_else(|_| env::var("https_proxy"));
    let address = address.ok()?;
    let (_, authority) = address.split_once("://")?;
    let authority = authority.trim_end_matches('/');
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, rest)| rest);
    authority.parse().ok().or_else(|| {
        let (host, port) = authority.rsplit_once(':')?;
        (host == "localhost").then_some(SocketAddr::new(
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            port.parse().ok()?,
        ))
    })
}
