//! A short history in which all is well, and the ways to spoil it.
//! Eight orders: heard, confirmed, cancelled, grabbed by one of two, expired, recovered, declined, and one that came to
//! nothing.

use std::collections::BTreeMap;

use crate::op::{Entry, Frame, Op, What};
use crate::plan::Plan;
use crate::record::{Record, Standing};

/// When it all begins.
pub(crate) const NOW: i64 = 1_800_000_000_000;
/// When every alert is void.
pub(crate) const EXPIRES_AT: i64 = NOW + 60_000;

/// A history in the making.
pub(crate) struct Tale {
    pub(crate) entries: Vec<Entry>,
    receipts: BTreeMap<String, u64>,
}

fn text(word: &str) -> String {
    word.to_owned()
}

impl Tale {
    /// Nothing is wrong in it.
    pub(crate) fn good() -> Self {
        let mut tale = Self { entries: Vec::new(), receipts: BTreeMap::new() };
        for rider in ["r_0", "r_1"] {
            tale.add(Op::Hello { rider: text(rider), session: 1 });
            tale.add(Op::Welcome { rider: text(rider), session: 1, open: vec![] });
        }
        tale.post("order-1", Plan::Hear, &["r_0"], Some("a1"));
        tale.post("order-2", Plan::Confirm, &["r_0"], Some("a2"));
        tale.post("order-3", Plan::Cancel, &["r_0"], Some("a3"));
        tale.post("order-4", Plan::Grab, &["r_0", "r_1"], Some("a4"));
        tale.post("order-5", Plan::Brief, &["r_1"], Some("a5"));
        tale.post("order-6", Plan::Hear, &["r_1"], None);
        tale.post("order-7", Plan::Hear, &["r_1"], None);
        tale.post("order-8", Plan::Decline, &["r_1"], Some("a8"));
        for (event, alert, rider, seq) in [
            ("order-1", "a1", "r_0", 1),
            ("order-2", "a2", "r_0", 2),
            ("order-3", "a3", "r_0", 3),
            ("order-4", "a4", "r_0", 4),
            ("order-4", "a4", "r_1", 1),
            ("order-5", "a5", "r_1", 2),
            ("order-6", "a6", "r_1", 3),
            ("order-8", "a8", "r_1", 4),
        ] {
            tale.arrive(event, alert, rider, seq);
        }
        tale.say("a1", "r_0", What::Playing);
        tale.say("a1", "r_0", What::Played);
        tale.say("a6", "r_1", What::Played);
        tale.say("a5", "r_1", What::Played);
        tale.answer("a2", "r_0", What::Confirm, "recorded");
        tale.answer("a8", "r_1", What::Decline, "recorded");
        tale.answer("a4", "r_0", What::Accept, "won");
        tale.answer("a4", "r_1", What::Accept, "lost");
        tale.add_at(NOW + 1_000, Op::Cancelled { alert: text("a3"), status: 200, ended: 1 });
        tale.stop("a3", "r_0", "cancelled");
        tale.stop("a5", "r_1", "expired");
        tale.add(Op::Looked { event: text("order-6"), alert: Some(text("a6")) });
        tale.add(Op::Looked { event: text("order-7"), alert: None });
        for _ in 0..2 {
            tale.records();
        }
        for rider in ["r_0", "r_1"] {
            tale.add(Op::Hello { rider: text(rider), session: 2 });
            tale.add(Op::Welcome { rider: text(rider), session: 2, open: vec![] });
        }
        tale
    }

    fn records(&mut self) {
        self.add(record("a1", "order-1", vec![standing("r_0", 1, "played", &["playing", "played"], None)]));
        self.add(record("a2", "order-2", vec![standing("r_0", 2, "acknowledged", &[], Some("confirm"))]));
        self.add(record("a3", "order-3", vec![standing("r_0", 3, "cancelled", &[], None)]));
        let winner = standing("r_0", 4, "accepted", &[], Some("accept"));
        let loser = standing("r_1", 1, "lost", &[], None);
        self.add(record("a4", "order-4", vec![winner, loser]));
        self.add(record("a5", "order-5", vec![standing("r_1", 2, "expired", &["played"], None)]));
        self.add(record("a8", "order-8", vec![standing("r_1", 4, "declined", &[], Some("decline"))]));
        self.add(record("a6", "order-6", vec![standing("r_1", 3, "played", &["played"], None)]));
    }

    pub(crate) fn add(&mut self, op: Op) {
        self.add_at(NOW, op);
    }

    pub(crate) fn add_at(&mut self, at: i64, op: Op) {
        self.entries.push(Entry { at, op });
    }

    fn post(&mut self, event: &str, plan: Plan, riders: &[&str], alert: Option<&str>) {
        let riders = riders.iter().map(|rider| text(rider)).collect();
        self.add(Op::Post { event: text(event), riders, plan });
        match alert {
            Some(alert) => self.tell(event, alert),
            None => self.add(Op::Untold { event: text(event) }),
        }
        if event == "order-1" {
            self.add(Op::Untold { event: text(event) });
        }
    }

    pub(crate) fn tell(&mut self, event: &str, alert: &str) {
        self.add(Op::Told { event: text(event), status: 200, alert: Some(text(alert)), duplicate: false });
    }

    fn arrive(&mut self, event: &str, alert: &str, rider: &str, seq: i64) {
        self.add(Op::Alert(Frame {
            rider: text(rider),
            session: 1,
            seq,
            event: text(event),
            alert: text(alert),
            kind: text("order.new"),
            ring: 1,
            urgency: 2,
            expires_at: EXPIRES_AT,
            ttl_ms: EXPIRES_AT - NOW,
            content: format!("{event} for {rider}"),
            first: true,
        }));
    }

