//! A backend that posts orders one after the other, as backends do: who gets no answer asks again, or gives up.
//! Every attempt and every yes goes into the history.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::history::History;
use crate::{RIDERS, rider_name};

/// One of several backends.
pub(crate) struct Backend {
    number: usize,
    url: String,
    key: String,
    client: reqwest::Client,
    history: Arc<History>,
}

/// Longer than the server may take, killed or not.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Between two tries, and between two orders: a hundred a second from all backends together.
const PAUSE: Duration = Duration::from_millis(40);

impl Backend {
    /// A backend with a connection pool of its own.
    pub(crate) fn new(
        number: usize,
        address: SocketAddr,
        key: &str,
        history: Arc<History>,
    ) -> anyhow::Result<Self> {
        let client =
            reqwest::Client::builder().no_proxy().timeout(ANSWER_LIMIT).tls_certs_only([]).build()?;
        Ok(Self { number, url: format!("http://{address}/v1/events"), key: key.to_owned(), client, history })
    }

    /// Posts until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        for order in 0.. {
            if stop.is_cancelled() {
                break;
            }
            let rider = rider_name((self.number + order) % RIDERS);
            let id = format!("order-{}-{order}", self.number);
            self.history.attempted(&id, &rider);
            // Every third order is given up when its answer is lost: it may be there or not, but not half.
            let persistent = order % 3 != 0;
            while !self.post(&id, &rider, order).await? && persistent && !stop.is_cancelled() {
                tokio::time::sleep(PAUSE).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Whether the server said yes. No answer is no answer; an answer other than yes or "later" is a fault.
    async fn post(&self, id: &str, rider: &str, order: usize) -> anyhow::Result<bool> {
        let body = json!({
            "id": id,
            "kind": "order.new",
            "order": {"id": id, "merchant": {"name": "测试面馆"}, "short_no": (order % 7).to_string()},
            "target": {"riders": [rider], "on_duty": false},
            "alert": {"repeat": {"count": 1}},
        });
        let request = self.client.post(&self.url).bearer_auth(&self.key).json(&body);
        let Ok(answer) = request.send().await else { return Ok(false) };
        let status = answer.status();
        if status.as_u16() == 503 {
            return Ok(false);
        }
        anyhow::ensure!(status.is_success(), "{id} was answered with {status}");
        // The status is the promise, even if the body is cut off.
        let answer: Value = answer.json().await.unwrap_or_default();
        self.history.accepted(id, answer["data"]["duplicate"] == true);
        Ok(true)
    }
}
