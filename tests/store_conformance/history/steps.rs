//! What may happen in a history.

use orderbell::domain::app::KeyMode;
use orderbell::domain::delivery::Change;
use orderbell::domain::kind::{Ends, OrderPolicy};
use orderbell::domain::ladder::{Act, HttpCall, Step as Rung};
use orderbell::domain::settings::{Quiet, Rules};
use orderbell::domain::target::DutyRule;
use orderbell::domain::{Answer, Arbiter, Mode, Urgency};
use orderbell::store::{Admission, Duty};
use proptest::prelude::*;

use super::told::{Tell, tell};
use crate::told::{Everyone, Silent, assigns, ends, rules, step as rung};

pub(super) const RIDERS: [&str; 4] = ["r1", "r2", "r3", "骑手"];
pub(super) const GROUPS: [&str; 2] = ["east", "west"];
pub(super) const EVENTS: [&str; 12] =
    ["e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10", "e11", "e12"];
pub(super) const ORDERS: [&str; 3] = ["o1", "o2", "o3"];

#[derive(Clone, Debug)]
pub(super) enum Step {
    Accept(Box<Event>),
    Render(usize),
    Progress(Vec<(usize, usize, Change)>),
    Settle(usize, Verdict),
    CancelAlert(usize),
    CancelOrder(usize, bool),
    Expire(u32),
    Steps,
    Fallback(usize, u32),
    Unroll(u32),
    Merge(Together),
    Ask(i64),
    AskAgain(usize, usize, Option<i64>),
    Calls,
    Touch(usize),
    Duty(usize, Duty),
    Put(usize, Option<bool>),
    Admit(usize, Admission),
    Erase(usize),
    PutGroup(usize, Vec<usize>),
    ChangeGroup(usize, Vec<usize>, Vec<usize>),
    DeleteGroup(usize),
    Check(usize),
    Tell(Tell),
    Forget(i64, u32),
    ForgetOrders(i64, u32),
    ForgetRecipes(i64, u32),
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: usize,
    pub(super) body: u8,
    pub(super) order: Option<usize>,
    pub(super) version: Option<i64>,
    pub(super) previous: Option<usize>,
    pub(super) riders: Vec<usize>,
    pub(super) group: Option<usize>,
    pub(super) exclude: Vec<usize>,
    pub(super) everyone: Everyone,
    pub(super) silent: Silent,
    pub(super) kind: (&'static str, OrderPolicy),
    pub(super) key: Option<usize>,
    pub(super) starts_in: Option<i64>,
    pub(super) life: i64,
    pub(super) offer: Wish,
    pub(super) rest: Rest,
}

#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) mode: Mode,
    pub(super) arbiter: Arbiter,
    pub(super) answer_ms: Option<i64>,
    pub(super) ladder: Vec<Rung>,
    pub(super) candidates: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) key_mode: KeyMode,
    pub(super) duty: DutyRule,
    pub(super) urgency: Urgency,
    pub(super) rules: Rules,
    pub(super) has_sound: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Winner(usize),
    Nobody,
    Lost(usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Together {
    Fits,
    DoesNotFit,
    Nothing,
}

fn rider() -> impl Strategy<Value = usize> {
    0..RIDERS.len()
}

fn some_riders() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(rider(), 0..4)
}

fn alert() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0_usize..3, 2 => 0_usize..14]
}

fn kind() -> impl Strategy<Value = (&'static str, OrderPolicy)> {
    let gap = OrderPolicy { gap_ms: Some(2_000), ..OrderPolicy::default() };
    let merges = OrderPolicy { merges: true, ..OrderPolicy::default() };
    prop_oneof![
        3 => Just(("order.new", merges)),
        2 => Just(("order.offered", OrderPolicy::default())),
        3 => Just(("order.assigned", assigns())),
        1 => Just(("order.urged", gap)),
        1 => Just(("order.cancelled", ends(Ends::Cancelled))),
        1 => Just(("order.reassigned_away", ends(Ends::Reassigned))),
        1 => Just(("order.taken", ends(Ends::Taken))),
        1 => Just(("order.completed", ends(Ends::Completed))),
    ]
}

