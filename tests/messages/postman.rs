//! The double of WeChat, and the house with it: riders who come and go, alerts for them, and messages that fall due.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use orderbell::clock::{Clock, Zone};
use orderbell::dispatch::{Arrival, LinkWish, Posted, WechatCourier};
use orderbell::domain::app::KeyMode;
use orderbell::domain::wechat::{Linked, Message, Template};
use orderbell::domain::{Alert, AlertId, DevicePolicy, EpochMs, RiderKey, SessionId};
use orderbell::hub::{Bell, Registration};
use orderbell::intake::parse_event;
use serde_json::json;

use crate::stage::{HOOKS, Stage};

/// Longer than a message waits for its rider.
pub(crate) const WAIT_MS: i64 = 10_000;

pub(crate) fn template() -> Template {
    Template { program: "wx1".parse().unwrap(), id: "t1".parse().unwrap() }
}

/// What it says, one after the other and then that it took the message; and what it was given.
#[derive(Default)]
pub(crate) struct Postman {
    pub(crate) templates: Mutex<Vec<Template>>,
    pub(crate) says: Mutex<VecDeque<Posted>>,
    taken: Mutex<Vec<(String, AlertId)>>,
}

#[async_trait]
impl WechatCourier for Postman {
    fn templates(&self, app: &str) -> Vec<Template> {
        if app == "shop" { self.templates.lock().unwrap().clone() } else { Vec::new() }
    }

    async fn send(&self, message: &Message, alert: &Alert, _zone: &Zone) -> Posted {
        assert_eq!((message.alert, &message.template), (alert.id, &template()));
        self.taken.lock().unwrap().push((message.openid.as_str().to_owned(), alert.id));
        self.says.lock().unwrap().pop_front().unwrap_or(Posted::Sent)
    }
}

/// A house with a way to WeChat.
pub(crate) struct House {
    pub(crate) stage: Stage,
    pub(crate) postman: Arc<Postman>,
}

impl House {
    pub(crate) async fn open() -> Self {
        let postman = Arc::new(Postman::default());
        postman.templates.lock().unwrap().push(template());
        let wechat = Arc::clone(&postman) as Arc<dyn WechatCourier>;
        Self { stage: Stage::writing_by(HOOKS, wechat).await, postman }
    }

    pub(crate) async fn close(self) {
        self.stage.stop().await;
    }

    pub(crate) fn rider(&self, rider: &str) -> RiderKey {
        RiderKey { app: self.stage.app, rider: rider.parse().unwrap() }
    }

    /// Links a rider, who agrees to so many messages.
    pub(crate) async fn agreed(&self, rider: &str, accepted: u32) {
        let wish = LinkWish::OpenId(template().program, format!("of-{rider}").parse().unwrap());
        assert_eq!(self.stage.dispatch.wechat_link(self.rider(rider), wish).await.unwrap(), Linked::Linked);
        self.stage.dispatch.wechat_bank(self.rider(rider), template(), accepted).await.unwrap();
    }

    pub(crate) async fn left(&self, rider: &str) -> u32 {
        let entry = self.stage.entry().await;
        let banked = self.stage.dispatch.wechat_banked(&entry, self.rider(rider)).await.unwrap();
        banked.iter().map(|(_, banked)| *banked).sum()
    }

    /// Posts an event for this rider; its alert.
    pub(crate) async fn alert(&self, id: &str, rider: &str, key_mode: KeyMode) -> AlertId {
        let body = json!({"id": id, "kind": "order.new", "target": {"riders": [rider]}}).to_string();
        let dispatch = &self.stage.dispatch;
        let arrival = Arrival {
            source: "api".into(),
            key_mode,
            parsed: parse_event(body.as_bytes(), dispatch.kinds(), || unreachable!()).unwrap(),
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
            received_at: self.now(),
        };
        dispatch.accept(self.stage.entry().await, arrival).await.unwrap().alert_id.unwrap()
    }

    /// A rider comes: they can hear until this is dropped and they have left.
    pub(crate) fn comes(&self, rider: &str) -> Registration {
        let hub = self.stage.dispatch.hub();
        let bell = Bell::new(SessionId::new(self.now(), [1; 10]), "phone", self.now(), hub.arrival());
        hub.register(self.rider(rider), bell, DevicePolicy::Latest, 4)
    }

    pub(crate) async fn goes(&self, session: Registration) {
        let rider = session.rider().clone();
        drop(session);
        self.stage.dispatch.on_unheard(&rider).await.unwrap();
    }

    pub(crate) fn now(&self) -> EpochMs {
        self.stage.clock.now().wall
    }

    /// Lets so long pass, and then does what is due to its end.
    pub(crate) async fn after(&self, ms: i64) {
        self.stage.clock.advance_ms(ms);
        self.stage.dispatch.sweep().await.unwrap();
        let ended = async {
            // What is under way has been taken away from what is due, for longer than it takes.
            while self.under_way().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
    }

    async fn under_way(&self) -> bool {
        let (now, lease) = (self.now(), 60_000);
        let later = self.stage.store.due_messages(now.plus_ms(lease), 99).await.unwrap();
        later.iter().any(|message| message.due_at == now.plus_ms(lease))
    }

    /// Who was written to since it was last asked, by openid.
    pub(crate) fn written(&self) -> Vec<(String, AlertId)> {
        std::mem::take(&mut *self.postman.taken.lock().unwrap())
    }

    pub(crate) fn counted(&self, result: &str) -> usize {
        self.stage.count(&format!("orderbell_wechat_messages_total{{result=\"{result}\"}}"))
    }
}
