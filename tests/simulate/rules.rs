//! The rules: each looks at one thing that happened, against all that was seen before, and says which promise it breaks.
//! None of them trusts the code under test for more than the words it puts on the wire and in the store.

use orderbell::domain::{Alert, AlertId, Delivery, DeliveryState, EpochMs, Head, RiderId};
use orderbell::store::AlertRecord;
use serde_json::Value;

use crate::simulation::client::Receipt;
use crate::simulation::ledger::{Broken, Known, Online, Seen};
use crate::simulation::plan::test_name;

/// Over a sound connection an alert is at its rider within this: a sweep, the budget of speech, and the longest wait for
/// a repetition of a frame that was lost before the connection became sound.
const BROUGHT_WITHIN_MS: i64 = 40_000;
/// A frame does not wait for its socket longer than this: the limit of a write without progress.
const QUEUED_MS_MAX: i64 = 5_000;
/// Over a sound connection every receipt is confirmed within this: a client says it again every thirty seconds.
const CONFIRMED_WITHIN_MS: i64 = 70_000;
/// Over a sound connection a device is silent within this after the end: a slow store, and the way.
const SILENT_WITHIN_MS: i64 = 10_000;

impl Known {
    fn of(delivery: &Delivery, now: i64) -> Self {
        let (claimed_ms, ended_ms) = (None, None);
        let (seqs, received, heard) = Default::default();
        let delivery = delivery.clone();
        Self { delivery, claimed_ms, ended_ms, rung_ms: now, seqs, received, heard }
    }
}

/// One name for each alert of an event.
fn name_of(alert: &Alert) -> String {
    let event = if alert.key_mode.is_test() {
        test_name(alert.event_id.as_str())
    } else {
        alert.event_id.to_string()
    };
    match alert.kind.as_str() {
        "order.reassigned_away" => format!("{event}-away"),
        "order.taken" | "merge" => format!("{}-{}", alert.kind, alert.id),
        _ => event,
    }
}

impl Seen {
    pub(crate) fn audit(&mut self, now: i64, record: &AlertRecord) {
        let name = name_of(&record.alert);
        if self.names.insert(record.alert.id, name.clone()).is_none() {
            let alerts = self.names.values().filter(|other| **other == name).count();
            if alerts > 1 {
                self.break_promise(now, Broken::TwoEffects, format_args!("{name} has {alerts} alerts"));
            }
        }
        self.audit_head(now, record);
        for delivery in &record.deliveries {
            let key = (delivery.alert, delivery.rider.clone());
            let before = self.known.remove(&key);
            match &before {
                None => self.first_seen(now, &record.alert.head, delivery, &name),
                Some(known) => self.compare(now, known, delivery),
            }
            let mut known = before.unwrap_or_else(|| Known::of(delivery, now));
            let claimed = delivery.state == DeliveryState::Claimed;
            known.claimed_ms = known.claimed_ms.or(claimed.then_some(now));
            known.ended_ms = known.ended_ms.or((!delivery.is_open()).then_some(now));
            if known.seqs.insert(delivery.ring, delivery.seq).is_none() {
                known.rung_ms = now;
            }
            known.delivery = delivery.clone();
            self.known.insert(key, known);
        }
        self.rings = None;
    }

    fn first_seen(&mut self, now: i64, head: &Head, delivery: &Delivery, event: &str) {
        let Delivery { rider, seq, state, .. } = delivery;
        self.note(now, format_args!("store: {event} for {rider} seq {seq} {state:?}"));
        self.count_seq(now, rider, *seq);
        self.check_admitted(now, head, delivery);
    }

    /// Every delivery and every ring takes the next place in its rider's sequence.
    fn count_seq(&mut self, now: i64, rider: &RiderId, seq: i64) {
        let before = self.seqs.insert(rider.clone(), seq).unwrap_or_default();
        if seq != before + 1 {
            self.break_promise(now, Broken::SeqNotRising, format_args!("{rider}: {seq} after {before}"));
        }
    }

    fn compare(&mut self, now: i64, known: &Known, next: &Delivery) {
        let before = &known.delivery;
        if before == next {
            return;
        }
        let name = self.name(next.alert);
        let Delivery { rider, state, reason, .. } = next;
        if before.state != *state || before.reason != *reason {
            self.note(now, format_args!("store: {name} for {rider} {state:?} {reason:?}"));
            self.check_taken_back(now, next);
        }
        let end = |one: &Delivery| (one.state, one.reason, one.ended_at);
        if !before.is_open() && end(before) != end(next) {
            let (was, is) = (end(before), end(next));
            self.break_promise(
                now,
                Broken::TwoTerminalStates,
                format_args!("{name} for {rider}: {was:?}, then {is:?}"),
            );
        }
        if !next.is_open() && next.reason.is_none() {
            self.break_promise(
                now,
                Broken::TwoTerminalStates,
                format_args!("{name} for {rider} ended without a reason"),
            );
        }
        let rung = next.ring != before.ring;
        let by_step = self.rings == Some(next.alert) && next.ring == before.ring + 1 && before.is_open();
        if rung && !by_step {
            self.break_promise(
                now,
                Broken::LevelTwice,
                format_args!("{name} for {rider}: ring {} after {}", next.ring, before.ring),
            );
        }
        if rung {
            self.note(now, format_args!("store: {name} for {rider} rings {} seq {}", next.ring, next.seq));
            self.count_seq(now, rider, next.seq);
        } else if next.seq != before.seq {
            self.break_promise(
                now,
                Broken::SeqNotRising,
                format_args!("{name} for {rider} was {}, and is {}", before.seq, next.seq),
            );
        }
    }

