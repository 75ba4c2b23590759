//! The session driven by hand: what goes out for what comes in, with the clock as a value.

use super::*;
use crate::domain::{
    AppId, DeliveryId, DeliveryState, FirstStatus, Head, Need, Repeat, SessionId, Urgency, delivery::Delivery,
};

const WALL: EpochMs = EpochMs(1_800_000_000_000);

fn at(mono_ms: i64) -> Now {
    Now { wall: WALL.plus_ms(mono_ms), mono_ms }
}

fn settings() -> Arc<Settings> {
    Arc::new(Settings {
        urls: AudioUrls::open("https://bell.example".to_owned()),
        epoch: "e1".to_owned(),
        heartbeat_ms: 20_000,
        silence_max_ms: 50_000,
        resend_after_ms: 3_000,
        window: 2,
        frame_bytes_max: 16_384,
        violations_max: 3,
        messages_per_second: 20,
        messages_burst: 200,
        keepalive_s: 600,
        arbiter_wait_ms: 2_000,
    })
}

fn open(hello: &str) -> (Session, String) {
    let hello: Hello = serde_json::from_str(hello).unwrap();
    let resume = Resume {
        session: SessionId::new(WALL, [0; 10]),
        seq: 7,
        open: vec![(alert_id(1), 1)],
        profile: SoundProfile::Plain,
        token_expires_at: WALL.plus_ms(3_600_000),
    };
    Session::open(settings(), &hello, resume, at(0))
}

