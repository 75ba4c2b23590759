//! What is kept of apps, keys, riders, groups, phrases and checks.

use orderbell::domain::ladder::{Act, Ladder};
use orderbell::domain::report::Objective;
use orderbell::domain::settings::{AppSettings, QuietHours, SpeechSettings};
use orderbell::domain::{AppId, DevicePolicy, EpochMs, OrderKey, RiderId, RiderKey, SoundProfile};
use orderbell::store::{DeviceCheck, Duty, RiderPatch, StoreError, WordingKey};

use crate::stage::{Stage, parsed};
use crate::told::Told;

pub(crate) async fn an_epoch_is_told(stage: &Stage) {
    assert_eq!(stage.store.epoch().await.unwrap(), "epoch-1");
}

pub(crate) async fn a_patch_changes_what_it_names(stage: &Stage) {
    let rider = stage.rider("骑手/7");
    let put = async |patch, at| stage.store.put_rider(rider.clone(), patch, EpochMs(at)).await.unwrap();
    let made = put(RiderPatch::default(), 5).await;
    assert!(made.known && made.on_duty && made.seq == 0);
    assert_eq!((made.created_at, made.last_seen_at, made.lang.clone()), (EpochMs(5), None, None));
    let lang = RiderPatch { lang: Some(Some("en".into())), ..RiderPatch::default() };
    assert_eq!(put(lang, 6).await.lang.as_deref(), Some("en"));
    let rest = RiderPatch {
        devices: Some(DevicePolicy::All),
        on_duty: Some(false),
        not_before: Some(EpochMs(77)),
        sound_profile: Some(Some(SoundProfile::Street)),
        ..RiderPatch::default()
    };
    let changed = put(rest, 7).await;
    assert_eq!(
        (changed.devices, changed.on_duty, changed.not_before, changed.sound_profile),
        (DevicePolicy::All, false, EpochMs(77), Some(SoundProfile::Street))
    );
    assert_eq!((changed.lang.as_deref(), changed.created_at), (Some("en"), EpochMs(5)), "the rest stays");
    let none = put(RiderPatch { lang: Some(None), ..RiderPatch::default() }, 8).await;
    assert_eq!((none.lang.clone(), none.devices), (None, DevicePolicy::All));
    assert_eq!(none.sound_profile, Some(SoundProfile::Street));
    assert_eq!(stage.store.rider(rider.clone()).await.unwrap(), Some(none));
    let none = put(RiderPatch { sound_profile: Some(None), ..RiderPatch::default() }, 9).await;
    assert_eq!((none.sound_profile, none.devices), (None, DevicePolicy::All));
    assert_eq!(stage.store.rider(rider.clone()).await.unwrap(), Some(none));
}

pub(crate) async fn a_session_makes_a_rider_known(stage: &Stage) {
    stage.accept(Told { riders: &["r1"], ..Told::default() }).await;
    let named = stage.store.rider(stage.rider("r1")).await.unwrap().unwrap();
    assert_eq!((named.known, named.seq, named.last_seen_at), (false, 1, None));
    let seen = stage.store.touch_rider(stage.rider("r1"), EpochMs(200)).await.unwrap();
    assert_eq!((seen.known, seen.seq, seen.last_seen_at), (true, 1, Some(EpochMs(200))));
    let new = stage.store.touch_rider(stage.rider("r2"), EpochMs(300)).await.unwrap();
    assert_eq!((new.known, new.on_duty, new.created_at), (true, true, EpochMs(300)));
}

pub(crate) async fn riders_are_found_by_name(stage: &Stage) {
    for rider in ["r1", "r2", "r3"] {
        stage.store.touch_rider(stage.rider(rider), EpochMs(1)).await.unwrap();
    }
    let ids = parsed(&["r3", "r1", "nobody", "r3"]);
    let mut found = stage.store.riders(stage.app, ids).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(found.iter().map(|rider| rider.id.as_str()).collect::<Vec<_>>(), ["r1", "r3"]);
    assert_eq!(stage.store.riders(stage.app, Vec::new()).await.unwrap(), []);
    assert_eq!(stage.store.rider(stage.rider("nobody")).await.unwrap(), None);
}

