//! A backend that posts orders one after the other, as backends do: who gets no answer asks again with the same id,
//! or gives up. Now and then it takes an order back. Everything it did and was told goes into the history.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;
use crate::history::History;
use crate::op::Op;
use crate::plan::Plan;
use crate::record::Record;

/// One of several backends.
pub(crate) struct Backend {
    number: usize,
    riders: Arc<[String]>,
    api: Api,
    history: Arc<History>,
    dice: Dice,
    cancels: Vec<(Instant, String)>,
}

/// The HTTP API with a key.
#[derive(Clone)]
pub(crate) struct Api {
    origin: String,
    key: String,
    client: reqwest::Client,
}

/// Between two tries, and between two orders: some eighty a second from all backends together.
const PAUSE: Duration = Duration::from_millis(40);
/// Waits of the backends for an answer: one gives a stopped server up soon, another waits until it is told "later".
const PATIENCE: [Duration; 2] = [Duration::from_millis(1_500), Duration::from_secs(10)];
/// Limit for one order to be answered, or taken back, at last: every fault is shorter.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);
/// One order of so many is given up when its answer is lost: it may be there or not, but not half.
const GIVEN_UP: u64 = 8;
/// Offers and long plans outlive every fault.
const LONG_S: u32 = 900;
/// A brief alert is void after this.
const BRIEF_S: u32 = 3;

impl Api {
    /// Connections of its own, whose requests give up after `patience`.
    pub(crate) fn new(address: SocketAddr, key: &str, patience: Duration) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(patience).tls_certs_only([]).build()?;
        Ok(Self { origin: format!("http://{address}"), key: key.to_owned(), client })
    }

    /// Status and body; `None` without an answer. The status is the promise, even if the body is cut off.
    async fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.origin)).bearer_auth(&self.key).json(body);
        let answer = request.send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
    }

    /// `data` of what is there; `None` without an answer or with "later".
    async fn get(&self, path: &str) -> anyhow::Result<Option<Got>> {
        let request = self.client.get(format!("{}{path}", self.origin)).bearer_auth(&self.key);
        let Ok(answer) = request.send().await else { return Ok(None) };
        match answer.status().as_u16() {
            200 => Ok(answer.json::<Value>().await.ok().map(|mut body| Got::There(body["data"].take()))),
            404 => Ok(Some(Got::Nothing)),
            503 => Ok(None),
            status => anyhow::bail!("{path} was answered with {status}"),
        }
    }

    /// Asks for an alert and notes what was said; `None` without an answer.
    pub(crate) async fn alert(&self, alert: &str, history: &History) -> anyhow::Result<Option<Record>> {
        match self.get(&format!("/v1/alerts/{alert}")).await? {
            None => Ok(None),
            Some(Got::Nothing) => {
                history.note(Op::Absent { alert: alert.to_owned() });
                Ok(None)
            }
            Some(Got::There(data)) => {
                let record = Record::read(&data).with_context(|| format!("a record with gaps: {data}"))?;
                history.note(Op::Record(record.clone()));
                Ok(Some(record))
            }
        }
    }

    /// Asks for an event, and notes what is there; `None` without an answer.
    pub(crate) async fn event(
        &self,
        event: &str,
        history: &History,
    ) -> anyhow::Result<Option<Option<String>>> {
        let Some(got) = self.get(&format!("/v1/events/{event}")).await? else { return Ok(None) };
        let alert = match got {
            Got::Nothing => None,
            Got::There(data) => Some(data["alert_id"].as_str().context("an event without alert")?.to_owned()),
        };
        history.note(Op::Looked { event: event.to_owned(), alert: alert.clone() });
        Ok(Some(alert))
    }
}

/// An answer to a question.
enum Got {
    There(Value),
    Nothing,
}

impl Backend {
    /// A backend with a connection pool and a patience of its own.
    pub(crate) fn new(
        number: usize,
        address: SocketAddr,
        key: &str,
        riders: Arc<[String]>,
        history: Arc<History>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let api = Api::new(address, key, PATIENCE[number % PATIENCE.len()])?;
        let dice = Dice::new(seed, &format!("backend {number}"));
        Ok(Self { number, riders, api, history, dice, cancels: Vec::new() })
    }

