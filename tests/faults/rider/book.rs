//! What a rider's device knows: the alerts it holds, what it will do about each and when, and the receipts that are
//! not confirmed yet. It outlives connections, as a phone's memory does.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::dice::Dice;
use crate::history::History;
use crate::op::{Frame, Op, What};
use crate::plan::Plan;

/// The memory of one device.
pub(super) struct Book {
    rider: String,
    history: Arc<History>,
    dice: Dice,
    n: u64,
    deeds: u64,
    /// Receipts that are not confirmed.
    unconfirmed: BTreeMap<u64, Value>,
    /// What was sounded, or will be: a repetition stays silent.
    heard: HashSet<(String, u64)>,
    /// What is not done with.
    held: HashMap<String, Held>,
    due: BTreeMap<(Instant, u64), Deed>,
}

struct Held {
    plan: Plan,
    /// The answer that the backend still decides on.
    pending: Option<What>,
}

struct Deed {
    alert: String,
    ring: u64,
    what: What,
}

/// Members of an alert frame that may differ between two writes of it.
const CHANGING: [&str; 4] = ["attempt", "ttl_ms", "audio", "repeat"];
/// One frame of so many is not acknowledged at its first coming, so that it comes again.
const UNACKED: u64 = 16;

impl Book {
    /// An empty book.
    pub(super) fn new(rider: &str, history: Arc<History>, dice: Dice) -> Self {
        let (unconfirmed, heard, held, due) = Default::default();
        Self { rider: rider.to_owned(), history, dice, n: 0, deeds: 0, unconfirmed, heard, held, due }
    }

    /// What is still to be done, said or heard of.
    pub(super) fn unsettled(&self) -> usize {
        self.unconfirmed.len() + self.held.len() + self.due.len()
    }

    /// When to call [`Book::do_due`].
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// Forgets what is not open any more, except an answer that is pending; says again what was not confirmed.
    pub(super) fn on_welcome(&mut self, session: usize, frame: &Value) -> anyhow::Result<Vec<Value>> {
        let open = frame["open"].as_array().context("welcome without open")?;
        let open = open.iter().map(|entry| entry["id"].as_str().map(str::to_owned));
        let open: Vec<String> = open.collect::<Option<_>>().context("open without id")?;
        self.held.retain(|alert, held| held.pending.is_some() || open.contains(alert));
        self.history.note(Op::Welcome { rider: self.rider.clone(), session, open });
        let mut replies: Vec<Value> = self.unconfirmed.values().cloned().collect();
        let pending = self.held.iter().filter_map(|(alert, held)| Some((alert.clone(), held.pending?)));
        for (alert, what) in pending.collect::<Vec<_>>() {
            replies.push(self.receipt(alert, 1, what));
        }
        Ok(replies)
    }

    /// Acknowledges; what is new is to be sounded, and answered as its plan says.
    pub(super) fn on_alert(&mut self, session: usize, data: &Value) -> anyhow::Result<Vec<Value>> {
        let mut frame = self.frame(session, data).with_context(|| format!("an alert with gaps: {data}"))?;
        let (alert, ring, seq) = (frame.alert.clone(), frame.ring, frame.seq);
        let first = self.heard.insert((alert.clone(), ring));
        frame.first = first;
        self.history.note(Op::Alert(frame));
        if first {
            let plan = Plan::deserialize(&data["ext"]["plan"]).unwrap_or(Plan::Hear);
            let new = !self.held.contains_key(&alert);
            self.held.entry(alert.clone()).or_insert(Held { plan, pending: None });
            let (sounds, ends) = (self.dice.millis(0, 60), self.dice.millis(80, 300));
            self.plan(&alert, ring, What::Playing, sounds);
            self.plan(&alert, ring, What::Played, ends);
            if let (Some(answer), true) = (self.answer(plan), new) {
                let thinks = ends + self.dice.millis(0, 500);
                self.plan(&alert, ring, answer, thinks);
            }
        }
        if first && self.dice.once_in(UNACKED) {
            return Ok(Vec::new());
        }
        Ok(vec![json!({"op": "ack", "seqs": [seq]})])
    }

