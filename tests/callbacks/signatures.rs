//! Every callback is signed as Standard Webhooks has it, by each live secret of its app, and anew with each try.
//! What else stands in its head: what it is, who sends it, and the trace of its alert.

use orderbell::dispatch::AppSecret;
use orderbell::domain::SecretKind;
use serde_json::json;

use crate::stage::{Setup, Stage, eventually};
use crate::target::{Manner, Target};

#[tokio::test]
async fn both_secrets_sign_during_a_rotation_and_only_the_new_one_after_it() {
    let stage = Stage::start(Setup::default()).await;
    let target = Target::doing(Manner::Status(200)).await;
    stage.target(&target.url("/"), 1).await;
    let secret = async || stage.entry().await.newest(SecretKind::Callback).unwrap().to_vec();
    let accounts = stage.dispatch.accounts();
    let old = secret().await;
    let mut told = 0;
    let mut next = async || {
        told += 1;
        stage.event("r1", "order.new", json!({})).await;
        eventually("it is told", async || target.heard().get(told - 1).cloned()).await
    };
    let first = next().await;
    let signatures =
        |heard: &crate::target::Heard| heard.header("webhook-signature").unwrap().split(' ').count();
    assert!(first.is_signed_by(&[&old]) && signatures(&first) == 1);
    accounts.rotate_app(stage.app, AppSecret::Callback, 3_600_000).await.unwrap();
    let new = secret().await;
    let second = next().await;
    assert!(second.is_signed_by(&[&old]) && second.is_signed_by(&[&new]) && signatures(&second) == 2);
    accounts.rotate_app(stage.app, AppSecret::Callback, 0).await.unwrap();
    let newest = secret().await;
    let third = next().await;
    assert!(third.is_signed_by(&[&newest]) && !third.is_signed_by(&[&old, &new]) && signatures(&third) == 1);
    stage.stop().await;
}

#[tokio::test]
async fn the_head_says_what_it_is_and_each_try_is_signed_anew() {
    let stage = Stage::start(Setup { retries: vec![1_100], ..Setup::default() }).await;
    let target = Target::at_first(Manner::Status(500)).await;
    let more = json!({"callback_url": target.url("/own?key=1"), "ext": {"shop": 7}, "order": {"id": "o-1"}});
    let alert = stage.event("骑手-1", "order.new", more).await;
    let record = stage.ended(1).await.remove(0);
    let heard = target.heard();
    let secret = stage.entry().await.newest(SecretKind::Callback).unwrap().to_vec();
    let header = |place: usize, name: &str| heard[place].header(name).unwrap().to_owned();
    for (place, request) in heard.iter().enumerate() {
        assert!(request.is_signed_by(&[&secret]));
        assert_eq!(header(place, "content-type"), "application/json");
        assert!(header(place, "user-agent").starts_with("Orderbell/"));
        assert!(header(place, "traceparent").starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_eq!((request.id(), request.bytes.as_slice()), (heard[0].id(), heard[0].bytes.as_slice()));
    }
    assert_eq!(heard.len(), 2);
    assert_ne!(header(0, "webhook-timestamp"), header(1, "webhook-timestamp"), "that of the try");
    assert_ne!(header(0, "traceparent"), header(1, "traceparent"), "a span of its own");
    let body = heard[0].body();
    assert_eq!(body, orderbell::dispatch::callback_body(&record.callback), "as the API shows it");
    let data = &body["data"];
    assert_eq!(
        (&body["type"], &data["ext"], &data["order_id"]),
        (&json!("alert.unreachable"), &json!({"shop": 7}), &json!("o-1"))
    );
    assert_eq!((&data["callback_id"], &data["alert_id"]), (&json!(heard[0].id()), &json!(alert)));
    stage.stop().await;
}
