//! WeChat in the model: who riders are there, their consents, and the messages these were spent on.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::ModelStore;
use super::state::State;
use crate::domain::book::Unheard;
use crate::domain::wechat::{
    CONSENTS_MAX, Identity, LinkBy, LinkOffer, Linked, Login, Message, MessageEnd, OpenId, ProgramId,
    Template, TemplateId, UnionId,
};
use crate::domain::{AlertId, AppId, EpochMs, RiderId, RiderKey};
use crate::store::{FILE_ROWS_MAX, MessageResult, MessageTrace, StoreResult, WechatStore, World};

/// Where somebody is known; those who are only expected stand under their union id.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Place {
    Expected(UnionId),
    Program(ProgramId, OpenId),
}

/// Somebody in WeChat.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    unionid: Option<UnionId>,
    rider: Option<(RiderId, EpochMs)>,
    offer: Option<LinkOffer>,
    last_login_at: Option<EpochMs>,
    banked: Option<(TemplateId, u32)>,
}

/// A message, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    message: Message,
    made_at: EpochMs,
    end: Option<(EpochMs, MessageEnd)>,
}

#[async_trait]
impl WechatStore for ModelStore {
    async fn sign_in(
        &self,
        app: AppId,
        login: Login,
        offer: LinkOffer,
        at: EpochMs,
    ) -> StoreResult<Option<RiderId>> {
        self.with(|state| state.sign_in(app, login, offer, at))
    }

    async fn link(&self, rider: RiderKey, by: LinkBy, at: EpochMs) -> StoreResult<Linked> {
        self.with(|state| state.link(&rider, by, at))
    }

    async fn identities(&self, rider: RiderKey) -> StoreResult<Vec<Identity>> {
        self.with(|state| state.identities_of(&rider))
    }

    async fn unlink(&self, rider: RiderKey) -> StoreResult<u64> {
        self.with(|state| {
            state.messages.retain(|_, kept| !(kept.is_for(&rider) && kept.end.is_none()));
            state.forget_persons(&rider)
        })
    }

    async fn bank(&self, rider: RiderKey, template: Template, accepted: u32) -> StoreResult<u32> {
        self.with(|state| state.bank(&rider, &template, accepted))
    }

    async fn spend_unheard(&self, rider: RiderKey, world: World, at: EpochMs) -> StoreResult<()> {
        self.with(|state| state.book.rider_fell_silent(&rider, &world.context(at)))
    }

    async fn due_messages(&self, now: EpochMs, limit: u32) -> StoreResult<Vec<Message>> {
        self.with(|state| {
            let waiting = state.messages.values().filter(|kept| kept.end.is_none());
            let due = waiting.map(|kept| &kept.message).filter(|message| message.due_at <= now);
            let mut due: Vec<Message> = due.cloned().collect();
            due.sort_by(|a, b| (a.due_at, a.alert, &a.rider).cmp(&(b.due_at, b.alert, &b.rider)));
            due.truncate(limit as usize);
            due
        })
    }

    async fn take_message(&self, message: Message, again_at: EpochMs, at: EpochMs) -> StoreResult<bool> {
        self.with(|state| {
            let Some(kept) = state.waiting_message(&message).filter(|kept| kept.message.due_at <= at) else {
                return false;
            };
            kept.message.due_at = again_at;
            kept.message.attempts += 1;
            true
        })
    }

    async fn finish_message(&self, message: Message, result: MessageResult, at: EpochMs) -> StoreResult<()> {
        self.with(|state| state.finish_message(&message, result, at))
    }

    async fn forget_identities(&self, before: EpochMs, limit: u32) -> StoreResult<u64> {
        self.with(|state| {
            let unbound = state.persons.iter().filter(|(_, person)| person.rider.is_none());
            let old = unbound.filter_map(|(place, person)| Some((person.last_login_at?, place.clone())));
            let mut old: Vec<_> = old.filter(|(at, _)| *at < before).collect();
            old.sort();
            old.truncate(limit as usize);
            old.iter().filter(|(_, place)| state.persons.remove(place).is_some()).count() as u64
        })
    }
}

impl Kept {
    fn is_for(&self, rider: &RiderKey) -> bool {
        self.message.app == rider.app && self.message.rider == rider.rider
    }
}

impl Person {
    fn is(&self, rider: &RiderId) -> bool {
        self.rider.as_ref().is_some_and(|(theirs, _)| theirs == rider)
    }

    fn bind(&mut self, rider: &RiderId, at: EpochMs) {
        if self.rider.is_none() {
            self.rider = Some((rider.clone(), at));
            self.offer = None;
        }
    }
}

