//! From a fact to the callbacks it becomes: who wants it, under which id, and behind which others it waits.
//! Everything follows from the fact and its destination, so that the same fact never becomes two callbacks.

use std::fmt::Write as _;

use aws_lc_rs::digest;

use super::{CallbackTarget, Destination, Fact, TargetState};
use crate::domain::id::IdEntropy;
use crate::domain::{AppId, CallbackId, CallbackTargetId};

/// What the name of a destination begins with that an event named itself.
const URL_PREFIX: &str = "url:";

/// A callback that a fact becomes, before it is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outgoing<'a> {
    /// Its id.
    pub id: CallbackId,
    /// Where it goes.
    pub destination: Destination,
    /// The address, where the event named it itself.
    pub url: Option<&'a str>,
    /// It waits for all that came before it in the same lane of its destination. Empty if all of a destination is one lane.
    pub lane: String,
}

impl Destination {
    /// The one of a target.
    #[must_use]
    pub fn of_target(app: AppId, id: CallbackTargetId) -> Self {
        Self { app, name: id.to_string() }
    }

    /// The one of an address that an event named itself.
    #[must_use]
    pub fn of_url(app: AppId, url: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, url.as_bytes());
        let mut name = URL_PREFIX.to_owned();
        for byte in hash.as_ref().iter().take(16) {
            // A String never fails to be written to.
            write!(name, "{byte:02x}").ok();
        }
        Self { app, name }
    }

    /// The target, unless an event named the address itself.
    #[must_use]
    pub fn target(&self) -> Option<CallbackTargetId> {
        self.name.parse().ok()
    }
}

impl CallbackTarget {
    /// Where its callbacks go.
    #[must_use]
    pub fn destination(&self) -> Destination {
        Destination::of_target(self.app, self.id)
    }

    /// Whether it hears of facts of this kind.
    #[must_use]
    pub fn hears(&self, kind: &str) -> bool {
        self.state == TargetState::Active && self.kinds.include(kind)
    }

    /// Whether it hears who comes and goes.
    #[must_use]
    pub fn hears_presence(&self) -> bool {
        self.hears("rider.online") || self.hears("rider.offline")
    }
}

impl Fact {
    /// The callbacks it becomes: one for each target of its app that wants it, and one for the address that its event named,
    /// unless a target with that address gets it already.
    #[must_use]
    pub fn outgoing<'a>(&self, targets: &[CallbackTarget], url: Option<&'a str>) -> Vec<Outgoing<'a>> {
        let wanting = targets.iter().filter(|target| target.app == self.app && target.hears(&self.kind));
        let mut outgoing: Vec<Outgoing<'a>> = wanting.clone().map(|target| self.to_target(target)).collect();
        let url = url.filter(|url| !wanting.clone().any(|target| target.url == *url));
        outgoing.extend(url.map(|url| {
            let destination = Destination::of_url(self.app, url);
            let id = self.callback_id(&destination);
            Outgoing { id, destination, url: Some(url), lane: self.lane() }
        }));
        outgoing
    }

    /// The callback it becomes for this target, whatever that wants.
    #[must_use]
    pub fn to_target<'a>(&self, target: &CallbackTarget) -> Outgoing<'a> {
        let destination = target.destination();
        let lane = if target.batch_max > 1 { String::new() } else { self.lane() };
        Outgoing { id: self.callback_id(&destination), destination, url: None, lane }
    }

    fn lane(&self) -> String {
        match (&self.alert, &self.rider) {
            (Some(alert), _) => alert.to_string(),
            (None, Some(rider)) => format!("rider:{rider}"),
            (None, None) => self.kind.clone(),
        }
    }

    fn callback_id(&self, destination: &Destination) -> CallbackId {
        let about = (self.app, &destination.name, &self.kind, self.alert, &self.rider, &self.data);
        // All of it are ids, words and a map: nothing that cannot be written down.
        let text = serde_json::to_vec(&about).unwrap_or_default();
        CallbackId::new(self.at, entropy_of(&text))
    }
}

/// The id of a request that carries these callbacks together.
#[must_use]
pub fn batch_id(first: CallbackId, others: impl IntoIterator<Item = CallbackId>) -> CallbackId {
    let mut text = first.to_string();
    for id in others {
        text.push_str(&id.to_string());
    }
    CallbackId::new(first.made_at(), entropy_of(text.as_bytes()))
}

fn entropy_of(text: &[u8]) -> IdEntropy {
    let mut entropy = IdEntropy::default();
    let hash = digest::digest(&digest::SHA256, text);
    for (to, from) in entropy.iter_mut().zip(hash.as_ref()) {
        *to = *from;
    }
    entropy
}

