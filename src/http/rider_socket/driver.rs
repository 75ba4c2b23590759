//! Drives one [`Session`]: reads the socket, the bell and the clock, does what the session says.
//! Register first, look second: an alert committed in between rings a bell that is already there.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::SocketLimits;
use super::arrivals::Arrivals;
use super::rider_time::{RiderTime, Stay};
use super::transport::{Incoming, Socket};
use crate::clock::{Clock, Now};
use crate::config::ms;
use crate::dispatch::{Dispatch, Duty, TokenError, TokenRider};
use crate::domain::{AudioState, Rider, SessionId};
use crate::hub::{Bell, Registration, Ring};
use crate::lifecycle::Lifecycle;
use crate::session::frame::{ClientFrame, Hello, ServerFrame, StatePatch};
use crate::session::{Close, LOOK_LIMIT, Lane, Output, Receipt, Resume, Session, Settings};
use crate::store::StoreError;
use crate::telemetry::{Metric, Telemetry};

/// What a session needs of the server it is on.
pub struct Host {
    /// The use cases.
    pub dispatch: Arc<Dispatch>,
    /// When to leave.
    pub lifecycle: Lifecycle,
    /// Metrics.
    pub telemetry: Telemetry,
    /// What all sessions share.
    pub sessions: Arc<Settings>,
    /// How often each rider has come lately.
    pub arrivals: Arrivals,
    /// Bounds of one socket.
    pub limits: SocketLimits,
    /// How long riders were here.
    pub time: RiderTime,
}

/// Runs a socket from its first frame to its end. `early` is whom a token before the upgrade named.
pub async fn run<S: Socket>(state: Arc<Host>, mut transport: Box<S>, early: Option<TokenRider>) {
    let arrival = state.dispatch.hub().arrival();
    // Boxed, as all that is done now and then: it is larger than the waiting, and every rider waits most of the time.
    let opening = Box::pin(open(&state, &mut *transport, early, arrival));
    let opened = tokio::select! {
        biased;
        opened = opening => opened,
        () = state.lifecycle.draining() => Err(End::Bye(Close::Draining)),
    };
    match opened {
        Ok((session, registration)) => {
            let _stay = Stay::begin(&state);
            let mut driver = Box::new(Driver { state, transport, session, registration });
            let end = driver.drive().await;
            Box::pin(driver.finish(end)).await;
        }
        Err(end) => Box::pin(finish(&state, transport, end)).await,
    }
}

/// How a session ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// By our decision, told in a `bye`.
    Bye(Close),
    /// The other end broke RFC 6455: this close code.
    Violated(u16),
    /// The other end has gone.
    Gone,
}

struct Driver<S> {
    state: Arc<Host>,
    transport: Box<S>,
    session: Session,
    registration: Registration,
}

enum Event {
    Incoming(Incoming),
    Rung,
    Tick,
}

impl<S: Socket> Driver<S> {
    async fn drive(&mut self) -> End {
        if let Err(end) = Box::pin(self.act(vec![Output::Look])).await {
            return end;
        }
        loop {
            let event = self.next_event().await;
            let now = self.now();
            let mut out = Vec::new();
            match event {
                Event::Incoming(Incoming::Text(text)) => self.session.on_text(&text, now, &mut out),
                Event::Incoming(Incoming::Alive) => self.session.on_alive(now, &mut out),
                Event::Incoming(Incoming::Binary(_)) => return End::Violated(1003),
                Event::Incoming(Incoming::Closed) => return End::Gone,
                Event::Incoming(Incoming::Violated(code)) => return End::Violated(code),
                Event::Tick => self.session.on_tick(now, &mut out),
                Event::Rung => {}
            }
            if let Err(end) = Box::pin(self.act(out)).await {
                return end;
            }
            // Whatever it was that woke us: each receipt takes a commit, and while a client says one after the other, an alert
            // must not wait for the last of them.
            if let Err(end) = Box::pin(self.heed_bell()).await {
                return end;
            }
        }
    }

    /// Does what the bell has rung for, if it has.
    async fn heed_bell(&mut self) -> Result<(), End> {
        for ring in self.registration.take() {
            match ring {
                Ring::Look => self.act(vec![Output::Look]).await?,
                Ring::Replaced => return Err(self.log_out(Close::Replaced).await),
                Ring::Revoked => return Err(self.log_out(Close::BadToken).await),
                Ring::Drain => return Err(End::Bye(Close::Draining)),
            }
        }
        Ok(())
    }

    /// Another device or the backend has ended this login: nothing may sound here any more.
    async fn log_out(&mut self, close: Close) -> End {
        let mut out = Vec::new();
        self.session.on_logout(&mut out);
        match Box::pin(self.act(out)).await {
            Ok(()) => End::Bye(close),
            Err(end) => end,
        }
    }

