//! Two servers over one PostgreSQL database: each sends what it claims, none sends what the other has, and order holds
//! whoever sends.

use std::time::Duration;

use orderbell::domain::callback::CallbackState;

use crate::order::assert_in_order;
use crate::postgres_server::Server;
use crate::stage::Stage;
use crate::target::{Manner, Target};

const ORDERS: usize = 30;

#[tokio::test]
async fn two_servers_share_the_work_and_tell_everything_once_in_its_order() {
    let url = Server::shared().database().await;
    let (one, two) = (Stage::node(&url).await, Stage::node(&url).await);
    let target = Target::doing(Manner::Late(200, Duration::from_millis(20))).await;
    one.target(&target.url("/"), 1).await;
    for number in 0..ORDERS {
        let (accepts, hears) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let rider = format!("r{number}");
        let alert = accepts.event(&rider, "order.new", serde_json::json!({})).await;
        hears.hear(&rider, alert).await;
    }
    let records = one.ended(ORDERS * 4).await;
    assert!(records.iter().all(|record| record.state == CallbackState::Delivered));
    let heard = target.heard();
    assert_eq!(heard.len(), ORDERS * 4, "nothing is sent twice");
    assert_in_order(&heard, ORDERS, "two servers");
    let sent = |stage: &Stage| stage.metric("orderbell_callback_attempts_total{outcome=\"delivered\"}");
    println!("{} callbacks by one server, {} by the other", sent(&one), sent(&two));
    assert!(sent(&one) > 0.5 && sent(&two) > 0.5, "both of them work");
    one.stop().await;
    two.stop().await;
}
