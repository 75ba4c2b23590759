//! Riders in WeChat: logging in, being linked by their backend, and the messages they agree to.
//! What is said to WeChat itself goes by way of a [`WechatCourier`]; without one nobody logs in and nothing is spent.

mod courier;
mod sending;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tracing::info;

use super::{AppEntry, Dispatch, Token, TokenError};
use crate::domain::wechat::{
    Identity, LinkBy, LinkCode, LinkOffer, Linked, Login, Messaging, OpenId, ProgramId, Template, UnionId,
};
use crate::domain::{AppId, EpochMs, RiderId, RiderKey};
use crate::store::StoreResult;

pub use courier::{NoWechat, Posted, WechatCourier};

/// Numbers of the configuration that riders in WeChat go by.
#[derive(Clone, Copy, Debug)]
pub struct WechatLimits {
    /// How long the code of a login is good, in milliseconds.
    pub link_ms: i64,
    /// How long a rider may still come and hear an alert before a message goes out, in milliseconds.
    pub wait_ms: i64,
    /// How long nothing is sent for a program whose configuration WeChat refuses, in milliseconds.
    pub rest_ms: i64,
    /// Messages being sent at one time.
    pub concurrency: usize,
    /// How long somebody is remembered who logged in and was never linked, in milliseconds.
    pub unbound_age_ms: i64,
}

impl Default for WechatLimits {
    fn default() -> Self {
        Self {
            // The contract of the code that a rider reads to their station.
            link_ms: 15 * 60_000,
            // A phone that changes its network is back by then, and a consent is spared.
            wait_ms: 10_000,
            // Somebody must change the configuration: a try now and then finds out that they have.
            rest_ms: 10 * 60_000,
            // WeChat answers within a fraction of a second: some hundred a second.
            concurrency: 16,
            // Whoever was not linked within a month will not be.
            unbound_age_ms: 30 * 86_400_000,
        }
    }
}

/// Who somebody is who has logged in.
#[derive(Clone, Debug)]
pub enum SignedIn {
    /// A rider, with a token that lives as long as any may.
    Bound {
        /// The rider.
        rider: RiderId,
        /// For their client.
        token: Token,
    },
    /// Nobody yet: their backend may link them by this code.
    Unbound {
        /// To be read out or typed.
        code: LinkCode,
        /// Until when it is good.
        until: EpochMs,
    },
}

/// By what a backend names whom it links.
#[derive(Clone, Debug)]
pub enum LinkWish {
    /// The code that they were shown.
    Code(LinkCode),
    /// Their id in a program.
    OpenId(ProgramId, OpenId),
    /// Their id in all programs.
    UnionId(UnionId),
}

/// What the use cases of WeChat keep in memory.
pub(super) struct Wechat {
    courier: Arc<dyn WechatCourier>,
    /// Messages being sent.
    places: Arc<Semaphore>,
    // Std mutex: one look or insert a section. Until when, by our monotonic clock, nothing is sent for a program.
    resting: Mutex<BTreeMap<ProgramId, i64>>,
}

impl Wechat {
    pub(super) fn new(courier: Arc<dyn WechatCourier>, limits: WechatLimits) -> Self {
        let places = Arc::new(Semaphore::new(limits.concurrency));
        Self { courier, places, resting: Mutex::default() }
    }

    /// How long a program still rests, in milliseconds; 0 if it does not.
    fn rest_left(&self, program: &ProgramId, mono_ms: i64) -> i64 {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(program).map_or(0, |until| (until - mono_ms).max(0))
    }

    /// Lets a program rest.
    fn rest(&self, program: &ProgramId, until_ms: i64) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.insert(program.clone(), until_ms);
    }
}

