//! From one item of a decoded body to a canonical event, as a profile says.
//! What comes out is always an event that `POST /v1/events` would take, once it is known whom it is for.

mod fit;
mod identity;
mod kinds;
mod members;
mod source;
mod target;

use serde_json::{Map, Value};

use super::coordinates::Coordinates;
use super::expression::EvalError;
use super::times::{Moment, Zone};
use super::{ProfileError, Scope};
use crate::domain::{EpochMs, EventId, Kinds};
use crate::intake::event_body::{MERCHANT_CHARS_MAX, read_callback_url};
use crate::intake::offer;
use crate::intake::parsed::{ParsedEvent, of_canonical};
use crate::intake::reader::{InputError, Reader};
use fit::{Fitting, cut, is_nothing};
use identity::Facts;
use kinds::{KindTable, Meaning, UNKNOWN};
use source::{Shape, Source};
use target::DefaultTarget;

/// Longest text of a station, in characters.
const STATION_CHARS_MAX: usize = MERCHANT_CHARS_MAX;
/// Longest status that is shown of what was ignored, in characters.
const STATUS_CHARS_MAX: usize = 64;

/// What became of one item.
#[derive(Clone, Debug)]
pub enum ItemReading {
    /// It is an event.
    Event(Box<HookEvent>),
    /// Its status says nothing to riders.
    Ignored {
        /// Stable word: `ignored` where the profile says so, else `unknown_status`.
        why: &'static str,
        /// The status as it came.
        status: String,
    },
    /// The profile's `when` drops it.
    Filtered,
    /// No event can be made of it.
    Unmapped {
        /// Stable word: `no_kind`, `bad_kind`, `bad_when`.
        error: &'static str,
        /// For the hook's owner. Nothing of the body.
        detail: String,
    },
}

/// An event made of an item.
#[derive(Clone, Debug)]
pub struct HookEvent {
    /// The canonical event; without `target` if neither the item nor the profile names anyone.
    pub canonical: Value,
    /// Whose share of shadow mode it is in.
    pub station: Option<String>,
    /// Whether its id was made of what it says, since the sender gives none.
    pub id_is_derived: bool,
    /// When the sender says it called.
    pub called_at: Option<EpochMs>,
    /// Members that were mapped and did not fit, each with why: `/order/fee_cents: is no number`.
    pub dropped: Vec<String>,
}

impl HookEvent {
    /// The event, as if it had been posted.
    ///
    /// # Errors
    /// `empty_target` where it is for nobody.
    pub fn parsed(&self, kinds: &Kinds) -> Result<ParsedEvent, InputError> {
        if self.canonical.get("target").is_none() {
            return Err(InputError {
                error: "empty_target",
                pointer: Some("/target".to_owned()),
                detail: "neither the body nor the hook names a rider or group".to_owned(),
            });
        }
        // It has an id: what is given here names nothing.
        of_canonical(&self.canonical, kinds, || EventId::fresh(EpochMs(0), [0; 10]))
    }
}

/// What a profile maps, compiled.
#[derive(Debug)]
pub(super) struct Mapping {
    id: Option<Source>,
    kind: Source,
    /// Whether the kind is a member of the request: then a request without it is not what the profile is for.
    kind_is_member: bool,
    changed_at: Option<Source>,
    called_at: Option<Source>,
    rider: Option<Source>,
    station: Option<Source>,
    event: Vec<(&'static str, Shape)>,
    kinds: KindTable,
    target: Option<DefaultTarget>,
    zone: Zone,
    coord: Coordinates,
}

/// Members of `[map]` that are no members of the event.
const OWN: [&str; 6] = ["id", "kind", "changed_at", "called_at", "rider", "station"];

impl Mapping {
    /// Compiles `[map]`, `[kinds]` and `[target]` of a profile.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn compile(
        profile: &Reader<'_>,
        kinds: &Kinds,
        zone: Zone,
        coord: Coordinates,
    ) -> Result<Self, ProfileError> {
        let map = profile.object("map")?.ok_or_else(|| profile.missing("map"))?;
        if map.value("occurred_at").is_some() {
            let detail = "map changed_at (the event's own time) or called_at (the time of the call)";
            return Err(map.error("occurred_at", "unknown_member", detail).into());
        }
        let known: Vec<&str> = OWN.into_iter().chain(members::EVENT.iter().map(|(name, _)| *name)).collect();
        map.only(&known)?;
        let source = |name: &str| {
            map.value(name).map(|value| Source::compile(value, &map.pointer_of(name))).transpose()
        };
        let mut event = Vec::new();
        for (name, fit) in &members::EVENT {
            if let Some(shape) = Shape::compile(&map, name, *fit)? {
                event.push((*name, shape));
            }
        }
        Ok(Self {
            id: source("id")?,
            kind: source("kind")?.ok_or_else(|| map.missing("kind"))?,
            kind_is_member: map.value("kind").and_then(Value::as_str).is_some_and(is_member),
            changed_at: source("changed_at")?,
            called_at: source("called_at")?,
            rider: source("rider")?,
            station: source("station")?,
            event,
            kinds: KindTable::read(profile.object("kinds")?.as_ref(), kinds)?,
            target: DefaultTarget::read(profile)?,
            zone,
            coord,
        })
    }

