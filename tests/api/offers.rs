//! Offers: what each mode asks, who wins a grab and what the others are told, and answers that come too late.
//! Whatever a rider is told of an answer is in the timeline of the alert at that moment.

mod arbiter;
mod claims;
mod settle;

use serde_json::{Value, json};

use crate::support::{Ear, QUICK, RiderSocket, TestServer, eventually, words};

/// Posts an offer for these riders; the alert.
async fn offer(server: &TestServer, riders: &[&str], offer: Value) -> String {
    let event = json!({"kind": "order.available", "order": {"id": "o-1"}, "target": {"riders": riders},
        "offer": offer});
    server.post_event(event).await["alert_id"].as_str().unwrap().to_owned()
}

/// The delivery of one rider.
async fn delivery_of(server: &TestServer, alert: &str, rider: &str) -> Value {
    let alert = server.alert(alert).await;
    let mut deliveries = alert["deliveries"].as_array().unwrap().iter();
    deliveries.find(|delivery| delivery["rider"] == rider).unwrap().clone()
}

async fn riders<const N: usize>(server: &TestServer) -> [RiderSocket; N] {
    let mut sockets = Vec::new();
    for n in 1..=N {
        sockets.push(RiderSocket::connect(server, &format!("r{n}")).await);
    }
    sockets.try_into().ok().unwrap()
}