    fn receipt(&mut self, alert: &str, rider: &str, what: What) -> u64 {
        let n = self.receipts.entry(text(rider)).or_default();
        *n += 1;
        let n = *n;
        self.add(Op::Receipt { rider: text(rider), n, alert: text(alert), what });
        n
    }

    fn say(&mut self, alert: &str, rider: &str, what: What) {
        let n = self.receipt(alert, rider, what);
        self.add(Op::Got { rider: text(rider), n });
    }

    fn answer(&mut self, alert: &str, rider: &str, what: What, outcome: &str) {
        let n = self.receipt(alert, rider, what);
        self.add(Op::Answered { rider: text(rider), n, alert: text(alert), outcome: text(outcome) });
        self.add(Op::Got { rider: text(rider), n });
    }

    fn stop(&mut self, alert: &str, rider: &str, reason: &str) {
        self.add(Op::Stop { rider: text(rider), session: 1, ids: vec![text(alert)], reason: text(reason) });
    }

    /// The server says at last that it knows no such alert, and never said otherwise.
    pub(crate) fn forget(&mut self, alert: &str) {
        self.entries.retain(|entry| !matches!(&entry.op, Op::Record(record) if record.alert == alert));
        self.entries.retain(|entry| !matches!(&entry.op, Op::Alert(frame) if frame.alert == alert));
        self.add(Op::Absent { alert: text(alert) });
    }

    /// Changes every record of an alert.
    pub(crate) fn record(&mut self, alert: &str, mut change: impl FnMut(&mut Record)) {
        for Entry { op, .. } in &mut self.entries {
            if let Op::Record(record) = op
                && record.alert == alert
            {
                change(record);
            }
        }
    }

    /// Changes one delivery in every record.
    pub(crate) fn standing(&mut self, alert: &str, rider: &str, mut change: impl FnMut(&mut Standing)) {
        self.record(alert, |record| {
            record.deliveries.iter_mut().filter(|standing| standing.rider == rider).for_each(&mut change);
        });
    }

    pub(crate) fn last_record(&self, alert: &str) -> Record {
        let mut records = self.entries.iter().rev().filter_map(|entry| {
            if let Op::Record(record) = &entry.op {
                (record.alert == alert).then(|| record.clone())
            } else {
                None
            }
        });
        records.next().unwrap()
    }

    /// Changes the deliveries in the first record of an alert alone.
    pub(crate) fn earlier(&mut self, alert: &str, change: fn(&mut Standing)) {
        let mut left = 1;
        self.record(alert, |record| {
            if left > 0 {
                left -= 1;
                record.deliveries.iter_mut().for_each(change);
            }
        });
    }

    /// Adds one more record of an alert, changed, and then the last one again.
    pub(crate) fn later(&mut self, alert: &str, change: fn(&mut Standing)) {
        let (record, mut between) = (self.last_record(alert), self.last_record(alert));
        between.deliveries.iter_mut().for_each(change);
        let mut entries = self.entries.iter();
        let place = entries.position(|entry| matches!(&entry.op, Op::Record(first) if first.alert == alert));
        self.entries.insert(place.unwrap() + 1, Entry { at: NOW, op: Op::Record(between) });
        self.add(Op::Record(record));
    }

    /// Changes the frames of an alert.
    pub(crate) fn frame(&mut self, alert: &str, change: impl Fn(&mut Frame)) {
        for Entry { op, .. } in &mut self.entries {
            if let Op::Alert(frame) = op
                && frame.alert == alert
            {
                change(frame);
            }
        }
    }

    /// A frame of an alert.
    pub(crate) fn copy(&self, alert: &str) -> Frame {
        let mut frames = self.entries.iter().filter_map(|entry| {
            if let Op::Alert(frame) = &entry.op {
                (frame.alert == alert).then(|| frame.clone())
            } else {
                None
            }
        });
        Frame { first: false, ..frames.next_back().unwrap() }
    }

    /// An alert comes once more, changed.
    pub(crate) fn repeat(&mut self, alert: &str, change: fn(&mut Frame)) {
        let mut frame = self.copy(alert);
        change(&mut frame);
        self.add(Op::Alert(frame));
    }

    /// A rider is welcomed once more, to this.
    pub(crate) fn welcome(&mut self, rider: &str, alert: &str) {
        self.add(Op::Hello { rider: text(rider), session: 3 });
        self.add(Op::Welcome { rider: text(rider), session: 3, open: vec![text(alert)] });
    }

    /// Changes what a rider was told of their answer.
    pub(crate) fn outcome(&mut self, alert: &str, rider: &str, word: &str) {
        for Entry { op, .. } in &mut self.entries {
            if let Op::Answered { rider: whose, alert: which, outcome, .. } = op
                && which == alert
                && whose == rider
            {
                *outcome = text(word);
            }
        }
    }

    /// A rider gives the same answer again and is told this.
    pub(crate) fn answered_again(&mut self, alert: &str, rider: &str, word: &str) {
        self.answer(alert, rider, What::Accept, word);
    }
}

fn record(alert: &str, event: &str, deliveries: Vec<Standing>) -> Op {
    Op::Record(Record { alert: text(alert), event: text(event), deliveries })
}

/// A delivery that has ended.
pub(crate) fn standing(rider: &str, seq: i64, state: &str, more: &[&str], answer: Option<&str>) -> Standing {
    let steps = ["rendered", "received"]
        .iter()
        .chain(more)
        .map(|step| (text(step), text("2026-03-01T04:30:05.000Z")))
        .collect();
    let reason = Some(text("because"));
    Standing { rider: text(rider), seq, state: text(state), reason, answer: answer.map(text), steps }
}
