//! How a message gets to WeChat, and what WeChat said to it.
//! Who speaks WeChat's own words implements it; a test has one that does as it is told.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Zone;
use crate::domain::Alert;
use crate::domain::wechat::{Message, Template};

/// Brings messages to WeChat.
#[async_trait]
pub trait WechatCourier: Send + Sync + 'static {
    /// The templates of the app of this name that messages may be sent by, the best first; none where they are off.
    fn templates(&self, app: &str) -> Vec<Template>;
    /// Sends a message about its alert, once, within half a minute. Its times are those of `zone`.
    async fn send(&self, message: &Message, alert: &Alert, zone: &Zone) -> Posted;
}

/// What WeChat said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Posted {
    /// It took the message.
    Sent,
    /// The person has agreed to none, or is not known.
    ConsentGone,
    /// The template, the program or its secret is wrong: somebody must change the configuration.
    Misconfigured,
    /// Not now; after so long, if it said.
    Again(Option<Duration>),
    /// It does not want this message.
    Refused,
}

/// Where no program is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWechat;

#[async_trait]
impl WechatCourier for NoWechat {
    fn templates(&self, _app: &str) -> Vec<Template> {
        Vec::new()
    }

    async fn send(&self, _message: &Message, _alert: &Alert, _zone: &Zone) -> Posted {
        Posted::Refused
    }
}
