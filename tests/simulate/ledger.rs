//! What happened in one world, told by every part of it as it happens: the trace that two runs must agree in, the faults
//! that were injected, and what broke a promise. The rules of judgement are in `oracle`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use orderbell::dispatch::EventAnswer;
use orderbell::domain::{AlertId, CallId, Delivery, Head, OrderKey, RiderId};
use orderbell::store::model::ModelStore;

use crate::simulation::clock::WorldTime;
use crate::simulation::graves::OrderSeen;

/// Trouble that the world makes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Fault {
    Lost,
    Doubled,
    Delayed,
    Reordered,
    Cut,
    Deaf,
    Frozen,
    Killed,
    StoreSlow,
    StoreUnavailable,
    CrashBefore,
    CrashAfter,
    Restart,
    WallJump,
    LateSpeech,
    FailedSpeech,
    CallerLeft,
    LateVerdict,
    NoVerdict,
    Undecided,
    NoCall,
    Unheard,
}

/// A promise that was broken.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Broken {
    /// Accepted, and gone from the store; or open, and not brought to a device that was there all the time.
    Lost,
    /// Open although its time is over and nothing is in the way.
    NeverEnded,
    /// Handed to the network after its time, or after its end.
    SentAfterVoid,
    /// An end that changed.
    TwoTerminalStates,
    /// Two riders have one order, or were told so.
    TwoWinners,
    /// Told as won before that was kept.
    WonTooSoon,
    /// A step of a ladder taken twice, or a ring without one.
    LevelTwice,
    /// Sounded long after its end, over a sound connection.
    StillRinging,
    /// `got` for what the store does not have.
    ConfirmedNotKept,
    /// Told again and again, and never confirmed.
    NeverConfirmed,
    /// An accept that the backend decides, and no word of what became of it.
    NeverResolved,
    /// A place in a rider's sequence given twice, or out of turn.
    SeqNotRising,
    /// More soundings of one ring than were asked for.
    PlayedTwice,
    /// One event, two answers or two alerts.
    TwoEffects,
    /// Deliveries of an alert that are open, and a count that says otherwise.
    Miscounted,
    /// A test waits for a real rider, or was held back for another reason.
    TestDelivered,
    /// A test came to a real rider, or to a test rider without its mark.
    TestHeard,
    /// What a test key said changed something real, or the other way round.
    WorldsMixed,
    /// An end that the backend is not told, or told twice, or steps out of their order.
    ToldWrong,
}

impl Broken {
    pub(crate) const ALL: [Self; 19] = [
        Self::Lost,
        Self::NeverEnded,
        Self::SentAfterVoid,
        Self::TwoTerminalStates,
        Self::TwoWinners,
        Self::WonTooSoon,
        Self::LevelTwice,
        Self::StillRinging,
        Self::ConfirmedNotKept,
        Self::NeverConfirmed,
        Self::NeverResolved,
        Self::SeqNotRising,
        Self::PlayedTwice,
        Self::TwoEffects,
        Self::Miscounted,
        Self::TestDelivered,
        Self::TestHeard,
        Self::WorldsMixed,
        Self::ToldWrong,
    ];
}

/// One delivery as the store has shown it so far.
pub(crate) struct Known {
    pub(crate) delivery: Delivery,
    /// Since when its rider has accepted it and the backend decides.
    pub(crate) claimed_ms: Option<i64>,
    pub(crate) ended_ms: Option<i64>,
    /// When its last ring was asked for.
    pub(crate) rung_ms: i64,
    /// The place in the rider's sequence that each ring has.
    pub(crate) seqs: BTreeMap<u32, i64>,
    /// Devices that got its frame, with the highest ring they got.
    pub(crate) received: BTreeMap<String, u32>,
    /// Devices that sounded it to the end.
    pub(crate) heard: BTreeSet<String>,
}

/// The connection of a device, from its welcome on.
pub(crate) struct Online {
    pub(crate) rider: RiderId,
    pub(crate) since_ms: i64,
    /// Since when nothing has been in its way; none while something is.
    pub(crate) fair_since_ms: Option<i64>,
    /// Whether single frames may have got lost in it.
    pub(crate) wild: bool,
    /// What the server has stopped in it.
    pub(crate) stopped: BTreeSet<AlertId>,
}

