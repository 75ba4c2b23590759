//! A rider's client as docs/protocol.md wants it, without time or network of its own: frames and moments go in, frames
//! to send and facts for the ledger come out.

use std::collections::{BTreeMap, BTreeSet};

use orderbell::domain::AlertId;
use serde_json::{Value, json};

use crate::simulation::dice::Dice;
use crate::simulation::voice::SENTENCE_MS;

/// How a client takes `got{n}`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Confirms {
    /// Everything up to n, as the protocol says: what is sent over one connection arrives in order.
    UpTo,
    /// Exactly n: over a network that loses single frames, n says nothing of those before it.
    Exactly,
}

/// Something the client did or learned.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    /// An alert frame came in.
    Received { alert: AlertId, ring: u32, seq: i64 },
    /// It began to sound.
    Started { alert: AlertId, ring: u32 },
    /// The sentence was heard to its end, for the `play`-th time.
    Completed { alert: AlertId, play: u32, of: u32 },
    /// The server said that this receipt is kept.
    Confirmed(Receipt),
    /// The server said what became of an answer.
    Answered { alert: AlertId, answer: &'static str, outcome: String },
    /// A session has begun.
    Welcomed { wild: bool },
}

/// What a numbered receipt says.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) alert: AlertId,
    /// `playing`, `played`, …, or the answer.
    pub(crate) says: &'static str,
    frame: String,
}

/// What the device does not forget when its program dies, and what it does.
pub(crate) struct Client {
    device: String,
    confirms: Confirms,
    dice: Dice,
    epoch: Option<String>,
    cursor: i64,
    n: u64,
    outbox: BTreeMap<u64, Receipt>,
    heard: BTreeMap<(AlertId, u32), u32>,
    /// Accepts that the backend decides, and their numbers.
    pending: BTreeMap<AlertId, (u64, &'static str)>,
    // From here on it is gone with the program.
    cards: BTreeMap<AlertId, Card>,
    sounding: Option<(AlertId, i64)>,
    session: Option<String>,
    ahead: BTreeSet<i64>,
    skew_ms: i64,
    resend_at: Option<i64>,
    pub(crate) facts: Vec<Fact>,
}

struct Card {
    seq: i64,
    ring: u32,
    urgency: u64,
    expires_at: i64,
    count: u32,
    gap_ms: i64,
    plays: u32,
    stand: Stand,
    /// When the rider will press what.
    will: Option<(i64, &'static str)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stand {
    Waiting { until: i64 },
    Sounding,
    Played,
    Failed,
    Expired,
    Answering,
    Answered,
}

/// Must stay silent, whatever its count says.
const CLOSED: u32 = u32::MAX;
/// What is not confirmed is said again after this.
const RESEND_MS: i64 = 30_000;

impl Client {
    pub(crate) fn new(device: &str, confirms: Confirms, dice: Dice) -> Self {
        Self {
            device: device.to_owned(),
            confirms,
            dice,
            epoch: None,
            cursor: 0,
            n: 0,
            outbox: BTreeMap::new(),
            heard: BTreeMap::new(),
            pending: BTreeMap::new(),
            cards: BTreeMap::new(),
            sounding: None,
            session: None,
            ahead: BTreeSet::new(),
            skew_ms: 0,
            resend_at: None,
            facts: Vec::new(),
        }
    }

    /// The program is killed: what is stored stays.
    pub(crate) fn die(&mut self) {
        self.cards.clear();
        self.ahead.clear();
        (self.sounding, self.session, self.resend_at) = (None, None, None);
    }

    /// The first frame of a connection.
    pub(crate) fn hello(&self, token: &str, on_duty: bool, audio: &str) -> String {
        let mut hello = json!({"op": "hello", "token": token, "device": self.device,
            "caps": {"formats": ["mp3"]}, "state": {"on_duty": on_duty, "audio": audio}});
        if let Some(epoch) = &self.epoch {
            hello["epoch"] = json!(epoch);
            hello["cursor"] = json!(self.cursor);
        }
        hello.to_string()
    }

