//! Offers: who wins one, what the others are told, and what the backend says about it.

use futures_util::future::join_all;
use orderbell::domain::delivery::{AnswerOutcome, Change, EndReason};
use orderbell::domain::{
    AlertId, AlertState, Answer, Arbiter, DeliveryState, EpochMs, Mode, RiderId, Settlement,
};
use orderbell::store::{Duty, NoticeKind, Settled};

use crate::stage::{Stage, ended};
use crate::told::{Told, assigns};

const ACCEPT: Change = Change::Answered(Answer::Accept);
const DECLINE: Change = Change::Answered(Answer::Decline);

fn grab<'a>(riders: &'a [&'a str]) -> Told<'a> {
    Told { kind: "order.available", order: Some("o1"), mode: Mode::Grab, riders, ..Told::default() }
}

fn arbitrated<'a>(riders: &'a [&'a str]) -> Told<'a> {
    Told { arbiter: Arbiter::Backend, ..grab(riders) }
}

async fn settle(stage: &Stage, alert: AlertId, settlement: Settlement, at: i64) -> Settled {
    stage.store.settle(stage.app, alert, settlement, EpochMs(at)).await.unwrap().unwrap()
}

fn winner(rider: &str) -> Settlement {
    Settlement::Winner(rider.parse().unwrap())
}

pub(crate) async fn the_first_accept_wins_and_the_others_lose(stage: &Stage) {
    let alert = stage.accept_aloud(grab(&["r1", "r2", "r3"])).await;
    let won = stage.progress("r2", alert, ACCEPT, 120).await;
    assert_eq!((won.outcome, won.delivery.state), (Some(AnswerOutcome::Won), DeliveryState::Accepted));
    assert_eq!(won.others, ["r1", "r3"].map(|rider| ended(stage, rider, alert, EndReason::Taken)));
    let record = stage.record(alert).await;
    assert_eq!((record.alert.state, record.alert.ended_at), (AlertState::Accepted, Some(EpochMs(120))));
    assert_eq!(record.alert.winner.as_ref().map(RiderId::as_str), Some("r2"));
    assert_eq!(record.alert.open_count, 0);
    let late = stage.progress("r1", alert, ACCEPT, 130).await;
    assert_eq!((late.outcome, late.delivery.state), (Some(AnswerOutcome::Lost), DeliveryState::Lost));
    assert_eq!((late.delivery.late_answer, late.others), (Some(Answer::Accept), Vec::new()));
    let row = stage.store.rider(stage.rider("r2")).await.unwrap().unwrap();
    assert_eq!(row.answered_at, Some(EpochMs(120)));
}

pub(crate) async fn two_accepts_in_one_batch_have_one_winner(stage: &Stage) {
    let riders: Vec<String> = (0..12).map(|n| format!("r{n:02}")).collect();
    let riders: Vec<&str> = riders.iter().map(String::as_str).collect();
    let alert = stage.accept_aloud(grab(&riders)).await;
    let both = vec![stage.says("r04", alert, ACCEPT, 120), stage.says("r02", alert, ACCEPT, 120)];
    let told = stage.store.progress(both).await.unwrap();
    let outcomes: Vec<_> = told.iter().flatten().map(|told| told.outcome).collect();
    assert_eq!(outcomes, [Some(AnswerOutcome::Won), Some(AnswerOutcome::Lost)]);
    let others: Vec<_> =
        told[0].iter().flat_map(|told| &told.others).map(|ended| &ended.rider.rider).collect();
    assert_eq!(others.len(), 11);
    assert!(others.is_sorted(), "in the order they were told");
    let again = Told { id: "e2", order: Some("o2"), ..grab(&riders) };
    let alert = stage.accept_aloud(again).await;
    let all = join_all(riders.iter().map(|rider| stage.progress(rider, alert, ACCEPT, 120))).await;
    let won: Vec<_> = all.iter().filter(|told| told.outcome == Some(AnswerOutcome::Won)).collect();
    assert_eq!((won.len(), won[0].others.len()), (1, 11));
}

pub(crate) async fn the_same_accept_again_gets_the_same_outcome(stage: &Stage) {
    let alert = stage.accept_aloud(grab(&["r1", "r2"])).await;
    for at in [120, 130, 140] {
        assert_eq!(stage.progress("r1", alert, ACCEPT, at).await.outcome, Some(AnswerOutcome::Won));
        assert_eq!(stage.progress("r2", alert, ACCEPT, at).await.outcome, Some(AnswerOutcome::Lost));
    }
    let assigned = Told { id: "e2", mode: Mode::Assign, ..grab(&["r1"]) };
    let assigned = stage.accept_aloud(assigned).await;
    for (at, changed) in [(150, true), (160, false)] {
        let told = stage.progress("r1", assigned, ACCEPT, at).await;
        assert_eq!((told.outcome, told.changed), (Some(AnswerOutcome::Recorded), changed));
    }
}

pub(crate) async fn an_accept_after_the_time_is_gone_and_noted(stage: &Stage) {
    let told = Told { answer_ms: Some(50), mode: Mode::Assign, ..grab(&["r1", "r2"]) };
    let alert = stage.accept_aloud(told).await;
    assert_eq!(stage.delivery(alert, "r1").await.expires_at, EpochMs(150));
    let late = stage.progress("r1", alert, ACCEPT, 150).await;
    assert_eq!((late.outcome, late.ended_now), (Some(AnswerOutcome::Gone), true), "no sweep was needed");
    assert_eq!(
        (late.delivery.state, late.delivery.late_answer),
        (DeliveryState::Expired, Some(Answer::Accept))
    );
    let ended_now = stage.store.expire_due(EpochMs(150), 2, 9).await.unwrap();
    assert_eq!(ended_now, [ended(stage, "r2", alert, EndReason::NeverSent)]);
    let later = stage.progress("r2", alert, ACCEPT, 151).await;
    assert_eq!((later.outcome, later.delivery.state), (Some(AnswerOutcome::Gone), DeliveryState::Expired));
    assert_eq!(stage.progress("r2", alert, ACCEPT, 152).await.outcome, Some(AnswerOutcome::Gone));
}

pub(crate) async fn a_declined_offer_ends_for_one(stage: &Stage) {
    let alert = stage.accept_aloud(grab(&["r1", "r2"])).await;
    let told = stage.progress("r1", alert, DECLINE, 120).await;
    assert_eq!((told.outcome, told.delivery.state), (Some(AnswerOutcome::Recorded), DeliveryState::Declined));
    assert_eq!((told.others, stage.state(alert).await), (Vec::new(), AlertState::Active));
    assert_eq!(stage.progress("r2", alert, ACCEPT, 130).await.outcome, Some(AnswerOutcome::Won));
    let all_decline = stage.accept_aloud(Told { id: "e2", ..grab(&["r1", "r2"]) }).await;
    for rider in ["r1", "r2"] {
        stage.progress(rider, all_decline, DECLINE, 140).await;
    }
    assert_eq!(stage.state(all_decline).await, AlertState::Completed);
}

pub(crate) async fn a_claim_is_pending_until_it_is_settled(stage: &Stage) {
    let alert = stage.accept_aloud(arbitrated(&["r1", "r2"])).await;
    let claimed = stage.progress("r1", alert, ACCEPT, 120).await;
    assert_eq!((claimed.outcome, claimed.others), (Some(AnswerOutcome::Pending), Vec::new()));
    assert_eq!((claimed.delivery.state, claimed.delivery.ended_at), (DeliveryState::Claimed, None));
    let again = stage.progress("r1", alert, ACCEPT, 125).await;
    assert_eq!((again.outcome, again.changed), (Some(AnswerOutcome::Pending), false));
    assert_eq!(stage.progress("r2", alert, ACCEPT, 130).await.outcome, Some(AnswerOutcome::Pending));
    let done = settle(stage, alert, winner("r2"), 140).await;
    let told = ended(stage, "r1", alert, EndReason::Taken);
    assert_eq!(done, Settled::Done(vec![told, ended(stage, "r2", alert, EndReason::Answered)]));
    assert_eq!(stage.progress("r1", alert, ACCEPT, 150).await.outcome, Some(AnswerOutcome::Lost));
    assert_eq!(stage.progress("r2", alert, ACCEPT, 150).await.outcome, Some(AnswerOutcome::Won));
    assert_eq!(stage.state(alert).await, AlertState::Accepted);
}

pub(crate) async fn the_right_to_ask_is_taken_by_one_at_a_time(stage: &Stage) {
    let alert = stage.accept_aloud(arbitrated(&["r1", "r2"])).await;
    let due = async |now| {
        let due = stage.store.due_asks(EpochMs(now), 9).await.unwrap();
        due.into_iter().map(|(_, key)| key.rider.as_str().to_owned()).collect::<Vec<_>>()
    };
    let take = async |rider, again_at, at| {
        stage.store.take_ask(alert, stage.rider(rider), EpochMs(again_at), EpochMs(at)).await.unwrap()
    };
    assert_eq!(take("r1", 500, 110).await, None, "nothing was claimed");
    stage.progress("r2", alert, ACCEPT, 120).await;
    stage.progress("r1", alert, ACCEPT, 130).await;
    assert_eq!((due(119).await, due(130).await), (Vec::new(), vec!["r2".to_owned(), "r1".to_owned()]));
    let claim = take("r2", 500, 130).await.unwrap();
    assert_eq!((claim.alert.id, claim.delivery.ask_due_at), (alert, Some(EpochMs(500))));
    assert_eq!(claim.alert, stage.record(alert).await.alert);
    assert_eq!(claim.delivery, stage.delivery(alert, "r2").await);
    assert_eq!(take("r2", 500, 499).await, None, "somebody asks already");
    assert!(take("r2", 900, 500).await.is_some(), "whoever asked has not come back");
    let again = async |rider, at: Option<i64>| {
        stage.store.ask_again(alert, stage.rider(rider), at.map(EpochMs)).await.unwrap();
    };
    again("r2", Some(700)).await;
    assert_eq!(
        (due(699).await, due(700).await),
        (vec!["r1".to_owned()], vec!["r1".to_owned(), "r2".to_owned()])
    );
    again("r2", None).await;
    assert_eq!(due(9_999).await, ["r1"]);
    assert_eq!(take("r2", 9_999, 9_000).await, None);
    settle(stage, alert, winner("r2"), 9_000).await;
    assert_eq!(due(9_999).await, Vec::<String>::new(), "what is settled is not asked about");
}

pub(crate) async fn a_claim_outlives_its_riders_shift(stage: &Stage) {
    let alert = stage.accept_aloud(arbitrated(&["r1", "r2"])).await;
    stage.progress("r1", alert, ACCEPT, 120).await;
    for rider in ["r1", "r2"] {
        let ended_now = stage.store.set_duty(stage.rider(rider), Duty::Off, EpochMs(130)).await.unwrap();
        assert_eq!(ended_now.len(), usize::from(rider == "r2"), "who has accepted has given their word");
    }
    assert!(matches!(settle(stage, alert, winner("r1"), 140).await, Settled::Done(_)));
}

pub(crate) async fn a_claim_may_be_lost_and_the_offer_goes_on(stage: &Stage) {
    let alert = stage.accept_aloud(arbitrated(&["r1", "r2"])).await;
    let lost = || Settlement::Lost("r1".parse().unwrap());
    assert_eq!(settle(stage, alert, lost(), 115).await, Settled::Otherwise, "it was not claimed");
    stage.progress("r1", alert, ACCEPT, 120).await;
    let told = ended(stage, "r1", alert, EndReason::Taken);
    assert_eq!(settle(stage, alert, lost(), 130).await, Settled::Done(vec![told]));
    assert_eq!(settle(stage, alert, lost(), 140).await, Settled::Already);
    assert_eq!(stage.state(alert).await, AlertState::Active);
    assert_eq!(stage.progress("r2", alert, ACCEPT, 150).await.outcome, Some(AnswerOutcome::Pending));
}

pub(crate) async fn a_settlement_that_says_otherwise_is_a_conflict(stage: &Stage) {
    let alert = stage.accept_aloud(arbitrated(&["r1", "r2"])).await;
    assert_eq!(settle(stage, alert, winner("r9"), 115).await, Settled::NotOffered);
    stage.progress("r1", alert, ACCEPT, 120).await;
    assert!(matches!(settle(stage, alert, winner("r1"), 130).await, Settled::Done(_)));
    let record = stage.record(alert).await;
    assert_eq!(settle(stage, alert, winner("r1"), 140).await, Settled::Already);
    assert_eq!(settle(stage, alert, winner("r2"), 140).await, Settled::Otherwise);
    assert_eq!(settle(stage, alert, Settlement::Nobody, 140).await, Settled::Otherwise);
    assert_eq!(stage.record(alert).await, record, "what is decided stays");
    let nobody = stage.accept_aloud(Told { id: "e2", ..arbitrated(&["r1", "r2"]) }).await;
    let told = ["r1", "r2"].map(|rider| ended(stage, rider, nobody, EndReason::Taken));
    assert_eq!(settle(stage, nobody, Settlement::Nobody, 150).await, Settled::Done(told.to_vec()));
    assert_eq!(settle(stage, nobody, Settlement::Nobody, 160).await, Settled::Already);
    assert_eq!(settle(stage, nobody, winner("r1"), 160).await, Settled::Otherwise);
    let plain = stage.accept_aloud(Told { id: "e3", riders: &["r1"], ..Told::default() }).await;
    assert_eq!(settle(stage, plain, winner("r1"), 170).await, Settled::NoOffer);
    let strange = stage.store.settle(stage.other, alert, winner("r1"), EpochMs(170)).await.unwrap();
    assert_eq!(strange, None, "another app's");
}

pub(crate) async fn a_claim_that_nobody_settles_ends(stage: &Stage) {
    let told = Told { answer_ms: Some(50), expires_at: 200, ..arbitrated(&["r1", "r2"]) };
    let alert = stage.accept_aloud(told).await;
    stage.progress("r1", alert, ACCEPT, 120).await;
    let first = stage.store.expire_due(EpochMs(150), 2, 9).await.unwrap();
    assert_eq!(first, [ended(stage, "r2", alert, EndReason::NeverSent)], "the claim is waited for");
    let end = 120 + 30_000;
    assert_eq!(stage.store.expire_due(EpochMs(end - 1), 2, 9).await.unwrap(), []);
    let last = stage.store.expire_due(EpochMs(end), 2, 9).await.unwrap();
    assert_eq!(last, [ended(stage, "r1", alert, EndReason::NotSettled)]);
    assert_eq!(stage.store.due_asks(EpochMs(end), 9).await.unwrap(), []);
    assert_eq!(stage.progress("r1", alert, ACCEPT, end).await.outcome, Some(AnswerOutcome::Gone));
    assert_eq!(settle(stage, alert, winner("r1"), end).await, Settled::Otherwise);
}

pub(crate) async fn who_wins_has_the_order(stage: &Stage) {
    let alert = stage.accept_aloud(grab(&["r1", "r2"])).await;
    stage.progress("r2", alert, ACCEPT, 120).await;
    let told = Told { kind: "order.assigned", policy: assigns(), order: Some("o1"), ..Told::default() };
    let same = stage.accept(Told { id: "e2", riders: &["r2"], ..told.clone() }).await;
    assert_eq!(same.alerts.len(), 1, "the rider has it already");
    let other = stage.accept(Told { id: "e3", riders: &["r1"], ..told }).await;
    assert_eq!(other.alerts.len(), 2);
    assert_eq!(other.alerts[1].deliveries[0].rider.as_str(), "r2");
}

pub(crate) async fn a_rider_who_lets_offers_pass_is_noticed(stage: &Stage) {
    let offer = async |id, order, expires_at| {
        let told = Told { id, order: Some(order), mode: Mode::Assign, expires_at, ..grab(&["r1", "r2"]) };
        let alert = stage.accept_aloud(told).await;
        stage.progress("r1", alert, Change::Sent, expires_at - 1).await;
        alert
    };
    let unanswered = async |rider| stage.store.rider(stage.rider(rider)).await.unwrap().unwrap().unanswered;
    offer("e1", "o1", 200).await;
    stage.store.expire_due(EpochMs(200), 2, 9).await.unwrap();
    assert_eq!((unanswered("r1").await, unanswered("r2").await), (1, 0), "what was not sent does not count");
    assert_eq!(stage.store.notices(stage.app, 0, 9).await.unwrap(), []);
    let second = offer("e2", "o2", 300).await;
    stage.store.expire_due(EpochMs(300), 2, 9).await.unwrap();
    offer("e3", "o3", 400).await;
    stage.store.expire_due(EpochMs(400), 2, 9).await.unwrap();
    let notices = stage.store.notices(stage.app, 0, 9).await.unwrap();
    assert_eq!(notices.len(), 1, "once");
    let notice = &notices[0].notice;
    assert_eq!(
        (notice.kind, notice.alert, notice.at),
        (NoticeKind::Unresponsive, Some(second), EpochMs(300))
    );
    assert_eq!(notice.rider.as_ref().map(RiderId::as_str), Some("r1"));
    assert_eq!(stage.store.notices(stage.other, 0, 9).await.unwrap(), [], "not another app's");
    assert_eq!(stage.store.notices(stage.app, notices[0].number, 9).await.unwrap(), []);
    let answered = offer("e4", "o4", 500).await;
    stage.progress("r1", answered, DECLINE, 499).await;
    assert_eq!(unanswered("r1").await, 0, "whoever answers is responsive");
}
