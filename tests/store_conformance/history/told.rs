//! What backends are told in a history: targets come and go, callbacks are sent with all that may follow.

use orderbell::domain::EpochMs;
use orderbell::domain::callback::{CallbackTarget, TargetState, WantedKinds};
use orderbell::store::{AfterAttempt, CallbackAttempt, CallbackFilter, Online};
use proptest::prelude::*;

use super::teller::{Teller, said};
use crate::callbacks::{a_fact, a_target};

/// Something about callbacks.
#[derive(Clone, Debug)]
pub(super) enum Tell {
    Target(u8, Wants, u32, bool),
    Drop(u8),
    Stop(u8, bool),
    Send(u32, u32, After),
    Again(usize),
    AgainAll(u8, u32),
    Test(u8),
    Presence(usize, bool),
    Doubt,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Wants {
    All,
    Offers,
    Riders,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    Delivered,
    Again,
    Dead,
    Gone,
    Postponed,
    NoWord,
}

pub(super) fn tell(riders: usize) -> impl Strategy<Value = Tell> {
    let target = || 1_u8..3;
    let wants = prop_oneof![3 => Just(Wants::All), 1 => Just(Wants::Offers), 1 => Just(Wants::Riders)];
    let after = prop_oneof![
        8 => Just(After::Delivered), 4 => Just(After::Again), 2 => Just(After::Dead), 1 => Just(After::Gone),
        1 => Just(After::Postponed), 2 => Just(After::NoWord)
    ];
    prop_oneof![
        3 => (target(), wants, prop_oneof![Just(1_u32), Just(3)], any::<bool>())
            .prop_map(|(target, wants, batch, stopped)| Tell::Target(target, wants, batch, stopped && batch > 1)),
        1 => target().prop_map(Tell::Drop),
        1 => (target(), any::<bool>()).prop_map(|(target, stop)| Tell::Stop(target, stop)),
        8 => (1_u32..4, 1_u32..3, after).prop_map(|(limit, each, after)| Tell::Send(limit, each, after)),
        2 => (0_usize..9).prop_map(Tell::Again),
        1 => (target(), 1_u32..4).prop_map(|(target, limit)| Tell::AgainAll(target, limit)),
        1 => target().prop_map(Tell::Test),
        2 => (0..riders, any::<bool>()).prop_map(|(rider, online)| Tell::Presence(rider, online)),
        1 => Just(Tell::Doubt),
    ]
}

impl Teller {
    pub(super) async fn tell(&self, tell: &Tell, at: EpochMs) -> String {
        let (stage, store, app) = (&self.stage, &self.stage.store, self.stage.app);
        let id = |number: u8| a_target(app, number).id;
        let stopped = |stop: bool| if stop { TargetState::Stopped { at } } else { TargetState::Active };
        match *tell {
            Tell::Target(number, wants, batch_max, stop) => {
                let these = |kinds: &[&str]| {
                    WantedKinds::These(kinds.iter().map(|kind| (*kind).to_owned()).collect())
                };
                let kinds = match wants {
                    Wants::All => WantedKinds::All,
                    Wants::Offers => these(&["offer.*", "delivery.accepted"]),
                    Wants::Riders => these(&["rider.*"]),
                };
                let target =
                    CallbackTarget { kinds, batch_max, state: stopped(stop), ..a_target(app, number) };
                said(store.put_callback_target(target).await)
            }
            Tell::Drop(number) => said(store.delete_callback_target(app, id(number), at).await),
            Tell::Stop(number, stop) => {
                said(store.set_callback_target_state(app, id(number), stopped(stop)).await)
            }
            Tell::Send(limit, each, after) => self.send(limit, each, after, at).await,
            Tell::Again(place) => {
                let all = store.callbacks(app, CallbackFilter::default(), None, 9).await.unwrap();
                let Some(one) = all.get(place) else { return String::new() };
                said(store.redeliver_callback(app, one.callback.id, at).await)
            }
            Tell::AgainAll(number, limit) => {
                let filter = CallbackFilter { target: Some(id(number)), ..CallbackFilter::default() };
                said(store.redeliver_callbacks(app, filter, at, limit).await)
            }
            Tell::Test(number) => {
                let callback = orderbell::domain::CallbackId::new(at, stage.fresh());
                said(store.add_callback(callback, a_fact(app, at), id(number)).await)
            }
            Tell::Presence(rider, online) => {
                let online = if online { Online::Yes } else { Online::No };
                let due = said(store.due_presence(at, 9).await);
                due + &said(store.tell_presence(self.rider(rider), online, at).await)
            }
            Tell::Doubt => said(store.doubt_presence(at).await),
        }
    }

    async fn send(&self, limit: u32, each: u32, after: After, at: EpochMs) -> String {
        let store = &self.stage.store;
        let claimed = store.claim_callbacks(at, at.plus_ms(900), Vec::new(), each, limit).await.unwrap();
        let words = format!("{claimed:?}");
        for batch in claimed {
            let attempt = CallbackAttempt { at, took_ms: 5, status: Some(200), error: None };
            let after = match after {
                After::Delivered => AfterAttempt::Delivered,
                After::Again => AfterAttempt::Again(at.plus_ms(600)),
                After::Dead => AfterAttempt::Dead,
                After::Gone => AfterAttempt::Gone,
                After::Postponed => AfterAttempt::Postponed(at.plus_ms(700)),
                After::NoWord => continue,
            };
            store.finish_callbacks(batch, attempt, after, at).await.unwrap();
        }
        words
    }

    /// Every callback, and whoever is to be told of.
    pub(super) async fn everything_told(&self, at: EpochMs) -> Vec<String> {
        let (store, app) = (&self.stage.store, self.stage.app);
        vec![
            said(store.callback_targets(app).await),
            said(store.callbacks(app, CallbackFilter::default(), None, 9_999).await),
            said(store.due_presence(at, 9).await),
        ]
    }
}