    /// The first of: something from the socket, the bell, the session's own time, a write that hangs.
    async fn next_event(&mut self) -> Event {
        let now = self.now();
        let wait_ms = u64::try_from(self.session.next_tick_ms(now) - now.mono_ms).unwrap_or(0);
        let mut due = Instant::now() + Duration::from_millis(wait_ms);
        if let Some(since) = self.transport.stalled_since() {
            due = due.min(since + self.state.limits.send_timeout);
        }
        let rung = self.registration.rung();
        let tick = tokio::time::sleep_until(due);
        let (mut rung, mut tick) = (std::pin::pin!(rung), std::pin::pin!(tick));
        let (transport, clock) = (&mut self.transport, self.state.dispatch.clock());
        poll_fn(|cx| {
            withdraw_void(&mut **transport, clock);
            if let Poll::Ready(incoming) = transport.poll_incoming(cx) {
                return Poll::Ready(Event::Incoming(incoming));
            }
            if rung.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Event::Rung);
            }
            tick.as_mut().poll(cx).map(|()| Event::Tick)
        })
        .await
    }

    /// Does what the session says, and what follows from that, until nothing is left to do.
    async fn act(&mut self, first: Vec<Output>) -> Result<(), End> {
        let dispatch = Arc::clone(&self.state.dispatch);
        let store = dispatch.store();
        let mut todo: std::collections::VecDeque<Output> = first.into();
        while let Some(output) = todo.pop_front() {
            let mut more = Vec::new();
            if waits(&output) {
                self.write_queued().await;
            }
            match output {
                Output::Send(lane, frame) => self.transport.queue(lane, frame),
                Output::Withdraw(alerts) => {
                    self.transport.withdraw(&|waiting| alerts.contains(&waiting.alert));
                }
                Output::Note(alert, change) => {
                    self.state.dispatch.note(self.registration.rider(), alert, change).await;
                }
                Output::Keep(receipt) => self.keep(&receipt, &mut more).await?,
                Output::State(patch) => self.tell_state(patch).await,
                Output::Refresh(token) => self.refresh(&token).await?,
                Output::Look => {
                    let rider = self.registration.rider().clone();
                    let rows = store.open_deliveries(rider, LOOK_LIMIT).await.map_err(unavailable)?;
                    self.session.on_open(&rows, self.now(), &mut more);
                }
                Output::AskEnded(alerts) => {
                    let rider = self.registration.rider().clone();
                    let ended = store.ended_reasons(rider, alerts).await.map_err(unavailable)?;
                    self.session.on_ended(&ended, &mut more);
                }
                Output::Close(close) => return Err(End::Bye(close)),
            }
            todo.extend(more);
        }
        self.check_queue()
    }

    /// Before the store is asked: no alert waits for what has nothing to do with it.
    async fn write_queued(&mut self) {
        withdraw_void(&mut *self.transport, self.state.dispatch.clock());
        poll_fn(|cx| {
            self.transport.write(cx);
            Poll::Ready(())
        })
        .await;
    }

    /// A queue over its bound, or a write that hangs, ends the session: it resumes from the store.
    fn check_queue(&self) -> Result<(), End> {
        let limits = &self.state.limits;
        let hangs =
            self.transport.stalled_since().is_some_and(|since| since.elapsed() >= limits.send_timeout);
        if hangs {
            return Err(End::Gone);
        }
        if self.transport.queued_bytes() > limits.queue_bytes_max {
            return Err(End::Bye(Close::Slow));
        }
        Ok(())
    }

    /// Commits a receipt and tells the client. If it cannot be committed the session ends: `got` means everything up
    /// to a number, so nothing later may be confirmed before this one.
    async fn keep(&mut self, receipt: &Receipt, out: &mut Vec<Output>) -> Result<(), End> {
        let mut kept = crate::session::Kept::default();
        if let Some((alert, change)) = &receipt.what {
            let rider = self.registration.rider();
            kept = self
                .state
                .dispatch
                .keep(rider, *alert, change.clone(), receipt.at)
                .await
                .map_err(unavailable)?;
            info!(
                trace.id = self.session.trace_of(*alert),
                alert.id = %alert,
                rider.id = %rider.rider,
                receipt = change.word(),
                "Receipt kept."
            );
        }
        let now = self.now();
        self.session.on_kept(receipt, &kept, now, out);
        Ok(())
    }

    async fn tell_state(&self, patch: StatePatch) {
        tell_state(&self.state, &self.registration, patch).await;
    }

    async fn refresh(&mut self, token: &str) -> Result<(), End> {
        let fresh = self.state.dispatch.accounts().token_rider(token).await.map_err(end_of)?;
        if fresh.rider != *self.registration.rider() {
            return Err(End::Bye(Close::BadToken));
        }
        self.session.on_token(fresh.expires_at);
        Ok(())
    }

    fn now(&self) -> Now {
        self.state.dispatch.clock().now()
    }

    async fn finish(self: Box<Self>, end: End) {
        let Self { state, transport, registration, .. } = *self;
        let rider = registration.rider().clone();
        info!(rider.id = %rider.rider, close = end.word(), "Session ended.");
        // A replaced or draining session stays listed until its socket has closed: the next one is there first.
        finish(&state, transport, end).await;
        // Noted before it is taken off the list: in between its rider would be offline since they came.
        if let Err(error) = state.dispatch.leave(rider.clone()).await {
            debug!(error = &error as &dyn std::error::Error, "Last sight of a rider not noted.");
        }
        drop(registration);
        if let Err(error) = state.dispatch.on_unheard(&rider).await {
            debug!(error = &error as &dyn std::error::Error, "Fallback steps wait for their time.");
        }
    }
}

