//! A connection between a device and a server that loses, doubles, delays and reorders frames, freezes, goes deaf and
//! breaks. The server's end is a [`Socket`], so the real driver of sessions runs on it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use orderbell::domain::RiderId;
use orderbell::http::rider_socket::{Incoming, Socket};
use orderbell::session::{Lane, Outbox, Waiting};
use tokio::time::{Instant, Sleep};

use crate::simulation::dice::Dice;
use crate::simulation::ledger::{Fault, Ledger};

/// How a network treats frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Network {
    /// In order, whole until it breaks: what TCP gives.
    Orderly,
    /// Worse than TCP: single frames get lost, come twice, overtake each other.
    Wild,
}

/// One message on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Wire {
    Text(String),
    Close(u16),
}

/// One direction.
struct Pipe {
    ledger: Arc<Ledger>,
    network: Network,
    dice: Dice,
    frames: BTreeMap<(Instant, u64), Wire>,
    order: u64,
    last_due: Instant,
    /// What is put in vanishes, and nobody is told.
    deaf: bool,
    frozen: bool,
    cut: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Both directions, and the hand that breaks them.
#[derive(Clone)]
pub(crate) struct Link {
    up: Arc<Mutex<Pipe>>,
    down: Arc<Mutex<Pipe>>,
}

/// Frames that fit into a frozen direction; then its writer stands still, as before a full kernel buffer.
const FROZEN_FRAMES_MAX: usize = 3;
/// How long a device may take to answer a close.
const LINGER: Duration = Duration::from_secs(2);

impl Link {
    pub(crate) fn new(ledger: &Arc<Ledger>, network: Network, dice: &mut Dice) -> Self {
        let mut pipe = |part: &str| {
            Arc::new(Mutex::new(Pipe {
                ledger: Arc::clone(ledger),
                network,
                dice: Dice::of(dice.next(), part),
                frames: BTreeMap::new(),
                order: 0,
                last_due: Instant::now(),
                deaf: false,
                frozen: false,
                cut: false,
                reader: None,
                writer: None,
            }))
        };
        Self { up: pipe("up"), down: pipe("down") }
    }

    fn each(&self) -> [MutexGuard<'_, Pipe>; 2] {
        [lock(&self.up), lock(&self.down)]
    }

    /// Both ends are told, what is on its way is lost.
    pub(crate) fn cut(&self) {
        for mut pipe in self.each() {
            pipe.cut = true;
            pipe.wake();
        }
    }

    /// Nothing arrives any more, and nobody is told.
    pub(crate) fn go_deaf(&self) {
        for mut pipe in self.each() {
            pipe.deaf = true;
            pipe.frames.clear();
        }
    }

    pub(crate) fn is_deaf(&self) -> bool {
        lock(&self.down).deaf
    }

    /// Nothing moves until it thaws; then all of it does.
    pub(crate) fn freeze(&self) {
        self.each().iter_mut().for_each(|pipe| pipe.frozen = true);
    }

    pub(crate) fn thaw(&self) {
        for mut pipe in self.each() {
            pipe.frozen = false;
            pipe.wake();
        }
    }

    /// Sends from the device.
    pub(crate) fn send(&self, text: String) {
        lock(&self.up).put(Wire::Text(text));
    }