fn ladder() -> impl Strategy<Value = Vec<Rung>> {
    let act = prop_oneof![
        3 => Just(Act::Repeat),
        1 => Just(Act::Louder),
        4 => Just(Act::Next),
        1 => Just(Act::Station { groups: Vec::new() }),
        1 => Just(Act::Station { groups: vec![GROUPS[0].parse().unwrap()] }),
        1 => Just(Act::Desk),
        1 => Just(Act::Http(HttpCall { url: "https://voice.example".to_owned(), ..HttpCall::default() })),
        2 => Just(Act::Exhausted),
    ];
    let rungs = proptest::collection::vec((0_u32..4, act, any::<bool>()), 0..4);
    rungs.prop_map(|mut rungs| {
        rungs.sort_by_key(|(after_s, ..)| *after_s);
        rungs.into_iter().map(|(after_s, act, fallback)| Rung { fallback, ..rung(after_s, act) }).collect()
    })
}

fn wish() -> impl Strategy<Value = Wish> {
    let mode = prop_oneof![3 => Just(Mode::Notify), 1 => Just(Mode::Ack), 3 => Just(Mode::Assign), 3 => Just(Mode::Grab)];
    let arbiter = prop_oneof![Just(Arbiter::Service), Just(Arbiter::Backend)];
    let answer_ms = proptest::option::of(400_i64..4_000);
    (mode, arbiter, answer_ms, ladder(), some_riders()).prop_map(
        |(mode, arbiter, answer_ms, ladder, candidates)| Wish {
            mode,
            arbiter,
            answer_ms,
            ladder,
            candidates,
        },
    )
}

fn rest() -> impl Strategy<Value = Rest> {
    let duty = prop_oneof![3 => Just(DutyRule::OnDutyOnly), 1 => Just(DutyRule::Anyone)];
    let urgency = proptest::sample::select(&Urgency::ALL[..]);
    let per_minute = prop_oneof![3 => Just(0_u32), 1 => Just(3)];
    let quiet = prop_oneof![5 => Just(Quiet::No), 1 => Just(Quiet::Yes)];
    let merge_ms = prop_oneof![1 => Just(0_i64), 2 => Just(1_500)];
    let key_mode = prop_oneof![3 => Just(KeyMode::Live), 1 => Just(KeyMode::Test)];
    (duty, urgency, per_minute, quiet, merge_ms, any::<bool>(), key_mode).prop_map(
        |(duty, urgency, alerts_per_minute, quiet, merge_ms, has_sound, key_mode)| {
            let rules = Rules {
                alerts_per_minute,
                quiet,
                merge_ms,
                tombstone_ms: 2_000,
                settle_ms: 2_000,
                ..rules()
            };
            Rest { key_mode, duty, urgency, rules, has_sound }
        },
    )
}