/// Whether doing it may take a while.
fn waits(output: &Output) -> bool {
    match output {
        Output::Keep(_) | Output::State(_) | Output::Refresh(_) | Output::Look | Output::AskEnded(_) => true,
        Output::Send(..) | Output::Withdraw(_) | Output::Note(..) | Output::Close(_) => false,
    }
}

/// What has waited past its time for a slow socket is not sent.
fn withdraw_void<S: Socket>(transport: &mut S, clock: &dyn Clock) {
    if transport.queued_bytes() > 0 {
        let now = clock.now().wall;
        transport.withdraw(&|waiting| waiting.expires_at <= now);
    }
}

/// The opening: hello, token, rider, place in the hub, welcome.
async fn open<S: Socket>(
    state: &Host,
    transport: &mut S,
    early: Option<TokenRider>,
    arrival: u64,
) -> Result<(Session, Registration), End> {
    let signs_max = state.sessions.messages_burst;
    let hello = tokio::time::timeout(state.limits.hello_timeout, first_frame(transport, signs_max));
    let hello = hello.await.map_err(|_| End::Bye(Close::Protocol))??;
    let rider = match (&hello.token, early) {
        (Some(token), _) => state.dispatch.accounts().token_rider(token).await.map_err(end_of)?,
        (None, Some(rider)) => rider,
        (None, None) => return Err(End::Bye(Close::BadToken)),
    };
    if hello.device.is_empty() || hello.device.len() > DEVICE_BYTES_MAX {
        refuse(transport, "bad_frame", "device is 1 to 128 bytes");
        return Err(End::Bye(Close::Protocol));
    }
    if !state.arrivals.allows(&rider.rider) {
        refuse(transport, "too_many", "this rider opens too many sockets");
        return Err(End::Bye(Close::TooMany));
    }
    let stored = state.dispatch.touch(rider.rider.clone()).await.map_err(unavailable)?;
    let now = state.dispatch.clock().now();
    let session_id = SessionId::new(now.wall, state.dispatch.clock().entropy());
    let bell = Bell::new(session_id, &hello.device, now.wall, arrival);
    let hub = state.dispatch.hub();
    let sessions_max = state.limits.sessions_max;
    let registration = hub.register(rider.rider.clone(), bell, stored.devices, sessions_max);
    if registration.is_replaced() {
        // The rider's client has opened another one while this one waited for the store: nothing it said counts.
        return Err(End::Bye(Close::Replaced));
    }
    if registration.is_over(state.dispatch.sessions_max(&rider.app)) {
        return Err(End::Bye(Close::TooMany));
    }
    if state.lifecycle.is_draining() {
        // The bells may have rung for draining before this one was there.
        return Err(End::Bye(Close::Draining));
    }
    let patch = StatePatch { on_duty: changed_duty(&stored, hello.state.on_duty), ..hello.state };
    tell_state(state, &registration, patch).await;
    let open = state.dispatch.store().open_ids(rider.rider.clone()).await.map_err(unavailable)?;
    let resume = Resume {
        session: session_id,
        seq: stored.seq,
        open,
        token_expires_at: rider.expires_at,
        profile: state.dispatch.sound_profile(&rider.app, stored.sound_profile),
    };
    let settings = Arc::clone(&state.sessions);
    let (session, welcome) = Session::open(settings, &hello, resume, state.dispatch.clock().now());
    transport.queue(Lane::Control, welcome);
    info!(rider.id = %rider.rider.rider, session.id = %session_id, "Session opened.");
    Ok((session, registration))
}

/// Most bytes of a device's id.
const DEVICE_BYTES_MAX: usize = 128;

