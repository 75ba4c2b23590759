//! Messages: who is written to, when, how often, and what is left of what they agreed to.

use std::time::Duration;

use orderbell::dispatch::Posted;
use orderbell::domain::app::KeyMode;
use orderbell::domain::delivery::Change;
use orderbell::store::{Admission, Progress};

use crate::postman::{House, WAIT_MS};

fn to(rider: &str, alert: orderbell::domain::AlertId) -> Vec<(String, orderbell::domain::AlertId)> {
    vec![(format!("of-{rider}"), alert)]
}

#[tokio::test]
async fn a_rider_who_is_away_is_written_to_once() {
    let house = House::open().await;
    house.agreed("r1", 2).await;
    let alert = house.alert("e1", "r1", KeyMode::Live).await;
    assert_eq!(house.left("r1").await, 1);
    house.after(WAIT_MS - 1).await;
    assert_eq!(house.written(), [], "they may still come");
    house.after(1).await;
    assert_eq!(house.written(), to("r1", alert));
    let session = house.comes("r1");
    house.goes(session).await;
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 1));
    assert_eq!(house.counted("sent"), 1);
    house.close().await;
}

#[tokio::test]
async fn a_rider_who_leaves_before_they_know_is_written_to() {
    let house = House::open().await;
    house.agreed("r1", 1).await;
    let session = house.comes("r1");
    let alert = house.alert("e1", "r1", KeyMode::Live).await;
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 1), "they hear it");
    house.goes(session).await;
    assert_eq!(house.left("r1").await, 0);
    house.after(WAIT_MS).await;
    assert_eq!(house.written(), to("r1", alert));
    house.close().await;
}

#[tokio::test]
async fn who_heard_it_after_all_keeps_their_consent() {
    let house = House::open().await;
    house.agreed("r1", 2).await;
    let received = house.alert("e1", "r1", KeyMode::Live).await;
    let cancelled = house.alert("e2", "r1", KeyMode::Live).await;
    assert_eq!(house.left("r1").await, 0);
    let progress = Progress {
        rider: house.rider("r1"),
        alert: received,
        change: Change::Received,
        at: house.now(),
        settle_ms: 60_000,
    };
    house.stage.store.progress(vec![progress]).await.unwrap();
    house.stage.dispatch.cancel_alert(house.stage.app, KeyMode::Live, cancelled).await.unwrap();
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 2));
    assert_eq!(house.counted("not_needed"), 2);
    house.close().await;
}

#[tokio::test]
async fn who_is_back_is_waited_for_and_written_to_if_it_comes_to_nothing() {
    let house = House::open().await;
    house.agreed("r1", 1).await;
    let alert = house.alert("e1", "r1", KeyMode::Live).await;
    let session = house.comes("r1");
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.counted("put_off")), (Vec::new(), 1));
    house.goes(session).await;
    house.after(WAIT_MS).await;
    assert_eq!(house.written(), to("r1", alert));
    house.close().await;
}

#[tokio::test]
async fn an_alert_that_is_over_is_not_written_of() {
    let house = House::open().await;
    house.agreed("r1", 1).await;
    house.postman.says.lock().unwrap().push_back(Posted::Again(Some(Duration::from_mins(5))));
    let alert = house.alert("e1", "r1", KeyMode::Live).await;
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.counted("again")), (to("r1", alert), 1));
    house.after(299_000).await;
    assert_eq!(house.written(), [], "as long as it asked for");
    house.after(86_400_000).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 1));
    house.close().await;
}

#[tokio::test]
async fn what_is_not_reached_is_tried_three_times() {
    let house = House::open().await;
    house.agreed("r1", 1).await;
    house.postman.says.lock().unwrap().extend([Posted::Again(None); 3]);
    house.alert("e1", "r1", KeyMode::Live).await;
    for wait in [WAIT_MS, 2_000, 4_000] {
        house.after(wait - 1).await;
        assert_eq!(house.written(), [], "before {wait} ms");
        house.after(1).await;
        assert_eq!(house.written().len(), 1, "after {wait} ms");
    }
    house.after(60_000).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 1), "nothing was sent");
    assert_eq!((house.counted("again"), house.counted("unreached")), (2, 1));
    house.close().await;
}