    pub(crate) fn sent_alert(
        &mut self,
        now: i64,
        wall: EpochMs,
        device: &str,
        key: &(AlertId, RiderId),
        frame: &Value,
    ) {
        let name = self.name(key.0);
        let Some(known) = self.known.get(key) else {
            let (_, rider) = key;
            self.break_promise(
                now,
                Broken::Lost,
                format_args!("{name} was sent to {rider}, and is not in the store"),
            );
            return;
        };
        let expires_at = known.delivery.expires_at;
        let (ended_ms, state) = (known.ended_ms.or(known.claimed_ms), known.delivery.state);
        let ring = frame["ring"].as_u64().and_then(|ring| u32::try_from(ring).ok());
        let seq = ring.and_then(|ring| known.seqs.get(&ring).copied());
        let held = known.delivery.held_until.is_some();
        if held {
            self.break_promise(now, Broken::SentAfterVoid, format_args!("{name} was sent while it was held"));
        }
        self.check_buried(now, &name, &key.1);
        if wall >= expires_at {
            let late_ms = wall.since_ms(expires_at);
            self.break_promise(
                now,
                Broken::SentAfterVoid,
                format_args!("{name} was sent {late_ms} ms after its time"),
            );
        }
        // What was queued in time may leave a moment later, but never behind the word that ended it.
        let stopped = self.online.get(device).is_some_and(|online| online.stopped.contains(&key.0));
        if let Some(late_ms) =
            ended_ms.map(|ended| now - ended).filter(|late| stopped || *late > QUEUED_MS_MAX)
        {
            self.break_promise(
                now,
                Broken::SentAfterVoid,
                format_args!("{name} was sent {late_ms} ms after it was {state:?}"),
            );
        }
        if frame["seq"].as_i64() != seq {
            self.break_promise(
                now,
                Broken::SeqNotRising,
                format_args!("{name} has {seq:?} and was sent as {}", frame["seq"]),
            );
        }
    }

