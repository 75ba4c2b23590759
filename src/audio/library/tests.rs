//! The library's promises against a real folder: restarts, torn files, flipped bits, a full disk.
//! Time is a number the tests choose.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;
const MP3: ClipFormat = ClipFormat::Mp3;
const SECRET: [u8; 32] = [7; 32];
const LIMITS: LibraryLimits = LibraryLimits {
    max_bytes: 10_000,
    full_bytes: 20_000,
    min_age_ms: HOUR,
    max_age_ms: 100 * HOUR,
    cache_bytes: 1_000_000,
};

async fn open(dir: &TempDir, now_ms: i64) -> ClipLibrary {
    ClipLibrary::open(dir.path().to_owned(), &SECRET, LIMITS, now_ms).await.unwrap()
}

fn meta() -> ClipMeta {
    ClipMeta { duration_ms: 48_000, tail_ms: 45_000, engine: "tone".into() }
}

fn bytes(n: u8) -> Bytes {
    vec![n; 1_000].into()
}

async fn put(library: &ClipLibrary, n: u8, now_ms: i64) -> ClipName {
    let name = library.name(&Recipe::new().number(u64::from(n)), MP3);
    library.put(name, bytes(n), meta(), now_ms).await.unwrap();
    name
}

fn file(dir: &TempDir, name: &ClipName, extension: &str) -> std::path::PathBuf {
    dir.path().join(name.shard()).join(format!("{}.{extension}", name.rest()))
}

fn files(dir: &Path) -> usize {
    fs::read_dir(dir).unwrap().count()
}

#[tokio::test]
async fn what_is_put_is_served_and_survives_a_restart() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let name = put(&library, 1, NOW).await;
    let served = library.get(name, NOW).await.unwrap().unwrap();
    assert_eq!((&served.bytes, &*served.meta), (&bytes(1), &meta()));
    let again = open(&dir, NOW).await;
    assert_eq!(again.name(&Recipe::new().number(1), MP3), name);
    assert_eq!(again.get(name, NOW).await.unwrap(), Some(served.clone()));
    assert_eq!((again.count(), again.total_bytes()), (1, 1_000));
    assert_eq!(served.etag().len(), 66);
    assert_eq!(again.get(again.name(&Recipe::new(), MP3), NOW).await.unwrap(), None);
}

#[tokio::test]
async fn a_folder_that_is_deleted_meanwhile_is_made_again() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let gone = put(&library, 1, NOW).await;
    fs::remove_dir_all(dir.path()).unwrap();
    library.remove(gone).await.unwrap();
    let name = put(&library, 2, NOW).await;
    assert_eq!(open(&dir, NOW).await.get(name, NOW).await.unwrap().unwrap().bytes, bytes(2));
}

#[tokio::test]
async fn another_secret_gives_other_names() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let other = ClipLibrary::open(dir.path().to_owned(), &[8; 32], LIMITS, NOW).await.unwrap();
    assert_ne!(library.name(&Recipe::new().text("好"), MP3), other.name(&Recipe::new().text("好"), MP3));
}

#[tokio::test]
async fn a_broken_clip_is_deleted_and_can_be_made_again() {
    let dir = TempDir::new().unwrap();
    let name = put(&open(&dir, NOW).await, 1, NOW).await;
    let (sound, sheet) = (file(&dir, &name, "mp3"), file(&dir, &name, "json"));
    let torn = || fs::write(&sound, &bytes(1)[..400]).unwrap();
    let empty = || fs::write(&sound, b"").unwrap();
    let flipped = || {
        let mut flipped = bytes(1).to_vec();
        flipped[500] ^= 1;
        fs::write(&sound, flipped).unwrap();
    };
    let no_sheet = || fs::remove_file(&sheet).unwrap();
    let torn_sheet = || fs::write(&sheet, b"{\"sha256\":\"").unwrap();
    let harms: [&dyn Fn(); 5] = [&torn, &empty, &flipped, &no_sheet, &torn_sheet];
    for harm in harms {
        harm();
        let library = open(&dir, NOW).await;
        assert_eq!(library.get(name, NOW).await.unwrap(), None);
        assert!(!sound.exists() && !sheet.exists());
        assert_eq!(library.total_bytes(), 0);
        put(&library, 1, NOW).await;
        assert_eq!(open(&dir, NOW).await.get(name, NOW).await.unwrap().unwrap().bytes, bytes(1));
    }
    // Put without a look before it: the broken one must not be taken for the clip.
    flipped();
    put(&open(&dir, NOW).await, 1, NOW).await;
    assert_eq!(open(&dir, NOW).await.get(name, NOW).await.unwrap().unwrap().bytes, bytes(1));
}

