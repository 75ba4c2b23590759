//! The mini-programs that the configuration names: whose riders sign in with each, and what a message from it says.
//! What they are told by WeChat and tell it goes through one client.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::{Posted, WechatCourier};
use crate::clock::Zone;
use crate::config::wechat::{FieldKind, FieldSlot, MessageConfig};
use crate::domain::wechat::{Login, Message, OpenId, ProgramId, Template, TemplateId};
use crate::domain::{Alert, EpochMs};
use crate::outbound::wechat::{LoginError, SendEnd, TokenError, WechatAccount, WechatApi};

/// All of them.
pub struct MiniPrograms {
    api: WechatApi,
    programs: Vec<MiniProgram>,
}

/// One of them.
#[derive(Debug)]
pub struct MiniProgram {
    /// The operator's name for it.
    pub name: String,
    /// The name of the app whose riders sign in with it.
    pub app: String,
    /// What WeChat knows it by.
    pub account: WechatAccount,
    /// The message it may send; `None` where that is off.
    pub message: Option<(TemplateId, MessageConfig)>,
}

/// Why none of them is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoProgram {
    /// There is none, or none of this id.
    Unknown,
    /// There are several, and no id says which.
    Ambiguous,
}

impl MiniPrograms {
    /// These, by way of this client.
    #[must_use]
    pub fn new(api: WechatApi, programs: Vec<MiniProgram>) -> Self {
        Self { api, programs }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[MiniProgram] {
        &self.programs
    }

    /// Those of the app of this name.
    pub fn of_app<'a>(&'a self, app: &'a str) -> impl Iterator<Item = &'a MiniProgram> {
        self.programs.iter().filter(move |program| program.app == app)
    }

    /// The one with this id, or the only one.
    ///
    /// # Errors
    /// [`NoProgram`].
    pub fn chosen(&self, appid: Option<&ProgramId>) -> Result<&MiniProgram, NoProgram> {
        match (appid, &self.programs[..]) {
            (Some(appid), all) => {
                all.iter().find(|program| program.account.appid() == appid).ok_or(NoProgram::Unknown)
            }
            (None, []) => Err(NoProgram::Unknown),
            (None, [only]) => Ok(only),
            (None, [_, _, ..]) => Err(NoProgram::Ambiguous),
        }
    }

    /// Asks WeChat who stands behind the code of a sign-in.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn login(&self, program: &MiniProgram, code: &str) -> Result<Login, LoginError> {
        self.api.login(&program.account, code).await
    }

    /// Asks WeChat whether it knows a program by its secret.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn check(&self, program: &MiniProgram) -> Result<(), TokenError> {
        self.api.check(&program.account).await
    }
}

impl MiniProgram {
    fn template(&self) -> Option<Template> {
        let (id, _) = self.message.as_ref()?;
        Some(Template { program: self.account.appid().clone(), id: id.clone() })
    }
}

#[async_trait]
impl WechatCourier for MiniPrograms {
    fn templates(&self, app: &str) -> Vec<Template> {
        self.of_app(app).filter_map(MiniProgram::template).collect()
    }

    async fn send(&self, message: &Message, alert: &Alert, zone: &Zone) -> Posted {
        let is_its = |program: &&MiniProgram| program.template().as_ref() == Some(&message.template);
        let Some(program) = self.programs.iter().find(is_its) else { return Posted::Refused };
        let Some((_, config)) = &program.message else { return Posted::Refused };
        let written = written(config, &message.openid, alert, zone);
        match self.api.send(&program.account, &written).await {
            SendEnd::Sent => Posted::Sent,
            SendEnd::ConsentGone => Posted::ConsentGone,
            SendEnd::Misconfigured => Posted::Misconfigured,
            SendEnd::Refused => Posted::Refused,
            SendEnd::Again(after) => Posted::Again(after),
        }
    }
}

/// The message as WeChat takes it.
fn written(config: &MessageConfig, openid: &OpenId, alert: &Alert, zone: &Zone) -> Value {
    let card: Map<String, Value> = serde_json::from_str(&alert.card).unwrap_or_default();
    let of_card = |name: &str| card.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let moment = |at: EpochMs, kind: FieldKind| {
        if kind.is_moment() { zone.dated(at) } else { zone.hour_and_minute(at) }
    };
    let value = |slot: FieldSlot, kind: FieldKind| match slot {
        FieldSlot::Title => alert.title.clone(),
        FieldSlot::Order => alert.head.order_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        FieldSlot::ShortNo => of_card("short_no"),
        FieldSlot::Merchant => of_card("merchant"),
        FieldSlot::Time => moment(alert.head.created_at, kind),
        FieldSlot::Until => moment(alert.head.expires_at, kind),
    };
    let data = config.fields.iter().map(|field| (field.name.clone(), json!({"value": field.filled(value)})));
    let mut message = json!({
        "touser": openid.as_str(),
        "template_id": config.template,
        "miniprogram_state": config.state,
        "lang": config.lang,
        "data": data.collect::<Map<String, Value>>(),
    });
    if let Some(page) = &config.page {
        message["page"] = json!(page);
    }
    message
}