async fn first_frame<S: Socket>(transport: &mut S, signs_max: u32) -> Result<Hello, End> {
    let mut signs = 0;
    loop {
        match poll_fn(|cx| transport.poll_incoming(cx)).await {
            Incoming::Alive if signs >= signs_max => return Err(End::Bye(Close::TooMany)),
            Incoming::Alive => signs += 1,
            Incoming::Text(text) => match ClientFrame::parse(&text) {
                Ok(ClientFrame::Hello(hello)) => return Ok(*hello),
                Ok(_) => {
                    refuse(transport, "hello_first", "the first frame is hello");
                    return Err(End::Bye(Close::Protocol));
                }
                Err(error) => {
                    refuse(transport, error.code(), "the first frame is hello");
                    return Err(End::Bye(Close::Protocol));
                }
            },
            Incoming::Binary(_) => return Err(End::Violated(1003)),
            Incoming::Closed => return Err(End::Gone),
            Incoming::Violated(code) => return Err(End::Violated(code)),
        }
    }
}

fn refuse<S: Socket>(transport: &mut S, code: &'static str, message: &'static str) {
    transport.queue(Lane::Control, ServerFrame::Error { code, message }.to_text());
}

/// A duty that is stored already costs no write.
fn changed_duty(stored: &Rider, told: Option<bool>) -> Option<bool> {
    told.filter(|on_duty| *on_duty != stored.on_duty)
}

async fn tell_state(state: &Host, registration: &Registration, patch: StatePatch) {
    if let Some(audio) = patch.audio {
        registration.set_audio(audio, state.dispatch.clock().now().wall);
        tell_unheard(state, registration, audio).await;
    }
    if let Some(foreground) = patch.foreground {
        registration.set_foreground(foreground);
    }
    if let Some(on_duty) = patch.on_duty {
        let duty = if on_duty { Duty::On } else { Duty::Off };
        let rider = registration.rider().clone();
        if let Err(error) = state.dispatch.set_duty(rider, duty).await {
            warn!(error = &error as &dyn std::error::Error, "Duty not stored.");
        }
    }
}

/// A rider who cannot be heard any more may make fallback steps due.
async fn tell_unheard(state: &Host, registration: &Registration, audio: AudioState) {
    if audio.is_audible() {
        return;
    }
    if let Err(error) = state.dispatch.on_unheard(registration.rider()).await {
        warn!(error = &error as &dyn std::error::Error, "Fallback steps wait for their time.");
    }
}

/// Says `bye` and closes, or only closes, or nothing if nobody is there.
async fn finish<S: Socket>(state: &Host, mut transport: Box<S>, end: End) {
    state.telemetry.counter(Metric::SessionsClosed, &[("why", end.word())]).increment(1);
    match end {
        End::Bye(close) => {
            let retry_after_ms = close.may_return().then(|| retry_after_ms(state, close));
            let bye = ServerFrame::Bye { code: close.code(), retry_after_ms };
            transport.queue(Lane::Control, bye.to_text());
            transport.close(close.code(), close.word()).await;
        }
        End::Violated(code) => {
            state.telemetry.counter(Metric::BadFrames, &[("code", end.word())]).increment(1);
            transport.close(code, "").await;
        }
        End::Gone => {}
    }
}

/// A client that sends or connects too much stays away for as long as it takes to earn a few seconds' worth.
const TOO_MANY_PAUSE_MS: u64 = 5_000;

/// Riders of a draining node come back spread over a while; others at once, with their own back-off.
fn retry_after_ms(state: &Host, close: Close) -> u64 {
    let spread_ms = u64::try_from(ms(state.limits.return_spread)).unwrap_or(0);
    let [high, low, ..] = state.dispatch.clock().entropy();
    let share = |of_ms: u64| u64::from(u16::from_be_bytes([high, low])) * of_ms / u64::from(u16::MAX);
    match close {
        Close::Draining => share(spread_ms),
        Close::TooMany => TOO_MANY_PAUSE_MS + share(TOO_MANY_PAUSE_MS),
        Close::BadToken
        | Close::Replaced
        | Close::Banned
        | Close::Slow
        | Close::HeartbeatLost
        | Close::Protocol
        | Close::TokenExpired => 0,
    }
}

fn end_of(error: TokenError) -> End {
    match error {
        TokenError::Bad => End::Bye(Close::BadToken),
        TokenError::Expired => End::Bye(Close::TokenExpired),
        TokenError::Store(error) => unavailable(error),
    }
}

/// The store is not there: the client comes back with its back-off, and everything open is still open.
#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn unavailable(error: StoreError) -> End {
    warn!(error = &error as &dyn std::error::Error, "A session ended because the store is not available.");
    End::Bye(Close::Draining)
}

impl End {
    fn word(self) -> &'static str {
        match self {
            Self::Bye(close) => close.word(),
            Self::Violated(1003) => "binary",
            Self::Violated(1007) => "bad_utf8",
            Self::Violated(1009) => "too_big",
            Self::Violated(_) => "bad_websocket",
            Self::Gone => "gone",
        }
    }
}
