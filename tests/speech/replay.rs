//! A part of a month, said again: how often an engine is needed once it has spoken for a while.
//! The whole month is `cargo bench --bench speech`.

use std::collections::HashSet;

use orderbell::speech::{SayBudget, Sentence};

use crate::orders::Month;
use crate::studio::{Act, Scripted, Studio, named, sentence};

#[tokio::test]
async fn a_month_of_orders_needs_an_engine_once_for_each_value() {
    const ORDERS: usize = 2_000;
    let folder = tempfile::tempdir().unwrap();
    let engine = Scripted::local("quick", |_, _| Act::Say);
    let studio = Studio::open(folder.path(), vec![named("quick", &engine)]).await;
    let mut month = Month::new(60);
    let (mut parts, mut spoken_at_once) = (0, 0);
    let mut values = HashSet::new();
    for _ in 0..ORDERS {
        let said = month.next();
        parts += said.parts().len();
        values.extend(said.parts().iter().cloned());
        let words = Sentence { said, ..sentence(&[]) };
        if studio.speech.cached(&words).await.is_some() {
            spoken_at_once += 1;
        } else {
            studio.speech.say(&words, SayBudget::Patient).await.unwrap();
        }
    }
    assert_eq!(engine.calls(), values.len(), "each value once");
    assert!(values.len() < 400, "{}", values.len());
    assert!(parts >= ORDERS * 12, "{parts}: an order has a dozen parts and more");
    assert!(spoken_at_once > ORDERS * 8 / 10, "{spoken_at_once}");
    studio.close().await;
}
