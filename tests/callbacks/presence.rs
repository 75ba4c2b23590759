//! Who comes and goes, as a backend is told of it: once it has settled, once each time, and after a restart too.

use std::sync::Arc;

use orderbell::domain::callback::CallbackState;
use orderbell::domain::{DevicePolicy, RiderKey, SessionId};
use orderbell::hub::{Bell, Registration};
use orderbell::store::Online;

use crate::stage::{Setup, Stage, eventually};
use crate::target::{Manner, Target};

fn rider(stage: &Stage) -> RiderKey {
    RiderKey { app: stage.app, rider: "r1".parse().unwrap() }
}

/// The rider's phone connects, as a socket does it.
async fn connect(stage: &Stage) -> Registration {
    let stored = stage.dispatch.touch(rider(stage)).await.unwrap();
    let (clock, hub) = (stage.dispatch.clock(), stage.dispatch.hub());
    let session = SessionId::new(clock.now().wall, clock.entropy());
    let bell = Bell::new(session, "phone", clock.now().wall, hub.arrival());
    assert_eq!(stored.devices, DevicePolicy::Latest);
    Arc::clone(hub).register(rider(stage), bell, stored.devices, 4)
}

async fn leave(stage: &Stage, registration: Registration) {
    stage.dispatch.touch(rider(stage)).await.unwrap();
    drop(registration);
}

/// Sweeps until so many callbacks have arrived; their words.
async fn told(stage: &Stage, count: usize) -> Vec<String> {
    let told = eventually("who came and went is told", async || {
        stage.dispatch.sweep().await.unwrap();
        let all = stage.callbacks().await;
        let over = all.iter().all(|record| record.state == CallbackState::Delivered);
        (all.len() >= count && over).then_some(all)
    });
    told.await.into_iter().map(|record| record.callback.kind).collect()
}

#[tokio::test]
async fn who_comes_and_goes_is_told_once_it_has_settled() {
    let stage = Stage::start(Setup::default()).await;
    let target = Target::doing(Manner::Status(204)).await;
    stage.target(&target.url("/bell"), 1).await;
    // From one network to another: nothing is told of the moment in between.
    let first = connect(&stage).await;
    leave(&stage, first).await;
    let second = connect(&stage).await;
    assert_eq!(told(&stage, 1).await, ["rider.online"]);
    leave(&stage, second).await;
    assert_eq!(told(&stage, 2).await, ["rider.online", "rider.offline"]);
    let bodies: Vec<_> = target.heard().iter().map(|heard| heard.body()["data"]["rider"].clone()).collect();
    assert_eq!(bodies, ["r1", "r1"]);
    stage.stop().await;
}

#[tokio::test]
async fn who_was_connected_when_a_server_died_is_told_to_be_gone() {
    let stage = Stage::start(Setup::default()).await;
    let target = Target::doing(Manner::Status(204)).await;
    stage.target(&target.url("/bell"), 1).await;
    let now = stage.dispatch.clock().now().wall;
    stage.dispatch.touch(rider(&stage)).await.unwrap();
    // As the server before this one told it.
    assert!(stage.store.tell_presence(rider(&stage), Online::Yes, now).await.unwrap());
    assert_eq!(stage.dispatch.doubt_presence().await.unwrap(), 1);
    assert_eq!(told(&stage, 2).await, ["rider.online", "rider.offline"]);
    stage.stop().await;
}
