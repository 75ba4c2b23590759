//! What is kept of apps and keys: names, secrets and their ends, limits, what was used.

use orderbell::domain::app::{ApiKey, AppLimits, KeyMode, Scope};
use orderbell::domain::{AppId, EpochMs, KeyId, Secret, SecretKind};
use orderbell::store::{SpeechSpend, SpeechUse, StoreError};

use crate::stage::{Stage, an_app};

pub(crate) async fn apps_have_names_of_their_own(stage: &Stage) {
    let third = an_app(AppId::new(EpochMs(1), stage.fresh()), "third");
    let mut elder = an_app(AppId::new(EpochMs(1), [200; 10]), "elder");
    elder.created_at = EpochMs(0);
    stage.store.create_app(third.clone()).await.unwrap();
    stage.store.create_app(elder).await.unwrap();
    let again = an_app(AppId::new(EpochMs(2), stage.fresh()), "third");
    assert!(matches!(stage.store.create_app(again).await, Err(StoreError::Taken(_))));
    let apps = stage.store.apps().await.unwrap();
    assert_eq!(apps.len(), 4);
    assert_eq!(apps[0].name, "elder", "oldest first");
    let found = apps.iter().find(|app| app.name == "third").unwrap();
    assert_eq!(format!("{found:?}"), format!("{third:?}"));
}

fn key(stage: &Stage, app: AppId, name: &str, hash: u8) -> ApiKey {
    ApiKey {
        id: KeyId::new(EpochMs(1), stage.fresh()),
        app,
        name: name.to_owned(),
        secrets: vec![Secret::new(SecretKind::Bearer, vec![hash; 32], EpochMs(i64::from(hash)))],
        scopes: vec![Scope::Ingest, Scope::RiderToken],
        mode: KeyMode::Live,
        created_at: EpochMs(i64::from(hash)),
        last_used_at: None,
        revoked_at: None,
    }
}

pub(crate) async fn a_live_key_has_a_name_of_its_own_in_its_app(stage: &Stage) {
    let first = key(stage, stage.app, "hook", 2);
    stage.store.create_key(first.clone()).await.unwrap();
    let same = stage.store.create_key(key(stage, stage.app, "hook", 3)).await;
    assert!(matches!(same, Err(StoreError::Taken(_))));
    stage.store.create_key(key(stage, stage.other, "hook", 4)).await.unwrap();
    assert!(stage.store.revoke_key(stage.app, first.id, EpochMs(9)).await.unwrap());
    stage.store.create_key(key(stage, stage.app, "hook", 1)).await.unwrap();
    let keys = stage.store.keys(stage.app).await.unwrap();
    assert_eq!(
        keys.iter().map(|key| key.secrets[0].kept[0]).collect::<Vec<_>>(),
        [1, 2],
        "oldest first, revoked too"
    );
}

pub(crate) async fn a_key_is_revoked_once(stage: &Stage) {
    let made = key(stage, stage.app, "hook", 1);
    stage.store.create_key(made.clone()).await.unwrap();
    assert_eq!(stage.store.key_by_hash([1; 32]).await.unwrap(), Some(made.clone()));
    assert_eq!(stage.store.key_by_hash([9; 32]).await.unwrap(), None);
    assert!(!stage.store.revoke_key(stage.other, made.id, EpochMs(5)).await.unwrap(), "not another app's");
    assert!(stage.store.revoke_key(stage.app, made.id, EpochMs(5)).await.unwrap());
    assert!(!stage.store.revoke_key(stage.app, made.id, EpochMs(6)).await.unwrap());
    let revoked = stage.store.key_by_hash([1; 32]).await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(EpochMs(5)));
}

fn secret(kind: SecretKind, name: u8, at: i64) -> Secret {
    Secret::new(kind, vec![name; 32], EpochMs(at))
}

fn names(secrets: &[Secret]) -> Vec<(SecretKind, u8, Option<i64>)> {
    secrets.iter().map(|secret| (secret.kind, secret.kept[0], secret.until.map(|until| until.0))).collect()
}

pub(crate) async fn a_key_has_two_live_secrets_of_a_kind_at_most(stage: &Stage) {
    let made = key(stage, stage.app, "hook", 1);
    stage.store.create_key(made.clone()).await.unwrap();
    let rotate = |app, kind, name, at, until| {
        stage.store.rotate_key_secret(app, made.id, secret(kind, name, at), EpochMs(until))
    };
    assert!(rotate(stage.app, SecretKind::Signing, 50, 10, 100).await.unwrap(), "the first of its kind");
    assert!(rotate(stage.app, SecretKind::Bearer, 2, 20, 100).await.unwrap());
    let found = stage.store.key_by_id(made.id).await.unwrap().unwrap();
    assert_eq!(
        names(&found.secrets),
        [(SecretKind::Bearer, 2, None), (SecretKind::Signing, 50, None), (SecretKind::Bearer, 1, Some(100))]
    );
    for hash in [1, 2] {
        assert_eq!(stage.store.key_by_hash([hash; 32]).await.unwrap().as_ref(), Some(&found));
    }
    assert_eq!(stage.store.key_by_hash([50; 32]).await.unwrap(), None, "a secret that signs opens nothing");
    assert!(rotate(stage.app, SecretKind::Bearer, 3, 30, 40).await.unwrap());
    assert_eq!(stage.store.key_by_hash([1; 32]).await.unwrap(), None, "the oldest has ended");
    let found = stage.store.key_by_hash([2; 32]).await.unwrap().unwrap();
    assert_eq!(
        names(&found.secrets),
        [(SecretKind::Bearer, 3, None), (SecretKind::Bearer, 2, Some(40)), (SecretKind::Signing, 50, None)]
    );
    assert_eq!(stage.store.keys(stage.app).await.unwrap(), [found]);
    assert!(!rotate(stage.other, SecretKind::Bearer, 4, 50, 50).await.unwrap(), "not another app's");
    assert!(stage.store.revoke_key(stage.app, made.id, EpochMs(60)).await.unwrap());
    assert!(!rotate(stage.app, SecretKind::Bearer, 4, 70, 70).await.unwrap(), "nor one that has ended");
    assert_eq!(stage.store.key_by_id(KeyId::new(EpochMs(1), stage.fresh())).await.unwrap(), None);
}

