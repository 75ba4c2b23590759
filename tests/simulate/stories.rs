//! What backends do with orders, story by story: offers and their ladders, versions out of order, cancellations that come
//! first, orders that go to and fro, events that come later or again and again.

use orderbell::domain::RiderId;
use orderbell::domain::app::KeyMode;
use serde_json::{Value, json};

use crate::simulation::clock::BEGIN;
use crate::simulation::dice::Dice;
use crate::simulation::plan::{After, EventPlan, Post};

/// The world that stories are told in.
pub(crate) struct Stage<'a> {
    pub(crate) dice: &'a mut Dice,
    pub(crate) riders: &'a [RiderId],
    pub(crate) calm_ms: i64,
    /// Events so far; it names the next one and its order.
    pub(crate) count: usize,
}

impl Stage<'_> {
    /// Events of one story.
    pub(crate) fn story(&mut self) -> Vec<EventPlan> {
        match self.dice.between(0, 99) {
            0..34 => vec![self.alert()],
            34..56 => vec![self.grab()],
            56..70 => vec![self.assign()],
            70..77 => self.versions(),
            77..84 => self.cancelled_before(),
            84..90 => self.reassigned(),
            90..94 => self.burst(),
            94..97 => vec![self.later()],
            _ => vec![self.again_and_again()],
        }
    }

    fn moment(&mut self) -> i64 {
        let calm_ms = self.calm_ms;
        self.dice.between(500, calm_ms)
    }

    fn some_riders(&mut self, least: i64, most: i64) -> Vec<RiderId> {
        let count = usize::try_from(self.dice.between(least, most)).unwrap().min(self.riders.len());
        let first = self.dice.below(self.riders.len());
        self.riders.iter().cycle().skip(first).take(count).cloned().collect()
    }

    fn order(&self, word: &str) -> String {
        format!("{word}{}", self.count)
    }

    fn event(&mut self, at_ms: i64, kind: &str, order: Option<&str>, riders: Vec<RiderId>) -> EventPlan {
        let id = format!("e{}", self.count);
        self.count += 1;
        let mut body = json!({"id": id, "kind": kind, "target": {"riders": riders}});
        if let Some(order) = order {
            body["order"] = json!({"id": order});
        }
        let post = match self.dice.between(0, 9) {
            0..8 => Post::Once,
            8 => Post::Twice,
            _ => Post::Impatient { ms: self.dice.between(1, 50) },
        };
        let order = order.map(str::to_owned);
        let cancels = kind == "order.cancelled";
        let key_mode = KeyMode::Live;
        EventPlan { at_ms, id, key_mode, order, version: None, riders, cancels, body, post, after: None }
    }

    /// Few sentences, so that some are in the cache; lives that end within a world's time.
    fn told(&mut self, event: &mut EventPlan) {
        let dice = &mut *self.dice;
        let (ttl_s, count, gap_ms) = (dice.between(10, 90), dice.between(1, 6), dice.between(0, 8) * 1000);
        let text = format!("sentence {}", dice.between(0, 9));
        event.body["alert"] =
            json!({"text": text, "ttl_s": ttl_s, "repeat": {"count": count, "gap_ms": gap_ms}});
    }

    /// What a backend says most.
    fn alert(&mut self) -> EventPlan {
        let kinds = ["order.new", "order.assigned", "order.offered", "order.urged", "order.changed"];
        let kind = *self.dice.pick(&kinds);
        let at_ms = self.moment();
        let order = format!("o{}", self.dice.between(0, 5));
        let riders = self.some_riders(1, 2);
        // Another rider's assignment would be told to the one before, for longer than a world lasts.
        let order = if kind == "order.assigned" { format!("{order}-{}", riders[0]) } else { order };
        let mut event = self.event(at_ms, kind, Some(&order), riders);
        self.told(&mut event);
        if self.dice.per_mille(100) {
            event.body["target"] = json!({"broadcast": true});
            event.riders = self.riders.to_vec();
        } else if self.dice.per_mille(200) {
            event.body["target"]["on_duty"] = json!(false);
        }
        event.after = self.dice.per_mille(300).then(|| {
            let act = if self.dice.per_mille(500) { After::CancelAlert } else { After::CancelOrder };
            (self.dice.between(0, 30_000), act)
        });
        event
    }

    fn offer(&mut self, event: &mut EventPlan, mode: &str, candidates: &[RiderId]) {
        let timeout_s = self.dice.between(8, 40);
        let backend = self.dice.per_mille(500);
        let arbiter = if backend { "backend" } else { "service" };
        event.body["offer"] = json!({"mode": mode, "timeout_s": timeout_s, "arbiter": arbiter});
        if !candidates.is_empty() {
            event.body["offer"]["candidates"] = json!(candidates);
        }
        if self.dice.per_mille(650) {
            event.body["offer"]["ladder"] = self.ladder(!candidates.is_empty());
        }
        if backend && self.dice.per_mille(850) {
            event.body["callback_url"] = json!("https://backend.example/offers");
        }
        event.after = match self.dice.between(0, 9) {
            0..2 => Some((self.dice.between(0, 40_000), After::Settle)),
            2 => Some((self.dice.between(0, 30_000), After::CancelOrder)),
            3 => Some((self.dice.between(0, 30_000), After::CancelAlert)),
            _ => None,
        };
        let text = format!("sentence {}", self.dice.between(0, 9));
        event.body["alert"] = json!({"text": text, "repeat": {"count": 2, "gap_ms": 4_000}});
    }

    fn ladder(&mut self, asks_next: bool) -> Value {
        let dice = &mut *self.dice;
        let mut times: Vec<i64> = (0..dice.between(1, 5)).map(|_| dice.between(2, 45)).collect();
        times.sort_unstable();
        let last = times.len() - 1;
        let fallback = dice.below(times.len() * 2);
        let steps = times.iter().enumerate().map(|(place, after_s)| {
            let words: &[&str] = match (place == last, asks_next) {
                (true, _) => &["exhausted", "repeat", "desk"],
                (false, true) => &["next", "next", "repeat", "louder", "station", "http"],
                (false, false) => &["repeat", "louder", "station", "station", "desk", "http"],
            };
            let word = *dice.pick(words);
            let mut step = json!({"after_s": after_s, "do": word, "fallback": place == fallback});
            if word == "http" {
                step["http"] = json!({"url": "https://voice.example/call", "body": {"to": "{rider}"}});
            }
            if word == "station" && dice.per_mille(600) {
                step["group"] = json!(*dice.pick(&["g0", "g1"]));
            }
            step
        });
        Value::Array(steps.collect())
    }

    fn grab(&mut self) -> EventPlan {
        let (at_ms, order) = (self.moment(), self.order("grab"));
        let riders = self.some_riders(2, 4);
        let mut event = self.event(at_ms, "order.available", Some(&order), riders);
        self.offer(&mut event, "grab", &[]);
        event
    }

    /// One rider after the other is asked.
    fn assign(&mut self) -> EventPlan {
        let (at_ms, order) = (self.moment(), self.order("assign"));
        let candidates = self.some_riders(2, 4);
        let mut event = self.event(at_ms, "order.offered", Some(&order), candidates[..1].to_vec());
        self.offer(&mut event, "assign", &candidates);
        event
    }

    /// News of one order, in any order.
    fn versions(&mut self) -> Vec<EventPlan> {
        let (at_ms, order) = (self.moment(), self.order("version"));
        let riders = self.some_riders(1, 2);
        let count = self.dice.between(2, 4);
        (0..count)
            .map(|_| {
                let version = self.dice.between(1, 4);
                let at_ms = at_ms + self.dice.between(0, 8_000);
                let kind = *self.dice.pick(&["order.new", "order.changed", "order.cancelled"]);
                let mut event = self.event(at_ms, kind, Some(&order), riders.clone());
                self.told(&mut event);
                with_version(&mut event, version);
                event.after = self.dice.per_mille(150).then_some((2_000, After::CancelOrder));
                event
            })
            .collect()
    }

    /// The cancellation overtakes what it cancels.
    fn cancelled_before(&mut self) -> Vec<EventPlan> {
        let (at_ms, order) = (self.moment(), self.order("gone"));
        let riders = self.some_riders(1, 3);
        let versioned = self.dice.per_mille(500);
        let mut cancel = self.event(at_ms, "order.cancelled", Some(&order), riders.clone());
        self.told(&mut cancel);
        if self.dice.per_mille(400) {
            // By its own request, after something that is heard by nobody.
            cancel = self.event(at_ms, "order.created", Some(&order), riders.clone());
            cancel.after = Some((0, After::CancelOrder));
        }
        let late_ms = at_ms + self.dice.between(100, 15_000);
        let mut offer = self.event(late_ms, "order.available", Some(&order), riders.clone());
        self.offer(&mut offer, "grab", &[]);
        if versioned {
            with_version(&mut cancel, 5);
            let version = self.dice.between(3, 6);
            with_version(&mut offer, version);
        }
        let last_ms = late_ms + self.dice.between(100, 15_000);
        let mut last = self.event(last_ms, "order.new", Some(&order), riders);
        self.told(&mut last);
        vec![cancel, offer, last]
    }

    /// An order goes to another rider and back. Its backend cancels it in the end.
    fn reassigned(&mut self) -> Vec<EventPlan> {
        let (at_ms, order) = (self.moment(), self.order("fro"));
        let two = self.some_riders(2, 2);
        let versioned = self.dice.per_mille(500);
        let turns = self.dice.between(2, 4);
        (0..turns)
            .map(|turn| {
                let rider = two[usize::try_from(turn).unwrap() % two.len()].clone();
                let at_ms = at_ms + turn * self.dice.between(100, 9_000);
                let mut event = self.event(at_ms, "order.assigned", Some(&order), vec![rider]);
                self.told(&mut event);
                if versioned {
                    with_version(&mut event, turn + 1);
                }
                event
            })
            .collect()
    }

    /// New orders for one rider at one time.
    fn burst(&mut self) -> Vec<EventPlan> {
        let (at_ms, riders) = (self.moment(), self.some_riders(1, 1));
        let count = self.dice.between(3, 6);
        (0..count)
            .map(|_| {
                let order = self.order("burst");
                let at_ms = at_ms + self.dice.between(0, 2_500);
                let mut event = self.event(at_ms, "order.new", Some(&order), riders.clone());
                self.told(&mut event);
                event
            })
            .collect()
    }

    /// An event with its time, for an audience that is told in parts.
    fn later(&mut self) -> EventPlan {
        let (at_ms, order) = (self.moment(), self.order("later"));
        let at_ms = at_ms / 2;
        let riders = self.some_riders(3, 5);
        let offers = self.dice.per_mille(500);
        let kind = if offers { "order.available" } else { "order.new" };
        let mut event = self.event(at_ms, kind, Some(&order), riders);
        if offers {
            self.offer(&mut event, "grab", &[]);
        } else {
            self.told(&mut event);
            event.after =
                self.dice.per_mille(400).then_some((self.dice.between(0, 30_000), After::CancelOrder));
        }
        event.body["deliver_at"] = json!(BEGIN + at_ms + self.dice.between(1_000, 40_000));
        event
    }

    fn again_and_again(&mut self) -> EventPlan {
        let at_ms = self.moment() / 2;
        let riders = self.some_riders(1, 2);
        let mut event = self.event(at_ms, "shift.reminder", None, riders);
        self.told(&mut event);
        event.body["recur"] = json!({"every_s": self.dice.between(5, 20), "times": self.dice.between(2, 4)});
        event
    }
}

fn with_version(event: &mut EventPlan, version: i64) {
    event.version = Some(version);
    event.body["order"]["version"] = json!(version);
}
