//! WeChat: the calls that run its statements.

use async_trait::async_trait;

use super::engine::Engine;
use super::{SqlStore, wechat};
use crate::domain::wechat::{Identity, LinkBy, LinkOffer, Linked, Login, Message, Template};
use crate::domain::{AppId, EpochMs, RiderId, RiderKey};
use crate::store::{MessageResult, StoreResult, WechatStore, World};

#[async_trait]
impl<E: Engine> WechatStore for SqlStore<E> {
    async fn sign_in(
        &self,
        app: AppId,
        login: Login,
        offer: LinkOffer,
        at: EpochMs,
    ) -> StoreResult<Option<RiderId>> {
        self.engine
            .write((app, login, offer, at), |db, (app, login, offer, at)| {
                Box::pin(wechat::sign_in(db, *app, login, *offer, *at))
            })
            .await
    }

    async fn link(&self, rider: RiderKey, by: LinkBy, at: EpochMs) -> StoreResult<Linked> {
        self.engine
            .write((rider, by, at), |db, (rider, by, at)| Box::pin(wechat::link(db, rider, by, *at)))
            .await
    }

    async fn identities(&self, rider: RiderKey) -> StoreResult<Vec<Identity>> {
        wechat::identities(&mut self.engine.reader().await?.db(), &rider).await
    }

    async fn unlink(&self, rider: RiderKey) -> StoreResult<u64> {
        self.engine.write(rider, |db, rider| Box::pin(wechat::unlink(db, rider))).await
    }

    async fn bank(&self, rider: RiderKey, template: Template, accepted: u32) -> StoreResult<u32> {
        self.engine
            .write((rider, template, accepted), |db, (rider, template, accepted)| {
                Box::pin(wechat::bank(db, rider, template, *accepted))
            })
            .await
    }

    async fn spend_unheard(&self, rider: RiderKey, world: World, at: EpochMs) -> StoreResult<()> {
        self.engine
            .write((rider, world, at), |db, (rider, world, at)| {
                Box::pin(wechat::spend_unheard(db, rider, world, *at))
            })
            .await
    }

    async fn due_messages(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Message>> {
        wechat::due(&mut self.engine.reader().await?.db(), now, limit).await
    }

    async fn take_message(&self, message: Message, again_at: EpochMs, at: EpochMs) -> StoreResult<bool> {
        self.engine
            .write((message, again_at, at), |db, (message, again_at, at)| {
                Box::pin(wechat::take(db, message, *again_at, *at))
            })
            .await
    }

    async fn finish_message(&self, message: Message, result: MessageResult, at: EpochMs) -> StoreResult<()> {
        self.engine
            .write((message, result, at), |db, (message, result, at)| {
                Box::pin(wechat::finish(db, message, *result, *at))
            })
            .await
    }

    async fn forget_identities(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.engine
            .write((before, limit), |db, (before, limit)| Box::pin(wechat::forget(db, *before, *limit)))
            .await
    }
}