pub(crate) async fn groups_hold_names_of_riders(stage: &Stage) {
    let group = |name: &str| name.parse().unwrap();
    let members = async |name: &str| stage.store.group(stage.app, name.parse().unwrap()).await.unwrap();
    assert_eq!(members("east").await, None);
    let put = |name, riders: &[&str]| stage.store.put_group(stage.app, group(name), parsed(riders));
    put("east", &["r2", "r1", "r2"]).await.unwrap();
    assert_eq!(members("east").await, Some(parsed(&["r1", "r2"])), "sorted, each once");
    put("east", &["r3"]).await.unwrap();
    assert_eq!(members("east").await, Some(parsed(&["r3"])), "replaced");
    put("east", &[]).await.unwrap();
    assert_eq!(members("east").await, Some(Vec::new()), "empty, but there");
    let change = |name, add: &[&str], remove: &[&str]| {
        stage.store.change_group(stage.app, group(name), parsed(add), parsed(remove))
    };
    change("abroad", &["b", "a"], &["c"]).await.unwrap();
    change("abroad", &["c", "a"], &["b"]).await.unwrap();
    assert_eq!(members("abroad").await, Some(parsed(&["a", "c"])));
    change("abroad", &["d"], &["d"]).await.unwrap();
    assert_eq!(members("abroad").await, Some(parsed(&["a", "c"])), "who is added and removed is not in it");
    assert_eq!(stage.store.groups(stage.app).await.unwrap(), parsed(&["abroad", "east"]));
    assert!(stage.store.delete_group(stage.app, group("abroad")).await.unwrap());
    assert!(!stage.store.delete_group(stage.app, group("abroad")).await.unwrap());
    assert_eq!(members("abroad").await, None);
    change("abroad", &[], &[]).await.unwrap();
    assert_eq!(members("abroad").await, Some(Vec::new()), "a group made anew has no members of the old");
}

pub(crate) async fn the_newest_twenty_checks_are_kept(stage: &Stage) {
    let rider = stage.rider("r1");
    assert_eq!(stage.store.checks(rider.clone()).await.unwrap(), []);
    let check = |at| DeviceCheck { at: EpochMs(at), result: format!("{{\"n\":{at}}}") };
    for at in 1..=25 {
        stage.store.add_check(rider.clone(), check(at)).await.unwrap();
        stage.store.add_check(stage.rider("r2"), check(at)).await.unwrap();
    }
    let kept: Vec<DeviceCheck> = (6..=25).rev().map(check).collect();
    assert_eq!(stage.store.checks(rider).await.unwrap(), kept);
}

