//! Answers that are late, long, broken or none.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use orderbell::clock::SystemClock;
use orderbell::outbound::{
    BodyEnd, Lookup, Outbound, OutboundError, OutboundLimits, OutboundRequest, UrlPolicy,
};
use orderbell::telemetry::Telemetry;

use crate::peer::{Manner, Peer};
use crate::{ANSWER_MAX, DEADLINE, answer_of, failure_of, outbound, post};

/// Short enough to wait for, long enough for a call on this machine.
const BRIEF: Duration = Duration::from_secs(1);
/// Well before this a brief call has ended.
const SOON: Duration = Duration::from_secs(5);

fn brief(url: &str) -> OutboundRequest {
    OutboundRequest { timeout: BRIEF, ..post(url) }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let fits = Peer::answering("200 OK\r\n", &[b'a'; ANSWER_MAX]).await;
    let answer = answer_of(&fits.url()).await;
    assert_eq!((answer.body.len(), answer.body_end), (ANSWER_MAX, BodyEnd::Whole));
    let long = Peer::answering("200 OK\r\n", &[b'a'; ANSWER_MAX + 1]).await;
    let answer = answer_of(&long.url()).await;
    assert_eq!((answer.body.len(), answer.body_end), (ANSWER_MAX, BodyEnd::TooLong));
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let chunk = [b"2000\r\n".as_slice(), &[b'a'; 0x2000], b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let peer = Peer::start(Manner::Repeat(head, chunk, Duration::ZERO)).await;
    let began = Instant::now();
    let answer = answer_of(&peer.url()).await;
    assert_eq!((answer.status, answer.body.len(), answer.body_end), (200, ANSWER_MAX, BodyEnd::TooLong));
    assert!(began.elapsed() < SOON);
}

#[tokio::test]
async fn a_body_that_drips_is_cut_in_time_and_its_status_is_told() {
    let head = b"HTTP/1.1 503 Busy\r\nretry-after: 30\r\ncontent-length: 4000\r\n\r\n".to_vec();
    let peer = Peer::start(Manner::Repeat(head, b"a".to_vec(), Duration::from_millis(10))).await;
    let began = Instant::now();
    let answer = outbound().send(brief(&peer.url())).await.unwrap();
    assert_eq!((answer.status, answer.body_end), (503, BodyEnd::TooLate));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(30)));
    assert!((BRIEF..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_head_that_drips_is_no_answer() {
    let began = Instant::now();
    let peer =
        Peer::start(Manner::Repeat(b"HTTP/1.1 200".to_vec(), b" ".to_vec(), Duration::from_millis(10))).await;
    let error = outbound().send(brief(&peer.url())).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut), "{error:?}");
    assert!((BRIEF..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn no_call_is_longer_than_all_may_be() {
    let peer = Peer::start(Manner::SayAndHang(Vec::new())).await;
    let mut limits = crate::limits(UrlPolicy::PrivateToo);
    limits.timeout_max = BRIEF;
    let began = Instant::now();
    let error = crate::outbound_with(limits, Arc::default()).0.send(post(&peer.url())).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut), "{error:?}");
    assert!(began.elapsed() < DEADLINE);
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_is() {
    // A bomb would be as small as this and as large as it likes.
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\xca\x2f\x2d\x49\xce\xcf\x4d\x55\xb2\x52\x2a\xcf\xcf\x53\xaa\x05\0";
    let peer = Peer::answering("200 OK\r\ncontent-encoding: gzip\r\n", packed).await;
    let answer = answer_of(&peer.url()).await;
    assert_eq!((&answer.body[..], answer.body_end), (&packed[..], BodyEnd::Whole));
    assert!(!peer.requests()[0].contains("accept-encoding"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_answer_all_the_same() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let answer = answer_of(&Peer::start(Manner::SayAndClose(half)).await.url()).await;
    assert_eq!((answer.status, &answer.body[..], answer.body_end), (200, &b"half"[..], BodyEnd::Broken));
}

#[tokio::test]
async fn what_is_no_http_is_broken() {
    for words in [
        b"".as_slice(),
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200",
        b"\0\0\0\0\r\n\r\n",
        b"220 mail ESMTP\r\n",
    ] {
        let peer = Peer::start(Manner::SayAndClose(words.to_vec())).await;
        let error = failure_of(&peer.url()).await;
        assert!(matches!(error, OutboundError::Broken(_)), "{words:?}: {error:?}");
        assert_eq!(peer.requests().len(), 1, "a call is made once: {words:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    let peer = Peer::answering("200 OK\r\n", b"").await;
    let url = format!("{}hook?token=k3y", peer.url());
    drop(peer);
    // The listener goes with its task, a moment after the drop.
    let gone = async {
        loop {
            match outbound().send(post(&url)).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    };
    let error = tokio::time::timeout(DEADLINE, gone).await.unwrap();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    let debugged = format!("{error:?}");
    let told = format!("{debugged} {:#}", anyhow::Error::new(error));
    assert!(!told.contains("k3y"), "{told}");
}

/// Nobody answers for any name.
struct Silence;

#[async_trait]
impl Lookup for Silence {
    async fn lookup(&self, _name: &str) -> std::io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_name_that_nobody_answers_for_is_unreachable_in_time() {
    let limits = OutboundLimits { connect_timeout: BRIEF, ..crate::limits(UrlPolicy::PrivateToo) };
    let outbound =
        Outbound::new(limits, Arc::new(Silence), Arc::new(SystemClock::new()), Telemetry::new()).unwrap();
    let began = Instant::now();
    let error = outbound.send(post("http://hook.test/")).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    assert!((BRIEF..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_unreachable() {
    let error = failure_of("http://nobody.test/").await;
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
}
