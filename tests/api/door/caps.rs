//! Too many: connections in all and of one address, new ones a second, sockets of one client, hellos of one rider.
//! Whoever is over a limit is refused, and nobody else is.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;

use super::{connect_from, is_served};
use crate::support::{RiderSocket, TestServer, eventually};

const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

#[tokio::test]
async fn six_hundred_connections_of_one_address_keep_no_other_out() {
    let server =
        TestServer::start("[server]\nconnections_per_ip = 100\nfirst_byte_timeout = \"60s\"\n").await;
    let mut flood = Vec::new();
    for _ in 0..600 {
        flood.push(TcpStream::connect(server.address).await.unwrap());
    }
    assert!(is_served(connect_from(THERE, server.address).await).await);
    assert!(!is_served(connect_from(HERE, server.address).await).await);
    let refused = "orderbell_connections_refused_total{why=\"per_ip\"}";
    assert_eq!(server.metric(refused).await, 501);
    drop(flood);
    eventually("there is room again", async || {
        is_served(connect_from(HERE, server.address).await).await.then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_has_as_many_connections_as_it_wants() {
    let limits = "connections_per_ip = 1\nnew_per_second_per_ip = 1\ntrusted_proxies = [\"127.0.0.0/30\"]";
    let server = TestServer::start(&format!("[server]\n{limits}\n")).await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(TcpStream::connect(server.address).await.unwrap());
    }
    for stream in open {
        assert!(is_served(stream).await);
    }
    let stranger = [127, 0, 0, 9];
    let _one = connect_from(stranger, server.address).await;
    assert!(!is_served(connect_from(stranger, server.address).await).await);
    server.stop().await;
}

#[tokio::test]
async fn there_is_an_end_to_connections() {
    let server = TestServer::start("[server]\nmax_connections = 5\nfirst_byte_timeout = \"60s\"\n").await;
    let mut open = Vec::new();
    for last in 1..=5 {
        open.push(connect_from([127, 0, 1, last], server.address).await);
    }
    assert!(!is_served(connect_from(THERE, server.address).await).await);
    assert_eq!(server.metric("orderbell_connections_refused_total{why=\"total\"}").await, 1);
    drop(open);
    eventually("there is room again", async || {
        is_served(connect_from(THERE, server.address).await).await.then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn connections_that_come_too_fast_wait_and_none_is_lost() {
    let server = TestServer::start("[server]\nnew_per_second = 20\n").await;
    let began = Instant::now();
    // A hundred at once, and then one every 50 ms.
    for _ in 0..130 {
        assert!(is_served(TcpStream::connect(server.address).await.unwrap()).await);
    }
    assert!(began.elapsed() > Duration::from_millis(1_300), "{:?}", began.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_comes_too_fast_is_refused_alone() {
    let server = TestServer::start("[server]\nnew_per_second_per_ip = 1\n").await;
    for _ in 0..5 {
        assert!(is_served(connect_from(HERE, server.address).await).await);
    }
    assert!(!is_served(connect_from(HERE, server.address).await).await);
    assert!(is_served(connect_from(THERE, server.address).await).await);
    assert_eq!(server.metric("orderbell_connections_refused_total{why=\"new_per_ip\"}").await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_rider_who_comes_too_often_is_told_to_wait() {
    let server = TestServer::start("[rider]\nconnects_per_minute = 3\n").await;
    for _ in 0..3 {
        RiderSocket::connect(&server, "r1").await;
    }
    let mut again = RiderSocket::open(&server).await;
    again.say_hello(json!({"token": server.token("r1").await, "device": "phone"})).await;
    assert_eq!(again.op("error").await["code"], "too_many");
    let bye = again.bye().await;
    assert_eq!(bye["code"], 4103);
    let wait = bye["retry_after_ms"].as_u64().unwrap();
    assert!((5_000..=10_000).contains(&wait), "{wait}");
    RiderSocket::connect(&server, "r2").await;
    server.stop().await;
}