pub(crate) async fn an_app_has_two_live_secrets_of_a_kind_at_most(stage: &Stage) {
    let secrets = async || stage.store.apps().await.unwrap()[0].secrets.clone();
    let before = secrets().await.len();
    let rotate = |app, kind, name, at, until| {
        stage.store.rotate_app_secret(app, secret(kind, name, at), EpochMs(until))
    };
    assert!(rotate(stage.app, SecretKind::Callback, 7, 10, 10).await.unwrap());
    assert!(rotate(stage.app, SecretKind::Rider, 8, 20, 90).await.unwrap());
    assert_eq!(before, 2);
    assert_eq!(
        names(&secrets().await),
        [(SecretKind::Rider, 8, None), (SecretKind::Callback, 7, None), (SecretKind::Rider, 0, Some(90))]
    );
    assert!(rotate(stage.app, SecretKind::Rider, 9, 30, 30).await.unwrap());
    assert_eq!(names(&secrets().await), [(SecretKind::Rider, 9, None), (SecretKind::Callback, 7, None)]);
    assert_eq!(stage.store.apps().await.unwrap()[1].secrets.len(), 2, "the other app has its own");
    let nobody = AppId::new(EpochMs(9), stage.fresh());
    assert!(!rotate(nobody, SecretKind::Rider, 9, 30, 30).await.unwrap());
}

pub(crate) async fn a_use_is_noted_and_never_goes_back(stage: &Stage) {
    let made = key(stage, stage.app, "hook", 1);
    stage.store.create_key(made.clone()).await.unwrap();
    for (at, noted) in [(50, 50), (40, 50), (60, 60)] {
        stage.store.note_key_use(made.id, EpochMs(at)).await.unwrap();
        let found = stage.store.key_by_id(made.id).await.unwrap().unwrap();
        assert_eq!(found.last_used_at, Some(EpochMs(noted)));
    }
    stage.store.note_key_use(KeyId::new(EpochMs(1), stage.fresh()), EpochMs(1)).await.unwrap();
}

pub(crate) async fn an_apps_limits_are_replaced(stage: &Stage) {
    let limits = AppLimits { events_per_s: Some(5), sessions: Some(0), ..AppLimits::default() };
    assert!(stage.store.put_limits(stage.app, limits).await.unwrap());
    let apps = stage.store.apps().await.unwrap();
    assert_eq!((apps[0].limits, apps[1].limits), (limits, AppLimits::default()));
    assert!(stage.store.put_limits(stage.app, AppLimits::default()).await.unwrap());
    assert_eq!(stage.store.apps().await.unwrap()[0].limits, AppLimits::default());
    let nobody = AppId::new(EpochMs(9), stage.fresh());
    assert!(!stage.store.put_limits(nobody, limits).await.unwrap());
}

pub(crate) async fn speech_is_counted_by_the_day(stage: &Stage) {
    let spend = async |day, characters, most| {
        stage.store.spend_speech(stage.app, SpeechSpend { day, characters, most }).await.unwrap()
    };
    let counted = async || stage.store.speech_use(stage.app).await.unwrap();
    assert_eq!(counted().await, None);
    assert!(!spend(10, 101, Some(100)).await, "more than ever");
    assert_eq!(counted().await, None);
    assert!(spend(10, 60, Some(100)).await && spend(10, 40, Some(100)).await);
    assert_eq!(counted().await, Some(SpeechUse { day: 10, characters: 100 }));
    assert!(!spend(10, 1, Some(100)).await);
    assert!(spend(10, 0, Some(100)).await && spend(10, 5, None).await, "no limit");
    assert!(!spend(9, 1, Some(100)).await, "a time zone further west gives nothing back");
    assert_eq!(counted().await, Some(SpeechUse { day: 10, characters: 105 }));
    assert!(spend(11, 70, Some(100)).await);
    assert!(spend(10, 30, Some(100)).await, "counted on the day that has begun");
    assert_eq!(counted().await, Some(SpeechUse { day: 11, characters: 100 }));
    assert!(!spend(12, 101, Some(100)).await);
    assert_eq!(counted().await, Some(SpeechUse { day: 11, characters: 100 }), "a refusal begins no day");
    assert_eq!(stage.store.speech_use(stage.other).await.unwrap(), None);
}
