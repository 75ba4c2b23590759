//! The door as the internet meets it: requests that two servers could read differently, clients that take their time,
//! too many of them, and headers that claim to come from somebody else.

mod bucket;
mod caps;
mod framing;
mod proxies;
mod slow;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::DEADLINE;

const WELL: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// Connects from one of this machine's many addresses.
async fn connect_from(ip: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::from(ip), 0)).unwrap();
    socket.connect(address).await.unwrap()
}

/// Whether the server answers this connection, or hangs up.
async fn is_served(mut stream: TcpStream) -> bool {
    let _hung_up = stream.write_all(WELL).await.is_err();
    read_all(&mut stream).await.starts_with("HTTP/1.1 200 ")
}

/// What comes until the server closes.
async fn read_all(stream: &mut TcpStream) -> String {
    let reading = async {
        let mut bytes = Vec::new();
        let _reset = stream.read_to_end(&mut bytes).await.is_err();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("the server closes")
}

/// The statuses of the answers in what was read.
fn statuses(answers: &str) -> Vec<u16> {
    let heads = answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]);
    heads.filter_map(|status| status.parse().ok()).collect()
}

/// The body of the last answer.
fn last_body(answers: &str) -> Value {
    serde_json::from_str(answers.rsplit("\r\n\r\n").next().unwrap_or_default()).unwrap_or_default()
}

/// Nothing in these tests is exact to more than this.
const SLACK: Duration = Duration::from_secs(3);