    pub(crate) fn sent_stop(&mut self, device: &str, text: &str) {
        if !text.starts_with(r#"{"op":"stop""#) {
            return;
        }
        let stop: Value = serde_json::from_str(text).unwrap();
        let ids =
            stop["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse::<AlertId>().unwrap());
        if let Some(online) = self.online.get_mut(device) {
            online.stopped.extend(ids);
        }
    }

    pub(crate) fn received(
        &mut self,
        now: i64,
        rider: &RiderId,
        device: &str,
        (alert, ring, seq): (AlertId, u32, i64),
    ) {
        let name = self.name(alert);
        self.note(now, format_args!("{device} got {name} ring {ring} seq {seq}"));
        match self.known.get_mut(&(alert, rider.clone())) {
            Some(known) => {
                let highest = known.received.entry(device.to_owned()).or_default();
                *highest = ring.max(*highest);
            }
            None => self.break_promise(
                now,
                Broken::Lost,
                format_args!("{device} got {name}, which was never stored"),
            ),
        }
    }

    pub(crate) fn started(&mut self, now: i64, rider: &RiderId, device: &str, (alert, ring): (AlertId, u32)) {
        let name = self.name(alert);
        self.note(now, format_args!("{device} sounds {name} ring {ring}"));
        let Some(known) = self.known.get(&(alert, rider.clone())) else { return };
        let Some(ended_ms) = known.ended_ms.or(known.claimed_ms) else { return };
        // What ended by being heard here goes on with its repeats, until the next welcome.
        let own = known.delivery.state == DeliveryState::Played && known.heard.contains(device);
        let Some(online) = self.online.get(device) else { return };
        let Some(fair_ms) = online.fair_since_ms.filter(|_| !online.wild) else { return };
        let told_ms = if own { online.since_ms.max(ended_ms) } else { fair_ms.max(ended_ms) };
        let own_session = own && online.since_ms <= ended_ms;
        if !own_session && now - told_ms > SILENT_WITHIN_MS {
            let (state, late_ms) = (known.delivery.state, now - ended_ms);
            self.break_promise(
                now,
                Broken::StillRinging,
                format_args!("{device} sounds {name}, {late_ms} ms after it was {state:?}"),
            );
        }
    }

    pub(crate) fn completed(
        &mut self,
        now: i64,
        rider: &RiderId,
        device: &str,
        (alert, play, of): (AlertId, u32, u32),
    ) {
        let name = self.name(alert);
        self.note(now, format_args!("{device} played {name} {play}/{of}"));
        if play > of {
            self.break_promise(
                now,
                Broken::PlayedTwice,
                format_args!("{device} played {name} {play} times of {of}"),
            );
        }
        let answered = self.answers.get(&name).map(|(at, _)| *at);
        let Some(known) = self.known.get_mut(&(alert, rider.clone())) else { return };
        if known.heard.is_empty()
            && let Some(answered) = answered
        {
            self.to_ear_ms.push(now - answered);
        }
        known.heard.insert(device.to_owned());
    }

    pub(crate) fn confirmed(
        &mut self,
        now: i64,
        rider: &RiderId,
        receipt: &Receipt,
        kept: Option<&AlertRecord>,
    ) {
        let name = self.name(receipt.alert);
        let Receipt { says, .. } = receipt;
        let row = kept.and_then(|record| record.deliveries.iter().find(|one| one.rider == *rider));
        let holds = row.is_some_and(|row| match *says {
            "queued" => row.received_at.is_some(),
            "playing" => row.playing_at.is_some(),
            "played" => row.played_at.is_some(),
            "skipped" | "failed" => row.trouble.is_some(),
            // An answer is either in the row, or was too late.
            answer => {
                let kept = [row.answer, row.late_answer].into_iter().flatten();
                !row.is_open() || kept.into_iter().any(|kept| kept.as_str() == answer)
            }
        });
        if !holds {
            self.break_promise(
                now,
                Broken::ConfirmedNotKept,
                format_args!("{says} of {name} by {rider} was confirmed: {row:?}"),
            );
        }
    }

    /// Whatever was open for long enough while this device was there has come to it.
    pub(crate) fn check_brought(&mut self, now: i64, device: &str, online: &Online) {
        let Some(fair_ms) = online.fair_since_ms else { return };
        let missed = self.known.iter().filter(|((_, rider), known)| {
            let from = known.rung_ms.max(fair_ms);
            let until = known.claimed_ms.or(known.ended_ms).unwrap_or(now);
            let ring = known.received.get(device).copied().unwrap_or_default();
            *rider == online.rider && ring < known.delivery.ring && until - from > BROUGHT_WITHIN_MS
        });
        let missed: Vec<AlertId> = missed.map(|((alert, _), _)| *alert).collect();
        for alert in missed {
            let name = self.name(alert);
            self.break_promise(now, Broken::Lost, format_args!("{name} was never brought to {device}"));
        }
    }

    /// Everything has had the time to end.
    pub(crate) fn judge_end(&mut self, now: i64, wall: EpochMs) {
        let online = std::mem::take(&mut self.online);
        for (device, online) in &online {
            self.check_brought(now, device, online);
        }
        let open = self.known.iter().filter(|(_, known)| known.ended_ms.is_none());
        let open: Vec<(String, i64)> = open
            .map(|((alert, rider), known)| {
                (format!("{} for {rider}", self.name(*alert)), wall.since_ms(known.delivery.expires_at))
            })
            .collect();
        let alerts = self.heads.values().filter(|head| head.is_open());
        let alerts = alerts.map(|head| (self.name(head.id), wall.since_ms(head.expires_at)));
        let open: Vec<(String, i64)> = alerts.chain(open).collect();
        for (what, late_ms) in open {
            self.break_promise(
                now,
                Broken::NeverEnded,
                format_args!("{what} is open {late_ms} ms after its time"),
            );
        }
        for device in std::mem::take(&mut self.unsettled) {
            let since = online.get(&device).and_then(|online| online.fair_since_ms);
            if since.is_some_and(|since| now - since > CONFIRMED_WITHIN_MS) {
                self.break_promise(now, Broken::NeverConfirmed, format_args!("receipts of {device}"));
            }
        }
        for device in std::mem::take(&mut self.pending) {
            let since = online.get(&device).and_then(|online| online.fair_since_ms);
            if since.is_some_and(|since| now - since > CONFIRMED_WITHIN_MS) {
                self.break_promise(now, Broken::NeverResolved, format_args!("an accept on {device}"));
            }
        }
        let lost = self.answers.iter().filter(|(_, (_, answer))| !self.has(answer));
        let lost: Vec<String> = lost.map(|(event, _)| event.clone()).collect();
        for event in lost {
            self.break_promise(
                now,
                Broken::Lost,
                format_args!("{event} was accepted and is not in the store"),
            );
        }
    }
}
