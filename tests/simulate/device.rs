//! A phone with a client on it: it connects, comes back with back-off, loses its network, freezes, is killed and started
//! again, as its plan says. What it tells goes into the ledger.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use orderbell::domain::RiderId;

use crate::simulation::client::{Client, Fact};
use crate::simulation::dice::Dice;
use crate::simulation::ledger::{Fault, Ledger};
use crate::simulation::link::{Link, Network, Timer, Wire};
use crate::simulation::node::{self, Address};
use crate::simulation::plan::{Act, DevicePlan};

/// One device of one rider.
pub(crate) struct Device {
    plan: DevicePlan,
    acts: VecDeque<(i64, Act)>,
    rider: RiderId,
    ledger: Arc<Ledger>,
    address: Arc<Address>,
    calm_ms: i64,
    dice: Dice,
    client: Client,
    token: Option<String>,
    on_duty: bool,
    audible: bool,
    tries: u32,
}

/// How a connection ended, for the device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// Come back.
    Lost { after_ms: i64 },
    /// The server wants another device.
    Dismissed,
    /// The program was killed.
    Killed { for_ms: i64 },
    /// The rider goes home.
    Leaves,
}

/// State of the connection in hand.
struct Call {
    link: Link,
    heard_ms: i64,
    thaws_ms: Option<i64>,
    welcome: bool,
    retry_after_ms: i64,
}

/// Two and a half heartbeats: a client that hears nothing for so long comes anew.
const SILENCE_MS: i64 = 50_000;
/// As long for a welcome.
const WELCOME_MS: i64 = 10_000;

impl Device {
    pub(crate) fn new(
        plan: DevicePlan,
        rider: RiderId,
        ledger: Arc<Ledger>,
        address: Arc<Address>,
        calm_ms: i64,
        mut dice: Dice,
    ) -> Self {
        let client = Client::new(&plan.name, plan.confirms(), Dice::of(dice.next(), "client"));
        let acts = plan.acts.clone().into();
        Self {
            plan,
            acts,
            rider,
            ledger,
            address,
            calm_ms,
            dice,
            client,
            token: None,
            on_duty: true,
            audible: true,
            tries: 0,
        }
    }

    /// Until the rider goes home; those who stay are there until the world ends.
    pub(crate) async fn run(mut self) {
        self.pass(self.plan.starts_ms).await;
        loop {
            if self.is_over() {
                break;
            }
            let now = self.ledger.time.ms();
            match self.connection().await {
                End::Leaves => break,
                End::Lost { after_ms } => {
                    let most_ms = (500 << self.tries.min(5)).min(20_000);
                    self.tries += 1;
                    let back_off_ms = self.dice.between(0, most_ms);
                    self.pass(self.ledger.time.ms() + after_ms + back_off_ms).await;
                }
                End::Killed { for_ms } => {
                    self.client.die();
                    self.pass(self.ledger.time.ms() + for_ms).await;
                }
                End::Dismissed => {
                    self.client.die();
                    let opened_again_ms = now + self.dice.between(5_000, 60_000);
                    self.pass(opened_again_ms.min(self.calm_ms)).await;
                    // In the end one device is left; it waits for the others to have gone.
                    self.pass(self.ledger.time.ms() + 100).await;
                }
            }
        }
        self.client.die();
        let mut seen = self.ledger.seen();
        seen.unsettled.remove(&self.plan.name);
        seen.pending.remove(&self.plan.name);
    }

    fn is_over(&self) -> bool {
        !self.plan.stays && self.ledger.time.ms() >= self.calm_ms
    }

    /// Time goes by without a connection; what sounds goes on sounding.
    async fn pass(&mut self, until_ms: i64) {
        loop {
            let now = self.ledger.time.ms();
            while self.acts.front().is_some_and(|(at, _)| *at <= now) {
                self.act_offline();
            }
            let mut unsent = Vec::new();
            self.client.on_tick(now, &mut unsent);
            self.tell();
            if now >= until_ms {
                return;
            }
            let act_ms = self.acts.front().map(|(at, _)| *at);
            let due = self.client.next_due().into_iter().chain(act_ms).fold(until_ms, i64::min);
            tokio::time::sleep_until(self.ledger.time.at(due.max(now + 1))).await;
        }
    }

    fn act_offline(&mut self) {
        match self.acts.pop_front() {
            Some((_, Act::Duty { on })) => self.on_duty = on,
            Some((_, Act::Audio { on })) => self.audible = on,
            Some((_, Act::Kill { .. })) => self.client.die(),
            Some((_, Act::Cut | Act::GoDeaf | Act::Freeze { .. })) | None => {}
        }
    }

    async fn connection(&mut self) -> End {
        let way_ms = self.dice.between(20, 150);
        self.pass(self.ledger.time.ms() + way_ms).await;
        let Some(node) = self.address.get() else { return End::Lost { after_ms: 0 } };
        if self.token.is_none() {
            self.token = Some(node::token(&node, &self.rider).await);
        }
        let now = self.ledger.time.ms();
        let link = Link::new(&self.ledger, self.plan.network, &mut self.dice);
        node.connect(self.rider.clone(), &self.plan.name, &link);
        link.send(self.client.hello(self.token.as_deref().unwrap(), self.on_duty, self.audio()));
        let mut call = Call { link, heard_ms: now, thaws_ms: None, welcome: false, retry_after_ms: 0 };
        let end = self.talk(&mut call).await;
        call.link.cut();
        self.ledger.offline(&self.plan.name);
        end
    }

