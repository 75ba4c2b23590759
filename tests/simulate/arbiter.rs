//! The backend's own servers, as Orderbell calls them: the one that decides offers, quick, slow, silent or undecided as
//! the dice say, and a voice-call service. They remember what they have said: one winner for an offer, whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use orderbell::dispatch::{CallEnd, CallbackReply, Caller, Courier, Question, SignedCallback};
use orderbell::domain::ladder::HttpCall;
use orderbell::domain::{AlertId, CallId, RiderId};
use orderbell::intake::InputError;
use orderbell::outbound::Verdict;
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::simulation::backend::Backend;
use crate::simulation::device::sleep_ms;
use crate::simulation::dice::Dice;
use crate::simulation::ledger::{Fault, Ledger};
use crate::simulation::node::Address;

/// Both of them, for a whole world.
pub(crate) struct Arbiter {
    ledger: Arc<Ledger>,
    address: Arc<Address>,
    dice: Mutex<Dice>,
    /// Who has an order, or that nobody of ours has it.
    decided: Mutex<BTreeMap<AlertId, Option<RiderId>>>,
    /// Decisions on their way.
    settling: Mutex<JoinSet<()>>,
}

/// How a question fares.
#[derive(Clone, Copy)]
enum Mood {
    Answers { after_ms: i64 },
    Silent { for_ms: i64 },
    Undecided { settles_ms: Option<i64> },
}

impl Arbiter {
    pub(crate) fn new(ledger: Arc<Ledger>, address: Arc<Address>, dice: Dice) -> Self {
        let dice = Mutex::new(dice);
        Self { ledger, address, dice, decided: Mutex::default(), settling: Mutex::default() }
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Who has the order: as decided before, else one of these, or nobody.
    pub(crate) fn decide(&self, alert: AlertId, riders: &[RiderId]) -> Option<RiderId> {
        let mut decided = self.decided.lock().unwrap();
        let mut dice = self.dice.lock().unwrap();
        let decision = decided.entry(alert).or_insert_with(|| {
            let any = !riders.is_empty() && dice.per_mille(850);
            any.then(|| dice.pick(riders).clone())
        });
        decision.clone()
    }

    fn mood(&self) -> Mood {
        let mut dice = self.dice.lock().unwrap();
        if self.ledger.is_calm() {
            return Mood::Answers { after_ms: dice.between(5, 500) };
        }
        match dice.between(0, 99) {
            0..50 => Mood::Answers { after_ms: dice.between(5, 300) },
            50..65 => {
                self.ledger.injected(Fault::LateVerdict);
                Mood::Answers { after_ms: dice.between(1_000, 40_000) }
            }
            65..80 => {
                self.ledger.injected(Fault::NoVerdict);
                Mood::Silent { for_ms: dice.between(5, 10_000) }
            }
            _ => {
                self.ledger.injected(Fault::Undecided);
                let settles = !dice.per_mille(150);
                Mood::Undecided { settles_ms: settles.then(|| dice.between(100, 30_000)) }
            }
        }
    }
}

#[async_trait]
impl Caller for Arbiter {
    fn check_url(&self, _url: &str, _pointer: &str) -> Result<(), InputError> {
        Ok(())
    }

    fn check_call(&self, _call: &HttpCall, _pointer: &str) -> Result<(), InputError> {
        Ok(())
    }

    async fn ask(&self, question: &Question) -> Option<Verdict> {
        let (alert, asked) = (question.alert, &question.rider);
        let verdict = |winner: Option<RiderId>| {
            if winner.as_ref() == Some(asked) { Verdict::Won } else { Verdict::Lost }
        };
        match self.mood() {
            Mood::Answers { after_ms } => {
                // Whoever asks first has it, however late the answer is.
                let winner = self.decide(alert, std::slice::from_ref(asked));
                sleep_ms(after_ms).await;
                Some(verdict(winner))
            }
            Mood::Silent { for_ms } => {
                sleep_ms(for_ms).await;
                None
            }
            Mood::Undecided { settles_ms } => {
                if let Some(settles_ms) = settles_ms {
                    let winner = self.decide(alert, std::slice::from_ref(asked));
                    let dice = Dice::of(self.dice.lock().unwrap().next(), "settles");
                    let (ledger, address) = (Arc::clone(&self.ledger), Arc::clone(&self.address));
                    let backend = Backend { ledger, address, dice };
                    self.settling.lock().unwrap().spawn(async move {
                        sleep_ms(settles_ms).await;
                        backend.settle(alert, winner).await;
                    });
                }
                Some(Verdict::Pending)
            }
        }
    }

    async fn call(&self, id: CallId, _call: &HttpCall, values: &Map<String, Value>, _trace: &str) -> CallEnd {
        self.ledger.called(id, values);
        let (end, spent_ms) = {
            let mut dice = self.dice.lock().unwrap();
            let end = match dice.between(0, 9) {
                0..6 => CallEnd::Done(200),
                6..9 => CallEnd::Again,
                _ => CallEnd::Refused(Some(400)),
            };
            (end, dice.between(5, 9_000))
        };
        if end == CallEnd::Again {
            self.ledger.injected(Fault::NoCall);
        }
        sleep_ms(spent_ms).await;
        end
    }
}

/// The backend's door for callbacks, now and then out of order.
#[async_trait]
impl Courier for Arbiter {
    async fn post(&self, _callback: SignedCallback) -> CallbackReply {
        let (reply, spent_ms) = {
            let mut dice = self.dice.lock().unwrap();
            let taken = CallbackReply::Answered { status: 200, retry_after: None };
            let reply = match dice.between(0, 9) {
                _ if self.ledger.is_calm() => taken,
                0..7 => taken,
                7 => CallbackReply::Answered { status: 500, retry_after: None },
                8 => CallbackReply::TimedOut,
                _ => CallbackReply::Broken,
            };
            (reply, dice.between(5, 3_000))
        };
        sleep_ms(spent_ms).await;
        reply
    }
}
