//! Messages to riders who cannot hear an alert: what each costs, who sends it, and what its end leaves.

use futures_util::future::join_all;
use orderbell::domain::delivery::Change;
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::ladder::Act;
use orderbell::domain::wechat::{CONSENTS_MAX, Message, MessageEnd};
use orderbell::domain::{Aged, AlertId, EpochMs, Mode};
use orderbell::store::{Accepted, MessageResult, MessageTrace, Traces, When};

use crate::stage::{Stage, own};
use crate::told::{Told, rules, step};
use crate::wechat::{bank, by_openid, identities, openid, template};

fn told<'a>(id: &'a str, riders: &'a [&'a str]) -> Told<'a> {
    Told { id, riders, ..Told::default() }
}

/// Messages are sent by a template of one program, and these riders have agreed to so many.
async fn agreed(stage: &Stage, riders: &[(&str, u32)]) {
    stage.messages_by(&[template("wx1", "t1")], 10);
    for (rider, banked) in riders {
        by_openid(stage, rider, ("wx1", &format!("of-{rider}")), 1).await;
        assert_eq!(bank(stage, rider, &template("wx1", "t1"), *banked).await, *banked);
    }
}

async fn left(stage: &Stage, rider: &str) -> u32 {
    identities(stage, rider).await.iter().filter_map(|identity| Some(identity.banked.as_ref()?.1)).sum()
}

async fn due(stage: &Stage, now: i64) -> Vec<Message> {
    stage.store.due_messages(EpochMs(now), 999).await.unwrap()
}

/// To whom messages wait, and about what.
async fn waiting(stage: &Stage) -> Vec<(String, AlertId)> {
    let all = due(stage, i64::MAX).await.into_iter();
    let mut all: Vec<_> = all.map(|message| (message.rider.to_string(), message.alert)).collect();
    all.sort();
    all
}

async fn leaves(stage: &Stage, rider: &str, at: i64) {
    stage.offline(rider);
    let world = stage.world(rules());
    stage.store.spend_unheard(stage.rider(rider), world, EpochMs(at)).await.unwrap();
}

pub(crate) async fn a_consent_is_spent_where_nobody_hears_an_alert(stage: &Stage) {
    agreed(stage, &[("r1", 2), ("r2", 0)]).await;
    let alert = stage.accept_mute(told("e1", &["r1", "r2", "r3"])).await;
    let expected = Message {
        app: stage.app,
        alert,
        rider: "r1".parse().unwrap(),
        openid: openid("of-r1"),
        template: template("wx1", "t1"),
        due_at: EpochMs(110),
        attempts: 0,
    };
    assert_eq!((due(stage, 109).await, due(stage, 110).await), (Vec::new(), vec![expected]));
    assert_eq!(left(stage, "r1").await, 1);
}

pub(crate) async fn nothing_is_spent_where_messages_are_off_or_somebody_hears(stage: &Stage) {
    agreed(stage, &[("r1", 5), ("r2", 5)]).await;
    stage.online("r2");
    stage.accept_mute(told("e1", &["r1", "r2"])).await;
    for templates in [&[][..], &[template("wx1", "t2")], &[template("wx2", "t1")]] {
        stage.messages_by(templates, 10);
        stage.accept_mute(told(&format!("e{templates:?}").replace(' ', ""), &["r1"])).await;
        leaves(stage, "r1", 120).await;
    }
    assert_eq!(waiting(stage).await, []);
    assert_eq!((left(stage, "r1").await, left(stage, "r2").await), (5, 5));
}

