//! Climbing ladders: steps whose time has come, and fallback steps of alerts that nobody can hear.
//! The store takes each step once; here is what follows outside of it: bells, a louder clip, a call.

use std::sync::Arc;

use tracing::info;

use super::Dispatch;
use crate::domain::Sound;
use crate::domain::book::Book;
use crate::domain::ladder::Act;
use crate::domain::{AlertId, AppId, EpochMs, Head, Presence, RiderId, RiderKey};
use crate::speech::{Chime, SayBudget, Sentence};
use crate::store::{StoreResult, When};
use crate::telemetry::Metric;

impl Dispatch {
    /// Takes every ladder step that is due.
    pub(super) async fn climb(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for due in self.store.due_steps(now, self.limits.sweep_batch).await? {
            self.take_step(&due.head, due.level, When::Due).await?;
        }
        Ok(())
    }

    /// A rider can no longer be heard: their alerts that nobody else hears take their fallback step, and consents to messages are
    /// spent on what is left to them.
    ///
    /// # Errors
    /// The store's; the step is taken at its time then.
    pub async fn on_unheard(self: &Arc<Self>, rider: &RiderKey) -> StoreResult<()> {
        for (head, riders) in self.store.laddered(rider.clone()).await? {
            self.fall_back(&head, &riders).await?;
        }
        self.spend_unheard(rider).await
    }

    /// Takes the fallback step of an alert if none of these riders can hear it.
    pub(super) async fn fall_back(self: &Arc<Self>, head: &Head, riders: &[RiderId]) -> StoreResult<()> {
        let Some(world) = self.world_of(head.app).await? else { return Ok(()) };
        match Book::needs_fallback(head, riders, &world.context(self.wall())) {
            Some(level) => self.take_step(head, level, When::Fallback).await,
            None => Ok(()),
        }
    }

    async fn take_step(self: &Arc<Self>, head: &Head, level: u32, when: When) -> StoreResult<()> {
        let Some(world) = self.world_of(head.app).await? else { return Ok(()) };
        let louder = head.ladder.steps().get(level as usize).is_some_and(|step| step.act == Act::Louder);
        // Before the step, so that whoever is rung by it hears it louder.
        let sound = if louder { self.louder(head.app, head.id).await? } else { None };
        let stepped = self.store.step(head.id, level, when, sound, world, self.wall()).await?;
        let Some(stepped) = stepped else { return Ok(()) };
        info!(
            alert.id = %head.id,
            ladder.level = level,
            ladder.step = stepped.act,
            test = head.key_mode.is_test(),
            riders = stepped.rung.len(),
            "Ladder step taken."
        );
        if !head.key_mode.is_test() {
            self.telemetry.counter(Metric::LadderSteps, &[("step", stepped.act)]).increment(1);
        }
        self.tell_ended(&stepped.ended);
        self.ring_all_of(&stepped.rung);
        self.waiting.wake(head.id);
        if !stepped.calls.is_empty() {
            self.call_due(self.wall()).await?;
        }
        self.see_to_those_rung(head, &stepped.rung).await
    }

    /// Whoever a step has rung may not be able to hear it either.
    async fn see_to_those_rung(self: &Arc<Self>, head: &Head, rung: &[RiderKey]) -> StoreResult<()> {
        let unheard = rung.iter().find(|rider| !self.hub.is_audible(rider.app, &rider.rider));
        match unheard {
            Some(rider) if head.ladder.fallback(0).is_some() => {
                // By way of another step: a future cannot hold itself.
                Box::pin(self.on_unheard(rider)).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The alert's clip with the louder chime, if it can be had within the budget.
    async fn louder(&self, app: AppId, alert: AlertId) -> StoreResult<Option<Sound>> {
        let Some(record) = self.store.alert(app, alert).await? else { return Ok(None) };
        let sentence = Sentence { chime: Chime::Louder, ..self.sentence_of(&record.alert).await };
        let budget = self.limits.speech_budget;
        let saying = self.say_within(app, &sentence, SayBudget::Within(budget));
        let saying = tokio::time::timeout(budget, saying);
        let spoken = saying.await.ok().and_then(Result::ok);
        Ok(spoken.map(|spoken| spoken.sound))
    }
}