    async fn talk(&mut self, call: &mut Call) -> End {
        let mut timer = Timer::new();
        let mut peaceful = self.ledger.is_calm();
        loop {
            let now = self.ledger.time.ms();
            let due = self.due(call, peaceful).max(now);
            let link = call.link.clone();
            tokio::select! {
                biased;
                wire = link.receive(&mut timer) => {
                    if let Some(end) = self.on_wire(call, wire) {
                        return end;
                    }
                }
                () = tokio::time::sleep_until(self.ledger.time.at(due)) => {}
            }
            let now = self.ledger.time.ms();
            if let Some(end) = self.on_time(call, now) {
                return end;
            }
            if !peaceful && now >= self.calm_ms {
                peaceful = true;
                if self.is_over() {
                    return End::Leaves;
                }
                call.thaws_ms = Some(now);
            }
        }
    }

    fn due(&self, call: &Call, peaceful: bool) -> i64 {
        let patience_ms = if call.welcome { SILENCE_MS } else { WELCOME_MS };
        let act_ms = self.acts.front().map(|(at, _)| *at);
        let calm_ms = (!peaceful).then_some(self.calm_ms);
        let dues = self.client.next_due().into_iter().chain(act_ms).chain(calm_ms).chain(call.thaws_ms);
        dues.fold(call.heard_ms + patience_ms, i64::min)
    }

    fn on_wire(&mut self, call: &mut Call, wire: Option<Wire>) -> Option<End> {
        let now = self.ledger.time.ms();
        let text = match wire {
            Some(Wire::Text(text)) => text,
            Some(Wire::Close(4000..4100)) => return Some(End::Dismissed),
            Some(Wire::Close(_)) | None => return Some(End::Lost { after_ms: call.retry_after_ms }),
        };
        call.heard_ms = now;
        if text.starts_with(r#"{"op":"bye""#) {
            let bye: serde_json::Value = serde_json::from_str(&text).unwrap();
            call.retry_after_ms = bye["retry_after_ms"].as_i64().unwrap_or_default();
        }
        let mut replies = Vec::new();
        self.client.on_text(&text, now, &mut replies);
        if self.client.facts.iter().any(|fact| matches!(fact, Fact::Welcomed { .. })) {
            (call.welcome, self.tries) = (true, 0);
            self.tell();
            let wild = self.plan.network == Network::Wild && !self.ledger.is_calm();
            self.ledger.hindered(&self.plan.name, wild || call.link.is_deaf() || call.thaws_ms.is_some());
        }
        self.tell();
        for reply in replies {
            call.link.send(reply);
        }
        None
    }

    fn on_time(&mut self, call: &mut Call, now: i64) -> Option<End> {
        let mut replies = Vec::new();
        self.client.on_tick(now, &mut replies);
        self.tell();
        // Before the welcome nothing but `hello` is said; what is numbered is kept.
        if call.welcome {
            for reply in replies {
                call.link.send(reply);
            }
        }
        if call.thaws_ms.is_some_and(|at| at <= now) {
            call.thaws_ms = None;
            call.link.thaw();
            let wild = self.plan.network == Network::Wild && now < self.calm_ms;
            self.ledger.hindered(&self.plan.name, wild || call.link.is_deaf());
        }
        while let Some((_, act)) = self.acts.pop_front_if(|(at, _)| *at <= now) {
            if let Some(end) = self.act(call, act, now) {
                return Some(end);
            }
        }
        let patience_ms = if call.welcome { SILENCE_MS } else { WELCOME_MS };
        (now - call.heard_ms >= patience_ms).then_some(End::Lost { after_ms: 0 })
    }

    fn act(&mut self, call: &mut Call, act: Act, now: i64) -> Option<End> {
        match act {
            Act::Cut => {
                self.ledger.injected(Fault::Cut);
                return Some(End::Lost { after_ms: 0 });
            }
            Act::GoDeaf => {
                self.ledger.injected(Fault::Deaf);
                call.link.go_deaf();
                self.ledger.hindered(&self.plan.name, true);
            }
            Act::Freeze { ms } => {
                self.ledger.injected(Fault::Frozen);
                call.thaws_ms = Some(now + ms);
                call.link.freeze();
                self.ledger.hindered(&self.plan.name, true);
            }
            Act::Kill { ms } => {
                self.ledger.injected(Fault::Killed);
                return Some(End::Killed { for_ms: ms });
            }
            Act::Audio { on } => {
                self.ledger.injected(Fault::Unheard);
                self.audible = on;
                call.link.send(format!(r#"{{"op":"state","audio":"{}"}}"#, self.audio()));
            }
            Act::Duty { on } => {
                self.on_duty = on;
                call.link.send(format!(r#"{{"op":"state","on_duty":{on}}}"#));
            }
        }
        None
    }

    fn audio(&self) -> &'static str {
        if self.audible { "playing" } else { "interrupted" }
    }

    /// What the client did goes into the ledger.
    fn tell(&mut self) {
        for fact in std::mem::take(&mut self.client.facts) {
            self.ledger.fact(&self.rider, &self.plan.name, &fact);
        }
        let mut seen = self.ledger.seen();
        if !self.client.is_pending() {
            seen.pending.remove(&self.plan.name);
        } else if !seen.pending.contains(&self.plan.name) {
            seen.pending.insert(self.plan.name.clone());
        }
        if self.client.is_settled() {
            seen.unsettled.remove(&self.plan.name);
        } else if !seen.unsettled.contains(&self.plan.name) {
            seen.unsettled.insert(self.plan.name.clone());
        }
    }
}

/// Sleeps until a moment of the world.
pub(crate) async fn sleep_ms(ms: i64) {
    tokio::time::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or_default())).await;
}