fn event() -> impl Strategy<Value = Step> {
    let everyone = prop_oneof![5 => Just(Everyone::No), 1 => Just(Everyone::Yes)];
    let silent = prop_oneof![6 => Just(Silent::No), 1 => Just(Silent::Yes)];
    let riders = prop_oneof![2 => rider().prop_map(|rider| vec![rider]), 3 => some_riders()];
    let exclude = prop_oneof![3 => Just(Vec::new()), 1 => some_riders()];
    let order = proptest::option::weighted(0.8, 0..ORDERS.len());
    let version = proptest::option::of(1_i64..4);
    let previous = proptest::option::weighted(0.2, rider());
    let starts_in = proptest::option::weighted(0.2, 1_i64..3_000);
    let key = proptest::option::of(0_usize..2);
    let id = (0..EVENTS.len(), prop_oneof![9 => Just(1_u8), 1 => Just(2)]);
    let about = (id, order, version, previous, kind(), key, starts_in, 400_i64..12_000);
    let whom = (riders, proptest::option::weighted(0.3, 0..GROUPS.len()), exclude, everyone, silent);
    (about, whom, wish(), rest()).prop_map(|(about, whom, offer, rest)| {
        let ((id, body), order, version, previous, kind, key, starts_in, life) = about;
        let (riders, group, exclude, everyone, silent) = whom;
        let whom = Event {
            id,
            body,
            order,
            version,
            previous,
            riders,
            group,
            exclude,
            everyone,
            silent,
            kind,
            key,
            starts_in,
            life,
            offer,
            rest,
        };
        Step::Accept(Box::new(whom))
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Sent),
        1 => Just(Change::Received),
        1 => Just(Change::Playing),
        2 => (1_u32..3).prop_map(|play| Change::Played { play }),
        1 => Just(Change::Trouble("failed:network".to_owned())),
        5 => prop_oneof![1 => Just(Answer::Confirm), 4 => Just(Answer::Accept), 2 => Just(Answer::Decline)]
            .prop_map(Change::Answered),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let duty = || prop_oneof![Just(Duty::On), Just(Duty::Off)];
    let verdict = prop_oneof![
        3 => rider().prop_map(Verdict::Winner), 1 => Just(Verdict::Nobody), 2 => rider().prop_map(Verdict::Lost)
    ];
    let together =
        prop_oneof![3 => Just(Together::Fits), 1 => Just(Together::DoesNotFit), 1 => Just(Together::Nothing)];
    let admission =
        prop_oneof![3 => Just(Admission::AsTest), 1 => Just(Admission::AsReal), 2 => Just(Admission::IfNew)];
    prop_oneof![
        16 => event(),
        6 => alert().prop_map(Step::Render),
        12 => proptest::collection::vec((rider(), alert(), change()), 1..5).prop_map(Step::Progress),
        3 => (alert(), verdict).prop_map(|(alert, verdict)| Step::Settle(alert, verdict)),
        1 => alert().prop_map(Step::CancelAlert),
        1 => (0..ORDERS.len(), any::<bool>()).prop_map(|(order, test)| Step::CancelOrder(order, test)),
        4 => (1_u32..4).prop_map(Step::Expire),
        8 => Just(Step::Steps),
        2 => (alert(), 0_u32..4).prop_map(|(alert, level)| Step::Fallback(alert, level)),
        4 => (1_u32..4).prop_map(Step::Unroll),
        4 => together.prop_map(Step::Merge),
        3 => (1_i64..1_000).prop_map(Step::Ask),
        2 => (rider(), alert(), proptest::option::of(0_i64..1_000))
            .prop_map(|(rider, alert, in_ms)| Step::AskAgain(rider, alert, in_ms)),
        2 => Just(Step::Calls),
        3 => rider().prop_map(Step::Touch),
        3 => (rider(), duty()).prop_map(|(rider, duty)| Step::Duty(rider, duty)),
        1 => (rider(), any::<Option<bool>>()).prop_map(|(rider, on)| Step::Put(rider, on)),
        2 => (rider(), admission).prop_map(|(rider, admission)| Step::Admit(rider, admission)),
        1 => rider().prop_map(Step::Erase),
        3 => (0..GROUPS.len(), some_riders()).prop_map(|(group, riders)| Step::PutGroup(group, riders)),
        1 => (0..GROUPS.len(), some_riders(), some_riders())
            .prop_map(|(group, add, remove)| Step::ChangeGroup(group, add, remove)),
        1 => (0..GROUPS.len()).prop_map(Step::DeleteGroup),
        1 => rider().prop_map(Step::Check),
        14 => tell(RIDERS.len()).prop_map(Step::Tell),
        1 => (0_i64..12_000, 1_u32..4).prop_map(|(before, limit)| Step::Forget(before, limit)),
        1 => (0_i64..12_000, 1_u32..4).prop_map(|(before, limit)| Step::ForgetOrders(before, limit)),
        1 => (0_i64..12_000, 1_u32..4).prop_map(|(before, limit)| Step::ForgetRecipes(before, limit)),
    ]
}
