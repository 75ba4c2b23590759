//! One rider connection as a state machine without I/O: frames, rows and readings of the clock go in, things to do
//! come out. The socket driver in `http` does them; a simulation can do them too.

mod allowance;
mod claim;
pub mod close;
pub mod frame;
pub mod outbox;
mod receipt;
mod render;
mod resume;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::clock::Now;
use crate::domain::delivery::{AnswerOutcome, Change, EndReason, OpenDelivery};
use crate::domain::{Alert, AlertId, AudioUrls, Delivery, DeliveryState, EpochMs, Sound, SoundProfile};

use allowance::Allowance;
use claim::Claim;
pub use close::Close;
use frame::{ClientFrame, Hello, Limits, OpenFrame, Report, ServerFrame, StatePatch, Welcome};
pub use outbox::{Lane, Outbox, Waiting};
pub use receipt::{Kept, Receipt};
pub use resume::Resume;

/// What all sessions of a server share.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Makes URLs of the paths of clips.
    pub urls: AudioUrls,
    /// One life of the data.
    pub epoch: String,
    /// Between two heartbeats.
    pub heartbeat_ms: i64,
    /// Silence after which the socket is dead.
    pub silence_max_ms: i64,
    /// Wait before an alert is sent again.
    pub resend_after_ms: i64,
    /// Alerts sent and not acknowledged.
    pub window: usize,
    /// Largest frame from a client.
    pub frame_bytes_max: usize,
    /// Bad frames before the session is closed.
    pub violations_max: u32,
    /// Frames from a client each second, for long.
    pub messages_per_second: u32,
    /// Frames from a client at once.
    pub messages_burst: u32,
    /// Length of the keep-alive clips.
    pub keepalive_s: u32,
    /// How long an accept waits for the backend's word before the rider is told that it is pending.
    pub arbiter_wait_ms: i64,
}

/// Something the driver has to do.
#[derive(Debug)]
pub enum Output {
    /// Write this frame.
    Send(Lane, String),
    /// These have ended: what is queued of them and not written is not written.
    Withdraw(Vec<AlertId>),
    /// Note this change some time soon; nobody waits for it.
    Note(AlertId, Change),
    /// Commit this receipt, then call [`Session::on_kept`].
    Keep(Receipt),
    /// The rider said this of themselves.
    State(StatePatch),
    /// Check this token, then call [`Session::on_token`].
    Refresh(String),
    /// Read the open deliveries, then call [`Session::on_open`].
    Look,
    /// Ask why these ended, then call [`Session::on_ended`].
    AskEnded(Vec<AlertId>),
    /// Say `bye` and close.
    Close(Close),
}

/// One rider connection after its `hello`.
#[derive(Debug)]
pub struct Session {
    settings: Arc<Settings>,
    profile: SoundProfile,
    live: Vec<Live>,
    /// Listed as open by the welcome, and not shown by a look so far: the client may be sounding them.
    welcomed: Vec<AlertId>,
    heard_ms: i64,
    pinged_ms: i64,
    token_expires_at: EpochMs,
    violations: u32,
    allowance: Allowance,
    /// Set while an unacknowledged alert found the socket silent: a ping is out, and its answer is awaited.
    probe_until_ms: Option<i64>,
    more: bool,
}

/// An alert that was sent here and has not ended.
#[derive(Debug)]
struct Live {
    alert: AlertId,
    trace: Box<str>,
    seq: i64,
    ring: u32,
    attempt: u32,
    /// Writes in this session.
    tries: u32,
    sent_ms: i64,
    acked: bool,
    canned: bool,
    resend: bool,
    /// The rider has accepted it, and the backend decides.
    claim: Option<Claim>,
}

/// Rows of open deliveries read at one look. More than any phone can sound; a longer queue is read in turns.
pub const LOOK_LIMIT: u32 = 256;

impl Session {
    /// Opens the session: the first thing to send is the welcome returned here, the first thing to do is to look.
    #[must_use]
    pub fn open(settings: Arc<Settings>, hello: &Hello, resume: Resume, now: Now) -> (Self, String) {
        let resumed = hello.epoch.as_deref() == Some(&settings.epoch)
            && hello.cursor.is_some_and(|cursor| (0..=resume.seq).contains(&cursor));
        let welcome = ServerFrame::Welcome(Welcome {
            session: resume.session.to_string(),
            epoch: &settings.epoch,
            seq: resume.seq,
            resumed,
            now: now.wall.0,
            heartbeat_ms: settings.heartbeat_ms,
            open: resume.open.iter().map(|(id, ring)| OpenFrame { id: *id, ring: *ring }).collect(),
            keepalive: render::keepalive(&settings.urls, settings.keepalive_s, &hello.caps.formats, now),
            limits: Limits { frame_bytes_max: settings.frame_bytes_max, window: settings.window },
        })
        .to_text();
        let allowance = Allowance::new(settings.messages_burst, now);
        let session = Self {
            settings,
            profile: resume.profile,
            allowance,
            live: Vec::new(),
            welcomed: resume.open.into_iter().map(|(alert, _)| alert).collect(),
            heard_ms: now.mono_ms,
            pinged_ms: now.mono_ms,
            token_expires_at: resume.token_expires_at,
            violations: 0,
            probe_until_ms: None,
            more: false,
        };
        (session, welcome)
    }