pub(crate) async fn nothing_is_seen_of_another_app(stage: &Stage) {
    let (store, other) = (&stage.store, stage.other);
    let theirs = |rider: &str| RiderKey { app: other, rider: rider.parse().unwrap() };
    let order = OrderKey { app: other, ..stage.order("o1") };
    let alert = stage.accept_aloud(Told { riders: &["r1"], order: Some("o1"), ..Told::default() }).await;
    store.touch_rider(stage.rider("r1"), EpochMs(1)).await.unwrap();
    store.put_group(stage.app, "east".parse().unwrap(), parsed(&["r1"])).await.unwrap();
    let phrases = WordingKey::phrases("k", "en", None);
    crate::wordings::save(stage, &phrases, "p").await;
    let check = DeviceCheck { at: EpochMs(1), result: "{}".into() };
    store.add_check(stage.rider("r1"), check).await.unwrap();

    assert_eq!(store.rider(theirs("r1")).await.unwrap(), None);
    assert_eq!(store.riders(other, parsed::<RiderId>(&["r1"])).await.unwrap(), []);
    assert_eq!(store.group(other, "east".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.groups(other).await.unwrap(), []);
    assert!(!store.delete_group(other, "east".parse().unwrap()).await.unwrap());
    assert_eq!(store.wordings(other).await.unwrap(), []);
    assert_eq!(store.wording_versions(other, phrases).await.unwrap(), []);
    assert_eq!(store.wording_stamp(other).await.unwrap(), 0);
    assert_eq!(store.checks(theirs("r1")).await.unwrap(), []);
    assert_eq!(store.alert(other, alert).await.unwrap(), None);
    assert_eq!(store.event(other, "backend".into(), "e1".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.open_deliveries(theirs("r1"), 9).await.unwrap(), []);
    assert_eq!(store.open_ids(theirs("r1")).await.unwrap(), []);
    assert_eq!(store.cancel_alert(other, alert, EpochMs(200)).await.unwrap(), None);
    assert_eq!(store.cancel_order(order, EpochMs(200)).await.unwrap(), []);
    assert_eq!(store.delete_rider(theirs("r1"), EpochMs(200)).await.unwrap(), None);
    assert_eq!(store.set_duty(theirs("r1"), Duty::Off, EpochMs(200)).await.unwrap(), []);
    assert_eq!(store.ended_reasons(theirs("r1"), vec![alert]).await.unwrap(), []);
    assert_eq!(stage.open("r1").await.len(), 1, "and nothing of it was touched");
}

pub(crate) async fn a_closed_store_is_unavailable(stage: &Stage) {
    stage.store.close().await;
    stage.store.close().await;
    assert!(matches!(stage.store.epoch().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(stage.store.apps().await, Err(StoreError::Unavailable(_))));
    let touched = stage.store.touch_rider(stage.rider("r1"), EpochMs(1)).await;
    assert!(matches!(touched, Err(StoreError::Unavailable(_))));
}

pub(crate) async fn an_apps_settings_are_replaced(stage: &Stage) {
    let ladder = Ladder::new(vec![crate::told::step(10, Act::Repeat)]).unwrap();
    let settings = AppSettings {
        time_zone: "Europe/Berlin".to_owned(),
        quiet_hours: Some(QuietHours { from_min: 1_380, to_min: 360 }),
        merge: true,
        alerts_per_minute: Some(5),
        type_prefix: Some("shop-".to_owned()),
        speech: SpeechSettings {
            voices: [("zh-CN".to_owned(), "tencent".to_owned())].into(),
            speed_percent: Some(110),
            profile: Some(SoundProfile::Street),
        },
        objective: Some(Objective { within_ms: 8_000, target_permille: 985 }),
        ladders: [("order.offered".to_owned(), ladder)].into(),
    };
    let nobody = AppId::new(EpochMs(9), [9; 10]);
    assert!(!stage.store.put_settings(nobody, settings.clone()).await.unwrap());
    assert!(stage.store.put_settings(stage.app, settings.clone()).await.unwrap());
    let apps = stage.store.apps().await.unwrap();
    let of = |id| apps.iter().find(|app| app.id == id).map(|app| app.settings.clone());
    assert_eq!(of(stage.app), Some(settings));
    assert_eq!(of(stage.other), Some(AppSettings::default()));
}

pub(crate) async fn duty_is_dated_and_begins_anew(stage: &Stage) {
    let duty = async |duty, at| {
        stage.store.set_duty(stage.rider("r1"), duty, EpochMs(at)).await.unwrap();
        let rider = stage.store.rider(stage.rider("r1")).await.unwrap().unwrap();
        (rider.on_duty, rider.duty_at, rider.created_at)
    };
    assert_eq!(duty(Duty::Off, 5).await, (false, Some(EpochMs(5)), EpochMs(5)));
    assert_eq!(duty(Duty::On, 6).await, (true, Some(EpochMs(6)), EpochMs(5)));
    let touched = stage.store.touch_rider(stage.rider("r1"), EpochMs(7)).await.unwrap();
    assert_eq!((touched.duty_at, touched.last_seen_at), (Some(EpochMs(6)), Some(EpochMs(7))));
}
