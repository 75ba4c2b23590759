//! The server's own record of an alert, as `GET /v1/alerts/{id}` tells it.
//! Only what does not depend on the moment of asking is kept.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// One alert as the server told of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    /// The alert.
    pub(crate) alert: String,
    /// The backend's id.
    pub(crate) event: String,
    /// Its deliveries.
    pub(crate) deliveries: Vec<Standing>,
}

/// One delivery in it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Standing {
    /// Whose.
    pub(crate) rider: String,
    /// Position in the rider's sequence.
    pub(crate) seq: i64,
    /// Where it stands.
    pub(crate) state: String,
    /// Why it ended.
    pub(crate) reason: Option<String>,
    /// The rider's answer.
    pub(crate) answer: Option<String>,
    /// Moments of the timeline.
    pub(crate) steps: BTreeMap<String, String>,
}

impl Record {
    /// Reads `data` of the answer; `None` if something is missing in it.
    pub(crate) fn read(data: &Value) -> Option<Self> {
        let deliveries = data["deliveries"].as_array()?.iter().map(Standing::read).collect::<Option<_>>()?;
        Some(Self { alert: text(&data["alert_id"])?, event: text(&data["event_id"])?, deliveries })
    }

    /// The delivery to a rider.
    pub(crate) fn of(&self, rider: &str) -> Option<&Standing> {
        self.deliveries.iter().find(|standing| standing.rider == rider)
    }
}

impl Standing {
    fn read(data: &Value) -> Option<Self> {
        let steps = data["timeline"].as_array()?.iter();
        Some(Self {
            rider: text(&data["rider"])?,
            seq: data["seq"].as_i64()?,
            state: text(&data["state"])?,
            reason: text(&data["reason"]),
            answer: text(&data["answer"]),
            steps: steps
                .map(|step| Some((text(&step["step"])?, text(&step["at"])?)))
                .collect::<Option<_>>()?,
        })
    }

    /// How far along the way to the ear; every end is the same distance.
    pub(crate) fn progress(&self) -> usize {
        let way = ["pending", "sent", "received", "playing", "played"];
        let open = way.iter().position(|state| *state == self.state);
        open.filter(|_| self.reason.is_none()).unwrap_or(way.len())
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