    /// Any sign of life of the socket.
    fn on_heard(&mut self, now: Now) {
        self.heard_ms = now.mono_ms;
        self.probe_until_ms = None;
    }

    /// A text frame has come.
    pub fn on_text(&mut self, text: &str, now: Now, out: &mut Vec<Output>) {
        let frame = ClientFrame::parse(text);
        let is_owed = matches!(&frame, Ok(ClientFrame::Ack { seqs }) if self.allowance.is_of_sent(seqs));
        self.on_heard(now);
        if !is_owed && !self.spend(now, out) {
            return;
        }
        match frame {
            Ok(frame) => self.on_frame(frame, now, out),
            Err(error) => self.on_violation(error.code(), error.message(), out),
        }
    }

    fn on_frame(&mut self, frame: ClientFrame, now: Now, out: &mut Vec<Output>) {
        match frame {
            ClientFrame::Hello(_) => {
                self.on_violation("unexpected_hello", "hello is sent once, as the first frame", out);
            }
            ClientFrame::Ack { seqs } => self.on_ack(&seqs, out),
            ClientFrame::Report(report) => self.on_report(report, now, out),
            ClientFrame::Answer { n, id, answer } => {
                out.push(Output::Keep(Receipt::answered(n, id, answer, now)));
            }
            ClientFrame::State(patch) => out.push(Output::State(patch)),
            ClientFrame::Ping {} => push(out, &ServerFrame::Pong { now: now.wall.0 }),
            ClientFrame::Pong {} => {}
            ClientFrame::Refresh { token } => out.push(Output::Refresh(token)),
            ClientFrame::Chat {}
            | ClientFrame::Read {}
            | ClientFrame::Subscribe {}
            | ClientFrame::Unsubscribe {} => {
                let message = "this server does not offer that";
                push(out, &ServerFrame::Error { code: "not_supported", message });
            }
        }
    }

    /// Something that is not protocol v1.
    pub fn on_violation(&mut self, code: &'static str, message: &'static str, out: &mut Vec<Output>) {
        push(out, &ServerFrame::Error { code, message });
        self.violations += 1;
        if self.violations >= self.settings.violations_max {
            out.push(Output::Close(Close::Protocol));
        }
    }

    fn on_ack(&mut self, seqs: &[i64], out: &mut Vec<Output>) {
        for live in self.live.iter_mut().filter(|live| !live.acked && seqs.contains(&live.seq)) {
            live.acked = true;
            live.resend = false;
            out.push(Output::Note(live.alert, Change::Received));
        }
        self.look_for_more(out);
    }

    /// Reads on in a queue that was longer than one look, or than the window.
    fn look_for_more(&mut self, out: &mut Vec<Output>) {
        if self.more && self.unacked() < self.settings.window {
            self.more = false;
            out.push(Output::Look);
        }
    }

    fn on_report(&mut self, report: Report, now: Now, out: &mut Vec<Output>) {
        let receipt = Receipt::reported(report, now);
        let alert = receipt.what.as_ref().map(|(alert, _)| *alert);
        if let Some(live) = self.live.iter_mut().find(|live| Some(live.alert) == alert) {
            live.acked = true;
            live.resend = false;
        }
        out.push(Output::Keep(receipt));
    }

    /// A receipt is committed. A delivery that it ended is done with here; one that had ended before is still to be
    /// stopped at the next look.
    pub fn on_kept(&mut self, receipt: &Receipt, kept: &Kept, now: Now, out: &mut Vec<Output>) {
        if let (Some((alert, _)), Some(AnswerOutcome::Pending)) = (&receipt.what, kept.outcome) {
            self.on_claimed(*alert, receipt.n, now);
            push(out, &ServerFrame::Got { n: receipt.n });
            return;
        }
        if let (Some((alert, _)), true) = (&receipt.what, kept.ended) {
            self.live.retain(|live| live.alert != *alert);
            self.welcomed.retain(|welcomed| welcomed != alert);
            // What has ended makes room in the look for what stood behind it.
            self.look_for_more(out);
        }
        receipt.answer_to(kept, out);
    }

