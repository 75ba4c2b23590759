//! Riders in WeChat: logins, links, and what they have agreed to.

use futures_util::future::join_all;
use orderbell::domain::wechat::{
    CONSENTS_MAX, Identity, LinkBy, LinkOffer, Linked, Login, OpenId, ProgramId, Template,
};
use orderbell::domain::{AppId, EpochMs, RiderId};
use orderbell::store::Traces;

use crate::stage::Stage;

pub(crate) fn program(name: &str) -> ProgramId {
    name.parse().unwrap()
}

pub(crate) fn openid(name: &str) -> OpenId {
    name.parse().unwrap()
}

pub(crate) fn template(program: &str, id: &str) -> Template {
    Template { program: program.parse().unwrap(), id: id.parse().unwrap() }
}

fn code(number: u8) -> [u8; 32] {
    [number; 32]
}

/// A login in a program; `who` is the openid, and behind a slash the union id.
fn login(program: &str, who: &str) -> Login {
    let (openid, unionid) =
        who.split_once('/').map_or((who, None), |(openid, unionid)| (openid, Some(unionid)));
    Login {
        program: program.parse().unwrap(),
        openid: openid.parse().unwrap(),
        unionid: unionid.map(|unionid| unionid.parse().unwrap()),
    }
}

/// Logs in at `at`, with a code that is good for a hundred.
async fn sign_in_to(stage: &Stage, app: AppId, login: Login, number: u8, at: i64) -> Option<RiderId> {
    let offer = LinkOffer { hash: code(number), until: EpochMs(at + 100) };
    stage.store.sign_in(app, login, offer, EpochMs(at)).await.unwrap()
}

async fn sign_in(stage: &Stage, program: &str, who: &str, number: u8, at: i64) -> Option<String> {
    let rider = sign_in_to(stage, stage.app, login(program, who), number, at).await;
    rider.map(|rider| rider.to_string())
}

async fn link(stage: &Stage, rider: &str, by: LinkBy, at: i64) -> Linked {
    stage.store.link(stage.rider(rider), by, EpochMs(at)).await.unwrap()
}

async fn by_code(stage: &Stage, rider: &str, number: u8, at: i64) -> Linked {
    link(stage, rider, LinkBy::Code(code(number)), at).await
}

async fn by_union(stage: &Stage, rider: &str, unionid: &str, at: i64) -> Linked {
    link(stage, rider, LinkBy::UnionId(unionid.parse().unwrap()), at).await
}

pub(crate) async fn by_openid(stage: &Stage, rider: &str, place: (&str, &str), at: i64) -> Linked {
    link(stage, rider, LinkBy::OpenId(program(place.0), openid(place.1)), at).await
}

pub(crate) async fn identities(stage: &Stage, rider: &str) -> Vec<Identity> {
    stage.store.identities(stage.rider(rider)).await.unwrap()
}

pub(crate) async fn bank(stage: &Stage, rider: &str, template: &Template, accepted: u32) -> u32 {
    stage.store.bank(stage.rider(rider), template.clone(), accepted).await.unwrap()
}

pub(crate) async fn a_login_is_nobodys_until_it_is_linked(stage: &Stage) {
    assert_eq!(sign_in(stage, "wx1", "o1", 1, 10).await, None);
    assert_eq!(identities(stage, "r1").await, []);
    assert_eq!(by_code(stage, "r1", 1, 20).await, Linked::Linked);
    assert_eq!(sign_in(stage, "wx1", "o1", 2, 30).await.as_deref(), Some("r1"));
    let expected = Identity {
        place: Some((program("wx1"), openid("o1"))),
        unionid: None,
        linked_at: EpochMs(20),
        last_login_at: Some(EpochMs(30)),
        banked: None,
    };
    assert_eq!(identities(stage, "r1").await, [expected]);
    assert_eq!(by_code(stage, "r2", 2, 40).await, Linked::Unknown, "who is a rider has no code");
    assert_eq!(sign_in(stage, "wx2", "o1", 3, 50).await, None, "another program has other ids");
    assert_eq!(
        sign_in_to(stage, stage.other, login("wx1", "o1"), 4, 50).await,
        None,
        "nor is another app asked"
    );
    assert_eq!(by_code(stage, "r1", 4, 60).await, Linked::Unknown);
}

pub(crate) async fn a_code_is_good_once_and_not_for_long(stage: &Stage) {
    sign_in(stage, "wx1", "o1", 1, 10).await;
    assert_eq!(by_code(stage, "r1", 9, 20).await, Linked::Unknown, "a wrong one");
    assert_eq!(by_code(stage, "r1", 1, 110).await, Linked::Unknown, "one that is too old");
    sign_in(stage, "wx1", "o1", 2, 120).await;
    assert_eq!(by_code(stage, "r1", 1, 130).await, Linked::Unknown, "a newer login has another");
    assert_eq!(by_code(stage, "r1", 2, 219).await, Linked::Linked);
    for rider in ["r1", "r2"] {
        assert_eq!(by_code(stage, rider, 2, 219).await, Linked::Unknown, "it is used");
    }
}

