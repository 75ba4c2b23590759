//! Hooks and the requests to them: what is kept, of whom, and for how long.

use std::collections::BTreeMap;

use orderbell::domain::app::KeyMode;
use orderbell::domain::{
    AppId, EpochMs, Hook, HookDelivery, HookDeliveryId, HookId, HookMode, HookVerdict, OrderKey,
};
use orderbell::store::{HookPut, PageSize, StoreError};

use crate::stage::Stage;
use crate::told::{Told, assigns};

fn hook_id(name: &str) -> HookId {
    HookId::new(name, [3; 20]).unwrap()
}

fn a_hook(app: AppId, name: &str) -> Hook {
    Hook {
        id: hook_id(name),
        app,
        preset: Some("dada".to_owned()),
        profile: r#"{"zone":"+08:00"}"#.to_owned(),
        params: BTreeMap::from([("dev_id".to_owned(), "达".to_owned())]),
        secrets: BTreeMap::from([("secret".to_owned(), vec![vec![0, 255], vec![7]])]),
        mode: HookMode::Shadow,
        live_percent: 20,
        created_at: EpochMs(100),
        updated_at: EpochMs(100),
        version: 1,
    }
}

fn a_request(app: AppId, hook: &str, number: u8, verdict: HookVerdict) -> HookDelivery {
    let at = EpochMs(1_000 + i64::from(number));
    HookDelivery {
        id: HookDeliveryId::new(at, [number; 10]),
        hook: hook_id(hook),
        app,
        at,
        verdict,
        reason: "why".to_owned(),
        request: r#"{"body":{"name":"***"}}"#.to_owned(),
        items: r#"[{"event":"e1"}]"#.to_owned(),
        events: vec!["e1".parse().unwrap()],
        riders: vec![format!("r{number}").parse().unwrap()],
        status: 200,
        trace_id: "trace".to_owned(),
    }
}

async fn put(stage: &Stage, hook: Hook) {
    assert_eq!(stage.store.put_hook(hook, 9).await.unwrap(), HookPut::Kept);
}

async fn note(stage: &Stage, requests: &[HookDelivery], kept: u32) {
    stage.store.note_hook_deliveries(requests.to_vec(), kept).await.unwrap();
}

/// The numbers of what is kept of a hook, newest first.
async fn numbers(stage: &Stage, hook: &str, verdict: Option<HookVerdict>) -> Vec<i64> {
    let size = PageSize { rows: 99, looks: 99 };
    let page = stage.store.hook_deliveries(stage.app, hook_id(hook), verdict, None, size).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.iter().map(|request| request.at.0 - 1_000).collect()
}

pub(crate) async fn a_hook_is_kept_changed_and_found_by_its_id(stage: &Stage) {
    let hook = a_hook(stage.app, "dada");
    put(stage, hook.clone()).await;
    let earlier = Hook { created_at: EpochMs(50), preset: None, ..a_hook(stage.app, "sf") };
    put(stage, earlier.clone()).await;
    assert_eq!(stage.store.hook(hook.id.clone()).await.unwrap().as_ref(), Some(&hook));
    assert_eq!(stage.store.hook(hook_id("nobody")).await.unwrap(), None);
    assert_eq!(stage.store.hooks(stage.app).await.unwrap(), [earlier, hook.clone()]);
    assert_eq!(stage.store.hooks(stage.other).await.unwrap(), []);
    let taken = stage.store.put_hook(Hook { app: stage.other, ..hook.clone() }, 9).await;
    assert!(matches!(taken, Err(StoreError::Taken("hook"))), "{taken:?}");
    let changed = Hook {
        version: 2,
        updated_at: EpochMs(200),
        mode: HookMode::Live,
        secrets: BTreeMap::new(),
        profile: "{}".to_owned(),
        ..hook
    };
    put(stage, changed.clone()).await;
    assert_eq!(stage.store.hook(changed.id.clone()).await.unwrap(), Some(changed));
}

