//! What an app words for itself: versions, merchants, and what is in force.

use orderbell::domain::EpochMs;
use orderbell::store::{NewWording, Saved, Topic, VERSIONS_MAX, Wording, WordingKey};

use crate::stage::Stage;

fn new(key: &WordingKey, list: &str, if_version: Option<u32>) -> NewWording {
    NewWording { key: key.clone(), list: list.to_owned(), if_version, most: 9 }
}

async fn put(stage: &Stage, new: NewWording, at: i64) -> Saved {
    stage.store.save_wording(stage.app, new, EpochMs(at)).await.unwrap()
}

/// Saves a list of one text, or an empty one.
pub(crate) async fn save(stage: &Stage, key: &WordingKey, text: &str) -> Saved {
    let list = if text.is_empty() { "[]".to_owned() } else { format!("[\"{text}\"]") };
    put(stage, new(key, &list, None), 100).await
}

async fn in_force(stage: &Stage) -> Vec<Wording> {
    stage.store.wordings(stage.app).await.unwrap()
}

async fn versions(stage: &Stage, key: &WordingKey) -> Vec<Wording> {
    stage.store.wording_versions(stage.app, key.clone()).await.unwrap()
}

fn phrases(lang: &str) -> WordingKey {
    WordingKey::phrases("order.new", lang, None)
}

pub(crate) async fn a_wording_has_versions(stage: &Stage) {
    let key = phrases("zh-CN");
    assert_eq!(put(stage, new(&key, r#"["旧"]"#, None), 5).await, Saved::As(1));
    assert_eq!(put(stage, new(&key, r#"["{{ short_no }}号", "新"]"#, None), 6).await, Saved::As(2));
    let version = |version, list: &str, at| Wording {
        key: key.clone(),
        version,
        list: list.to_owned(),
        saved_at: EpochMs(at),
    };
    let newest = version(2, r#"["{{ short_no }}号", "新"]"#, 6);
    assert_eq!(in_force(stage).await, std::slice::from_ref(&newest));
    assert_eq!(versions(stage, &key).await, [newest, version(1, r#"["旧"]"#, 5)]);
    assert_eq!(versions(stage, &phrases("en")).await, []);
}

pub(crate) async fn what_is_taken_back_is_a_version_and_not_in_force(stage: &Stage) {
    let key = phrases("zh-CN");
    assert_eq!(save(stage, &key, "a").await, Saved::As(1));
    assert_eq!(save(stage, &key, "").await, Saved::As(2));
    assert_eq!(in_force(stage).await, []);
    assert!(versions(stage, &key).await[0].is_taken_back());
    assert_eq!(save(stage, &key, "b").await, Saved::As(3));
    assert_eq!(in_force(stage).await[0].version, 3);
}

pub(crate) async fn the_newest_twenty_versions_are_kept(stage: &Stage) {
    let (key, other) = (phrases("zh-CN"), phrases("en"));
    save(stage, &other, "a").await;
    for version in 1..=VERSIONS_MAX + 5 {
        assert_eq!(save(stage, &key, &version.to_string()).await, Saved::As(version));
    }
    let kept: Vec<u32> = versions(stage, &key).await.iter().map(|wording| wording.version).collect();
    assert_eq!(kept, (6..=VERSIONS_MAX + 5).rev().collect::<Vec<u32>>());
    assert_eq!(versions(stage, &other).await.len(), 1);
}

pub(crate) async fn a_wording_that_was_changed_meanwhile_is_a_conflict(stage: &Stage) {
    let key = phrases("zh-CN");
    assert_eq!(put(stage, new(&key, r#"["a"]"#, Some(1)), 5).await, Saved::Conflict(0));
    assert_eq!(put(stage, new(&key, r#"["a"]"#, Some(0)), 5).await, Saved::As(1));
    assert_eq!(put(stage, new(&key, r#"["b"]"#, Some(0)), 5).await, Saved::Conflict(1));
    assert_eq!(put(stage, new(&key, r#"["b"]"#, Some(1)), 5).await, Saved::As(2));
    assert_eq!(put(stage, new(&key, r#"["c"]"#, Some(1)), 5).await, Saved::Conflict(2));
    assert_eq!(in_force(stage).await[0].list, r#"["b"]"#, "nothing was done");
    let together = [Some(2); 2].map(|known| put(stage, new(&key, r#"["d"]"#, known), 6));
    let mut told = futures_util::future::join_all(together).await;
    told.sort_by_key(|saved| matches!(saved, Saved::Conflict(_)));
    assert_eq!(told, [Saved::As(3), Saved::Conflict(3)], "of two at once one is first");
}

pub(crate) async fn an_app_has_so_many_wordings_of_a_sort(stage: &Stage) {
    let of = |merchant: &str| WordingKey::phrases("order.new", "zh-CN", Some(merchant.to_owned()));
    let full = |key: &WordingKey| NewWording { most: 2, ..new(key, r#"["a"]"#, None) };
    for merchant in ["m1", "m2"] {
        assert_eq!(put(stage, full(&of(merchant)), 5).await, Saved::As(1));
    }
    assert_eq!(put(stage, full(&of("m3")), 5).await, Saved::Full);
    assert_eq!(put(stage, full(&of("m2")), 5).await, Saved::As(2), "what is there is not one more");
    let lexicon = WordingKey::lexicon("zh-CN", None);
    assert_eq!(put(stage, full(&lexicon), 5).await, Saved::As(1), "another sort");
    let theirs = stage.store.save_wording(stage.other, full(&of("m3")), EpochMs(5)).await.unwrap();
    assert_eq!(theirs, Saved::As(1), "another app");
}

pub(crate) async fn wordings_of_merchants_and_languages_stand_beside_each_other(stage: &Stage) {
    let keys = [
        WordingKey::lexicon("zh-CN", None),
        WordingKey::lexicon("zh-CN", Some("m_42".to_owned())),
        WordingKey::phrases("order.new", "en", None),
        WordingKey::phrases("order.new", "zh-CN", None),
        WordingKey::phrases("order.new", "zh-CN", Some("m_42".to_owned())),
        WordingKey::phrases("order.new", "zh-CN", Some("测试面馆".to_owned())),
        WordingKey::phrases("order.urged", "en", None),
    ];
    for key in keys.iter().rev() {
        assert_eq!(save(stage, key, "x").await, Saved::As(1));
    }
    let told: Vec<WordingKey> = in_force(stage).await.into_iter().map(|wording| wording.key).collect();
    assert_eq!(told, keys, "by topic, language and merchant");
    assert_eq!((keys[0].topic.clone(), keys[2].topic.kind()), (Topic::Lexicon, "order.new"));
}

pub(crate) async fn a_stamp_rises_with_what_an_app_saves(stage: &Stage) {
    let stamp = async |app| stage.store.wording_stamp(app).await.unwrap();
    assert_eq!(stamp(stage.app).await, 0);
    save(stage, &phrases("en"), "a").await;
    let first = stamp(stage.app).await;
    assert!(first > 0);
    let theirs = stage.store.save_wording(stage.other, new(&phrases("en"), r#"["a"]"#, None), EpochMs(5));
    theirs.await.unwrap();
    assert_eq!(stamp(stage.app).await, first, "another app's");
    put(stage, new(&phrases("en"), r#"["a"]"#, Some(9)), 5).await;
    assert_eq!(stamp(stage.app).await, first, "nothing was saved");
    save(stage, &phrases("en"), "").await;
    assert!(stamp(stage.app).await > first);
}
