//! A target that takes several callbacks in one request: always a list, in one order, the same list until it is taken.

use serde_json::{Value, json};

use crate::stage::{Setup, Stage, eventually};
use crate::target::{Manner, Target};

#[tokio::test]
async fn a_list_stays_the_same_until_it_is_taken_and_all_is_told_in_one_order() {
    let stage = Stage::start(Setup { retries: vec![150; 5], ..Setup::default() }).await;
    let target = Target::doing(Manner::Status(500)).await;
    stage.target(&target.url("/"), 3).await;
    stage.event("r0", "order.new", json!({})).await;
    eventually("the first one fails", async || (!target.heard().is_empty()).then_some(())).await;
    for number in 1..8 {
        stage.event(&format!("r{number}"), "order.new", json!({})).await;
    }
    eventually("it fails again", async || (target.heard().len() >= 2).then_some(())).await;
    target.change(|_, _| Manner::Status(200));
    let records = stage.ended(8).await;
    let heard = target.heard();
    let lists: Vec<Vec<Value>> = heard.iter().map(crate::target::Heard::told).collect();
    assert!(heard.iter().all(|request| request.body().is_array()), "a list even of one");
    assert!(lists.iter().all(|list| (1..=3).contains(&list.len())));
    for (request, other) in heard.iter().flat_map(|one| heard.iter().map(move |other| (one, other))) {
        assert_eq!(request.id() == other.id(), request.bytes == other.bytes, "an id is one list");
    }
    let taken = heard.iter().filter(|request| request.is_taken()).flat_map(crate::target::Heard::told);
    let told: Vec<Value> = taken.map(|body| body["data"]["callback_id"].clone()).collect();
    let noted: Vec<Value> = records.iter().map(|record| json!(record.callback.id)).collect();
    assert_eq!(told, noted, "each once, in the order in which they came up");
    assert!(lists.iter().any(|list| list.len() == 3), "what waits goes together");
    stage.stop().await;
}