pub(crate) async fn an_app_has_so_many_hooks(stage: &Stage) {
    for (name, kept) in [("one", HookPut::Kept), ("two", HookPut::Kept), ("three", HookPut::Full)] {
        assert_eq!(stage.store.put_hook(a_hook(stage.app, name), 2).await.unwrap(), kept, "{name}");
    }
    assert_eq!(stage.store.put_hook(a_hook(stage.other, "four"), 2).await.unwrap(), HookPut::Kept);
    let changed = Hook { version: 2, ..a_hook(stage.app, "one") };
    assert_eq!(stage.store.put_hook(changed, 2).await.unwrap(), HookPut::Kept, "a change is none more");
}

pub(crate) async fn a_change_of_another_version_is_a_conflict(stage: &Stage) {
    put(stage, a_hook(stage.app, "dada")).await;
    for version in [3, 9] {
        let late = Hook { version, ..a_hook(stage.app, "dada") };
        assert_eq!(stage.store.put_hook(late, 9).await.unwrap(), HookPut::Conflict);
    }
    let anothers = Hook { version: 2, ..a_hook(stage.other, "dada") };
    assert_eq!(stage.store.put_hook(anothers, 9).await.unwrap(), HookPut::Conflict);
    let gone = Hook { version: 2, ..a_hook(stage.app, "gone") };
    assert_eq!(stage.store.put_hook(gone, 9).await.unwrap(), HookPut::Conflict);
    assert_eq!(stage.store.hook(hook_id("dada")).await.unwrap().unwrap().version, 1);
}

pub(crate) async fn a_removed_hook_takes_its_requests_along(stage: &Stage) {
    for name in ["dada", "sf"] {
        put(stage, a_hook(stage.app, name)).await;
    }
    let requests =
        [("dada", 1), ("sf", 2)].map(|(hook, n)| a_request(stage.app, hook, n, HookVerdict::Mapped));
    note(stage, &requests, 9).await;
    assert!(!stage.store.delete_hook(stage.other, hook_id("dada")).await.unwrap());
    assert!(stage.store.delete_hook(stage.app, hook_id("dada")).await.unwrap());
    assert!(!stage.store.delete_hook(stage.app, hook_id("dada")).await.unwrap());
    // What was under way meanwhile is not kept.
    note(stage, &[a_request(stage.app, "dada", 3, HookVerdict::Mapped)], 9).await;
    assert_eq!((numbers(stage, "dada", None).await, numbers(stage, "sf", None).await), (vec![], vec![2]));
}

pub(crate) async fn the_newest_requests_of_each_verdict_are_kept(stage: &Stage) {
    for name in ["dada", "sf"] {
        put(stage, a_hook(stage.app, name)).await;
    }
    note(stage, &[a_request(stage.app, "dada", 1, HookVerdict::Unmapped)], 2).await;
    note(stage, &[a_request(stage.app, "sf", 2, HookVerdict::Mapped)], 2).await;
    let flood: Vec<_> = (3..9).map(|n| a_request(stage.app, "dada", n, HookVerdict::Mapped)).collect();
    note(stage, &flood, 2).await;
    note(stage, &flood[5..], 2).await;
    assert_eq!(numbers(stage, "dada", None).await, [8, 7, 1], "what could not be used stays");
    assert_eq!(numbers(stage, "dada", Some(HookVerdict::Mapped)).await, [8, 7]);
    assert_eq!(numbers(stage, "dada", Some(HookVerdict::Ignored)).await, [0; 0]);
    assert_eq!(numbers(stage, "sf", None).await, [2]);
}

