//! Who is turned away: strangers, those who come too often, what cannot be read. Of none of it anything is stored.

use http::{HeaderMap, HeaderValue};
use orderbell::dispatch::{HookLimits, HookReply, HookWish, Unread};
use orderbell::domain::HookVerdict;
use serde_json::json;

use crate::stage::{HOOKS, Stage, a_profile, a_wish};

#[tokio::test]
async fn a_flood_on_one_hook_leaves_the_others_served() {
    let stage = Stage::with(HookLimits { per_second: 5, burst: 10, ..HOOKS }).await;
    let (loud, quiet) = (stage.hook("loud", a_profile()).await, stage.hook("quiet", a_profile()).await);
    let body = |number: u32| json!({"order": format!("o{number}"), "status": 3, "rider": "r1"});
    let bodies: Vec<_> = (0..100).map(body).collect();
    let flood = bodies.iter().map(|body| stage.send(&loud, body));
    let answers = futures_util::future::join_all(flood).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.verdict == Some(HookVerdict::Busy)).collect();
    assert_eq!(busy.len(), 90, "a burst of ten, as the clock stands still");
    assert!(busy.iter().all(|answer| answer.reply.status() == 429 && answer.retry_after_s == Some(1)));
    assert_eq!(stage.verdict(&quiet, &body(1)).await, HookVerdict::Mapped);
    stage.clock.advance_ms(1_000);
    assert_eq!(stage.verdict(&loud, &body(200)).await, HookVerdict::Mapped, "and it is served again");
    stage.stop().await;
}

#[tokio::test]
async fn a_hook_has_so_many_places() {
    let stage = Stage::with(HookLimits { concurrency: 1, ..HOOKS }).await;
    let hook = stage.hook("shop", a_profile()).await;
    let bodies: Vec<_> =
        (0..50).map(|number| json!({"order": format!("o{number}"), "status": 3, "rider": "r1"})).collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| stage.verdict(&hook, body))).await;
    let mapped = answers.iter().filter(|verdict| **verdict == HookVerdict::Mapped).count();
    assert!((1..50).contains(&mapped), "{mapped}");
    assert_eq!(
        stage.verdict(&hook, &json!({"order": "last", "status": 3, "rider": "r1"})).await,
        HookVerdict::Mapped
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_stranger_is_refused_and_only_the_owner_sees_why() {
    let stage = Stage::start().await;
    let mut profile = a_profile();
    profile["verify"] = json!([{"scheme": "token", "in": "header.X-Token"}]);
    let wish = a_wish("shop", profile);
    let secrets = Some([("secret".to_owned(), vec!["open sesame".to_owned()])].into());
    let hook = stage.dispatch.add_hook(stage.app, HookWish { secrets, ..wish }).await.unwrap();
    let body = json!({"order": "o1", "status": 3, "rider": "r1"});
    let sent_with = |token: &'static str| {
        let mut arrival = stage.arrival(&body);
        arrival.headers.insert("x-token", HeaderValue::from_static(token));
        arrival
    };
    let answer = stage.send_whole(&hook, sent_with("close sesame")).await;
    assert_eq!(answer.verdict, Some(HookVerdict::Refused));
    let HookReply::Problem { status, message, .. } = answer.reply else { unreachable!() };
    assert!(matches!(status, 401 | 403) && !message.contains("sesame"));
    let look = stage.dispatch.hook(stage.app, &hook.id).await.unwrap();
    assert_eq!(look.counts, [(HookVerdict::Refused, 1)]);
    assert_eq!((look.refusals.len(), &*look.refusals[0].headers), (1, &["x-token".to_owned()][..]));
    assert!(!format!("{:?}", look.refusals).contains("sesame"));
    stage.kept(&hook, 0).await;
    assert_eq!(stage.send_whole(&hook, sent_with("open sesame")).await.verdict, Some(HookVerdict::Mapped));
    assert!(!format!("{:?}", look.hook.secrets).contains("sesame"), "and it is kept sealed");
    stage.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_not_kept() {
    let stage = Stage::with(HookLimits { items_max: 2, ..HOOKS }).await;
    let mut profile = a_profile();
    profile["items"] = json!("body.orders");
    let hook = stage.hook("shop", profile).await;
    let mut broken = stage.arrival(&json!({}));
    broken.body = bytes::Bytes::from_static(b"{\"orders\": [");
    let too_many = stage.arrival(&json!({"orders": [{}, {}, {}]}));
    for arrival in [broken, too_many] {
        let answer = stage.send_whole(&hook, arrival).await;
        assert_eq!((answer.verdict, answer.reply.status()), (Some(HookVerdict::Unreadable), 400));
    }
    let visit = stage.dispatch.enter_hook(hook.id.as_str()).await.ok().unwrap();
    let large = Unread { status: 413, error: "too_large", message: String::new() };
    assert_eq!(stage.dispatch.refuse_unread(&visit, &HeaderMap::new(), large).reply.status(), 413);
    stage.kept(&hook, 0).await;
    assert_eq!(
        stage.dispatch.hook(stage.app, &hook.id).await.unwrap().refusals.len(),
        3,
        "what was not even read as well"
    );
    stage.stop().await;
}

#[tokio::test]
async fn nobodys_hook_is_not_found() {
    let stage = Stage::start().await;
    let hook = stage.hook("shop", a_profile()).await;
    let guessed = hook.id.as_str().replace("shop", "shop2");
    for id in ["shop", "..", guessed.as_str(), guessed.as_str()] {
        let answer = stage.dispatch.enter_hook(id).await.err().unwrap();
        assert_eq!((answer.verdict, answer.reply.status()), (None, 404), "{id}");
    }
    stage.dispatch.delete_hook(stage.app, &hook.id).await.unwrap();
    assert_eq!(stage.dispatch.enter_hook(hook.id.as_str()).await.err().unwrap().reply.status(), 404);
    stage.stop().await;
}
