//! What is kept of riders in WeChat: who they are there, the messages they have agreed to, and those that are to be sent.
//! A part of [`Store`](super::Store), with the same promises.

use async_trait::async_trait;

use super::{StoreResult, World};
use crate::domain::wechat::{
    Identity, LinkBy, LinkOffer, Linked, Login, Message, MessageEnd, ProgramId, Template,
};
use crate::domain::{AlertId, AppId, EpochMs, RiderId, RiderKey};

/// What became of a try to send a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageResult {
    /// It is over.
    Over(MessageEnd),
    /// It is tried again from then on.
    Again(EpochMs),
    /// It was not tried at all, and is due from then on.
    PutOff(EpochMs),
}

/// What is kept of a message, but for whom it went to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageTrace {
    /// The alert.
    pub alert: AlertId,
    /// The program it came from.
    pub program: ProgramId,
    /// When its rider could not be heard.
    pub made_at: EpochMs,
    /// Tries so far.
    pub attempts: u32,
    /// When and how it was over.
    pub end: Option<(EpochMs, MessageEnd)>,
}

/// Identities, consents and messages.
#[async_trait]
pub trait WechatStore {
    /// Notes a login, and says which rider it is. Whoever is linked in one program of the app is linked in all that know the
    /// same union id. For nobody's login the code of `offer` is the one that counts from now on.
    async fn sign_in(
        &self,
        app: AppId,
        login: Login,
        offer: LinkOffer,
        at: EpochMs,
    ) -> StoreResult<Option<RiderId>>;
    /// Makes somebody this rider. A code is good once; somebody who is another rider stays it.
    async fn link(&self, rider: RiderKey, by: LinkBy, at: EpochMs) -> StoreResult<Linked>;
    /// Who a rider is, in the order they were linked; no more than a file of a rider holds.
    async fn identities(&self, rider: RiderKey) -> StoreResult<Vec<Identity>>;
    /// Forgets who a rider is, their consents, and messages that were not sent yet; how many they were.
    async fn unlink(&self, rider: RiderKey) -> StoreResult<u64>;
    /// Adds consents to a template, up to [`CONSENTS_MAX`](crate::domain::wechat::CONSENTS_MAX), for whom the rider was at their
    /// last login there. Those to another template of the program are worth nothing any more. Returns how many there are; none
    /// if the rider is nobody there.
    async fn bank(&self, rider: RiderKey, template: Template, accepted: u32) -> StoreResult<u32>;
    /// A rider can no longer be heard: for everyone who has one of their alerts, does not know of it yet and cannot hear it,
    /// where nobody else can either, a consent is spent on a message, as when an alert is told that nobody can hear.
    async fn spend_unheard(&self, rider: RiderKey, world: World, at: EpochMs) -> StoreResult<()>;
    /// Messages that are due at `now`, the longest due first.
    async fn due_messages(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Message>>;
    /// Takes the right to send one; nobody else gets it before `again_at`. False if it is not due.
    async fn take_message(&self, message: Message, again_at: EpochMs, at: EpochMs) -> StoreResult<bool>;
    /// Notes what became of it. What its end leaves of the consents is [`MessageEnd::leaves`]'s to say. One that is over already
    /// stays as it is.
    async fn finish_message(&self, message: Message, result: MessageResult, at: EpochMs) -> StoreResult<()>;
    /// Forgets whom nobody has linked and who did not log in since `before`, the longest away first, at most `limit`; how many.
    async fn forget_identities(&self, before: EpochMs, limit: u32) -> StoreResult<u64>;
}