    /// Posts until told to stop, and leaves nothing unanswered that it meant to finish.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        for order in 0.. {
            if stop.is_cancelled() {
                break;
            }
            self.order(order).await?;
            self.cancel_due(Instant::now()).await?;
            tokio::time::sleep(PAUSE).await;
        }
        let last = self.cancels.iter().map(|(due, _)| *due).max();
        self.cancel_due(last.unwrap_or_else(Instant::now)).await
    }

    async fn order(&mut self, order: u64) -> anyhow::Result<()> {
        let plan = self.roll_plan();
        let mut riders = vec![self.riders[self.dice.place(self.riders.len())].clone()];
        if plan == Plan::Grab {
            let others: Vec<_> = self.riders.iter().filter(|rider| **rider != riders[0]).collect();
            riders.push(others[self.dice.place(others.len())].clone());
        }
        let event = format!("order-{}-{order}", self.number);
        let body = body(&event, plan, &riders, order);
        self.history.note(Op::Post { event: event.clone(), riders, plan });
        // Whoever means to take an order back goes on until they know its alert: else nothing would end it in time.
        let gives_up = self.dice.once_in(GIVEN_UP) && plan != Plan::Cancel;
        let end = Instant::now() + ANSWER_LIMIT;
        let alert = loop {
            match self.post(&event, &body).await {
                Some(alert) => break Some(alert),
                None if gives_up => break None,
                None => tokio::time::sleep(PAUSE).await,
            }
            anyhow::ensure!(Instant::now() < end, "{event} was not answered in {ANSWER_LIMIT:?}");
        };
        if let (Plan::Cancel, Some(alert)) = (plan, alert) {
            self.cancels.push((Instant::now() + self.dice.millis(100, 3_000), alert));
        }
        Ok(())
    }

    fn roll_plan(&mut self) -> Plan {
        match self.dice.roll(16) {
            0..=5 => Plan::Hear,
            6..=7 => Plan::Confirm,
            8..=9 => Plan::Accept,
            10 => Plan::Decline,
            11 => Plan::Grab,
            12..=14 => Plan::Cancel,
            _ => Plan::Brief,
        }
    }

    /// The alert, if the server said yes.
    async fn post(&self, event: &str, body: &Value) -> Option<String> {
        let Some((status, answer)) = self.api.post("/v1/events", body).await else {
            self.history.note(Op::Untold { event: event.to_owned() });
            return None;
        };
        if status == 503 && answer["error"] != "unavailable" {
            // "Nobody knows", or too little of an answer to tell it from "nothing was done".
            self.history.note(Op::Untold { event: event.to_owned() });
            return None;
        }
        let alert = answer["data"]["alert_id"].as_str().map(str::to_owned);
        let duplicate = answer["data"]["duplicate"] == true;
        let event = event.to_owned();
        self.history.note(Op::Told { event, status, alert: alert.clone(), duplicate });
        alert
    }

    /// Takes back what is due by then.
    async fn cancel_due(&mut self, by: Instant) -> anyhow::Result<()> {
        let (due, later) = std::mem::take(&mut self.cancels).into_iter().partition(|(due, _)| *due <= by);
        self.cancels = later;
        let due: Vec<(Instant, String)> = due;
        for (_, alert) in due {
            let end = Instant::now() + ANSWER_LIMIT;
            while !self.cancel(&alert).await {
                anyhow::ensure!(Instant::now() < end, "the cancel of {alert} was not answered");
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Whether the question is settled.
    async fn cancel(&self, alert: &str) -> bool {
        let path = format!("/v1/alerts/{alert}/cancel");
        let Some((status, answer)) = self.api.post(&path, &json!({})).await else { return false };
        let ended = answer["data"]["cancelled"].as_u64().unwrap_or_default();
        self.history.note(Op::Cancelled { alert: alert.to_owned(), status, ended });
        status != 503
    }
}

/// The event as it is posted; few sentences, so that few clips are made.
fn body(event: &str, plan: Plan, riders: &[String], order: u64) -> Value {
    let (kind, mode) = match plan {
        Plan::Hear => ("order.new", "notify"),
        Plan::Confirm | Plan::Cancel | Plan::Brief => ("order.assigned", "ack"),
        Plan::Accept | Plan::Decline => ("order.offered", "assign"),
        Plan::Grab => ("order.available", "grab"),
    };
    let life_s = if plan == Plan::Brief { BRIEF_S } else { LONG_S };
    let mut offer = json!({"mode": mode, "timeout_s": life_s});
    if plan == Plan::Grab {
        // Whoever decides, two riders may not win.
        offer["arbiter"] = json!("service");
    }
    json!({
        "id": event,
        "kind": kind,
        "order": {"id": event, "merchant": {"name": "测试面馆"}, "short_no": (order % 5).to_string()},
        "target": {"riders": riders, "on_duty": false},
        "offer": offer,
        "alert": {"repeat": {"count": 1}, "ttl_s": life_s},
        "ext": {"plan": plan},
    })
}
