//! Logging in: nobody until a backend says who it is, and then a rider with a token.

use orderbell::dispatch::{LinkWish, SignedIn};
use orderbell::domain::wechat::{LinkCode, Linked, Login, UnionId};

use crate::postman::{House, template};

fn login(openid: &str, unionid: Option<&str>) -> Login {
    let unionid = unionid.map(|unionid| unionid.parse::<UnionId>().unwrap());
    Login { program: template().program, openid: openid.parse().unwrap(), unionid }
}

async fn sign_in(house: &House, openid: &str) -> SignedIn {
    let entry = house.stage.entry().await;
    house.stage.dispatch.wechat_sign_in(&entry, login(openid, None)).await.unwrap()
}

/// The code that somebody is shown who is nobody yet.
async fn shown(house: &House, openid: &str) -> Option<LinkCode> {
    match sign_in(house, openid).await {
        SignedIn::Unbound { code, until } => {
            assert_eq!(until, house.now().plus_ms(900_000));
            LinkCode::parse(&code.to_string().to_lowercase())
        }
        SignedIn::Bound { .. } => None,
    }
}

async fn link(house: &House, rider: &str, code: LinkCode) -> Linked {
    house.stage.dispatch.wechat_link(house.rider(rider), LinkWish::Code(code)).await.unwrap()
}

#[tokio::test]
async fn a_code_makes_somebody_a_rider_whose_token_is_good() {
    let house = House::open().await;
    let code = shown(&house, "o1").await.unwrap();
    assert_eq!(link(&house, "r1", code.clone()).await, Linked::Linked);
    assert_eq!(link(&house, "r2", code).await, Linked::Unknown, "once");
    let SignedIn::Bound { rider, token } = sign_in(&house, "o1").await else {
        unreachable!("they are a rider")
    };
    assert_eq!(rider.as_str(), "r1");
    let named = house.stage.dispatch.accounts().token_rider(&token.token).await.unwrap();
    assert_eq!(named.rider, house.rider("r1"));
    assert_eq!(token.expires_at.since_ms(house.now()), 86_400_000, "as long as a token may live");
    let late = shown(&house, "o2").await.unwrap();
    house.stage.clock.advance_ms(900_000);
    assert_eq!(link(&house, "r2", late).await, Linked::Unknown);
    house.close().await;
}

#[tokio::test]
async fn what_a_rider_has_agreed_to_is_told_of_templates_in_use() {
    let house = House::open().await;
    house.agreed("r1", 3).await;
    let entry = house.stage.entry().await;
    let banked = async || house.stage.dispatch.wechat_banked(&entry, house.rider("r1")).await.unwrap();
    assert_eq!(banked().await, [(template(), 3)]);
    let other = orderbell::domain::wechat::Template { id: "t2".parse().unwrap(), ..template() };
    *house.postman.templates.lock().unwrap() = vec![other.clone()];
    assert_eq!(banked().await, [(other, 0)]);
    house.postman.templates.lock().unwrap().clear();
    assert_eq!(banked().await, []);
    assert_eq!(house.stage.dispatch.wechat_unlink(house.rider("r1")).await.unwrap(), 1);
    assert_eq!(house.stage.dispatch.wechat_identities(house.rider("r1")).await.unwrap(), []);
    house.close().await;
}

#[tokio::test]
async fn an_erasure_takes_who_they_were_and_their_tokens() {
    let house = House::open().await;
    house.agreed("r1", 1).await;
    let SignedIn::Bound { token, .. } = sign_in(&house, "of-r1").await else {
        unreachable!("they are a rider")
    };
    house.stage.clock.advance_ms(1_000);
    let erased = house.stage.dispatch.erase_rider(house.rider("r1")).await.unwrap().unwrap();
    assert_eq!(erased.traces.wechat_identities, 1);
    assert!(house.stage.dispatch.accounts().token_rider(&token.token).await.is_err());
    assert!(shown(&house, "of-r1").await.is_some(), "nobody again");
    house.close().await;
}

#[tokio::test]
async fn whoever_nobody_links_is_forgotten_after_a_month() {
    let house = House::open().await;
    shown(&house, "o1").await.unwrap();
    house.agreed("r1", 0).await;
    let days = |days: i64| days * 86_400_000;
    house.stage.clock.advance_ms(days(29));
    for (wait, forgotten) in [(0, 0), (days(2), 1)] {
        house.stage.clock.advance_ms(wait);
        let mut round = house.stage.dispatch.begin_ageing().await.unwrap();
        while house.stage.dispatch.age_slice(&mut round).await.is_some() {}
        let line = "orderbell_rows_aged_total{table=\"wechat_identities\"}";
        assert_eq!(house.stage.count(line), forgotten);
    }
    assert_eq!(house.stage.store.identities(house.rider("r1")).await.unwrap().len(), 1);
    house.close().await;
}