    fn frame(&self, session: usize, data: &Value) -> Option<Frame> {
        let text = |name: &str| data[name].as_str().map(str::to_owned);
        let mut content = data.clone();
        for member in CHANGING {
            content.as_object_mut()?.remove(member);
        }
        Some(Frame {
            rider: self.rider.clone(),
            session,
            seq: data["seq"].as_i64()?,
            event: text("event_id")?,
            alert: text("id")?,
            kind: text("kind")?,
            ring: data["ring"].as_u64()?,
            urgency: data["urgency"].as_u64()?,
            expires_at: data["expires_at"].as_i64()?,
            ttl_ms: data["ttl_ms"].as_i64()?,
            content: content.to_string(),
            first: false,
        })
    }

    fn answer(&mut self, plan: Plan) -> Option<What> {
        match plan {
            Plan::Hear | Plan::Brief => None,
            Plan::Confirm => Some(What::Confirm),
            Plan::Accept | Plan::Grab => Some(What::Accept),
            Plan::Decline => Some(What::Decline),
            Plan::Cancel => self.dice.once_in(4).then_some(What::Confirm),
        }
    }

    fn plan(&mut self, alert: &str, ring: u64, what: What, wait: Duration) {
        self.deeds += 1;
        self.due.insert((Instant::now() + wait, self.deeds), Deed { alert: alert.to_owned(), ring, what });
    }

    /// Does what is due by `now`, unless the alert has been stopped meanwhile.
    pub(super) fn do_due(&mut self, now: Instant) -> Vec<Value> {
        let mut said = Vec::new();
        while let Some(entry) = self.due.first_entry()
            && entry.key().0 <= now
        {
            let Deed { alert, ring, what } = entry.remove();
            let Some(held) = self.held.get(&alert) else { continue };
            if what == What::Played && held.plan.ends_when_heard() {
                self.held.remove(&alert);
            }
            said.push(self.receipt(alert, ring, what));
        }
        said
    }

    fn receipt(&mut self, alert: String, ring: u64, what: What) -> Value {
        self.n += 1;
        let n = self.n;
        let frame = if what.is_answer() {
            json!({"op": "answer", "n": n, "id": alert, "answer": what.word()})
        } else {
            json!({"op": "report", "n": n, "id": alert, "ring": ring, "status": what.word()})
        };
        self.unconfirmed.insert(n, frame.clone());
        self.history.note(Op::Receipt { rider: self.rider.clone(), n, alert, what });
        frame
    }

    /// Silences and forgets these.
    pub(super) fn on_stop(&mut self, session: usize, frame: &Value) -> anyhow::Result<()> {
        let ids = frame["ids"].as_array().context("stop without ids")?;
        let ids = ids.iter().map(|id| id.as_str().map(str::to_owned));
        let ids: Vec<String> = ids.collect::<Option<_>>().context("an id that is no text")?;
        let reason = frame["reason"].as_str().context("stop without reason")?.to_owned();
        for id in &ids {
            self.held.remove(id);
        }
        self.history.note(Op::Stop { rider: self.rider.clone(), session, ids, reason });
        Ok(())
    }

    /// Forgets the receipts that are kept.
    pub(super) fn on_got(&mut self, frame: &Value) -> anyhow::Result<()> {
        let n = frame["n"].as_u64().context("got without n")?;
        self.unconfirmed = self.unconfirmed.split_off(&(n + 1));
        self.history.note(Op::Got { rider: self.rider.clone(), n });
        Ok(())
    }

    /// What became of an answer; `pending` waits for another one, or asks again in the next session.
    pub(super) fn on_answered(&mut self, frame: &Value) -> anyhow::Result<()> {
        let n = frame["n"].as_u64().context("answered without n")?;
        let alert = frame["id"].as_str().context("answered without id")?.to_owned();
        let outcome = frame["outcome"].as_str().context("answered without outcome")?.to_owned();
        if outcome == "pending" {
            let answer = self.unconfirmed.get(&n).and_then(|frame| frame["answer"].as_str());
            let what = [What::Confirm, What::Accept, What::Decline];
            let what = what.into_iter().find(|what| Some(what.word()) == answer);
            if let (Some(held), Some(what)) = (self.held.get_mut(&alert), what) {
                held.pending = Some(what);
            }
        } else {
            self.held.remove(&alert);
        }
        self.history.note(Op::Answered { rider: self.rider.clone(), n, alert, outcome });
        Ok(())
    }

    /// Says what is still held though all is over.
    pub(super) fn note_held(&self) {
        for alert in self.held.keys() {
            self.history.note(Op::Held { rider: self.rider.clone(), alert: alert.clone() });
        }
    }
}