#[tokio::test]
async fn the_bytes_behind_a_name_never_change() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let name = put(&library, 1, NOW).await;
    let kept = library.put(name, bytes(2), meta(), NOW).await.unwrap();
    assert_eq!(kept.bytes, bytes(1));
    assert_eq!(open(&dir, NOW).await.get(name, NOW).await.unwrap().unwrap().bytes, bytes(1));
}

#[tokio::test]
async fn many_tasks_at_once_keep_one_clip() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let name = library.name(&Recipe::new(), MP3);
    let puts = (0..16).map(|n| {
        let library = library.clone();
        async move { library.put(name, bytes(n), meta(), NOW).await.unwrap() }
    });
    let kept = futures_util::future::join_all(puts).await;
    assert!(kept.iter().all(|clip| *clip == kept[0]));
    assert_eq!((library.count(), library.total_bytes()), (1, 1_000));
    assert_eq!(files(&dir.path().join("tmp")), 0);
}

#[tokio::test]
async fn the_longest_unused_go_when_there_are_too_many_and_the_young_stay() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let mut names = Vec::new();
    for n in 0..10 {
        names.push(put(&library, n, NOW + i64::from(n)).await);
    }
    // Clip 0 is used again, written down, and so is young after a restart too.
    let later = NOW + 2 * HOUR;
    assert!(library.get(names[0], later - 10).await.unwrap().is_some());
    let library = open(&dir, later).await;
    put(&library, 10, later).await;
    let mut left = Vec::new();
    for name in &names {
        left.push(library.get(*name, later).await.unwrap().is_some());
    }
    assert_eq!(left, [true, false, false, true, true, true, true, true, true, true]);
    assert_eq!(library.total_bytes(), 9_000);
}

#[tokio::test]
async fn a_library_full_of_young_clips_grows_to_its_end_and_then_refuses() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    for n in 0..20 {
        put(&library, n, NOW).await;
    }
    let name = library.name(&Recipe::new().text("one more"), MP3);
    let refused = library.put(name, bytes(99), meta(), NOW + 1).await.unwrap_err();
    assert!(matches!(refused, LibraryError::Full { held: 20_000 }), "{refused}");
    // When they have grown old, there is room again.
    library.put(name, bytes(99), meta(), NOW + 2 * HOUR).await.unwrap();
    assert!(library.total_bytes() <= 10_000, "{}", library.total_bytes());
    assert!(library.get(name, NOW + 2 * HOUR).await.unwrap().is_some());
}

#[tokio::test]
async fn a_removed_clip_is_gone_from_memory_and_disk() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let name = put(&library, 1, NOW).await;
    assert!(library.get(name, NOW).await.unwrap().is_some());
    library.remove(name).await.unwrap();
    library.remove(name).await.unwrap();
    assert_eq!(library.get(name, NOW).await.unwrap(), None);
    assert!(!file(&dir, &name, "mp3").exists() && !file(&dir, &name, "json").exists());
    assert_eq!((library.count(), library.total_bytes()), (0, 0));
}