pub(crate) async fn a_code_that_chance_gave_twice_names_nobody(stage: &Stage) {
    for who in ["o1", "o2"] {
        sign_in(stage, "wx1", who, 1, 10).await;
    }
    assert_eq!(by_code(stage, "r1", 1, 20).await, Linked::Unknown);
    sign_in(stage, "wx1", "o2", 2, 30).await;
    assert_eq!(by_code(stage, "r1", 1, 40).await, Linked::Linked);
    assert_eq!(sign_in(stage, "wx1", "o1", 3, 50).await.as_deref(), Some("r1"));
}

pub(crate) async fn of_many_who_link_one_has_it(stage: &Stage) {
    sign_in(stage, "wx1", "o1/u1", 1, 10).await;
    let riders = ["r1", "r2", "r3", "r4", "r5"];
    let linked = |all: Vec<Linked>| all.into_iter().filter(|linked| *linked == Linked::Linked).count();
    let by_code = riders.map(|rider| by_code(stage, rider, 1, 20));
    assert_eq!(linked(join_all(by_code).await), 1);
    let by_openid = riders.map(|rider| by_openid(stage, rider, ("wx2", "o2"), 30));
    assert_eq!(linked(join_all(by_openid).await), 1);
    let by_union = riders.map(|rider| by_union(stage, rider, "u9", 40));
    assert_eq!(linked(join_all(by_union).await), 1);
    let mut at_once = Vec::new();
    for number in 10..15 {
        at_once.push(sign_in(stage, "wx3", "o3/u1", number, 50));
    }
    let who = join_all(at_once).await;
    assert!(who[0].is_some() && who.iter().all(|rider| *rider == who[0]), "{who:?}");
}

pub(crate) async fn whoever_is_another_rider_stays_it(stage: &Stage) {
    assert_eq!(by_openid(stage, "r1", ("wx1", "o1"), 10).await, Linked::Linked);
    assert_eq!(by_openid(stage, "r1", ("wx1", "o1"), 20).await, Linked::Linked, "again is nothing new");
    assert_eq!(by_openid(stage, "r2", ("wx1", "o1"), 30).await, Linked::Taken);
    sign_in(stage, "wx1", "o1/u1", 1, 40).await;
    assert_eq!(by_union(stage, "r2", "u1", 50).await, Linked::Taken);
    assert_eq!(by_union(stage, "r1", "u1", 60).await, Linked::Linked);
    assert_eq!(identities(stage, "r1").await[0].linked_at, EpochMs(10));
    assert_eq!(identities(stage, "r2").await, []);
    assert_eq!(by_openid(stage, "r1", ("wx2", "o9"), 70).await, Linked::Linked, "a rider may be several");
    assert_eq!(identities(stage, "r1").await.len(), 2);
}

pub(crate) async fn one_link_holds_in_all_programs_of_a_maker(stage: &Stage) {
    sign_in(stage, "wx1", "o1/u1", 1, 10).await;
    sign_in(stage, "wx2", "o2/u1", 2, 10).await;
    sign_in(stage, "wx3", "o3", 3, 10).await;
    assert_eq!(by_code(stage, "r1", 1, 20).await, Linked::Linked);
    assert_eq!(
        sign_in(stage, "wx2", "o2", 4, 30).await.as_deref(),
        Some("r1"),
        "their union id is remembered"
    );
    assert_eq!(by_code(stage, "r2", 2, 35).await, Linked::Unknown, "their code has gone");
    assert_eq!(sign_in(stage, "wx3", "o3", 5, 40).await, None);
    assert_eq!(sign_in(stage, "wx3", "o3/u1", 6, 50).await.as_deref(), Some("r1"), "and found out late");
    let elsewhere = sign_in_to(stage, stage.other, login("wx1", "o1/u1"), 7, 60).await;
    assert_eq!(elsewhere, None, "apps share nothing");
    let linked: Vec<i64> =
        identities(stage, "r1").await.iter().map(|identity| identity.linked_at.0).collect();
    assert_eq!(linked, [20, 30, 50]);
}

pub(crate) async fn somebody_is_linked_before_they_log_in(stage: &Stage) {
    assert_eq!(by_openid(stage, "r1", ("wx1", "o1"), 10).await, Linked::Linked);
    assert_eq!(identities(stage, "r1").await[0].last_login_at, None);
    assert_eq!(sign_in(stage, "wx1", "o1", 1, 20).await.as_deref(), Some("r1"));
    assert_eq!(by_union(stage, "r2", "u2", 30).await, Linked::Linked);
    assert_eq!(by_union(stage, "r3", "u2", 30).await, Linked::Taken);
    let expected = Identity {
        place: None,
        unionid: Some("u2".parse().unwrap()),
        linked_at: EpochMs(30),
        last_login_at: None,
        banked: None,
    };
    assert_eq!(identities(stage, "r2").await, [expected]);
    assert_eq!(sign_in(stage, "wx1", "o2/u2", 2, 40).await.as_deref(), Some("r2"));
    let places: Vec<_> = identities(stage, "r2").await.into_iter().map(|identity| identity.place).collect();
    assert_eq!(places, [Some((program("wx1"), openid("o2")))], "they are somewhere now");
    assert_eq!(sign_in(stage, "wx2", "o9/u2", 3, 50).await.as_deref(), Some("r2"));
}