pub(crate) async fn requests_come_in_pages_newest_first(stage: &Stage) {
    put(stage, a_hook(stage.app, "dada")).await;
    let verdict = |n: u8| if n.is_multiple_of(2) { HookVerdict::Mapped } else { HookVerdict::Unmapped };
    let requests: Vec<_> = (1..=7).map(|n| a_request(stage.app, "dada", n, verdict(n))).collect();
    note(stage, &requests, 9).await;
    let page = async |verdict, before, rows| {
        let size = PageSize { rows, looks: rows };
        stage.store.hook_deliveries(stage.app, hook_id("dada"), verdict, before, size).await.unwrap()
    };
    let first = page(None, None, 4).await;
    assert_eq!(first.rows, requests[3..].iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(first.next, Some(requests[3].id));
    let second = page(None, first.next, 4).await;
    assert_eq!((second.rows.len(), second.next), (3, None));
    let unmapped = page(Some(HookVerdict::Unmapped), None, 4).await;
    assert_eq!((unmapped.rows.len(), unmapped.next), (4, None));
    assert!(unmapped.rows.iter().all(|request| request.verdict == HookVerdict::Unmapped));
}

pub(crate) async fn nobody_sees_requests_of_another_app(stage: &Stage) {
    put(stage, a_hook(stage.app, "dada")).await;
    let request = a_request(stage.app, "dada", 1, HookVerdict::Unmapped);
    note(stage, std::slice::from_ref(&request), 9).await;
    assert_eq!(stage.store.hook_delivery(stage.app, request.id).await.unwrap().as_ref(), Some(&request));
    assert_eq!(stage.store.hook_delivery(stage.other, request.id).await.unwrap(), None);
    let size = PageSize { rows: 9, looks: 9 };
    let theirs = stage.store.hook_deliveries(stage.other, hook_id("dada"), None, None, size).await.unwrap();
    assert_eq!((theirs.rows, theirs.next), (vec![], None));
}

pub(crate) async fn old_requests_go_the_oldest_first(stage: &Stage) {
    put(stage, a_hook(stage.app, "dada")).await;
    let requests: Vec<_> = (1..=5).map(|n| a_request(stage.app, "dada", n, HookVerdict::Mapped)).collect();
    note(stage, &requests, 9).await;
    let forget = async || stage.store.forget_hook_deliveries(EpochMs(1_004), 2).await.unwrap();
    assert_eq!(forget().await, 2);
    assert_eq!(numbers(stage, "dada", None).await, [5, 4, 3]);
    assert_eq!((forget().await, forget().await), (1, 0));
    assert_eq!(numbers(stage, "dada", None).await, [5, 4]);
}

pub(crate) async fn requests_that_name_an_erased_rider_go(stage: &Stage) {
    put(stage, a_hook(stage.app, "dada")).await;
    put(stage, a_hook(stage.other, "theirs")).await;
    // More than one slice of them, one of somebody whose name begins alike, one of another app.
    let of_rider = |n: u8, rider: &str| {
        let riders = vec!["r9".parse().unwrap(), rider.parse().unwrap()];
        HookDelivery { riders, ..a_request(stage.app, "dada", n, HookVerdict::Mapped) }
    };
    let mut requests: Vec<_> = (1..=7).map(|n| of_rider(n, "r1")).collect();
    requests.push(of_rider(8, "r11"));
    let anothers = HookDelivery {
        riders: vec!["r1".parse().unwrap()],
        ..a_request(stage.other, "theirs", 9, HookVerdict::Mapped)
    };
    requests.push(anothers.clone());
    note(stage, &requests, 99).await;
    stage.accept(Told { id: "e1", riders: &["r1"], ..Told::default() }).await;
    let leaving = stage.erase(stage.rider("r1"), 130).await;
    assert_eq!(leaving.traces.hook_requests, 7);
    assert_eq!(numbers(stage, "dada", None).await, [8]);
    assert_eq!(stage.store.hook_delivery(stage.other, anothers.id).await.unwrap(), Some(anothers));
}

pub(crate) async fn an_order_is_remembered_for_who_asks(stage: &Stage) {
    let key = |app, order: &str, key_mode| OrderKey { app, key_mode, order: order.parse().unwrap() };
    let told = |id, riders| Told { id, riders, order: Some("o1"), policy: assigns(), ..Told::default() };
    stage.accept(told("e1", &["r1"])).await;
    stage.accept(told("e2", &["r2"])).await;
    let memory = stage.store.order_memory(key(stage.app, "o1", KeyMode::Live)).await.unwrap().unwrap();
    assert_eq!((memory.rider, memory.assignments), (Some("r2".parse().unwrap()), 2));
    for stranger in [
        key(stage.app, "o2", KeyMode::Live),
        key(stage.app, "o1", KeyMode::Test),
        key(stage.other, "o1", KeyMode::Live),
    ] {
        assert_eq!(stage.store.order_memory(stranger).await.unwrap(), None);
    }
}
