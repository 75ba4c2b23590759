//! What everyday life asks of a store about riders in WeChat.

use std::sync::Arc;

use super::{NOW, Told, accept, app, key, world};
use crate::domain::wechat::{LinkBy, LinkOffer, Linked, Login, MessageEnd, Messaging, Template};
use crate::store::{MessageResult, Store};

/// Riders log in, are linked, agree to messages and get some.
pub(super) async fn live(store: &dyn Store) {
    let Template { program, .. } = a_template();
    let place = |who: &str| (program.clone(), who.parse().unwrap());
    let sign_in = async |who: &str, code: u8| {
        let (program, openid) = place(who);
        let login = Login { program, openid, unionid: Some(format!("union-{who}").parse().unwrap()) };
        let offer = LinkOffer { hash: [code; 32], until: NOW.plus_ms(900_000) };
        store.sign_in(app(), login, offer, NOW).await.unwrap()
    };
    let (program, openid) = place("expected");
    let ways = [
        LinkBy::Code([1; 32]),
        LinkBy::OpenId(program, openid),
        LinkBy::UnionId("union-stranger".parse().unwrap()),
        LinkBy::UnionId("union-nobody".parse().unwrap()),
    ];
    for (who, code) in [("shown", 1), ("stranger", 2), ("away", 3)] {
        assert_eq!(sign_in(who, code).await, None);
    }
    for by in ways {
        assert_eq!(store.link(key("rider-9"), by, NOW).await.unwrap(), Linked::Linked);
    }
    assert!(sign_in("shown", 4).await.is_some() && sign_in("nobody", 5).await.is_some());
    assert!(store.bank(key("rider-9"), a_template(), 3).await.unwrap() > 0);
    for number in [60_050, 60_051] {
        accept(store, &Told::new(number, &["rider-9"])).await;
    }
    store.spend_unheard(key("rider-9"), world(0), NOW).await.unwrap();
    let later = NOW.plus_ms(9_000);
    let due = store.due_messages(later, 10).await.unwrap();
    assert_eq!(due.len(), 2);
    for (message, end) in due.into_iter().zip([MessageEnd::Sent, MessageEnd::NotNeeded]) {
        assert!(store.take_message(message.clone(), later.plus_ms(9_000), later).await.unwrap());
        for result in [MessageResult::PutOff(later), MessageResult::Again(later), MessageResult::Over(end)] {
            store.finish_message(message.clone(), result, later).await.unwrap();
        }
    }
    assert!(store.identities(key("rider-9")).await.unwrap().len() > 3);
    assert!(store.forget_identities(NOW.plus_ms(1), 10).await.unwrap() > 0);
}

/// What riders may have agreed to.
pub(super) fn messaging() -> Arc<Messaging> {
    Arc::new(Messaging { templates: vec![a_template()], wait_ms: 1_000 })
}

fn a_template() -> Template {
    Template { program: "wx-everyday".parse().unwrap(), id: "template".parse().unwrap() }
}