    /// Whether the server has confirmed all that was said.
    pub(crate) fn is_settled(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Whether the backend still has to decide an answer.
    pub(crate) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether the rider has answered: the alert does not ring here any more.
    fn has_answered(&self, alert: AlertId) -> bool {
        let unsaid = self.outbox.values().any(|receipt| receipt.alert == alert && receipt.is_answer());
        let stand = self.cards.get(&alert).map(|card| card.stand);
        unsaid
            || self.pending.contains_key(&alert)
            || stand.is_some_and(|stand| matches!(stand, Stand::Answering | Stand::Answered))
    }

    /// A frame from the server; what is to be sent in turn.
    pub(crate) fn on_text(&mut self, text: &str, now: i64, out: &mut Vec<String>) {
        let frame: Value = serde_json::from_str(text).unwrap();
        let id = || frame["id"].as_str().unwrap().parse::<AlertId>().unwrap();
        if let Some(server_ms) = frame["now"].as_i64() {
            self.skew_ms = server_ms - now;
        }
        match frame["op"].as_str().unwrap() {
            "welcome" => self.on_welcome(&frame, now, out),
            "alert" => self.on_alert(id(), &frame, now, out),
            "stop" => self.on_stop(&frame, now, out),
            "answered" => self.on_answered(id(), &frame, now),
            "got" => self.on_got(frame["n"].as_u64().unwrap()),
            "ping" => out.push(r#"{"op":"pong"}"#.to_owned()),
            "update" => self.on_update(id(), now),
            op => {
                // A wild network doubles the hello, which the server will not have.
                let expected = ["pong", "bye"].contains(&op) || self.confirms == Confirms::Exactly;
                assert!(expected, "a frame that is no good: {text}");
            }
        }
    }

    fn on_welcome(&mut self, frame: &Value, now: i64, out: &mut Vec<String>) {
        let session = frame["session"].as_str().unwrap();
        // Doubled by the network: what it lists is old by now.
        if self.session.as_deref() == Some(session) {
            return;
        }
        self.session = Some(session.to_owned());
        let open = frame["open"].as_array().unwrap().iter();
        let open: BTreeSet<AlertId> = open.map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect();
        self.cards.retain(|id, card| open.contains(id) || card.stand == Stand::Answering);
        self.sounding = self.sounding.filter(|(id, _)| self.cards.contains_key(id));
        if self.epoch.as_deref() != frame["epoch"].as_str() {
            self.epoch = frame["epoch"].as_str().map(str::to_owned);
            (self.cursor, self.ahead) = (0, BTreeSet::new());
        }
        self.facts.push(Fact::Welcomed { wild: self.confirms == Confirms::Exactly });
        self.resend(now, out);
        self.ask_again(now, out);
    }

    fn resend(&mut self, now: i64, out: &mut Vec<String>) {
        out.extend(self.outbox.values().map(|receipt| receipt.frame.clone()));
        self.resend_at = (!self.outbox.is_empty()).then_some(now + RESEND_MS);
    }

    /// Says pending answers again, with new numbers, to learn what became of them.
    fn ask_again(&mut self, now: i64, out: &mut Vec<String>) {
        for (alert, (_, word)) in std::mem::take(&mut self.pending) {
            self.keep(alert, word, 1, 1, now, out);
        }
    }

    fn on_alert(&mut self, id: AlertId, frame: &Value, now: i64, out: &mut Vec<String>) {
        let number = |value: &Value| value.as_i64().unwrap();
        let small = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
        let (seq, ring) = (number(&frame["seq"]), small(&frame["ring"]));
        out.push(format!(r#"{{"op":"ack","seqs":[{seq}]}}"#));
        self.facts.push(Fact::Received { alert: id, ring, seq });
        self.saw(seq);
        let revives = |card: &Card| card.ring < ring || (card.ring == ring && card.stand == Stand::Failed);
        if self.has_answered(id) || self.cards.get(&id).is_some_and(|card| !revives(card)) {
            return;
        }
        let repeat = &frame["repeat"];
        let count = small(&repeat["count"]);
        let heard = self.heard.get(&(id, ring)).copied().unwrap_or_default();
        let needs = frame["need"] != "none";
        if heard >= count && !needs {
            return;
        }
        let expires_at = number(&frame["expires_at"]);
        let mut card = Card {
            seq,
            ring,
            urgency: frame["urgency"].as_u64().unwrap(),
            expires_at,
            count,
            gap_ms: number(&repeat["gap_ms"]),
            plays: heard.max(count - small(&repeat["remaining"])),
            stand: Stand::Waiting { until: now },
            will: None,
        };
        if heard >= count {
            card.stand = Stand::Played;
        } else if expires_at <= now + self.skew_ms {
            card.stand = Stand::Expired;
            self.keep(id, "skipped", ring, 1, now, out);
        } else if self.dice.per_mille(300) {
            self.keep(id, "queued", ring, 1, now, out);
        }
        if let Some(before) = self.cards.remove(&id) {
            // It rings anew; what the rider makes of it stays.
            card.will = before.will;
            self.sounding = self.sounding.filter(|(sounding, _)| *sounding != id);
        } else if needs {
            card.will = self.decide(frame["need"] == "confirm", now);
        }
        self.cards.insert(id, card);
    }

    /// Most riders answer after they have heard it, some at once, some never.
    fn decide(&mut self, confirms: bool, now: i64) -> Option<(i64, &'static str)> {
        let words: &[&'static str] = if confirms { &["confirm"] } else { &["accept", "accept", "decline"] };
        let word = *self.dice.pick(words);
        let after_ms = self.dice.between(500, 20_000);
        (!self.dice.per_mille(150)).then_some((now + after_ms, word))
    }

    fn saw(&mut self, seq: i64) {
        self.ahead.insert(seq);
        while self.ahead.remove(&(self.cursor + 1)) {
            self.cursor += 1;
        }
    }

    fn on_stop(&mut self, frame: &Value, now: i64, out: &mut Vec<String>) {
        for id in frame["ids"].as_array().unwrap() {
            let id: AlertId = id.as_str().unwrap().parse().unwrap();
            let Some(card) = self.cards.get(&id) else { continue };
            let (ring, plays) = (card.ring, card.plays);
            if matches!(card.stand, Stand::Answering | Stand::Answered) {
                continue;
            }
            self.cards.remove(&id);
            self.heard.insert((id, ring), CLOSED);
            self.sounding = self.sounding.filter(|(sounding, _)| *sounding != id);
            if plays == 0 {
                self.keep(id, "skipped", ring, 1, now, out);
            }
        }
    }

    /// The answer is known by its number, or by its alert if it was pending before.
    fn on_answered(&mut self, alert: AlertId, frame: &Value, now: i64) {
        let n = frame["n"].as_u64().unwrap();
        let outcome = frame["outcome"].as_str().unwrap().to_owned();
        let said = self.outbox.remove(&n).map(|receipt| receipt.says);
        let pending = self.pending.get(&alert).copied().filter(|(of, _)| n == 0 || *of == n);
        let Some(answer) = said.or(pending.map(|(_, word)| word)) else { return };
        if outcome == "pending" {
            self.pending.insert(alert, (n, answer));
            if self.confirms == Confirms::Exactly {
                // The word that ends it may get lost on the way.
                self.resend_at.get_or_insert(now + RESEND_MS);
            }
        } else {
            self.pending.remove(&alert);
            if let Some(card) = self.cards.get_mut(&alert) {
                card.stand = Stand::Answered;
            }
        }
        self.facts.push(Fact::Answered { alert, answer, outcome });
    }

    fn on_got(&mut self, got: u64) {
        let confirmed = |n: u64| match self.confirms {
            Confirms::UpTo => n <= got,
            Confirms::Exactly => n == got,
        };
        let kept: Vec<u64> = self.outbox.keys().copied().filter(|n| confirmed(*n)).collect();
        for n in kept {
            // An answer waits for its outcome.
            let receipt = if self.outbox[&n].is_answer() {
                Some(self.outbox[&n].clone())
            } else {
                self.outbox.remove(&n)
            };
            self.facts.extend(receipt.map(Fact::Confirmed));
        }
    }

    fn on_update(&mut self, id: AlertId, now: i64) {
        if let Some(card) = self.cards.get_mut(&id)
            && card.stand == Stand::Failed
        {
            card.stand = Stand::Waiting { until: now };
        }
    }

    /// Numbers a receipt and keeps it until the server has it.
    fn keep(
        &mut self,
        alert: AlertId,
        says: &'static str,
        ring: u32,
        play: u32,
        now: i64,
        out: &mut Vec<String>,
    ) {
        self.n += 1;
        let (n, at) = (self.n, now + self.skew_ms);
        let frame = if ANSWERS.contains(&says) {
            format!(r#"{{"op":"answer","n":{n},"id":"{alert}","answer":"{says}"}}"#)
        } else {
            format!(
                r#"{{"op":"report","n":{n},"id":"{alert}","ring":{ring},"play":{play},"at":{at},"status":"{says}"}}"#
            )
        };
        self.outbox.insert(n, Receipt { alert, says, frame: frame.clone() });
        self.resend_at.get_or_insert(now + RESEND_MS);
        out.push(frame);
    }

    /// Does what is due.
    pub(crate) fn on_tick(&mut self, now: i64, out: &mut Vec<String>) {
        self.finish_sentence(now, out);
        let due: Vec<(AlertId, &'static str)> = self
            .cards
            .iter()
            .filter_map(|(id, card)| Some((*id, card.will.filter(|(at, _)| *at <= now)?.1)))
            .collect();
        for (id, word) in due {
            self.press(id, word, now, out);
        }
        if self.sounding.is_none() {
            self.start_next(now, out);
        }
        if self.resend_at.is_some_and(|at| at <= now) {
            self.resend(now, out);
            if self.confirms == Confirms::Exactly {
                self.ask_again(now, out);
            }
        }
    }

    fn finish_sentence(&mut self, now: i64, out: &mut Vec<String>) {
        let Some((id, _)) = self.sounding.filter(|(_, ends)| *ends <= now) else { return };
        self.sounding = None;
        let Some(card) = self.cards.get_mut(&id) else { return };
        card.plays += 1;
        card.stand =
            if card.plays < card.count { Stand::Waiting { until: now + card.gap_ms } } else { Stand::Played };
        let (ring, play, of) = (card.ring, card.plays, card.count);
        self.heard.insert((id, ring), play);
        self.facts.push(Fact::Completed { alert: id, play, of });
        self.keep(id, "played", ring, play, now, out);
    }

    fn press(&mut self, id: AlertId, word: &'static str, now: i64, out: &mut Vec<String>) {
        let Some(card) = self.cards.get_mut(&id) else { return };
        card.will = None;
        card.stand = Stand::Answering;
        let ring = card.ring;
        self.heard.insert((id, ring), CLOSED);
        self.sounding = self.sounding.filter(|(sounding, _)| *sounding != id);
        self.keep(id, word, ring, 1, now, out);
    }

    fn start_next(&mut self, now: i64, out: &mut Vec<String>) {
        loop {
            let ready = |card: &Card| matches!(card.stand, Stand::Waiting { until } if until <= now);
            let ready = self.cards.iter().filter(|(_, card)| ready(card));
            let first = ready.min_by_key(|(_, card)| (3 - card.urgency.min(3), card.seq)).map(|(id, _)| *id);
            let Some(id) = first else { return };
            let fails = self.dice.per_mille(15);
            let server_now = now + self.skew_ms;
            let Some(card) = self.cards.get_mut(&id) else { return };
            let (ring, play) = (card.ring, card.plays + 1);
            if card.expires_at <= server_now {
                card.stand = Stand::Expired;
                self.keep(id, "skipped", ring, play, now, out);
            } else if fails {
                card.stand = Stand::Failed;
                self.keep(id, "failed", ring, play, now, out);
            } else {
                card.stand = Stand::Sounding;
                self.sounding = Some((id, now + i64::from(SENTENCE_MS)));
                self.facts.push(Fact::Started { alert: id, ring });
                if play == 1 {
                    self.keep(id, "playing", ring, play, now, out);
                }
                return;
            }
        }
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let waits = self.cards.values().filter_map(|card| match card.stand {
            Stand::Waiting { until } if self.sounding.is_none() => Some(until),
            _ => None,
        });
        let wills = self.cards.values().filter_map(|card| Some(card.will?.0));
        let ends = self.sounding.map(|(_, ends)| ends);
        waits.chain(wills).chain(ends).chain(self.resend_at).min()
    }
}

impl Receipt {
    fn is_answer(&self) -> bool {
        ANSWERS.contains(&self.says)
    }
}

const ANSWERS: [&str; 3] = ["confirm", "accept", "decline"];
