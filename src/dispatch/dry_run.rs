//! What an event would say, and to how many, without saying it: nothing is stored, spoken or remembered.
//! It is checked and drafted as a real one is, and refused with the same words.

use serde::Serialize;
use utoipa::ToSchema;

use super::Dispatch;
use super::accept::{AcceptError, Arrival};
use super::directory::AppEntry;
use super::draft::{self, PhraseUsed};
use super::prepare::Checked;
use crate::domain::app::KeyMode;
use crate::domain::target::DutyRule;
use crate::domain::{
    Alert, AppId, Arbiter, EventId, GroupId, Mode, Need, Presence, Repeat, RiderId, Target, Urgency,
};
use crate::store::{AUDIENCE_MAX, StoreResult};

/// What would become of an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DryRun {
    /// Always true: what is not valid is refused.
    pub valid: bool,
    /// The backend's id, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Name of its kind.
    pub kind: String,
    /// Whether it would be remembered only, and nobody told.
    pub silent: bool,
    /// The alert it would make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<AlertPreview>,
    /// When a recurring event would come first, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
    /// Who would hear it.
    pub target: TargetPreview,
}

/// What an event would say.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AlertPreview {
    /// What the card would show.
    pub text: String,
    /// What would be spoken; empty where only the chime sounds.
    pub said: String,
    /// Short label.
    pub title: String,
    /// Language asked for.
    pub lang: String,
    /// How pressing.
    pub urgency: Urgency,
    /// What it would ask of its riders.
    pub mode: Mode,
    /// What answer would end it.
    pub need: Need,
    /// Its life, in seconds.
    pub ttl_s: i64,
    /// How often it would sound.
    pub repeat: Repeat,
    /// When it would be told, RFC 3339, if not at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<String>,
    /// Each rider's time to answer, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_s: Option<i64>,
    /// Who would decide the offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arbiter: Option<Arbiter>,
    /// What would happen while nobody answers.
    pub ladder: Vec<StepPreview>,
    /// Whether the app's quiet hours would hold it back now.
    pub hushed: bool,
    /// Which phrase it would be spoken with.
    pub phrase: Option<PhraseUsed>,
}

/// A step of a ladder.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StepPreview {
    /// Seconds after the ladder began.
    pub after_s: u32,
    /// What is done.
    pub r#do: &'static str,
    /// Whether it is taken at once for riders who cannot be heard.
    pub fallback: bool,
}

/// Who would hear an event, as things are now.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct TargetPreview {
    /// How many riders it means in all, each once, less the excluded.
    pub audience: u64,
    /// How many of these would hear it now.
    pub reachable: usize,
    /// Riders named.
    pub riders: usize,
    /// Of the named, those known here.
    pub known: usize,
    /// Of the named, those known to be on duty.
    pub on_duty: usize,
    /// Of the named, those with a session.
    pub online: usize,
    /// Groups named.
    pub groups: Vec<GroupPreview>,
    /// Whether it is for everyone known.
    pub broadcast: bool,
}

/// A group that an event names.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupPreview {
    /// Its name.
    pub group: GroupId,
    /// How many are in it; `null` if there is no such group.
    pub members: Option<usize>,
}

impl Dispatch {
    /// What would become of an event.
    ///
    /// # Errors
    /// As [`Dispatch::accept`], but for conflicts: whether its id was used before is not looked at.
    pub async fn dry_run(&self, app: &AppEntry, arrival: &Arrival) -> Result<DryRun, AcceptError> {
        let (mut run, target) = match self.preview(app, arrival) {
            Ok(run) => (run, &arrival.parsed.event.target),
            Err(AcceptError::Input(error)) => return Err(arrival.parsed.places.tell(error).into()),
            Err(error @ (AcceptError::Conflict | AcceptError::Store(_))) => return Err(error),
        };
        run.target = self.target_preview(app.app.id, arrival.key_mode, target).await?;
        let told_now = |alert: &AlertPreview| !alert.hushed && alert.starts_at.is_none();
        if run.first_at.is_some() || !run.alert.as_ref().is_some_and(told_now) {
            run.target.reachable = 0;
        }
        Ok(run)
    }

    fn preview(&self, app: &AppEntry, arrival: &Arrival) -> Result<DryRun, AcceptError> {
        let (event, at) = (&arrival.parsed.event, arrival.received_at);
        let Checked { kind, schedule } = self.checked(app, arrival)?;
        let phrases = self.speech.phrases();
        let alert = draft::draft(event, kind, app, phrases, self.made(arrival))?;
        let phrase = draft::phrase_of(event, kind, app, phrases, at)?;
        let rules = self.world(app, at).rules;
        let alert = alert.map(|alert| {
            let hushed = rules.hushes(alert.urgency);
            AlertPreview { hushed, phrase, ..AlertPreview::of(&alert) }
        });
        Ok(DryRun {
            valid: true,
            event_id: Some(event.id.clone()),
            kind: kind.name.clone(),
            silent: alert.is_none(),
            alert,
            first_at: schedule.and_then(|schedule| schedule.next_at).map(|at| at.to_string()),
            target: TargetPreview::default(),
        })
    }

    async fn target_preview(
        &self,
        app: AppId,
        key_mode: KeyMode,
        target: &Target,
    ) -> StoreResult<TargetPreview> {
        let connected: Vec<RiderId> = self.connected(app, key_mode, target).await?.into_iter().collect();
        let named = self.store.riders(app, target.riders.clone()).await?;
        let mut groups = Vec::with_capacity(target.groups.len());
        for group in &target.groups {
            let members = self.store.group(app, group.clone()).await?.map(|members| members.len());
            groups.push(GroupPreview { group: group.clone(), members });
        }
        // As for a real event: of a large audience only the connected are counted.
        let mut reachable = connected.len();
        if target.duty == DutyRule::OnDutyOnly && reachable <= AUDIENCE_MAX {
            let off_duty = self.store.riders(app, connected).await?;
            reachable -= off_duty.iter().filter(|rider| !rider.on_duty).count();
        }
        Ok(TargetPreview {
            audience: self.store.audience(app, target.clone()).await?,
            reachable,
            riders: target.riders.len(),
            known: named.iter().filter(|rider| rider.known).count(),
            on_duty: named.iter().filter(|rider| rider.known && rider.on_duty).count(),
            online: target.riders.iter().filter(|rider| self.hub.is_online(app, rider)).count(),
            groups,
            broadcast: target.broadcast,
        })
    }
}

impl AlertPreview {
    fn of(alert: &Alert) -> Self {
        let later = alert.starts_at > alert.created_at;
        let steps = alert.ladder.steps().iter().map(|step| StepPreview {
            after_s: step.after_s,
            r#do: step.act.word(),
            fallback: step.fallback,
        });
        Self {
            text: alert.text.clone(),
            said: alert.said.text(),
            title: alert.title.clone(),
            lang: alert.lang.clone(),
            urgency: alert.urgency,
            mode: alert.mode,
            need: alert.need,
            ttl_s: alert.expires_at.since_ms(alert.starts_at) / 1000,
            repeat: alert.repeat,
            starts_at: later.then(|| alert.starts_at.to_string()),
            answer_s: alert.answer_ms.map(|answer_ms| answer_ms / 1000),
            arbiter: alert.is_offer().then_some(alert.arbiter),
            ladder: steps.collect(),
            hushed: false,
            phrase: None,
        }
    }
}
