//! Ways to lead a call inside, none of which makes a connection.

use std::sync::Arc;

use orderbell::outbound::{AddressKind, OutboundError, UrlPolicy, UrlRefused};

use crate::peer::Peer;
use crate::{Book, limits, outbound_with, post};

/// Public by its prefix, and given to nobody.
const NOWHERE: &str = "3ffe:ffff::1";

async fn inside() -> Peer {
    Peer::answering("200 OK\r\n", b"secret").await
}

/// What becomes of a call where only public addresses may be called.
async fn publicly(book: &Arc<Book>, url: &str) -> OutboundError {
    outbound_with(limits(UrlPolicy::PublicOnly), Arc::clone(book)).0.send(post(url)).await.unwrap_err()
}

#[track_caller]
fn assert_refused(error: &OutboundError, why: UrlRefused) {
    assert!(matches!(error, OutboundError::NotAllowed(refused) if *refused == why), "{error:?}");
}

#[tokio::test]
async fn a_literal_is_refused_whenever_it_comes() {
    let peer = inside().await;
    let book = Arc::default();
    let port = peer.address.port();
    for host in
        ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "localhost", "a.localhost."]
    {
        let error = publicly(&book, &format!("https://{host}:{port}/")).await;
        assert_refused(&error, UrlRefused::Address(AddressKind::Loopback));
    }
    assert_refused(&publicly(&book, "https://10.0.0.1/").await, UrlRefused::Address(AddressKind::Private));
    assert_refused(&publicly(&book, &peer.url()).await, UrlRefused::Scheme);
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused() {
    let peer = inside().await;
    let url = format!("https://hook.test:{}/", peer.address.port());
    for (answer, kind) in [
        (&["127.0.0.1"][..], AddressKind::Loopback),
        (&["::1", "127.0.0.1"], AddressKind::Loopback),
        (&["::ffff:127.0.0.1"], AddressKind::Loopback),
        (&["10.1.2.3", "127.0.0.1"], AddressKind::Private),
        (&["169.254.169.254"], AddressKind::Special),
        (&["0.0.0.0"], AddressKind::Special),
    ] {
        let error = publicly(&Book::with("hook.test", &[answer]), &url).await;
        assert_refused(&error, UrlRefused::Address(kind));
    }
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn a_name_that_moves_inside_after_its_first_call_is_refused() {
    let peer = inside().await;
    let url = format!("https://rebind.test:{}/", peer.address.port());
    let book = Book::with("rebind.test", &[&[NOWHERE], &["127.0.0.1"]]);
    let (outbound, telemetry) = outbound_with(limits(UrlPolicy::PublicOnly), book);
    let first = outbound.send(post(&url)).await.unwrap_err();
    assert!(matches!(first, OutboundError::Unreachable(_)), "{first:?}");
    let second = outbound.send(post(&url)).await.unwrap_err();
    assert_refused(&second, UrlRefused::Address(AddressKind::Loopback));
    assert_eq!(peer.connections(), 0);
    let metrics = telemetry.render();
    assert!(metrics.contains("orderbell_outbound_calls_total{outcome=\"not_allowed\"} 1"), "{metrics}");
}

#[tokio::test]
async fn of_a_names_addresses_only_the_good_ones_are_tried() {
    let peer = inside().await;
    let url = format!("https://mixed.test:{}/", peer.address.port());
    let error = publicly(&Book::with("mixed.test", &[&["127.0.0.1", NOWHERE, "::1"]]), &url).await;
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn private_addresses_may_be_allowed_and_the_clouds_own_may_not() {
    let peer = inside().await;
    let url = format!("http://mixed.test:{}/", peer.address.port());
    let book =
        Book::with("mixed.test", &[&["169.254.169.254", "127.0.0.1"], &["169.254.169.254", "0.0.0.0"]]);
    let (outbound, _) = outbound_with(limits(UrlPolicy::PrivateToo), book);
    assert_eq!(outbound.send(post(&url)).await.unwrap().status, 200);
    // A kept connection would be used again without a look-up, as it should be.
    let other = url.replace("mixed", "Mixed").replace(&peer.address.port().to_string(), "1");
    let error = outbound.send(post(&other)).await.unwrap_err();
    assert_refused(&error, UrlRefused::Address(AddressKind::Special));
    assert_eq!(peer.connections(), 1);
}