fn session() -> Session {
    open(r#"{"device":"d"}"#).0
}

fn alert_id(number: u8) -> AlertId {
    AlertId::new(WALL, [number; 10])
}

fn row(number: u8, urgency: Urgency) -> OpenDelivery {
    let app = AppId::new(WALL, [0; 10]);
    let need = Need::None;
    let expires_at = WALL.plus_ms(60_000);
    let head = Head { urgency, ..Head::notice(alert_id(number), app, "order.new", WALL, expires_at) };
    let alert = Alert {
        head,
        event_id: "e".parse().unwrap(),
        version: None,
        interrupt: false,
        repeat: Repeat { count: 2, gap_ms: 8_000 },
        lang: "zh-CN".to_owned(),
        title: "新订单".to_owned(),
        text: "您有新的订单".to_owned(),
        said: "您有新的订单".into(),
        card: "{}".to_owned(),
        ext: "{}".to_owned(),
        trace_id: "t".to_owned(),
        callback_url: None,
        jitter_ms: 0,
        stored_at: WALL,
        rendered_at: Some(WALL),
        sound: Some(Sound {
            path: "/audio/aa/b.mp3".to_owned(),
            fallback_path: "/audio/canned/x.mp3".to_owned(),
            mime: "audio/mpeg".to_owned(),
            bytes: 10,
            duration_ms: 47_000,
            tail_ms: 45_000,
            canned: true,
            recipe: None,
        }),
    };
    let delivery = Delivery {
        id: DeliveryId::new(WALL, [number; 10]),
        alert: alert.id,
        app,
        rider: "r1".parse().unwrap(),
        seq: i64::from(number),
        need,
        expires_at,
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
    };
    OpenDelivery { delivery, alert: Arc::new(alert) }
}

fn look(session: &mut Session, rows: &[OpenDelivery], now: Now) -> Vec<Output> {
    let mut out = Vec::new();
    session.on_open(rows, now, &mut out);
    out
}

fn say(session: &mut Session, text: &str, now: Now) -> Vec<Output> {
    let mut out = Vec::new();
    session.on_text(text, now, &mut out);
    out
}

fn tick(session: &mut Session, now: Now) -> Vec<Output> {
    let mut out = Vec::new();
    session.on_tick(now, &mut out);
    out
}

/// The ops of the frames in `out`, in order.
fn ops(out: &[Output]) -> Vec<String> {
    let frames = out.iter().filter_map(|output| match output {
        Output::Send(_, frame) => Some(frame),
        Output::Note(..)
        | Output::Keep(_)
        | Output::State(_)
        | Output::Refresh(_)
        | Output::Look
        | Output::AskEnded(_)
        | Output::Withdraw(_)
        | Output::Close(_) => None,
    });
    frames.map(|frame| json(frame)["op"].as_str().unwrap().to_owned()).collect()
}

fn json(frame: &str) -> serde_json::Value {
    serde_json::from_str(frame).unwrap()
}

#[test]
fn welcome_says_what_is_open_and_whether_the_cursor_fits() {
    let welcome = json(&open(r#"{"device":"d","epoch":"e1","cursor":7}"#).1);
    assert_eq!(welcome["resumed"], true);
    assert_eq!(welcome["open"][0]["id"], alert_id(1).to_string());
    assert_eq!(welcome["keepalive"]["clips"][0], "https://bell.example/audio/silence/600.m4a");
    for stranger in [r#"{"device":"d"}"#, r#"{"device":"d","epoch":"e0","cursor":7}"#] {
        assert_eq!(json(&open(stranger).1)["resumed"], false);
    }
    for cursor in ["8", "-1"] {
        let hello = format!(r#"{{"device":"d","epoch":"e1","cursor":{cursor}}}"#);
        assert_eq!(json(&open(&hello).1)["resumed"], false);
    }
    let old = json(&open(r#"{"device":"d","caps":{"formats":["mp3"]}}"#).1);
    assert_eq!(old["keepalive"]["clips"].as_array().unwrap().len(), 1);
}

#[test]
fn an_unacked_alert_is_sent_again_where_the_socket_lives() {
    let mut session = session();
    let rows = [row(1, Urgency::High)];
    assert_eq!(ops(&look(&mut session, &rows, at(0))), ["alert"]);
    assert!(look(&mut session, &rows, at(10)).is_empty(), "a second look repeats nothing");
    say(&mut session, r#"{"op":"pong"}"#, at(1_000));
    assert!(tick(&mut session, at(2_999)).is_empty());
    assert!(matches!(tick(&mut session, at(3_000))[..], [Output::Look]));
    let again = look(&mut session, &rows, at(3_001));
    let Output::Send(_, frame) = &again[0] else { panic!("{again:?}") };
    assert_eq!((json(frame)["seq"].as_i64(), json(frame)["attempt"].as_i64()), (Some(1), Some(2)));
    let noted = say(&mut session, r#"{"op":"ack","seqs":[1]}"#, at(3_100));
    assert!(matches!(noted[..], [Output::Note(_, Change::Received)]));
    assert!(tick(&mut session, at(19_000)).is_empty(), "what is acknowledged is not sent again");
}

#[test]
fn a_socket_without_a_sign_of_life_is_probed_and_then_closed() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High)], at(0));
    assert_eq!(ops(&tick(&mut session, at(3_000))), ["ping"]);
    assert!(session.next_tick_ms(at(3_000)) > 3_000, "no busy waiting for the answer");
    assert!(tick(&mut session, at(5_999)).is_empty());
    assert!(matches!(tick(&mut session, at(6_000))[..], [Output::Close(Close::HeartbeatLost)]));
}

#[test]
fn a_probe_that_is_answered_leads_to_a_resend() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High)], at(0));
    tick(&mut session, at(3_000));
    say(&mut session, r#"{"op":"pong"}"#, at(3_500));
    assert!(matches!(tick(&mut session, at(3_500))[..], [Output::Look]));
}

#[test]
fn the_window_bounds_what_is_out_and_an_ack_opens_it() {
    let mut session = session();
    let rows = [row(1, Urgency::High), row(2, Urgency::High), row(3, Urgency::High)];
    assert_eq!(ops(&look(&mut session, &rows, at(0))).len(), 2);
    let out = say(&mut session, r#"{"op":"ack","seqs":[1,99]}"#, at(1));
    assert!(matches!(out[..], [Output::Note(..), Output::Look]));
    assert_eq!(ops(&look(&mut session, &rows, at(2))), ["alert"]);
}

#[test]
fn nothing_void_is_sent() {
    let mut session = session();
    assert!(look(&mut session, &[row(1, Urgency::High)], at(60_000)).is_empty());
}

#[test]
fn what_is_no_longer_open_is_asked_about_and_stopped_by_id() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High), row(2, Urgency::High)], at(0));
    let out = look(&mut session, &[row(2, Urgency::High)], at(1));
    let [Output::AskEnded(missing)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(missing, &[alert_id(1)]);
    let mut out = Vec::new();
    session.on_ended(&[(alert_id(1), EndReason::CancelledByOrder)], &mut out);
    // What still waits for the socket is taken back first: a stop overtakes alerts.
    let [Output::Withdraw(gone), Output::Send(Lane::Control, frame)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(gone, &[alert_id(1)]);
    assert_eq!((&json(frame)["op"], &json(frame)["reason"]), (&"stop".into(), &"cancelled".into()));
    assert_eq!(json(frame)["ids"], serde_json::json!([alert_id(1)]));
    assert!(look(&mut session, &[row(2, Urgency::High)], at(2)).is_empty());
}

#[test]
fn what_ended_between_the_welcome_and_the_first_look_is_stopped_too() {
    let mut session = session();
    let out = look(&mut session, &[row(2, Urgency::High)], at(0));
    assert!(matches!(&out[..], [.., Output::AskEnded(missing)] if *missing == [alert_id(1)]), "{out:?}");
    let mut out = Vec::new();
    session.on_ended(&[(alert_id(1), EndReason::CancelledByAlert)], &mut out);
    assert_eq!(ops(&out), ["stop"]);
    assert!(look(&mut session, &[row(2, Urgency::High)], at(1)).is_empty(), "it is asked about once");
}

#[test]
fn a_better_clip_is_told_once() {
    let mut session = session();
    let first = row(1, Urgency::High);
    look(&mut session, std::slice::from_ref(&first), at(0));
    let mut spoken = (*first.alert).clone();
    if let Some(sound) = &mut spoken.sound {
        sound.canned = false;
    }
    let rows = [OpenDelivery { alert: Arc::new(spoken), ..first }];
    assert_eq!(ops(&look(&mut session, &rows, at(1))), ["update"]);
    assert!(look(&mut session, &rows, at(2)).is_empty());
}

#[test]
fn a_receipt_is_got_only_after_it_is_kept() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High)], at(0));
    let report = format!(
        r#"{{"op":"report","n":4,"id":"{}","ring":1,"status":"played","at":{}}}"#,
        alert_id(1),
        WALL.0 + 900
    );
    let out = say(&mut session, &report, at(1_000));
    let [Output::Keep(receipt)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(receipt.what, Some((alert_id(1), Change::Played { play: 1 })));
    assert_eq!(receipt.at, WALL.plus_ms(900));
    let mut out = Vec::new();
    session.on_kept(receipt, &Kept { ended: true, outcome: None }, at(1_000), &mut out);
    assert_eq!(ops(&out), ["got"]);
    assert!(look(&mut session, &[], at(1_001)).is_empty(), "what was played here is not stopped here");
}