pub(crate) async fn consents_are_kept_of_the_last_phone_up_to_a_bound(stage: &Stage) {
    let news = template("wx1", "t1");
    assert_eq!(bank(stage, "r1", &news, 1).await, 0, "they are nobody there");
    by_openid(stage, "r1", ("wx1", "old"), 10).await;
    by_openid(stage, "r1", ("wx1", "new"), 10).await;
    by_openid(stage, "r1", ("wx2", "else"), 10).await;
    by_openid(stage, "r2", ("wx1", "other"), 10).await;
    sign_in(stage, "wx1", "old", 1, 20).await;
    sign_in(stage, "wx1", "new", 1, 30).await;
    sign_in(stage, "wx1", "other", 1, 40).await;
    assert_eq!(bank(stage, "r1", &news, 1).await, 1);
    assert_eq!(bank(stage, "r1", &news, 2).await, 3);
    assert_eq!(bank(stage, "r1", &news, 1_000).await, CONSENTS_MAX);
    let kept = async |rider| {
        let identities = identities(stage, rider).await;
        let banked = identities.into_iter().filter_map(|one| Some((one.place?.1, one.banked?.1)));
        banked.collect::<Vec<_>>()
    };
    assert_eq!(kept("r1").await, [(openid("new"), CONSENTS_MAX)]);
    assert_eq!(kept("r2").await, []);
}

pub(crate) async fn consents_to_another_template_are_worth_nothing(stage: &Stage) {
    by_openid(stage, "r1", ("wx1", "o1"), 10).await;
    assert_eq!(bank(stage, "r1", &template("wx1", "t1"), 5).await, 5);
    assert_eq!(bank(stage, "r1", &template("wx1", "t2"), 1).await, 1);
    let identity = identities(stage, "r1").await.remove(0);
    assert_eq!(identity.banked, Some(("t2".parse().unwrap(), 1)));
    let banked = ["t1", "t2"].map(|id| identity.banked_of(&template("wx1", id)));
    assert_eq!((banked, identity.banked_of(&template("wx2", "t2"))), ([0, 1], 0));
}

pub(crate) async fn an_unlinked_rider_is_nobody(stage: &Stage) {
    for place in [("wx1", "o1"), ("wx2", "o2")] {
        by_openid(stage, "r1", place, 10).await;
    }
    by_openid(stage, "r2", ("wx1", "o3"), 10).await;
    bank(stage, "r1", &template("wx1", "t1"), 1).await;
    let unlinked = async |rider| stage.store.unlink(stage.rider(rider)).await.unwrap();
    assert_eq!((unlinked("r1").await, unlinked("r1").await), (2, 0));
    assert_eq!(sign_in(stage, "wx1", "o1", 1, 20).await, None);
    assert_eq!(by_code(stage, "r3", 1, 30).await, Linked::Linked);
    assert_eq!(identities(stage, "r3").await[0].banked, None, "nor has anybody agreed to anything");
    assert_eq!(identities(stage, "r2").await.len(), 1);
}

pub(crate) async fn strangers_are_forgotten_the_longest_away_first(stage: &Stage) {
    for (who, at) in [("o1", 10), ("o2", 20), ("o3", 30), ("o4", 40)] {
        sign_in(stage, "wx1", who, u8::try_from(at).unwrap(), at).await;
    }
    by_openid(stage, "r1", ("wx1", "o2"), 50).await;
    let forget = async |before, limit| stage.store.forget_identities(EpochMs(before), limit).await.unwrap();
    assert_eq!((forget(40, 1).await, forget(40, 9).await, forget(40, 9).await), (1, 1, 0));
    assert_eq!(by_code(stage, "r9", 10, 60).await, Linked::Unknown);
    assert_eq!(by_code(stage, "r9", 40, 60).await, Linked::Linked);
    assert_eq!(identities(stage, "r1").await.len(), 1, "a rider stays");
}

pub(crate) async fn an_erased_rider_is_nobody_in_wechat(stage: &Stage) {
    let places = [("wx1", "o1"), ("wx2", "o2")];
    for place in places {
        by_openid(stage, "r1", place, 10).await;
    }
    by_openid(stage, "r2", ("wx1", "o3"), 10).await;
    let file = async |rider| stage.store.rider_file(stage.rider(rider), 0, 9).await.unwrap();
    assert_eq!(file("r1").await.wechat, identities(stage, "r1").await);
    let leaving = stage.erase(stage.rider("r1"), 130).await;
    assert!(leaving.known, "they may hold a token");
    assert_eq!(leaving.traces, Traces { wechat_identities: 2, ..Traces::default() });
    assert_eq!((file("r1").await.wechat, file("r2").await.wechat.len()), (Vec::new(), 1));
    assert_eq!(sign_in(stage, "wx1", "o1", 1, 140).await, None);
}
