//! Hooks as their owners keep them: judged whole, told apart by version, with secrets that nobody reads again.

use std::collections::BTreeMap;

use orderbell::dispatch::{HookError, HookWish, SecretWish};
use orderbell::domain::HookVerdict;
use orderbell::intake::InputError;
use serde_json::{Value, json};

use crate::stage::{Stage, a_profile, a_wish};

fn wrong<T>(result: Result<T, HookError>) -> (&'static str, String) {
    match result.err().unwrap() {
        HookError::Input(InputError { error, pointer, .. }) => (error, pointer.unwrap()),
        other => panic!("{other:?}"),
    }
}

fn with(member: &str, value: Value) -> Value {
    let mut profile = a_profile();
    profile[member] = value;
    profile
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let stage = Stage::start().await;
    let asks = json!({"dev_id": {"about": "the developer's id", "required": true}});
    let token = json!([{"scheme": "token", "in": "header.X-Token"}]);
    let none = HookWish::default();
    for (wish, error, pointer) in [
        (a_wish("Shop", a_profile()), "bad_value", "/name"),
        (a_wish("shop", with("when", json!("body.a | nofilter"))), "bad_expression", "/profile/when"),
        (a_wish("shop", with("params", asks)), "missing_member", "/params/dev_id"),
        (a_wish("shop", with("verify", token)), "missing_member", "/secrets/secret"),
        (
            HookWish { preset: Some("nobody".to_owned()), ..a_wish("shop", json!({})) },
            "unknown_preset",
            "/preset",
        ),
        (HookWish { name: "shop".to_owned(), ..none }, "missing_member", "/profile/map"),
    ] {
        let made = stage.dispatch.add_hook(stage.app, wish).await;
        assert_eq!(wrong(made), (error, pointer.to_owned()));
    }
    assert_eq!(stage.dispatch.hooks(stage.app).await.unwrap(), []);
    stage.stop().await;
}

#[tokio::test]
async fn an_app_has_so_many_hooks_and_a_change_knows_what_it_changes() {
    let stage = Stage::start().await;
    let first = stage.hook("one", a_profile()).await;
    for name in ["two", "three"] {
        stage.hook(name, a_profile()).await;
    }
    let full = stage.dispatch.add_hook(stage.app, a_wish("four", a_profile())).await;
    assert!(matches!(full, Err(HookError::Full)), "{full:?}");
    let put =
        async |version| stage.dispatch.put_hook(stage.app, &first.id, a_wish("", a_profile()), version).await;
    assert_eq!(put(Some(1)).await.unwrap().version, 2);
    assert!(matches!(put(Some(1)).await, Err(HookError::Changed(2))));
    assert_eq!(put(None).await.unwrap().version, 3);
    let stranger = orderbell::domain::AppId::new(orderbell::domain::EpochMs(1), [9; 10]);
    assert!(matches!(stage.dispatch.hook(stranger, &first.id).await, Err(HookError::Unknown(_))));
    stage.stop().await;
}

#[tokio::test]
async fn secrets_are_rotated_while_both_work() {
    let stage = Stage::start().await;
    let token = json!([{"scheme": "token", "in": "query.token"}]);
    let secrets = |text: &str| Some(BTreeMap::from([("secret".to_owned(), vec![text.to_owned()])]));
    let wish = HookWish { secrets: secrets("one"), ..a_wish("shop", with("verify", token.clone())) };
    let hook = stage.dispatch.add_hook(stage.app, wish).await.unwrap();
    let comes_in = async |text: &str| {
        let mut arrival = stage.arrival(&json!({"order": "o1", "status": 9, "rider": "r1"}));
        arrival.query = format!("token={text}");
        stage.send_whole(&hook, arrival).await.verdict != Some(HookVerdict::Refused)
    };
    let rotate = async |text: &str, drop_others| {
        let wish = SecretWish { name: "secret".to_owned(), secret: text.to_owned(), drop_others };
        stage.dispatch.rotate_hook_secret(stage.app, &hook.id, wish).await.unwrap()
    };
    rotate("two", false).await;
    assert!(comes_in("one").await && comes_in("two").await && !comes_in("three").await);
    // A change that names no secrets leaves them.
    let wish = a_wish("", with("verify", token));
    stage.dispatch.put_hook(stage.app, &hook.id, wish, None).await.unwrap();
    assert!(comes_in("one").await && comes_in("two").await);
    rotate("three", true).await;
    assert!(!comes_in("one").await && !comes_in("two").await && comes_in("three").await);
    stage.stop().await;
}