#[tokio::test]
async fn where_wechat_knows_of_no_consent_none_is_left() {
    let house = House::open().await;
    house.agreed("r1", 9).await;
    house.agreed("r2", 9).await;
    house.postman.says.lock().unwrap().extend([Posted::ConsentGone, Posted::Refused]);
    house.alert("e1", "r1", KeyMode::Live).await;
    house.after(WAIT_MS).await;
    house.alert("e2", "r2", KeyMode::Live).await;
    house.after(WAIT_MS).await;
    assert_eq!((house.left("r1").await, house.left("r2").await), (0, 9));
    house.alert("e3", "r1", KeyMode::Live).await;
    house.written();
    house.after(WAIT_MS).await;
    assert_eq!(house.written(), []);
    house.close().await;
}

#[tokio::test]
async fn what_is_configured_wrongly_rests_and_costs_nobody_a_consent() {
    let house = House::open().await;
    house.agreed("r1", 5).await;
    house.postman.says.lock().unwrap().push_back(Posted::Misconfigured);
    let first = house.alert("e1", "r1", KeyMode::Live).await;
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.counted("misconfigured")), (to("r1", first), 1));
    house.alert("e2", "r1", KeyMode::Live).await;
    assert_eq!(house.left("r1").await, 4, "nothing is spent while it rests");
    house.after(599_999).await;
    house.alert("e3", "r1", KeyMode::Live).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 4));
    // The first is void by then and gives its consent back; the next finds out that all is well.
    house.after(1).await;
    let next = house.alert("e4", "r1", KeyMode::Live).await;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 4));
    house.after(WAIT_MS).await;
    assert_eq!(house.written(), to("r1", next));
    house.close().await;
}

#[tokio::test]
async fn a_program_that_is_taken_out_gives_back_what_was_spent() {
    let house = House::open().await;
    house.agreed("r1", 1).await;
    house.alert("e1", "r1", KeyMode::Live).await;
    let templates = std::mem::take(&mut *house.postman.templates.lock().unwrap());
    house.after(WAIT_MS).await;
    *house.postman.templates.lock().unwrap() = templates;
    assert_eq!((house.written(), house.left("r1").await), (Vec::new(), 1));
    house.close().await;
}

#[tokio::test]
async fn a_test_is_written_of_to_test_riders_alone() {
    let house = House::open().await;
    for rider in ["t1", "r1"] {
        house.agreed(rider, 1).await;
    }
    let admit = async |rider, admission| {
        house.stage.store.admit(house.rider(rider), admission, house.now()).await.unwrap();
    };
    admit("t1", Admission::AsTest).await;
    admit("r1", Admission::AsReal).await;
    house.alert("e1", "r1", KeyMode::Test).await;
    assert_eq!(house.left("r1").await, 1, "a real rider does not have it");
    let alert = house.alert("e2", "t1", KeyMode::Test).await;
    house.after(WAIT_MS).await;
    assert_eq!(house.written(), to("t1", alert));
    house.agreed("t1", 1).await;
    house.alert("e3", "t1", KeyMode::Test).await;
    admit("t1", Admission::AsReal).await;
    house.after(WAIT_MS).await;
    assert_eq!((house.written(), house.left("t1").await), (Vec::new(), 1), "they are real by now");
    house.close().await;
}

#[tokio::test]
async fn no_more_are_sent_at_once_than_may_be() {
    let house = House::open().await;
    for number in 0..20 {
        let rider = format!("r{number}");
        house.agreed(&rider, 1).await;
        house.alert(&format!("e{number}"), &rider, KeyMode::Live).await;
    }
    house.after(WAIT_MS).await;
    assert_eq!(house.written().len(), 16);
    house.after(1_000).await;
    assert_eq!(house.written().len(), 4);
    house.close().await;
}