/// All that was seen.
#[derive(Default)]
pub(crate) struct Seen {
    trace: String,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) broken: Vec<(Broken, String)>,
    pub(crate) names: BTreeMap<AlertId, String>,
    pub(crate) known: BTreeMap<(AlertId, RiderId), Known>,
    pub(crate) seqs: BTreeMap<RiderId, i64>,
    pub(crate) answers: BTreeMap<String, (i64, EventAnswer)>,
    /// What is known of each alert, beside its deliveries.
    pub(crate) heads: BTreeMap<AlertId, Head>,
    pub(crate) winners: BTreeMap<AlertId, BTreeSet<RiderId>>,
    /// Steps of ladders that were taken, with their word.
    pub(crate) steps: BTreeMap<(AlertId, u32), &'static str>,
    /// The alert that a step rings at this moment.
    pub(crate) rings: Option<AlertId>,
    /// Calls of ladders, by alert, level and rider.
    pub(crate) calls: BTreeMap<(AlertId, u64, String), BTreeSet<CallId>>,
    /// What a rider was told in the end of an answer.
    pub(crate) outcomes: BTreeMap<(AlertId, RiderId, &'static str), String>,
    /// Settlements by the backend that were taken.
    pub(crate) settles: u64,
    pub(crate) orders: BTreeMap<OrderKey, OrderSeen>,
    /// Orders whose cancellation was asked for.
    pub(crate) taken_back: BTreeSet<OrderKey>,
    /// Riders who are there for tests.
    pub(crate) testers: BTreeSet<RiderId>,
    /// Events that came after the cancellation of their order, with the riders it concerns; without, all of them.
    pub(crate) buried: BTreeMap<String, Option<Vec<RiderId>>>,
    /// Events that were posted.
    pub(crate) posted: BTreeSet<String>,
    pub(crate) online: BTreeMap<String, Online>,
    /// Devices with receipts that are not confirmed.
    pub(crate) unsettled: BTreeSet<String>,
    /// Devices with answers that are pending.
    pub(crate) pending: BTreeSet<String>,
    pub(crate) frames_sent: u64,
    pub(crate) store_calls: u64,
    /// Milliseconds from the answer to the backend to the end of the first sentence in an ear.
    pub(crate) to_ear_ms: Vec<i64>,
}

/// Shared by all parts of a world.
pub(crate) struct Ledger {
    pub(crate) time: WorldTime,
    pub(crate) store: Arc<ModelStore>,
    calm: AtomicBool,
    seen: Mutex<Seen>,
}

impl Ledger {
    pub(crate) fn new(time: WorldTime, store: Arc<ModelStore>, testers: BTreeSet<RiderId>) -> Arc<Self> {
        let seen = Mutex::new(Seen { testers, ..Seen::default() });
        Arc::new(Self { time, store, calm: AtomicBool::new(false), seen })
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    /// From now on nothing is injected any more.
    pub(crate) fn begin_calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
        self.seen().note(self.time.ms(), format_args!("calm"));
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    pub(crate) fn injected(&self, fault: Fault) {
        let now = self.time.ms();
        let mut seen = self.seen();
        *seen.faults.entry(fault).or_default() += 1;
        seen.note(now, format_args!("fault {fault:?}"));
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        let now = self.time.ms();
        self.seen().note(now, what);
    }

    pub(crate) fn broken(&self, how: Broken, what: fmt::Arguments<'_>) {
        let now = self.time.ms();
        self.seen().break_promise(now, how, what);
    }
}

impl Seen {
    pub(crate) fn note(&mut self, now: i64, what: fmt::Arguments<'_>) {
        writeln!(self.trace, "{now:>7} {what}").unwrap();
    }

    pub(crate) fn break_promise(&mut self, now: i64, how: Broken, what: fmt::Arguments<'_>) {
        self.note(now, format_args!("BROKEN {how:?}: {what}"));
        self.broken.push((how, format!("at {now} ms: {what}")));
    }

    pub(crate) fn trace(&self) -> &str {
        &self.trace
    }

    /// The event behind an alert, which is what people read.
    pub(crate) fn name(&self, alert: AlertId) -> String {
        self.names.get(&alert).cloned().unwrap_or_else(|| alert.to_string())
    }
}

/// FNV-1a of a trace.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