pub(crate) async fn an_alert_costs_a_rider_one_consent(stage: &Stage) {
    agreed(stage, &[("r1", 5), ("r2", 5)]).await;
    let next = vec![step(10, Act::Next)];
    let offer = Told { mode: Mode::Grab, ladder: next, candidates: &["r2"], ..told("e1", &["r1"]) };
    let alert = stage.accept_aloud(offer).await;
    assert_eq!(waiting(stage).await, [("r1".to_owned(), alert)]);
    leaves(stage, "r1", 120).await;
    assert_eq!(waiting(stage).await.len(), 1, "who goes away once more is written to once");
    let at = EpochMs(10_200);
    stage.store.step(alert, 0, When::Due, None, stage.world(rules()), at).await.unwrap().unwrap();
    leaves(stage, "r2", 10_300).await;
    assert_eq!(waiting(stage).await, [("r1".to_owned(), alert), ("r2".to_owned(), alert)]);
    assert_eq!((left(stage, "r1").await, left(stage, "r2").await), (4, 4));
    let again = stage.store.accept(stage.event(&told("e1", &["r1"]))).await.unwrap();
    assert!(!matches!(again, Accepted::New(_)));
    assert_eq!(left(stage, "r1").await, 4);
}

pub(crate) async fn who_leaves_last_takes_the_others_along(stage: &Stage) {
    agreed(stage, &[("r1", 5), ("r2", 5), ("r3", 5)]).await;
    for rider in ["r1", "r2", "r3"] {
        stage.online(rider);
    }
    let alert = stage.accept_aloud(told("e1", &["r1", "r2", "r3"])).await;
    let own = stage.accept_aloud(told("e2", &["r3"])).await;
    let played = stage.accept_aloud(told("e3", &["r3"])).await;
    stage.progress("r3", played, Change::Played { play: 1 }, 115).await;
    stage.progress("r2", alert, Change::Received, 115).await;
    for rider in ["r1", "r2"] {
        leaves(stage, rider, 120).await;
        assert_eq!(waiting(stage).await, [], "r3 is there");
    }
    leaves(stage, "r3", 130).await;
    let expected =
        [("r1", alert), ("r3", alert), ("r3", own)].map(|(rider, alert)| (rider.to_owned(), alert));
    assert_eq!(waiting(stage).await, expected, "r2 knows of it");
    assert!(due(stage, 139).await.is_empty() && due(stage, 140).await.len() == 3);
    leaves(stage, "r9", 150).await;
}

pub(crate) async fn several_alerts_of_one_write_share_what_is_left(stage: &Stage) {
    agreed(stage, &[("r1", 2), ("r2", 1)]).await;
    let events = ["e1", "e2", "e3"].map(|id| stage.event(&told(id, &["r1", "r2"])));
    let accepted = stage.store.accept_all(events.to_vec()).await.into_iter();
    let alerts: Vec<AlertId> = accepted
        .map(|accepted| match accepted.unwrap() {
            Accepted::New(receipt) => own(&receipt),
            other => panic!("{other:?} is not new"),
        })
        .collect();
    let mut expected =
        vec![("r1".to_owned(), alerts[0]), ("r1".to_owned(), alerts[1]), ("r2".to_owned(), alerts[0])];
    expected.sort();
    assert_eq!(waiting(stage).await, expected);
    assert_eq!((left(stage, "r1").await, left(stage, "r2").await), (0, 0));
}

pub(crate) async fn the_best_template_is_used_first(stage: &Stage) {
    let [first, second] = [template("wx1", "t1"), template("wx2", "t2")];
    for (program, who) in [("wx2", "o2"), ("wx1", "o1")] {
        by_openid(stage, "r1", (program, who), 1).await;
    }
    for template in [&first, &second] {
        bank(stage, "r1", template, 1).await;
    }
    stage.messages_by(&[second.clone(), first.clone()], 0);
    for (id, expected) in [("e1", Some(second)), ("e2", Some(first)), ("e3", None)] {
        let alert = stage.accept_mute(told(id, &["r1"])).await;
        let message = due(stage, 100).await.into_iter().find(|message| message.alert == alert);
        assert_eq!(message.map(|message| message.template), expected, "{id}");
    }
}