#[test]
fn a_receipt_about_nothing_of_ours_is_got_too_or_the_client_would_keep_it_for_ever() {
    let mut session = session();
    let out = say(&mut session, r#"{"op":"report","n":1,"id":"what?","status":"failed"}"#, at(0));
    let [Output::Keep(receipt)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(receipt.what, None);
    let out = say(&mut session, r#"{"op":"answer","n":2,"id":"what?","answer":"accept"}"#, at(0));
    let [Output::Keep(receipt)] = &out[..] else { panic!("{out:?}") };
    let mut out = Vec::new();
    session.on_kept(receipt, &Kept::default(), at(0), &mut out);
    assert_eq!(ops(&out), ["answered", "got"]);
}

#[test]
fn bad_frames_are_answered_and_too_many_close_the_session() {
    let mut session = session();
    assert_eq!(ops(&say(&mut session, "{", at(0))), ["error"]);
    assert_eq!(ops(&say(&mut session, r#"{"op":"chat","n":1,"text":"hi"}"#, at(0))), ["error"]);
    assert_eq!(ops(&say(&mut session, r#"{"op":"sing"}"#, at(0))), ["error"]);
    let out = say(&mut session, r#"{"op":"hello","device":"d"}"#, at(0));
    assert!(matches!(out.last(), Some(Output::Close(Close::Protocol))));
}

#[test]
fn a_token_ends_while_connected_unless_refreshed() {
    let mut session = session();
    session.on_heard(at(3_599_999));
    session.pinged_ms = 3_599_999;
    assert_eq!(session.next_tick_ms(at(3_599_999)), 3_600_000);
    let out = say(&mut session, r#"{"op":"refresh","token":"t2"}"#, at(3_599_999));
    assert!(matches!(&out[..], [Output::Refresh(token)] if token == "t2"));
    session.on_token(WALL.plus_ms(7_200_000));
    assert!(tick(&mut session, at(3_600_000)).is_empty());
    assert!(matches!(tick(&mut session, at(7_200_000))[..], [Output::Close(Close::TokenExpired)]));
}

#[test]
fn heartbeats_go_out_and_silence_ends_the_session() {
    let mut session = session();
    assert_eq!(ops(&tick(&mut session, at(20_000))), ["ping"]);
    assert!(tick(&mut session, at(39_999)).is_empty());
    assert_eq!(ops(&tick(&mut session, at(40_000))), ["ping"]);
    assert!(matches!(tick(&mut session, at(50_000))[..], [Output::Close(Close::HeartbeatLost)]));
}

#[test]
fn a_wall_clock_that_jumps_neither_floods_nor_closes() {
    let mut session = session();
    session.on_token(WALL.plus_ms(100 * 86_400_000));
    look(&mut session, &[row(1, Urgency::High)], at(0));
    say(&mut session, r#"{"op":"ack","seqs":[1]}"#, at(1));
    let jumped = Now { wall: WALL.plus_ms(3_600_000), mono_ms: 2 };
    assert!(tick(&mut session, jumped).is_empty());
    let back = Now { wall: WALL.plus_ms(-3_600_000), mono_ms: 3 };
    assert!(tick(&mut session, back).is_empty());
}

#[test]
fn an_alert_that_ends_behind_a_long_queue_is_stopped_too() {
    let mut session = session();
    let first = row(1, Urgency::High);
    look(&mut session, std::slice::from_ref(&first), at(0));
    let crowd: Vec<_> = (0..LOOK_LIMIT).map(|_| row(2, Urgency::Critical)).collect();
    let out = look(&mut session, &crowd, at(1));
    let asked =
        out.iter().any(|output| matches!(output, Output::AskEnded(alerts) if *alerts == [alert_id(1)]));
    assert!(asked, "{out:?}");
}

/// The frames that go out, as JSON.
fn frames(out: &[Output]) -> Vec<serde_json::Value> {
    let sent = out.iter().filter_map(|output| match output {
        Output::Send(_, text) => serde_json::from_str(text).ok(),
        _ => None,
    });
    sent.collect()
}

fn claimed(number: u8) -> OpenDelivery {
    let mut row = row(number, Urgency::High);
    row.delivery.state = DeliveryState::Claimed;
    row
}

fn accept(session: &mut Session, number: u8, now: Now) -> Vec<Output> {
    let text = format!(r#"{{"op":"answer","n":7,"id":"{}","answer":"accept"}}"#, alert_id(number));
    let out = say(session, &text, now);
    let [Output::Keep(receipt)] = &out[..] else { panic!("{out:?}") };
    let kept = Kept { ended: false, outcome: Some(AnswerOutcome::Pending) };
    let mut out = Vec::new();
    session.on_kept(receipt, &kept, now, &mut out);
    out
}

#[test]
fn an_accept_is_pending_only_after_two_seconds_and_won_only_when_it_is_committed() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High)], at(0));
    assert_eq!(
        ops(&accept(&mut session, 1, at(100))),
        ["got"],
        "nothing is said before the backend has had its time"
    );
    assert!(look(&mut session, &[claimed(1)], at(200)).is_empty());
    assert!(tick(&mut session, at(2_099)).is_empty());
    let pending = frames(&tick(&mut session, at(2_100)));
    assert_eq!((pending[0]["outcome"].as_str(), pending[0]["n"].as_u64()), (Some("pending"), Some(7)));
    assert!(tick(&mut session, at(2_200)).is_empty(), "once");
    let asked = look(&mut session, &[], at(3_000));
    assert!(matches!(&asked[..], [Output::AskEnded(ids)] if *ids == [alert_id(1)]));
    let mut out = Vec::new();
    session.on_ended(&[(alert_id(1), EndReason::Answered)], &mut out);
    let told = frames(&out);
    assert_eq!(told.len(), 1, "the winner is not stopped");
    assert_eq!((told[0]["outcome"].as_str(), told[0]["n"].as_u64()), (Some("won"), Some(7)));
}

#[test]
fn a_lost_claim_is_told_and_stopped() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High)], at(0));
    accept(&mut session, 1, at(100));
    let mut out = Vec::new();
    session.on_ended(&[(alert_id(1), EndReason::Taken)], &mut out);
    let told = frames(&out);
    assert_eq!((told[0]["op"].as_str(), told[0]["outcome"].as_str()), (Some("answered"), Some("lost")));
    assert_eq!((told[1]["op"].as_str(), told[1]["reason"].as_str()), (Some("stop"), Some("taken")));
}

#[test]
fn a_claim_of_an_earlier_session_is_not_rung_and_its_end_is_told_with_n_0() {
    let mut session = session();
    assert!(look(&mut session, &[claimed(1)], at(0)).is_empty());
    let mut out = Vec::new();
    session.on_ended(&[(alert_id(1), EndReason::Answered)], &mut out);
    let told = frames(&out);
    assert_eq!((told[0]["outcome"].as_str(), told[0]["n"].as_u64()), (Some("won"), Some(0)));
}

#[test]
fn a_claim_silences_the_riders_other_devices() {
    let mut other = session();
    look(&mut other, &[row(1, Urgency::High)], at(0));
    let out = frames(&look(&mut other, &[claimed(1)], at(500)));
    assert_eq!(
        (out[0]["op"].as_str(), out[0]["reason"].as_str()),
        (Some("stop"), Some("answered_elsewhere"))
    );
}

#[test]
fn a_logout_stops_everything_by_id() {
    let mut session = session();
    look(&mut session, &[row(1, Urgency::High), row(2, Urgency::High)], at(0));
    let mut out = Vec::new();
    session.on_logout(&mut out);
    let told = frames(&out);
    assert_eq!(
        (told[0]["reason"].as_str(), told[0]["ids"].as_array().map(Vec::len)),
        (Some("logout"), Some(2))
    );
}
