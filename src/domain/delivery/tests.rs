//! The delivery machine under every order of changes: it ends at most once, always with a reason, and never goes back.

use proptest::prelude::*;

use super::*;
use crate::domain::id::IdEntropy;

fn delivery(need: Need) -> Delivery {
    let entropy: IdEntropy = [1; 10];
    Delivery {
        id: DeliveryId::new(EpochMs(1), entropy),
        alert: AlertId::new(EpochMs(1), entropy),
        app: AppId::new(EpochMs(1), entropy),
        rider: "r1".parse().unwrap(),
        seq: 1,
        need,
        expires_at: EpochMs(10_000),
        first_status: FirstStatus::Queued,
        state: DeliveryState::Pending,
        reason: None,
        ring: 1,
        attempts: 0,
        plays: 0,
        sent_ring: 0,
        rung_at: None,
        held_until: None,
        answer: None,
        late_answer: None,
        ask_due_at: None,
        trouble: None,
        sent_at: None,
        received_at: None,
        playing_at: None,
        played_at: None,
        answered_at: None,
        ended_at: None,
    }
}

fn run(need: Need, changes: &[Change]) -> Delivery {
    changes.iter().enumerate().fold(delivery(need), |now, (step, change)| {
        let at = EpochMs(i64::try_from(step).unwrap() + 1);
        now.after(change, at).unwrap_or(now)
    })
}

#[test]
fn a_notice_ends_when_played_and_an_offer_when_answered() {
    let way = [Change::Sent, Change::Received, Change::Playing, Change::Played { play: 1 }];
    let notice = run(Need::None, &way);
    assert_eq!((notice.state, notice.reason), (DeliveryState::Played, Some(EndReason::Played)));
    let offer = run(Need::Accept, &way);
    assert!(offer.is_open() && offer.state == DeliveryState::Played);
    let accepted = offer.after(&Change::Answered(Answer::Accept), EpochMs(9)).unwrap();
    assert_eq!((accepted.state, accepted.reason), (DeliveryState::Accepted, Some(EndReason::Answered)));
}

#[test]
fn expiry_names_what_was_missing() {
    let way = [Change::Sent, Change::Received, Change::Played { play: 1 }];
    let reasons = [
        (0, EndReason::NeverSent),
        (1, EndReason::NotReceived),
        (2, EndReason::NotPlayed),
        (3, EndReason::NotAnswered),
    ];
    for (steps, reason) in reasons {
        let expired = run(Need::Confirm, &way[..steps]).after(&Change::Expired, EpochMs(10_000)).unwrap();
        assert_eq!((expired.state, expired.reason), (DeliveryState::Expired, Some(reason)));
    }
}

#[test]
fn a_late_receipt_is_noted_and_changes_no_end() {
    let expired = run(Need::None, &[Change::Sent, Change::Expired]);
    let late = expired.after(&Change::Played { play: 1 }, EpochMs(20_000)).unwrap();
    assert_eq!((late.state, late.reason, late.ended_at), (expired.state, expired.reason, expired.ended_at));
    assert_eq!(late.played_at, Some(EpochMs(20_000)));
}

#[test]
fn an_answer_stands_and_no_other_takes_its_place() {
    let answered = run(Need::Accept, &[Change::Sent, Change::Answered(Answer::Accept)]);
    assert_eq!(answered.after(&Change::Answered(Answer::Decline), EpochMs(9)), None);
    let late = answered.after(&Change::Late(Answer::Decline), EpochMs(9)).unwrap();
    assert_eq!((late.answer, late.late_answer), (Some(Answer::Accept), Some(Answer::Decline)));
}

#[test]
fn a_claim_waits_for_the_backend_and_ends_as_won_lost_or_not_settled() {
    let claim = Change::Claimed { until: EpochMs(60_000) };
    let claimed = run(Need::Accept, &[Change::Sent, claim]);
    assert!(claimed.is_open() && claimed.state == DeliveryState::Claimed);
    assert_eq!((claimed.expires_at, claimed.answer), (EpochMs(60_000), Some(Answer::Accept)));
    assert_eq!(claimed.after(&Change::Rung { seq: 9 }, EpochMs(9)), None, "who has answered is not rung");
    let end = |change| claimed.after(&change, EpochMs(70_000)).map(|d| (d.state, d.reason.unwrap())).unwrap();
    assert_eq!(end(Change::Answered(Answer::Accept)), (DeliveryState::Accepted, EndReason::Answered));
    assert_eq!(end(Change::Withdrawn(EndReason::Taken)), (DeliveryState::Lost, EndReason::Taken));
    assert_eq!(end(Change::Expired), (DeliveryState::Expired, EndReason::NotSettled));
}

#[test]
fn a_ring_has_its_own_number_and_its_own_soundings() {
    let heard = run(Need::Accept, &[Change::Sent, Change::Played { play: 2 }]);
    let rung = heard.after(&Change::Rung { seq: 12 }, EpochMs(9)).unwrap();
    assert_eq!((rung.ring, rung.seq, rung.plays, rung.sent_ring), (2, 12, 0, 1));
    assert_eq!(rung.after(&Change::Sent, EpochMs(10)).unwrap().sent_ring, 2);
}

#[test]
fn remaining_soundings_count_down_and_keep_one_for_the_ear() {
    let fresh = delivery(Need::Accept);
    assert_eq!(fresh.remaining(3), 3);
    let twice = run(Need::Accept, &[Change::Played { play: 1 }, Change::Played { play: 2 }]);
    assert_eq!(twice.remaining(3), 1);
    assert_eq!(twice.after(&Change::Played { play: 2 }, EpochMs(9)), None);
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Sent),
        Just(Change::Received),
        Just(Change::Playing),
        (1_u32..4).prop_map(|play| Change::Played { play }),
        Just(Change::Trouble("failed:network".to_owned())),
        prop_oneof![Just(Answer::Confirm), Just(Answer::Accept), Just(Answer::Decline)]
            .prop_map(Change::Answered),
        Just(Change::Claimed { until: EpochMs(500) }),
        Just(Change::Late(Answer::Accept)),
        (100_i64..200).prop_map(|seq| Change::Rung { seq }),
        Just(Change::Released),
        Just(Change::Expired),
        Just(Change::Withdrawn(EndReason::Taken)),
        Just(Change::Withdrawn(EndReason::Superseded)),
        Just(Change::Withdrawn(EndReason::CancelledByAlert)),
        Just(Change::Withdrawn(EndReason::OffDuty)),
    ]
}

proptest! {
    #[test]
    fn any_order_of_changes_ends_once_and_never_goes_back(
        need in prop_oneof![Just(Need::None), Just(Need::Confirm), Just(Need::Accept)],
        changes in proptest::collection::vec(any_change(), 0..24),
    ) {
        let mut now = delivery(need);
        for (step, change) in changes.iter().enumerate() {
            let at = EpochMs(i64::try_from(step).unwrap());
            let next = now.after(change, at).unwrap_or_else(|| now.clone());
            prop_assert!(next.state.progress() >= now.state.progress());
            prop_assert_eq!(next.reason.is_some(), next.ended_at.is_some());
            if !now.is_open() {
                prop_assert_eq!((next.state, next.reason, next.ended_at), (now.state, now.reason, now.ended_at));
            }
            // The same fact told again changes nothing but the counts of writes and rings.
            if !matches!(change, Change::Sent | Change::Rung { .. }) {
                prop_assert_eq!(next.after(change, at), None);
            }
            now = next;
        }
    }
}
