//! No callback leads inside: an address that may not be called is judged when it is sent to, by its spelling and by what its
//! name means at that moment. It is given up at once, without a request.

use orderbell::domain::callback::CallbackState;
use orderbell::outbound::UrlPolicy;
use serde_json::json;

use crate::stage::{Book, Setup, Stage, eventually};
use crate::target::{Manner, Target};

fn public_only(lookup: std::sync::Arc<Book>) -> Setup {
    Setup { policy: UrlPolicy::PublicOnly, lookup, ..Setup::default() }
}

#[tokio::test]
async fn addresses_inside_are_given_up_unsent_however_they_are_written() {
    let target = Target::doing(Manner::Status(200)).await;
    let port = target.address.port();
    let stage = Stage::start(public_only(Book::with("inside.example", &["127.0.0.1"]))).await;
    let urls = [
        target.url("/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://127.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.0.0.1:{port}/"),
        format!("https://[::1]:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://inside.example:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "https://user:secret@example.com/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "no address".to_owned(),
    ];
    for url in &urls {
        // As a database might hold it that was written under another configuration.
        let target = stage.target(url, 1).await;
        stage.event("r1", "order.new", json!({})).await;
        let records = stage.ended(1).await;
        let record = records.last().unwrap();
        let tries: Vec<_> = record.tries.iter().map(|one| (one.status, one.error.as_deref())).collect();
        assert_eq!((record.state, tries), (CallbackState::Dead, vec![(None, Some("not_allowed"))]), "{url}");
        let at = stage.dispatch.clock().now().wall;
        assert!(stage.store.delete_callback_target(stage.app, target.id, at).await.unwrap());
    }
    assert!(target.heard().is_empty(), "nothing was sent");
    stage.stop().await;
}

#[tokio::test]
async fn a_name_that_moves_inside_is_refused_when_it_has_moved() {
    // Public at first, where nobody answers in time; then it leads to a target beside us.
    let target = Target::doing(Manner::Status(200)).await;
    let book = Book::with("moves.example", &["192.88.98.1", "127.0.0.1"]);
    let stage = Stage::start(public_only(book)).await;
    stage.target(&format!("https://moves.example:{}/", target.address.port()), 1).await;
    stage.event("r1", "order.new", json!({})).await;
    let record = stage.ended(1).await.remove(0);
    let words: Vec<_> = record.tries.iter().map(|one| one.error.as_deref().unwrap()).collect();
    assert_eq!((record.state, words.last()), (CallbackState::Dead, Some(&"not_allowed")));
    assert!(
        words[..words.len() - 1].iter().all(|word| ["timeout", "unreachable"].contains(word)),
        "{words:?}"
    );
    assert!(words.len() == 2 && target.heard().is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn a_target_whose_tls_is_none_is_tried_again() {
    let stage = Stage::start(Setup { retries: vec![20], ..Setup::default() }).await;
    let target = Target::doing(Manner::Status(200)).await;
    stage.target(&format!("https://{}/", target.address), 1).await;
    stage.event("r1", "order.new", json!({})).await;
    let record = eventually("it is given up", async || {
        stage.callbacks().await.into_iter().find(|record| record.state == CallbackState::Dead)
    })
    .await;
    let words: Vec<_> = record.tries.iter().map(|one| one.error.as_deref().unwrap()).collect();
    assert!(
        words.len() == 2 && words.iter().all(|word| ["unreachable", "timeout"].contains(word)),
        "{words:?}"
    );
    stage.stop().await;
}
