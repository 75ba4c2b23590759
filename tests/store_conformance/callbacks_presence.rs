//! Who comes and goes: noted with the touch of a rider, told once it has settled, and only where somebody asks.

use orderbell::domain::app::KeyMode;
use orderbell::domain::callback::CallbackTarget;
use orderbell::domain::{EpochMs, RiderId};
use orderbell::store::{Admission, Online, PRESENCE_SETTLES_MS};

use crate::callbacks::{a_target, all, put, these};
use crate::stage::Stage;

/// An app that wants to hear of it.
async fn listening(stage: &Stage) {
    put(stage, CallbackTarget { kinds: these(&["rider.*"]), ..a_target(stage.app, 1) }).await;
}

async fn touch(stage: &Stage, rider: &str, at: i64) {
    stage.store.touch_rider(stage.rider(rider), EpochMs(at)).await.unwrap();
}

async fn due(stage: &Stage, at: i64) -> Vec<String> {
    let due = stage.store.due_presence(EpochMs(at), 9).await.unwrap();
    due.into_iter().map(|key| key.rider.to_string()).collect()
}

async fn tell(stage: &Stage, rider: &str, online: Online, at: i64) -> bool {
    stage.store.tell_presence(stage.rider(rider), online, EpochMs(at)).await.unwrap()
}

pub(crate) async fn who_comes_and_goes_is_told_after_a_while(stage: &Stage) {
    listening(stage).await;
    touch(stage, "r1", 1_000).await;
    let settled = 1_000 + PRESENCE_SETTLES_MS;
    assert_eq!((due(stage, settled - 1).await, due(stage, settled).await), (vec![], vec!["r1".to_owned()]));
    assert!(tell(stage, "r1", Online::Yes, settled).await);
    assert_eq!(due(stage, 99_999).await, [""; 0]);
    assert!(!tell(stage, "r1", Online::Yes, 20_000).await, "that is what was told");
    assert!(tell(stage, "r1", Online::No, 30_000).await);
    let told = all(stage).await;
    let words: Vec<_> =
        told.iter().map(|record| (record.callback.kind.as_str(), record.callback.at.0)).collect();
    assert_eq!(words, [("rider.online", settled), ("rider.offline", 30_000)]);
    let callback = &told[0].callback;
    assert_eq!((callback.alert, callback.rider.as_ref().map(RiderId::as_str)), (None, Some("r1")));
    assert_eq!(callback.key_mode, KeyMode::Live);
    assert_eq!((told[0].due_at, told[1].due_at), (Some(EpochMs(settled)), None), "in their order");
    stage.store.admit(stage.rider("t1"), Admission::AsTest, EpochMs(1)).await.unwrap();
    assert!(tell(stage, "t1", Online::Yes, 40_000).await);
    assert_eq!(all(stage).await[2].callback.key_mode, KeyMode::Test);
    assert!(!tell(stage, "unknown", Online::Yes, 40_000).await);
}

pub(crate) async fn nobody_is_noted_whose_app_does_not_ask(stage: &Stage) {
    put(stage, CallbackTarget { kinds: these(&["delivery.*"]), ..a_target(stage.app, 1) }).await;
    put(stage, a_target(stage.other, 2)).await;
    touch(stage, "r1", 1_000).await;
    stage.store.presence_changed(stage.rider("r1"), EpochMs(1_000)).await.unwrap();
    assert_eq!(due(stage, 99_999).await, [""; 0]);
    listening(stage).await;
    touch(stage, "r1", 2_000).await;
    assert_eq!(due(stage, 99_999).await, ["r1"]);
    let stopped = orderbell::domain::callback::TargetState::Stopped { at: EpochMs(1) };
    let target = a_target(stage.app, 1).id;
    assert!(stage.store.set_callback_target_state(stage.app, target, stopped).await.unwrap());
    touch(stage, "r2", 3_000).await;
    assert_eq!(due(stage, 99_999).await, ["r1"]);
}

pub(crate) async fn a_change_that_comes_up_meanwhile_is_still_due(stage: &Stage) {
    listening(stage).await;
    touch(stage, "r1", 1_000).await;
    let settled = 1_000 + PRESENCE_SETTLES_MS;
    assert_eq!(due(stage, settled).await, ["r1"]);
    assert!(tell(stage, "r1", Online::Yes, settled).await);
    touch(stage, "r1", settled + 10).await;
    // Told late, by a look that was taken before.
    assert!(!tell(stage, "r1", Online::Yes, settled + 5).await);
    assert_eq!(due(stage, 99_999).await, ["r1"]);
    stage.store.presence_changed(stage.rider("r1"), EpochMs(50_000)).await.unwrap();
    assert_eq!((due(stage, 49_999).await, due(stage, 50_000).await), (vec![], vec!["r1".to_owned()]));
}

pub(crate) async fn whoever_was_told_to_be_there_is_doubted_after_a_restart(stage: &Stage) {
    listening(stage).await;
    for (rider, online) in [("r1", Online::Yes), ("r2", Online::No), ("r3", Online::Yes)] {
        touch(stage, rider, 1_000).await;
        assert!(tell(stage, rider, online, 9_000).await);
    }
    touch(stage, "r4", 9_000).await;
    assert_eq!(stage.store.doubt_presence(EpochMs(40_000)).await.unwrap(), 2);
    assert_eq!(due(stage, 39_999).await, ["r4"]);
    assert_eq!(due(stage, 40_000).await, ["r4", "r1", "r3"]);
}

pub(crate) async fn a_rider_who_comes_and_goes_all_the_time_is_not_put_off(stage: &Stage) {
    listening(stage).await;
    for at in (1_000..9_000).step_by(500) {
        touch(stage, "r1", at).await;
    }
    assert_eq!(due(stage, 1_000 + PRESENCE_SETTLES_MS).await, ["r1"]);
}

pub(crate) async fn an_erased_rider_is_told_of_no_more(stage: &Stage) {
    listening(stage).await;
    touch(stage, "r1", 1_000).await;
    assert!(tell(stage, "r1", Online::Yes, 2_000).await);
    stage.store.delete_rider(stage.rider("r1"), EpochMs(3_000)).await.unwrap();
    assert_eq!(due(stage, 99_999).await, [""; 0]);
    assert!(!tell(stage, "r1", Online::No, 4_000).await);
    touch(stage, "r1", 5_000).await;
    assert!(tell(stage, "r1", Online::No, 9_000).await, "nothing was told of who came back");
}