    /// The next thing from the server; none when the connection has broken.
    pub(crate) async fn receive(&self, timer: &mut Timer) -> Option<Wire> {
        poll_fn(|cx| lock(&self.down).poll_next(timer, cx)).await
    }
}

impl Pipe {
    fn put(&mut self, wire: Wire) {
        if self.deaf || self.cut {
            return;
        }
        let now = Instant::now();
        let calm = self.ledger.is_calm();
        let mut delay_ms = self.dice.between(5, 60);
        if !calm && self.dice.per_mille(30) {
            delay_ms += self.dice.between(200, 4_000);
            self.ledger.injected(Fault::Delayed);
        }
        let due = now + Duration::from_millis(u64::try_from(delay_ms).unwrap());
        let closes = matches!(wire, Wire::Close(_));
        if calm || closes || self.network == Network::Orderly {
            self.last_due = self.last_due.max(due);
            self.insert(self.last_due, wire);
        } else {
            self.put_wildly(due, wire);
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn put_wildly(&mut self, due: Instant, wire: Wire) {
        if self.dice.per_mille(120) {
            self.ledger.injected(Fault::Lost);
            return;
        }
        if due < self.last_due {
            self.ledger.injected(Fault::Reordered);
        }
        self.last_due = self.last_due.max(due);
        if self.dice.per_mille(80) {
            self.ledger.injected(Fault::Doubled);
            let again_ms = self.dice.between(1, 3_000);
            self.insert(due + Duration::from_millis(u64::try_from(again_ms).unwrap()), wire.clone());
        }
        self.insert(due, wire);
    }

    fn insert(&mut self, due: Instant, wire: Wire) {
        self.order += 1;
        self.frames.insert((due, self.order), wire);
    }

    fn is_full(&self) -> bool {
        self.frozen && self.frames.len() >= FROZEN_FRAMES_MAX
    }

    fn poll_next(&mut self, timer: &mut Timer, cx: &mut Context<'_>) -> Poll<Option<Wire>> {
        if self.cut {
            return Poll::Ready(None);
        }
        if let Some((&(due, _), _)) = self.frames.first_key_value()
            && !self.frozen
            && timer.poll_until(due, cx).is_ready()
        {
            return Poll::Ready(self.frames.pop_first().map(|(_, wire)| wire));
        }
        self.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

/// Wakes a reader when the next frame is due.
pub(crate) struct Timer(Pin<Box<Sleep>>);

impl Timer {
    pub(crate) fn new() -> Self {
        Self(Box::pin(tokio::time::sleep(Duration::ZERO)))
    }

    fn poll_until(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if due <= Instant::now() {
            return Poll::Ready(());
        }
        if self.0.deadline() != due {
            self.0.as_mut().reset(due);
        }
        self.0.as_mut().poll(cx)
    }
}

/// The server's end.
pub(crate) struct SimSocket {
    ledger: Arc<Ledger>,
    rider: RiderId,
    device: String,
    link: Link,
    timer: Timer,
    outbox: Outbox,
    stalled: Option<Instant>,
}

impl SimSocket {
    pub(crate) fn new(ledger: Arc<Ledger>, rider: RiderId, device: String, link: Link) -> Self {
        let (timer, outbox, stalled) = (Timer::new(), Outbox::default(), None);
        Self { ledger, rider, device, link, timer, outbox, stalled }
    }

    fn write_on(&mut self, cx: &mut Context<'_>) {
        let mut down = lock(&self.link.down);
        while !self.outbox.is_empty() {
            if down.is_full() {
                self.stalled.get_or_insert_with(Instant::now);
                down.writer = Some(cx.waker().clone());
                return;
            }
            if let Some(text) = self.outbox.pop() {
                if !down.cut {
                    self.ledger.sent(&self.rider, &self.device, &text);
                }
                down.put(Wire::Text(text));
            }
        }
        self.stalled = None;
    }
}

impl Socket for SimSocket {
    fn queue(&mut self, lane: Lane, frame: String) {
        self.ledger.queued(&self.rider, &frame);
        self.outbox.push(lane, frame);
    }

    fn withdraw(&mut self, gone: &dyn Fn(&Waiting) -> bool) {
        self.outbox.withdraw(gone);
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        self.write_on(cx);
    }

    fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    fn stalled_since(&self) -> Option<Instant> {
        self.stalled
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        self.write_on(cx);
        let next = lock(&self.link.up).poll_next(&mut self.timer, cx);
        next.map(|wire| match wire {
            Some(Wire::Text(text)) => Incoming::Text(text.into()),
            Some(Wire::Close(_)) | None => Incoming::Closed,
        })
    }

    async fn close(mut self: Box<Self>, code: u16, _reason: &'static str) {
        poll_fn(|cx| {
            self.write_on(cx);
            Poll::Ready(())
        })
        .await;
        lock(&self.link.down).put(Wire::Close(code));
        // What the device still says is read, until it has gone or time is up, as the real transport does.
        let reading = poll_fn(|cx| {
            while let Poll::Ready(wire) = lock(&self.link.up).poll_next(&mut self.timer, cx) {
                if wire.is_none() {
                    return Poll::Ready(());
                }
            }
            Poll::Pending
        });
        let _given_up = tokio::time::timeout(LINGER, reading).await.is_err();
    }
}

impl Drop for SimSocket {
    /// The device learns that the server has gone a little later, and not at all if the way is deaf.
    fn drop(&mut self) {
        let mut down = lock(&self.link.down);
        down.put(Wire::Close(1006));
    }
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap()
}