pub(crate) async fn a_crowd_costs_nobody_a_consent(stage: &Stage) {
    agreed(stage, &[("r0", 5)]).await;
    let names: Vec<String> = (0..101).map(|n| format!("r{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.accept_aloud(told("e1", &names)).await;
    leaves(stage, "r0", 120).await;
    assert_eq!(waiting(stage).await, []);
    let alert = stage.accept_aloud(told("e2", &names[..100])).await;
    assert_eq!(waiting(stage).await, [("r0".to_owned(), alert)]);
}

pub(crate) async fn an_audience_told_in_parts_is_written_to_when_all_are_told(stage: &Stage) {
    agreed(stage, &[("r0", 5), ("r4", 5)]).await;
    let riders = ["r0", "r1", "r2", "r3", "r4"];
    let alert = stage.accept_mute(Told { starts_at: Some(200), ..told("e1", &riders) }).await;
    for (at, messages) in [(200, 0), (210, 0), (220, 2)] {
        let world = stage.world(rules());
        stage.store.unroll(alert, 2, OrderPolicy::default(), world, EpochMs(at)).await.unwrap();
        assert_eq!(waiting(stage).await.len(), messages, "at {at}");
    }
}

pub(crate) async fn many_at_once_spend_no_more_than_there_is(stage: &Stage) {
    agreed(stage, &[("r1", 5)]).await;
    let ids: Vec<String> = (0..12).map(|n| format!("e{n}")).collect();
    let at_once = ids.iter().map(|id| stage.store.accept(stage.event(&told(id, &["r1"]))));
    for accepted in join_all(at_once).await {
        assert!(matches!(accepted.unwrap(), Accepted::New(_)));
    }
    assert_eq!((waiting(stage).await.len(), left(stage, "r1").await), (5, 0));
    let world = || stage.world(rules());
    let at_once = (0..5).map(|_| stage.store.spend_unheard(stage.rider("r1"), world(), EpochMs(200)));
    bank(stage, "r1", &template("wx1", "t1"), 20).await;
    for spent in join_all(at_once).await {
        spent.unwrap();
    }
    assert_eq!((waiting(stage).await.len(), left(stage, "r1").await), (12, 13), "one for each alert");
}

pub(crate) async fn an_unlinked_rider_is_not_written_to(stage: &Stage) {
    agreed(stage, &[("r1", 5), ("r2", 5)]).await;
    let alert = stage.accept_mute(told("e1", &["r1", "r2"])).await;
    let message = due(stage, 999).await.remove(0);
    assert_eq!(stage.store.unlink(stage.rider("r1")).await.unwrap(), 1);
    assert_eq!(waiting(stage).await, [("r2".to_owned(), alert)]);
    let over = MessageResult::Over(MessageEnd::NotNeeded);
    stage.store.finish_message(message, over, EpochMs(120)).await.unwrap();
    assert_eq!((left(stage, "r1").await, left(stage, "r2").await), (0, 4));
}

pub(crate) async fn a_message_is_one_senders_at_a_time(stage: &Stage) {
    agreed(stage, &[("r1", 5)]).await;
    stage.accept_mute(told("e1", &["r1"])).await;
    let message = due(stage, 110).await.remove(0);
    let take = async |again, at| {
        stage.store.take_message(message.clone(), EpochMs(again), EpochMs(at)).await.unwrap()
    };
    let finish = async |result, at| {
        stage.store.finish_message(message.clone(), result, EpochMs(at)).await.unwrap();
    };
    assert!(!take(500, 109).await, "not yet");
    assert!(take(500, 110).await && !take(900, 120).await, "one has it");
    assert_eq!(due(stage, 499).await, []);
    let tries = async |now| {
        let due = due(stage, now).await;
        due.first().map(|message| (message.due_at.0, message.attempts))
    };
    assert_eq!(tries(500).await, Some((500, 1)), "a sender who died has it no more");
    finish(MessageResult::Again(EpochMs(600)), 510).await;
    assert_eq!(tries(999).await, Some((600, 1)));
    assert!(take(700, 600).await);
    finish(MessageResult::PutOff(EpochMs(800)), 610).await;
    assert_eq!(tries(999).await, Some((800, 1)), "what was not tried is no try");
    finish(MessageResult::Over(MessageEnd::Sent), 810).await;
    finish(MessageResult::Again(EpochMs(900)), 820).await;
    finish(MessageResult::Over(MessageEnd::NotNeeded), 830).await;
    assert_eq!((tries(i64::MAX).await, take(9_999, 9_000).await), (None, false), "over is over");
    assert_eq!(left(stage, "r1").await, 4);
}

pub(crate) async fn an_end_says_what_is_left(stage: &Stage) {
    agreed(stage, &[("r1", 9)]).await;
    let ends = [
        (MessageEnd::Sent, 8),
        (MessageEnd::NotNeeded, 8),
        (MessageEnd::Refused, 8),
        (MessageEnd::Unreached, 8),
        (MessageEnd::NoConsent, 0),
    ];
    let mut traces = Vec::new();
    for (number, (end, expected)) in (1..).zip(ends) {
        let alert = stage.accept_mute(told(&format!("e{number}"), &["r1"])).await;
        let message = due(stage, 999).await.remove(0);
        let at = EpochMs(200 + number);
        stage.store.finish_message(message, MessageResult::Over(end), at).await.unwrap();
        assert_eq!(left(stage, "r1").await, expected, "{end:?}");
        let program = template("wx1", "t1").program;
        traces.push(MessageTrace {
            alert,
            program,
            made_at: EpochMs(100),
            attempts: 0,
            end: Some((at, end)),
        });
    }
    assert_eq!(stage.store.rider_file(stage.rider("r1"), 0, 9).await.unwrap().messages, traces);
    bank(stage, "r1", &template("wx1", "t1"), 1).await;
    stage.accept_mute(told("late", &["r1"])).await;
    let message = due(stage, 999).await.remove(0);
    bank(stage, "r1", &template("wx1", "t1"), CONSENTS_MAX).await;
    let not_needed = MessageResult::Over(MessageEnd::NotNeeded);
    stage.store.finish_message(message.clone(), not_needed, EpochMs(300)).await.unwrap();
    assert_eq!(left(stage, "r1").await, CONSENTS_MAX, "and no more");
    stage.accept_mute(told("later", &["r1"])).await;
    let message = due(stage, 999).await.remove(0);
    bank(stage, "r1", &template("wx1", "t2"), 3).await;
    stage.store.finish_message(message, not_needed, EpochMs(310)).await.unwrap();
    assert_eq!(left(stage, "r1").await, 3, "a consent to one template is none to another");
}

pub(crate) async fn messages_age_and_go_with_their_alert(stage: &Stage) {
    agreed(stage, &[("r1", 5), ("r2", 5)]).await;
    let old = stage.accept_mute(told("e1", &["r1"])).await;
    let young = stage.accept_mute(told("e2", &["r1"])).await;
    let cancelled = stage.accept_mute(told("e3", &["r1"])).await;
    stage.accept_mute(told("e4", &["r2"])).await;
    for (alert, at) in [(old, 200), (young, 300)] {
        let all = due(stage, 999).await;
        let message = all.into_iter().find(|message| message.alert == alert).unwrap();
        let sent = MessageResult::Over(MessageEnd::Sent);
        stage.store.finish_message(message, sent, EpochMs(at)).await.unwrap();
    }
    let kept = async || {
        let file = stage.store.rider_file(stage.rider("r1"), 0, 9).await.unwrap();
        file.messages.into_iter().map(|message| message.alert).collect::<Vec<_>>()
    };
    let gone = stage.age(Aged::Calls, 300).await;
    assert_eq!(gone.by_table().collect::<Vec<_>>(), [("wechat_messages", 1)]);
    assert_eq!(kept().await, [young, cancelled], "what waits does not age");
    stage.store.cancel_alert(stage.app, cancelled, EpochMs(400)).await.unwrap();
    stage.age(Aged::Texts, 500).await;
    let gone = stage.age(Aged::Alerts, 500).await;
    let tables = [("alerts", 1), ("deliveries", 1), ("wechat_messages", 1)];
    assert_eq!(gone.by_table().collect::<Vec<_>>(), tables);
    assert_eq!(kept().await, [young]);
    let traces = stage.erase(stage.rider("r1"), 600).await.traces;
    let erased =
        Traces { deliveries: 2, texts: 2, wechat_identities: 1, wechat_messages: 1, ..Traces::default() };
    assert_eq!(traces, erased);
    assert_eq!(kept().await, []);
    assert_eq!(waiting(stage).await.len(), 1, "others keep theirs");
}