#[tokio::test]
async fn leftovers_of_a_crash_are_swept_and_foreign_files_are_not_clips() {
    let dir = TempDir::new().unwrap();
    let name = put(&open(&dir, NOW).await, 1, NOW).await;
    let old = std::time::UNIX_EPOCH;
    let leave = |path: std::path::PathBuf, modified: Option<std::time::SystemTime>| {
        let file = fs::File::create(&path).unwrap();
        file.set_modified(modified.unwrap_or(old + std::time::Duration::from_millis(NOW.unsigned_abs())))
            .unwrap();
        path
    };
    let aside = leave(dir.path().join("tmp/1-2-3"), Some(old));
    let in_the_making = leave(dir.path().join("tmp/1-2-4"), None);
    let lone_sheet = leave(dir.path().join("ab").join("c".repeat(38) + ".json"), Some(old));
    let foreign = leave(dir.path().join("ab/readme.mp3"), Some(old));
    let library = open(&dir, NOW).await;
    assert!(!aside.exists() && !lone_sheet.exists());
    assert!(in_the_making.exists() && foreign.exists() && file(&dir, &name, "json").exists());
    assert_eq!(library.count(), 1);
}

#[tokio::test]
async fn a_clip_made_by_another_node_on_a_shared_folder_is_found() {
    let dir = TempDir::new().unwrap();
    let (one, two) = (open(&dir, NOW).await, open(&dir, NOW).await);
    let name = put(&one, 1, NOW).await;
    assert_eq!(two.get(name, NOW).await.unwrap().unwrap().bytes, bytes(1));
    assert_eq!(two.total_bytes(), 1_000);
}

#[tokio::test]
async fn a_clip_that_another_node_uses_is_not_evicted() {
    let dir = TempDir::new().unwrap();
    let (one, two) = (open(&dir, NOW).await, open(&dir, NOW).await);
    let mut names = Vec::new();
    for n in 0..10 {
        names.push(put(&one, n, NOW + i64::from(n)).await);
    }
    let later = NOW + 2 * HOUR;
    assert!(two.get(names[0], later).await.unwrap().is_some());
    put(&one, 10, later).await;
    assert!(one.get(names[0], later).await.unwrap().is_some());
    assert!(one.get(names[1], later).await.unwrap().is_none());
}

#[tokio::test]
async fn what_nobody_uses_is_deleted_and_what_is_used_elsewhere_is_not() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let [unused, used, noted] =
        [put(&library, 1, NOW).await, put(&library, 2, NOW).await, put(&library, 3, NOW).await];
    assert_eq!(library.forget_unused(NOW + 99 * HOUR).await.unwrap(), 0, "not before its time");
    assert!(library.get(used, NOW + 50 * HOUR).await.unwrap().is_some());
    library.note_use(&noted, NOW + 50 * HOUR);
    assert_eq!(library.forget_unused(NOW + 100 * HOUR).await.unwrap(), 1);
    assert_eq!(library.get(unused, NOW).await.unwrap(), None);
    assert!(!file(&dir, &unused, "mp3").exists() && !file(&dir, &unused, "json").exists());
    let again = open(&dir, NOW + 100 * HOUR).await;
    assert_eq!(again.forget_unused(NOW + 149 * HOUR).await.unwrap(), 0, "uses are written down");
    assert_eq!(again.forget_unused(NOW + 150 * HOUR).await.unwrap(), 2);
    assert_eq!(again.count(), 0);
}

#[tokio::test]
async fn no_file_says_what_is_said() {
    let dir = TempDir::new().unwrap();
    let library = open(&dir, NOW).await;
    let name = library.name(&Recipe::new().text("尾号8607"), MP3);
    library.put(name, bytes(1), meta(), NOW).await.unwrap();
    let sheet = fs::read_to_string(file(&dir, &name, "json")).unwrap();
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&sheet).unwrap();
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["duration_ms", "engine", "sha256", "tail_ms"]);
}