impl Dispatch {
    /// Notes a login that WeChat has confirmed, and says who it is.
    ///
    /// # Errors
    /// The store's; `Bad` if the app has no secret to sign a token with.
    pub async fn wechat_sign_in(&self, app: &AppEntry, login: Login) -> Result<SignedIn, TokenError> {
        let (id, now) = (app.app.id, self.wall());
        let code = LinkCode::new(self.clock.entropy());
        let until = now.plus_ms(self.limits.wechat.link_ms);
        let offer = LinkOffer { hash: self.accounts.hash_of_code(id, &code), until };
        match self.store.sign_in(id, login, offer, now).await? {
            Some(rider) => {
                let token = self.accounts.token(app, &rider, i64::MAX)?;
                Ok(SignedIn::Bound { rider, token })
            }
            None => Ok(SignedIn::Unbound { code, until }),
        }
    }

    /// Makes somebody in WeChat this rider.
    ///
    /// # Errors
    /// The store's.
    pub async fn wechat_link(&self, rider: RiderKey, wish: LinkWish) -> StoreResult<Linked> {
        let by = match wish {
            LinkWish::Code(code) => LinkBy::Code(self.accounts.hash_of_code(rider.app, &code)),
            LinkWish::OpenId(program, openid) => LinkBy::OpenId(program, openid),
            LinkWish::UnionId(unionid) => LinkBy::UnionId(unionid),
        };
        let linked = self.store.link(rider.clone(), by, self.wall()).await?;
        if linked == Linked::Linked {
            info!(app.id = %rider.app, rider.id = %rider.rider, "A rider was linked in WeChat.");
        }
        Ok(linked)
    }

    /// Who a rider is in WeChat.
    ///
    /// # Errors
    /// The store's.
    pub async fn wechat_identities(&self, rider: RiderKey) -> StoreResult<Vec<Identity>> {
        self.store.identities(rider).await
    }

    /// Forgets who a rider is in WeChat, with what they had agreed to; how many they were. Tokens they have stay good.
    ///
    /// # Errors
    /// The store's.
    pub async fn wechat_unlink(&self, rider: RiderKey) -> StoreResult<u64> {
        let unlinked = self.store.unlink(rider.clone()).await?;
        if unlinked > 0 {
            info!(app.id = %rider.app, rider.id = %rider.rider, unlinked, "A rider was unlinked in WeChat.");
        }
        Ok(unlinked)
    }

    /// Keeps that a rider has agreed to so many more messages of a template; how many there are now.
    ///
    /// # Errors
    /// The store's.
    pub async fn wechat_bank(&self, rider: RiderKey, template: Template, accepted: u32) -> StoreResult<u32> {
        self.store.bank(rider, template, accepted).await
    }

    /// How many messages a rider has agreed to, of each template that is in use; those of several phones together.
    ///
    /// # Errors
    /// The store's.
    pub async fn wechat_banked(&self, app: &AppEntry, rider: RiderKey) -> StoreResult<Vec<(Template, u32)>> {
        let templates = self.wechat.courier.templates(&app.app.name);
        if templates.is_empty() {
            return Ok(Vec::new());
        }
        let identities = self.store.identities(rider).await?;
        let banked = |template: &Template| -> u32 {
            identities.iter().map(|identity| identity.banked_of(template)).sum()
        };
        Ok(templates.into_iter().map(|template| (banked(&template), template)).map(|(n, t)| (t, n)).collect())
    }

    /// What consents of an app's riders may be spent on now.
    pub(super) fn messaging(&self, app: &AppEntry) -> Arc<Messaging> {
        let mut templates = self.wechat.courier.templates(&app.app.name);
        let now = self.clock.now().mono_ms;
        templates.retain(|template| self.wechat.rest_left(&template.program, now) == 0);
        Arc::new(Messaging { templates, wait_ms: self.limits.wechat.wait_ms })
    }
}

impl super::Accounts {
    /// What is kept of a link code: a hash that nobody can make, or turn back, without the node's key.
    fn hash_of_code(&self, app: AppId, code: &LinkCode) -> [u8; 32] {
        self.vault.mark(&format!("wechat {app} {}", code.letters()))
    }
}
