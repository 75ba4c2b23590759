//! Calls to services that the operator has configured, and to URLs that those hand out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use orderbell::clock::SystemClock;
use orderbell::outbound::service::{ServiceError, ServiceRequest, ServiceResponse, Services};
use orderbell::outbound::{AddressKind, OutboundError, UrlRefused};

use crate::peer::{Manner, Peer};
use crate::{ANSWER_MAX, Book, DEADLINE};

/// Short enough to wait for, long enough for a call on this machine.
const BRIEF: Duration = Duration::from_secs(1);
/// Well before this a brief call has ended.
const SOON: Duration = Duration::from_secs(5);
/// Public by its prefix, and given to nobody.
const NOWHERE: &str = "3ffe:ffff::1";

fn services(book: &Arc<Book>) -> Services {
    let lookup: Arc<Book> = Arc::clone(book);
    Services::new(lookup, Arc::new(SystemClock::new())).unwrap()
}

fn post(url: &str) -> ServiceRequest {
    ServiceRequest {
        method: Method::POST,
        url: url.to_owned(),
        headers: HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            HeaderValue::from_static("Bearer k3y"),
        )]),
        body: Bytes::from_static(b"{}"),
        timeout: DEADLINE,
        answer_bytes_max: ANSWER_MAX,
    }
}

async fn called(url: &str) -> Result<ServiceResponse, ServiceError> {
    services(&Arc::default()).call(post(url)).await
}

async fn briefly(url: &str) -> ServiceError {
    services(&Arc::default()).call(ServiceRequest { timeout: BRIEF, ..post(url) }).await.unwrap_err()
}