impl State {
    fn sign_in(&mut self, app: AppId, login: Login, offer: LinkOffer, at: EpochMs) -> Option<RiderId> {
        let place = (app, Place::Program(login.program, login.openid));
        let person = self.persons.entry(place.clone()).or_default();
        person.unionid = login.unionid.or(person.unionid.take());
        person.last_login_at = Some(at);
        if let Some((rider, _)) = &person.rider {
            return Some(rider.clone());
        }
        let unionid = person.unionid.clone();
        let alike =
            |(_, person): &(&(AppId, Place), &Person)| person.unionid.is_some() && person.unionid == unionid;
        let elsewhere = self.persons.iter().filter(|((of, _), _)| *of == app).filter(alike);
        let elsewhere = elsewhere.filter_map(|((_, place), person)| Some((person.rider.as_ref()?, place)));
        let first = elsewhere.min_by_key(|((_, linked_at), place)| (*linked_at, *place));
        let rider = first.map(|((rider, _), _)| rider.clone());
        let person = self.persons.get_mut(&place)?;
        match (&rider, unionid) {
            (Some(rider), Some(unionid)) => {
                person.bind(rider, at);
                self.persons.remove(&(app, Place::Expected(unionid)));
            }
            (Some(_) | None, _) => person.offer = Some(offer),
        }
        rider
    }

    fn link(&mut self, rider: &RiderKey, by: LinkBy, at: EpochMs) -> Linked {
        let of_app = self.persons.iter_mut().filter(|((app, _), _)| *app == rider.app);
        match by {
            LinkBy::Code(hash) => {
                let mut shown =
                    of_app.filter(|(_, person)| person.offer.is_some_and(|offer| offer.hash == hash));
                match (shown.next(), shown.next()) {
                    (Some((_, person)), None) if person.offer.is_some_and(|offer| offer.until > at) => {
                        person.bind(&rider.rider, at);
                        Linked::Linked
                    }
                    _ => Linked::Unknown,
                }
            }
            LinkBy::OpenId(program, openid) => {
                let person = self.persons.entry((rider.app, Place::Program(program, openid))).or_default();
                person.bind(&rider.rider, at);
                if person.is(&rider.rider) { Linked::Linked } else { Linked::Taken }
            }
            LinkBy::UnionId(unionid) => {
                let all = of_app.map(|(_, person)| person);
                let mut alike: Vec<_> =
                    all.filter(|person| person.unionid.as_ref() == Some(&unionid)).collect();
                if alike.iter().any(|person| person.rider.is_some() && !person.is(&rider.rider)) {
                    return Linked::Taken;
                }
                for person in &mut alike {
                    person.bind(&rider.rider, at);
                }
                if alike.is_empty() {
                    let mut expected = Person { unionid: Some(unionid.clone()), ..Person::default() };
                    expected.bind(&rider.rider, at);
                    self.persons.insert((rider.app, Place::Expected(unionid)), expected);
                }
                Linked::Linked
            }
        }
    }

    pub(super) fn identities_of(&self, rider: &RiderKey) -> Vec<Identity> {
        let theirs =
            self.persons.iter().filter(|((app, _), person)| *app == rider.app && person.is(&rider.rider));
        let all = theirs.filter_map(|((_, place), person)| {
            let place = match place {
                Place::Expected(_) => None,
                Place::Program(program, openid) => Some((program.clone(), openid.clone())),
            };
            Some(Identity {
                place,
                unionid: person.unionid.clone(),
                linked_at: person.rider.as_ref()?.1,
                last_login_at: person.last_login_at,
                banked: person.banked.clone(),
            })
        });
        let mut all: Vec<Identity> = all.collect();
        // Within one moment by place, as they stand here.
        all.sort_by_key(|identity| identity.linked_at);
        all.truncate(FILE_ROWS_MAX as usize);
        all
    }

    /// Forgets who a rider is; how many they were.
    pub(super) fn forget_persons(&mut self, rider: &RiderKey) -> u64 {
        let before = self.persons.len();
        self.persons.retain(|(app, _), person| !(*app == rider.app && person.is(&rider.rider)));
        (before - self.persons.len()) as u64
    }

    /// A rider in a program, the one who logged in last first.
    fn persons_in(&mut self, rider: &RiderKey, program: &ProgramId) -> Vec<(OpenId, &mut Person)> {
        let theirs = self.persons.iter_mut().filter_map(|((app, place), person)| match place {
            Place::Program(there, openid) if there == program => {
                (*app == rider.app && person.is(&rider.rider)).then(|| (openid.clone(), person))
            }
            Place::Program(..) | Place::Expected(_) => None,
        });
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_by_key(|(openid, person)| {
            (std::cmp::Reverse(person.last_login_at.unwrap_or(EpochMs(0))), openid.clone())
        });
        theirs
    }