#[tokio::test]
async fn each_mode_asks_what_it_says() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let of_mode = |mode: &str| json!({"mode": mode, "timeout_s": 60});
    let cases = [
        ("order.new", of_mode("notify"), "notify", "none"),
        ("order.new", of_mode("ack"), "ack", "confirm"),
        ("order.new", of_mode("assign"), "assign", "accept"),
        ("order.offered", of_mode("grab"), "grab", "accept"),
        ("order.new", Value::Null, "notify", "none"),
        ("order.assigned", Value::Null, "ack", "confirm"),
        ("order.offered", Value::Null, "assign", "accept"),
        ("transfer.requested", Value::Null, "assign", "accept"),
        ("order.available", Value::Null, "grab", "accept"),
    ];
    for (kind, offer, mode, need) in cases {
        let id = server.post_event(json!({"kind": kind, "target": {"riders": ["r1"]}, "offer": offer})).await;
        let alert = rider.alert().await;
        assert_eq!(words(&alert, ["id", "kind", "mode", "need"]), json!([id["alert_id"], kind, mode, need]));
        let answer_by = if need == "accept" { &alert["expires_at"] } else { &Value::Null };
        assert_eq!(&alert["answer_by"], answer_by, "{kind} {mode}");
        let id = alert["id"].as_str().unwrap();
        let (outcome, state, reason) = match (mode, need) {
            (_, "none") => {
                rider.report(id, "played").await;
                ("", "played", "played")
            }
            ("grab", _) => ("won", "accepted", "answered"),
            (_, "accept") => ("recorded", "accepted", "answered"),
            _ => ("recorded", "acknowledged", "answered"),
        };
        if !outcome.is_empty() {
            let answer = if need == "accept" { "accept" } else { "confirm" };
            assert_eq!(rider.answer(id, answer).await, outcome, "{kind} {mode}");
            assert_eq!(rider.answer(id, answer).await, outcome, "{kind} {mode}, the same again");
        }
        assert_eq!(words(&server.delivery(id).await, ["state", "reason"]), json!([state, reason]));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_grab_has_one_winner_and_the_others_are_told_and_hear_a_chime() {
    let server = TestServer::start(QUICK).await;
    let mut sockets: [RiderSocket; 3] = riders(&server).await;
    let id = offer(&server, &["r1", "r2", "r3"], json!({"mode": "grab"})).await;
    for socket in &mut sockets {
        let alert = socket.alert().await;
        socket.ack(&alert).await;
    }
    let [one, two, three] = &mut sockets;
    let (one_said, two_said) =
        futures_util::future::join(one.answer(&id, "accept"), two.answer(&id, "accept")).await;
    let alert = server.alert(&id).await;
    let (winner, loser, won, lost) = match (one_said.as_str(), two_said.as_str()) {
        ("won", "lost") => (one, two, "r1", "r2"),
        ("lost", "won") => (two, one, "r2", "r1"),
        other => panic!("{other:?}"),
    };
    assert_eq!(words(&alert, ["state", "winner", "arbiter"]), json!(["accepted", won, "service"]));
    for (socket, rider, late) in [(&mut *loser, lost, json!("accept")), (&mut *three, "r3", Value::Null)] {
        assert_eq!(socket.stopped(&id).await, "taken");
        let delivery = delivery_of(&server, &id, rider).await;
        assert_eq!(words(&delivery, ["state", "reason", "late_answer"]), json!(["lost", "taken", late]));
        hears_the_chime(&server, socket).await;
    }
    for _ in 0..2 {
        assert_eq!(winner.answer(&id, "accept").await, "won", "the same again");
        assert_eq!(loser.answer(&id, "accept").await, "lost", "the same again");
        assert_eq!(three.answer(&id, "decline").await, "gone", "who did not want it has not lost it");
    }
    let told = winner.so_far().await;
    assert!(told.iter().all(|frame| frame["op"] != "alert" && frame["op"] != "stop"), "{told:?}");
    assert_eq!(server.alert(&id).await["winner"], won);
    server.stop().await;
}

/// That the next alert is `order.taken`: a short sound, and then nothing.
async fn hears_the_chime(server: &TestServer, socket: &mut RiderSocket) {
    let chime = socket.alert().await;
    assert_eq!(
        words(&chime, ["kind", "urgency", "need", "mode", "order_id"]),
        json!(["order.taken", 0, "none", "notify", "o-1"])
    );
    assert!(chime["ttl_ms"].as_i64().unwrap() <= 10_000);
    let ear = Ear::of(server, &chime["audio"]).await;
    assert!((100.0..1_000.0).contains(&ear.ends_ms), "{}", ear.ends_ms);
    assert!(ear.volume(0.0, ear.ends_ms, "max_volume:") > -25.0, "it is heard");
    assert!(
        ear.volume(ear.ends_ms + 50.0, ear.ends_ms + 3_000.0, "max_volume:") < -80.0,
        "and nothing is said"
    );
    socket.ack(&chime).await;
    let id = chime["id"].as_str().unwrap();
    socket.report(id, "played").await;
    assert_eq!(server.delivery(id).await["state"], "played");
}

#[tokio::test]
async fn who_was_not_offered_it_is_told_what_is_told_of_an_unknown_alert() {
    let server = TestServer::start(QUICK).await;
    let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
    let id = offer(&server, &["r1"], json!({"mode": "grab"})).await;
    one.alert().await;
    let before = server.alert(&id).await;
    for strange in [id.as_str(), "alr_00000000000070008000000000000000"] {
        let n = two.say_answer(strange, "accept").await;
        let answered = two.op("answered").await;
        assert_eq!(answered, json!({"op": "answered", "n": n, "id": strange, "outcome": "gone"}));
        assert_eq!(two.op("got").await["n"], n);
    }
    assert!(two.so_far().await.is_empty());
    let after = server.alert(&id).await;
    assert_eq!(
        words(&after, ["state", "winner", "delivery_count"]),
        words(&before, ["state", "winner", "delivery_count"])
    );
    assert_eq!(one.answer(&id, "accept").await, "won");
    server.stop().await;
}

#[tokio::test]
async fn an_accept_after_its_time_is_gone_and_kept_as_late() {
    // By the clock where no sweep has been there yet, and after a sweep.
    for sweep in ["300s", "50ms"] {
        let server = TestServer::start(&format!("[dispatch]\nsweep = \"{sweep}\"")).await;
        let mut rider = RiderSocket::connect(&server, "r1").await;
        let id = offer(&server, &["r1"], json!({"mode": "assign", "timeout_s": 1})).await;
        let alert = rider.alert().await;
        rider.ack(&alert).await;
        let answer_by = alert["answer_by"].as_i64().unwrap();
        eventually("the time to answer is over", async || (server.now_ms() > answer_by + 100).then_some(()))
            .await;
        for _ in 0..2 {
            assert_eq!(rider.answer(&id, "accept").await, "gone");
        }
        let delivery = server.delivery(&id).await;
        let words = words(&delivery, ["state", "reason", "answer", "late_answer"]);
        assert_eq!(words, json!(["expired", "not_played", null, "accept"]), "sweep {sweep}");
        assert_eq!(server.alert(&id).await["winner"], Value::Null);
        server.stop().await;
    }
}

#[tokio::test]
async fn who_declines_a_grab_leaves_it_to_the_others() {
    let server = TestServer::start(QUICK).await;
    let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
    let id = offer(&server, &["r1", "r2"], json!({"mode": "grab"})).await;
    one.alert().await;
    two.alert().await;
    assert_eq!(one.answer(&id, "decline").await, "recorded");
    assert_eq!(one.answer(&id, "accept").await, "gone", "another answer");
    assert_eq!(server.alert(&id).await["state"], "active");
    assert_eq!(two.answer(&id, "accept").await, "won");
    let told = one.so_far().await;
    assert!(told.is_empty(), "whoever declined need not hear that it is gone: {told:?}");
    let declined = delivery_of(&server, &id, "r1").await;
    assert_eq!(
        words(&declined, ["state", "answer", "late_answer"]),
        json!(["declined", "decline", "accept"])
    );
    server.stop().await;
}

#[tokio::test]
async fn an_offer_that_all_have_declined_is_over() {
    let server = TestServer::start(QUICK).await;
    let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
    let id = offer(&server, &["r1", "r2"], json!({"mode": "grab"})).await;
    for rider in [&mut one, &mut two] {
        rider.alert().await;
        assert_eq!(rider.answer(&id, "decline").await, "recorded");
    }
    assert_eq!(words(&server.alert(&id).await, ["state", "winner"]), json!(["completed", null]));
    server.stop().await;
}

#[tokio::test]
async fn the_first_device_that_answers_silences_the_others() {
    let server = TestServer::start(QUICK).await;
    server.done("PUT", "/v1/riders/r1", json!({"devices": "all"})).await;
    let token = server.token("r1").await;
    let mut phone = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    let mut tablet = RiderSocket::hello(&server, json!({"token": token, "device": "tablet"})).await;
    let id = offer(&server, &["r1"], json!({"mode": "grab"})).await;
    phone.alert().await;
    tablet.alert().await;
    assert_eq!(phone.answer(&id, "accept").await, "won");
    assert_eq!(tablet.stopped(&id).await, "answered_elsewhere");
    assert_eq!(tablet.answer(&id, "accept").await, "won", "it is the same rider's answer");
    server.stop().await;
}

#[tokio::test]
async fn answers_by_request_decide_as_those_of_a_socket_do() {
    let server = TestServer::start(QUICK).await;
    let id = offer(&server, &["r1", "r2"], json!({"mode": "grab"})).await;
    server.rendered(&id).await;
    let answer = async |rider: &str, n: u64| {
        let token = server.token(rider).await;
        let receipts = json!({"receipts": [{"op": "answer", "n": n, "id": id, "answer": "accept"}]});
        let mut reply = server.call_as(&token, "POST", "/v1/rider/receipts", receipts).await;
        reply.json["data"]["frames"][0]["outcome"].take()
    };
    for n in 1..=2 {
        assert_eq!(answer("r2", n).await, "won");
        assert_eq!(answer("r1", n).await, "lost");
        assert_eq!(answer("r3", n).await, "gone");
    }
    assert_eq!(server.alert(&id).await["winner"], "r2");
    server.stop().await;
}