#[tokio::test]
async fn a_call_arrives_as_it_was_made_and_its_answer_comes_back_whole() {
    let peer = Peer::answering("429 Slow\r\nretry-after: 30\r\nx-logid: 7\r\n", b"slow down").await;
    let answer = called(&peer.url()).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (429, &b"slow down"[..]));
    assert_eq!(answer.retry_after, Some(Duration::from_secs(30)));
    assert_eq!(answer.headers["x-logid"], "7");
    let request = &peer.requests()[0];
    let agent = format!("user-agent: Orderbell/{}\r\n", env!("CARGO_PKG_VERSION"));
    assert!(request.starts_with("POST / HTTP/1.1\r\n") && request.ends_with("\r\n\r\n{}"), "{request}");
    assert!(request.contains(&agent) && request.contains("authorization: Bearer k3y\r\n"), "{request}");
    assert!(!request.contains("accept-encoding"), "{request}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let peer = Peer::answering("200 OK\r\n", b"ok").await;
    let services = services(&Arc::default());
    for _ in 0..3 {
        assert_eq!(services.call(post(&peer.url())).await.unwrap().status, 200);
    }
    assert_eq!((peer.requests().len(), peer.connections()), (3, 1));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Peer::answering("200 OK\r\n", b"secret").await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let peer = Peer::answering(&format!("{status}\r\nlocation: {}\r\n", inside.url()), b"gone").await;
        let answer = called(&peer.url()).await.unwrap();
        assert_eq!((&answer.status.to_string()[..], &answer.body[..]), (&status[..3], &b"gone"[..]));
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_body_is_taken_up_to_its_limit_and_a_longer_one_is_left() {
    let fits = Peer::answering("200 OK\r\n", &[b'a'; ANSWER_MAX]).await;
    assert_eq!(called(&fits.url()).await.unwrap().body.len(), ANSWER_MAX);
    let long = Peer::answering("200 OK\r\n", &[b'a'; ANSWER_MAX + 1]).await;
    let chunk = [b"2000\r\n".as_slice(), &[b'a'; 0x2000], b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let endless = Peer::start(Manner::Repeat(head, chunk, Duration::ZERO)).await;
    for peer in [long, endless] {
        let began = Instant::now();
        let error = called(&peer.url()).await.unwrap_err();
        assert!(matches!(error, ServiceError::TooLong(ANSWER_MAX)), "{error:?}");
        assert!(began.elapsed() < SOON);
    }
}

#[tokio::test]
async fn what_drips_or_hangs_ends_in_time() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n".to_vec();
    let pause = Duration::from_millis(10);
    for manner in [
        Manner::SayAndHang(Vec::new()),
        Manner::SayAndHang(head.clone()),
        Manner::Repeat(head, b"a".to_vec(), pause),
        Manner::Repeat(b"HTTP/1.1 200".to_vec(), b" ".to_vec(), pause),
    ] {
        let peer = Peer::start(manner).await;
        let began = Instant::now();
        let error = briefly(&peer.url()).await;
        assert!(matches!(error, ServiceError::Call(OutboundError::TimedOut)), "{error:?}");
        assert!((BRIEF..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
        assert_eq!(peer.requests().len(), 1, "a call is made once");
    }
}

#[tokio::test]
async fn a_compressed_body_stays_as_it_is() {
    let packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\xca\x2f\x2d\x49\xce\xcf\x4d\x55\xb2\x52\x2a\xcf\xcf\x53\xaa\x05\0";
    let peer = Peer::answering("200 OK\r\ncontent-encoding: gzip\r\n", packed).await;
    let answer = called(&peer.url()).await.unwrap();
    assert_eq!(
        (&answer.body[..], &answer.headers["content-encoding"]),
        (&packed[..], &HeaderValue::from_static("gzip"))
    );
}

#[tokio::test]
async fn half_an_answer_is_none() {
    for words in
        [&b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"[..], b"HTTP/1.1 200", b"", b"SSH-2.0\r\n"]
    {
        let peer = Peer::start(Manner::SayAndClose(words.to_vec())).await;
        let error = called(&peer.url()).await.unwrap_err();
        assert!(matches!(error, ServiceError::Call(OutboundError::Broken(_))), "{words:?}: {error:?}");
        assert_eq!(peer.requests().len(), 1, "a call is made once");
    }
}

#[tokio::test]
async fn only_http_is_called_and_no_error_holds_the_url() {
    for url in ["ftp://x/", "file:///etc/passwd", "x", "", "data:,x"] {
        let error = called(url).await.unwrap_err();
        assert!(matches!(error, ServiceError::BadUrl), "{url}: {error:?}");
    }
    let hanging = Peer::start(Manner::SayAndHang(Vec::new())).await;
    let closing = Peer::start(Manner::SayAndClose(Vec::new())).await;
    for url in [hanging.url(), closing.url(), "http://127.0.0.1:1/".to_owned(), "ftp://x/".to_owned()] {
        let error = briefly(&format!("{url}tts?token=t0k3n")).await;
        let debugged = format!("{error:?}");
        let told = format!("{debugged} {:#}", anyhow::Error::new(error));
        assert!(!told.contains("t0k3n") && !told.contains("k3y"), "{told}");
    }
}

/// What becomes of a URL that a service hands out.
async fn fetched(book: &Arc<Book>, url: &str) -> OutboundError {
    match services(book).fetch(post(url)).await {
        Err(ServiceError::Call(error)) => error,
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test]
async fn a_url_that_a_service_hands_out_never_leads_inside() {
    let inside = Peer::answering("200 OK\r\n", b"secret").await;
    let port = inside.address.port();
    let none = Arc::default();
    for (url, why) in [
        (inside.url(), UrlRefused::Scheme),
        (format!("https://127.0.0.1:{port}/"), UrlRefused::Address(AddressKind::Loopback)),
        (format!("https://0x7f000001:{port}/"), UrlRefused::Address(AddressKind::Loopback)),
        (format!("https://[::ffff:127.0.0.1]:{port}/"), UrlRefused::Address(AddressKind::Loopback)),
        (format!("https://a.localhost.:{port}/"), UrlRefused::Address(AddressKind::Loopback)),
        ("https://10.0.0.1/".to_owned(), UrlRefused::Address(AddressKind::Private)),
        ("https://169.254.169.254/".to_owned(), UrlRefused::Address(AddressKind::Special)),
        ("https://user:word@example.com/".to_owned(), UrlRefused::UserInfo),
    ] {
        let error = fetched(&none, &url).await;
        assert!(matches!(error, OutboundError::NotAllowed(refused) if refused == why), "{url}: {error:?}");
    }
    let url = format!("https://oss.test:{port}/result.mp3");
    for answer in
        [&["127.0.0.1"][..], &["::ffff:127.0.0.1"], &["10.1.2.3", "127.0.0.1"], &["169.254.169.254"]]
    {
        let error = fetched(&Book::with("oss.test", &[answer]), &url).await;
        assert!(matches!(error, OutboundError::NotAllowed(UrlRefused::Address(_))), "{answer:?}: {error:?}");
    }
    // Public addresses are tried, and of a mixed name only those.
    let error = fetched(&Book::with("oss.test", &[&["127.0.0.1", NOWHERE]]), &url).await;
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn what_the_operator_configured_may_be_inside() {
    let inside = Peer::answering("200 OK\r\n", b"sound").await;
    let url = format!("http://localhost:{}/", inside.address.port());
    assert_eq!(&called(&url).await.unwrap().body[..], b"sound");
}