    /// Makes an event of the item in hand.
    pub(super) fn read(&self, scope: &Scope<'_>) -> ItemReading {
        let mut fitting = Fitting::new(&self.zone, self.coord);
        let status = match self.kind.evaluate(scope, &mut fitting) {
            Ok(status) => status,
            Err(EvalError(detail)) => return ItemReading::Unmapped { error: "bad_kind", detail },
        };
        let unmapped = |error, detail: &str| ItemReading::Unmapped { error, detail: detail.to_owned() };
        match self.kinds.meaning(&status) {
            Meaning::Kind(kind, status) => {
                ItemReading::Event(Box::new(self.event(kind, &status, scope, fitting)))
            }
            Meaning::Ignored(why, status) => {
                ItemReading::Ignored { why, status: cut(status, STATUS_CHARS_MAX) }
            }
            Meaning::Absent if self.kind_is_member => {
                unmapped("no_kind", "map.kind is not in the request, and there is no default kind")
            }
            Meaning::Absent => ItemReading::Ignored { why: UNKNOWN, status: String::new() },
            Meaning::NoWord => unmapped("bad_kind", "map.kind gives a list or an object"),
        }
    }

    fn event<'a>(
        &'a self,
        kind: &str,
        status: &str,
        scope: &Scope<'_>,
        mut fitting: Fitting<'a>,
    ) -> HookEvent {
        let mut event = Map::new();
        for (name, shape) in &self.event {
            if let Some(value) = fitting.at(name, |fitting| shape.build(scope, fitting)) {
                event.insert((*name).to_owned(), value);
            }
        }
        leave_out_refused(&mut event, &mut fitting);
        let mut own = Own { scope, fitting: &mut fitting };
        let changed_at =
            own.ask("changed_at", self.changed_at.as_ref(), |fitting, value| fitting.moment(&value));
        let called_at =
            own.ask("called_at", self.called_at.as_ref(), |fitting, value| fitting.moment(&value));
        let rider = own.ask("rider", self.rider.as_ref(), |fitting, value| fitting.id(&value));
        let station = own
            .ask("station", self.station.as_ref(), |fitting, value| fitting.text(value, STATION_CHARS_MAX));
        let given = own.ask("id", self.id.as_ref(), |fitting, value| fitting.event_id(&value));
        target::name_rider(&mut event, rider);
        let id = given.clone().unwrap_or_else(|| {
            let riders = target::riders(&event);
            let facts = Facts {
                order: event.get("order").and_then(|order| order.get("id")).and_then(Value::as_str),
                // Where a kind stands for a status that is not there.
                status: if status.is_empty() { kind } else { status },
                rider: riders.as_deref(),
                changed_at: changed_at.as_ref().map(epoch),
            };
            identity::derived(facts, scope.item)
        });
        target::complete(&mut event, self.target.as_ref());
        let station = station.or_else(|| target::station(&event));
        let called = called_at.as_ref().map(epoch);
        if let Some(at) = changed_at.or(called_at) {
            event.insert("occurred_at".to_owned(), Value::String(at.to_string()));
        }
        event.insert("id".to_owned(), Value::String(id));
        event.insert("kind".to_owned(), Value::String(kind.to_owned()));
        HookEvent {
            canonical: Value::Object(event),
            station,
            id_is_derived: given.is_none(),
            called_at: called,
            dropped: fitting.into_dropped(),
        }
    }
}

fn epoch(moment: &Moment) -> EpochMs {
    EpochMs(moment.at.as_millisecond())
}

/// Asks for what is mapped and is no member of the event.
struct Own<'f, 's, 'a> {
    scope: &'s Scope<'s>,
    fitting: &'f mut Fitting<'a>,
}

impl<'a> Own<'_, '_, 'a> {
    fn ask<T>(
        &mut self,
        name: &'static str,
        source: Option<&'a Source>,
        fit: impl FnOnce(&mut Fitting<'a>, Value) -> Option<T>,
    ) -> Option<T> {
        let source = source?;
        self.fitting.at(name, |fitting| {
            let value = source.ask(self.scope, fitting);
            if is_nothing(&value) { None } else { fit(fitting, value) }
        })
    }
}

/// Leaves out what is judged as a whole, and would be refused.
fn leave_out_refused(event: &mut Map<String, Value>, fitting: &mut Fitting<'_>) {
    let offer = match Reader::of(event).object("offer") {
        Ok(Some(offer)) => offer::read(&offer).err(),
        Ok(None) => None,
        Err(error) => Some(error),
    };
    let url = read_callback_url(&Reader::of(event)).err();
    for (name, error) in [("offer", offer), ("callback_url", url)] {
        if let Some(error) = error {
            event.remove(name);
            let at = error.pointer.unwrap_or_default();
            fitting.at(name, |fitting| fitting.leave_out(&format!("{} ({at})", error.detail)));
        }
    }
}

/// Whether an expression is a member of the request and nothing more.
fn is_member(expression: &str) -> bool {
    let text = expression.trim();
    let root = ["body", "item", "headers", "query", "event"].iter().any(|root| {
        text.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    });
    root && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '[' | ']' | '\'' | '"'))
}

#[cfg(test)]
mod tests;