#[cfg(test)]
mod tests {
    use super::{Destination, batch_id};
    use crate::domain::app::KeyMode;
    use crate::domain::callback::{CallbackTarget, Fact, TargetState, WantedKinds};
    use crate::domain::{AlertId, AppId, CallbackTargetId, EpochMs};

    fn app() -> AppId {
        AppId::new(EpochMs(1), [0; 10])
    }

    fn target(number: u8, kinds: WantedKinds) -> CallbackTarget {
        CallbackTarget {
            id: CallbackTargetId::new(EpochMs(1), [number; 10]),
            app: app(),
            url: format!("https://t{number}.example/"),
            kinds,
            batch_max: 1,
            state: TargetState::Active,
            created_at: EpochMs(1),
        }
    }

    fn fact(kind: &str) -> Fact {
        let alert = Some(AlertId::new(EpochMs(5), [9; 10]));
        let (rider, data) = (Some("r1".parse().unwrap()), serde_json::Map::new());
        let at = EpochMs(10);
        Fact {
            app: app(),
            key_mode: KeyMode::Live,
            kind: kind.to_owned(),
            alert,
            order: None,
            rider,
            at,
            data,
        }
    }

    #[test]
    fn whoever_wants_it_gets_it_once() {
        let offers = WantedKinds::These(["offer.*".to_owned()].into());
        let mut targets = [target(1, WantedKinds::All), target(2, offers)];
        let names = |targets: &[CallbackTarget], kind: &str, url: Option<&str>| {
            let outgoing = fact(kind).outgoing(targets, url);
            outgoing.into_iter().map(|one| one.destination.name).collect::<Vec<_>>()
        };
        let name = |target: &CallbackTarget| target.id.to_string();
        assert_eq!(names(&targets, "offer.expired", None), [name(&targets[0]), name(&targets[1])]);
        assert_eq!(names(&targets, "delivery.sent", None), [name(&targets[0])]);
        let own = Destination::of_url(app(), "https://own.example/");
        assert_eq!(
            names(&targets, "delivery.sent", Some("https://own.example/")),
            [name(&targets[0]), own.name]
        );
        assert_eq!(names(&targets, "delivery.sent", Some("https://t1.example/")), [name(&targets[0])]);
        targets[0].state = TargetState::Stopped { at: EpochMs(3) };
        assert_eq!(names(&targets, "delivery.sent", None), [""; 0]);
        targets[1].app = AppId::new(EpochMs(2), [0; 10]);
        assert_eq!(names(&targets, "offer.expired", None), [""; 0]);
    }

    #[test]
    fn the_same_fact_has_the_same_id_and_another_has_another() {
        let all = [target(1, WantedKinds::All), target(2, WantedKinds::All)];
        let ids = |fact: &Fact| fact.outgoing(&all, None).into_iter().map(|one| one.id).collect::<Vec<_>>();
        let told = ids(&fact("delivery.sent"));
        assert_eq!(ids(&fact("delivery.sent")), told);
        assert_ne!(told[0], told[1], "each destination has its own");
        assert_ne!(ids(&fact("delivery.played")), told);
        let mut other = fact("delivery.sent");
        other.data.insert("ring".to_owned(), 2.into());
        assert_ne!(ids(&other), told);
        assert_eq!(batch_id(told[0], [told[1]]), batch_id(told[0], [told[1]]));
        assert_ne!(batch_id(told[0], [told[1]]), batch_id(told[0], []));
    }

    #[test]
    fn a_lane_is_an_alert_or_a_rider_or_the_whole_target() {
        let mut one = target(1, WantedKinds::All);
        let lane = |fact: &Fact, target: &CallbackTarget| fact.to_target(target).lane;
        let told = fact("delivery.sent");
        assert_eq!(lane(&told, &one), told.alert.unwrap().to_string());
        assert_eq!(lane(&Fact { alert: None, ..told.clone() }, &one), "rider:r1");
        let test = Fact { alert: None, rider: None, ..fact("callback.test") };
        assert_eq!(lane(&test, &one), "callback.test");
        one.batch_max = 2;
        assert_eq!(lane(&told, &one), "");
    }

    #[test]
    fn a_destination_hides_its_address() {
        let own = Destination::of_url(app(), "https://own.example/?key=secret");
        assert!(own.name.starts_with("url:") && own.name.len() == 36 && own.target().is_none());
        let target = target(1, WantedKinds::All);
        assert_eq!(target.destination().target(), Some(target.id));
    }
}