    fn bank(&mut self, rider: &RiderKey, template: &Template, accepted: u32) -> u32 {
        let persons = self.persons_in(rider, &template.program);
        let Some((_, person)) = persons.into_iter().next() else { return 0 };
        let before = person.banked.as_ref().filter(|(id, _)| *id == template.id).map_or(0, |(_, n)| *n);
        let banked = (before + accepted).min(CONSENTS_MAX);
        person.banked = Some((template.id.clone(), banked));
        banked
    }

    /// Makes messages for whom the book has found unheard.
    pub(super) fn spend(&mut self) {
        for Unheard { alert, rider, messaging, at } in self.book.take_unheard() {
            let due_at = at.plus_ms(messaging.wait_ms);
            if self.messages.contains_key(&(alert, rider.rider.clone())) {
                continue;
            }
            let willing = messaging.templates.iter().find_map(|template| {
                let mut persons = self.persons_in(&rider, &template.program).into_iter();
                persons.find_map(|(openid, person)| match &mut person.banked {
                    Some((id, banked)) if *id == template.id && *banked > 0 => {
                        *banked -= 1;
                        Some((openid, template.clone()))
                    }
                    Some(_) | None => None,
                })
            });
            let Some((openid, template)) = willing else { continue };
            let message = Message {
                app: rider.app,
                alert,
                rider: rider.rider.clone(),
                openid,
                template,
                due_at,
                attempts: 0,
            };
            self.messages.insert((alert, rider.rider), Kept { message, made_at: at, end: None });
        }
    }

    fn waiting_message(&mut self, message: &Message) -> Option<&mut Kept> {
        self.messages.get_mut(&(message.alert, message.rider.clone())).filter(|kept| kept.end.is_none())
    }

    fn finish_message(&mut self, message: &Message, result: MessageResult, at: EpochMs) {
        let Some(kept) = self.waiting_message(message) else { return };
        match result {
            MessageResult::Again(due_at) => kept.message.due_at = due_at,
            MessageResult::PutOff(due_at) => {
                kept.message.due_at = due_at;
                kept.message.attempts -= 1;
            }
            MessageResult::Over(end) => {
                kept.end = Some((at, end));
                let Template { program, id } = &message.template;
                let place = (message.app, Place::Program(program.clone(), message.openid.clone()));
                let person = self.persons.get_mut(&place);
                let banked = person.and_then(|person| person.banked.as_mut()).filter(|(of, _)| of == id);
                if let Some((_, banked)) = banked {
                    *banked = end.leaves(*banked);
                }
            }
        }
    }

    /// Removes messages to a rider; how many.
    pub(super) fn forget_messages(&mut self, rider: &RiderKey) -> u64 {
        let before = self.messages.len();
        self.messages.retain(|_, kept| !kept.is_for(rider));
        (before - self.messages.len()) as u64
    }

    /// Removes messages of these alerts; how many.
    pub(super) fn forget_messages_of(&mut self, alerts: &BTreeSet<AlertId>) -> u64 {
        let before = self.messages.len();
        self.messages.retain(|(alert, _), _| !alerts.contains(alert));
        (before - self.messages.len()) as u64
    }

    /// Removes messages of an app that ended before `before`; how many.
    pub(super) fn age_messages(&mut self, app: AppId, before: EpochMs) -> u64 {
        let kept = self.messages.len();
        let old = |kept: &Kept| kept.message.app == app && kept.end.is_some_and(|(at, _)| at < before);
        self.messages.retain(|_, kept| !old(kept));
        (kept - self.messages.len()) as u64
    }

    /// Messages to a rider, for their file.
    pub(super) fn message_traces(&self, rider: &RiderKey) -> Vec<MessageTrace> {
        let theirs = self.messages.values().filter(|kept| kept.is_for(rider));
        let mut traces: Vec<MessageTrace> = theirs
            .map(|Kept { message, made_at, end }| MessageTrace {
                alert: message.alert,
                program: message.template.program.clone(),
                made_at: *made_at,
                attempts: message.attempts,
                end: *end,
            })
            .collect();
        traces.sort_by_key(|trace| (trace.made_at, trace.alert));
        traces.truncate(FILE_ROWS_MAX as usize);
        traces
    }
}