    /// The frame of an open delivery, for clients without a socket.
    #[must_use]
    pub fn frame_of(
        settings: &Settings,
        row: &OpenDelivery,
        profile: SoundProfile,
        now: Now,
    ) -> Option<String> {
        let OpenDelivery { delivery, alert } = row;
        let sound = alert.sound.as_ref()?;
        render::alert(
            &settings.urls,
            delivery,
            alert,
            &sound.in_profile(profile),
            delivery.attempts.max(1),
            now,
        )
    }

    /// The trace of an alert that was sent here and has not ended, for log lines.
    #[must_use]
    pub fn trace_of(&self, alert: AlertId) -> Option<&str> {
        self.live.iter().find(|live| live.alert == alert).map(|live| &*live.trace)
    }

    /// A fresh token was good until then.
    pub fn on_token(&mut self, expires_at: EpochMs) {
        self.token_expires_at = expires_at;
    }

    /// The rider's open deliveries, as the store has them now, most pressing first.
    pub fn on_open(&mut self, rows: &[OpenDelivery], now: Now, out: &mut Vec<Output>) {
        for OpenDelivery { delivery, alert } in rows {
            // Void, but the sweep has not been there yet: not sent any more.
            if delivery.expires_at <= now.wall {
                continue;
            }
            if delivery.state == DeliveryState::Claimed {
                self.on_claimed_row(delivery, out);
                continue;
            }
            let Some(sound) = &alert.sound else { continue };
            match self.live.iter().position(|live| live.alert == alert.id && live.ring == delivery.ring) {
                Some(at) => self.refresh(at, delivery, alert, sound, now, out),
                None if self.unacked() >= self.settings.window => self.more = true,
                None => self.send_first(delivery, alert, sound, now, out),
            }
        }
        self.more |= rows.len() >= LOOK_LIMIT as usize;
        // In a queue longer than one look some of these are open still; the store names only those that have ended.
        let listed = |alert: AlertId| rows.iter().any(|row| row.delivery.alert == alert);
        self.welcomed.retain(|alert| !listed(*alert));
        let missing = self.live.iter().map(|live| live.alert).filter(|alert| !listed(*alert));
        let missing: Vec<AlertId> = missing.chain(self.welcomed.iter().copied()).collect();
        if !missing.is_empty() {
            out.push(Output::AskEnded(missing));
        }
    }

    fn send_first(
        &mut self,
        delivery: &Delivery,
        alert: &Arc<Alert>,
        sound: &Sound,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        self.live.retain(|live| live.alert != alert.id);
        let attempt = delivery.attempts + 1;
        self.live.push(Live {
            alert: alert.id,
            trace: alert.trace_id.as_str().into(),
            seq: delivery.seq,
            ring: delivery.ring,
            attempt,
            tries: 1,
            sent_ms: now.mono_ms,
            acked: false,
            canned: sound.canned,
            resend: false,
            claim: None,
        });
        self.send(delivery, alert, sound, attempt, now, out);
    }

    /// A row that was sent here before: send it again if that is due, tell of a better clip if there is one.
    fn refresh(
        &mut self,
        at: usize,
        delivery: &Delivery,
        alert: &Arc<Alert>,
        sound: &Sound,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        let (settings, profile) = (Arc::clone(&self.settings), self.profile);
        let live = &mut self.live[at];
        if live.resend {
            live.resend = false;
            live.canned = sound.canned;
            live.attempt += 1;
            live.tries += 1;
            live.sent_ms = now.mono_ms;
            let attempt = live.attempt;
            self.send(delivery, alert, sound, attempt, now, out);
        } else if live.canned && !sound.canned {
            live.canned = false;
            let audio = render::audio(&settings.urls, &sound.in_profile(profile), now);
            push(out, &ServerFrame::Update { id: alert.id, audio });
        }
    }

    fn send(
        &mut self,
        delivery: &Delivery,
        alert: &Alert,
        sound: &Sound,
        attempt: u32,
        now: Now,
        out: &mut Vec<Output>,
    ) {
        let sound = sound.in_profile(self.profile);
        if let Some(text) = render::alert(&self.settings.urls, delivery, alert, &sound, attempt, now) {
            let (urgency, expires_at) = (alert.urgency, delivery.expires_at);
            self.allowance.note_sent(delivery.seq);
            out.push(Output::Send(Lane::Alert(Waiting { alert: alert.id, urgency, expires_at }), text));
            out.push(Output::Note(alert.id, Change::Sent));
        }
    }

    /// Why alerts that were sent here have ended. Those played or answered here are not told again.
    pub fn on_ended(&mut self, ended: &[(AlertId, EndReason)], out: &mut Vec<Output>) {
        if !ended.is_empty() {
            out.push(Output::Withdraw(ended.iter().map(|(alert, _)| *alert).collect()));
        }
        let settled = self.tell_settled(ended, out);
        for reason in render::STOP_REASONS {
            let of_this = ended.iter().filter(|(_, why)| render::stop_reason(*why) == reason);
            let ids = of_this.map(|(alert, _)| *alert).filter(|alert| !settled.contains(alert));
            let ids: Vec<AlertId> = ids.collect();
            if !ids.is_empty() {
                push(out, &ServerFrame::Stop { ids, reason });
            }
        }
        self.live.retain(|live| ended.iter().all(|(alert, _)| live.alert != *alert));
        self.welcomed.retain(|welcomed| ended.iter().all(|(alert, _)| welcomed != alert));
    }

    /// This device is logged out: everything that was sent here falls silent.
    pub fn on_logout(&mut self, out: &mut Vec<Output>) {
        let sent = self.live.drain(..).map(|live| live.alert);
        let ids: BTreeSet<AlertId> = sent.chain(self.welcomed.drain(..)).collect();
        let ids: Vec<AlertId> = ids.into_iter().collect();
        if !ids.is_empty() {
            out.push(Output::Withdraw(ids.clone()));
            push(out, &ServerFrame::Stop { ids, reason: "logout" });
        }
    }

    /// Time has passed.
    pub fn on_tick(&mut self, now: Now, out: &mut Vec<Output>) {
        if now.wall >= self.token_expires_at {
            out.push(Output::Close(Close::TokenExpired));
            return;
        }
        let silent = now.mono_ms - self.heard_ms >= self.settings.silence_max_ms;
        if silent || self.probe_until_ms.is_some_and(|until| now.mono_ms >= until) {
            out.push(Output::Close(Close::HeartbeatLost));
            return;
        }
        self.mark_resends(now, out);
        self.tell_pending(now, out);
        if now.mono_ms - self.pinged_ms >= self.settings.heartbeat_ms {
            self.ping(now, out);
        }
    }

    /// Alerts without an `ack` are sent again where the socket has shown life since; else the socket is probed.
    fn mark_resends(&mut self, now: Now, out: &mut Vec<Output>) {
        let wait_ms = self.settings.resend_after_ms;
        let (heard_ms, mut look, mut probe) = (self.heard_ms, false, false);
        for live in self.live.iter_mut().filter(|live| !live.acked && !live.resend) {
            if now.mono_ms < resend_due(live, wait_ms) {
                continue;
            }
            if heard_ms > live.sent_ms {
                live.resend = true;
                look = true;
            } else {
                probe = true;
            }
        }
        if look {
            out.push(Output::Look);
        }
        if probe && self.probe_until_ms.is_none() {
            self.probe_until_ms = Some(now.mono_ms + wait_ms);
            self.ping(now, out);
        }
    }

    fn ping(&mut self, now: Now, out: &mut Vec<Output>) {
        self.pinged_ms = now.mono_ms;
        push(out, &ServerFrame::Ping { now: now.wall.0 });
    }

    /// When [`Session::on_tick`] must be called next, in monotonic milliseconds.
    #[must_use]
    pub fn next_tick_ms(&self, now: Now) -> i64 {
        let wait_ms = self.settings.resend_after_ms;
        let resends = self.live.iter().filter(|live| !live.acked && !live.resend);
        let token = now.mono_ms + self.token_expires_at.since_ms(now.wall).max(0);
        resends
            .map(|live| resend_due(live, wait_ms))
            .filter(|due| self.probe_until_ms.is_none() || *due > now.mono_ms)
            .chain(self.probe_until_ms)
            .chain(self.next_pending_ms())
            .chain([
                self.pinged_ms + self.settings.heartbeat_ms,
                self.heard_ms + self.settings.silence_max_ms,
                token,
            ])
            .min()
            .unwrap_or(token)
    }

    fn unacked(&self) -> usize {
        self.live.iter().filter(|live| !live.acked).count()
    }
}

/// A client that lives but does not acknowledge is asked less and less often, up to ten times the first wait.
fn resend_due(live: &Live, wait_ms: i64) -> i64 {
    live.sent_ms + wait_ms * i64::from(live.tries.clamp(1, 10))
}

fn push(out: &mut Vec<Output>, frame: &ServerFrame<'_>) {
    out.push(Output::Send(Lane::Control, frame.to_text()));
}

#[cfg(test)]
mod tests;
