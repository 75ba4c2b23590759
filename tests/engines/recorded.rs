//! Recordings of people, found by what they say.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use orderbell::speech::Lang;
use orderbell::speech::engine::{Engine, EngineFailure};
use orderbell::speech::engines::recorded::Recorded;

use crate::said;

fn write(folder: &Path, name: &str, bytes: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn heard(recorded: &Recorded, engine: &str, text: &str) -> Option<String> {
    let sound = recorded.sound_for(engine, Lang::ZhCn, text)?;
    Some(String::from_utf8(sound.bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_recording_is_found_by_its_text_and_beside_its_engine() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("zh-CN/您有新的美团订单，.wav", "meituan"),
        ("zh-CN/请取餐.mp3", "pick"),
        ("zh-CN/请取餐.wav", "pick, better"),
        ("zh-CN/README.txt", "no sound"),
        ("yue/请取餐.WAV", "cantonese"),
        ("azure/zh-CN/请取餐.wav", "pick, in azure's voice"),
        ("azure/notes/x.wav", "no language"),
        ("zh-CN/long.mp3", "long"),
        ("zh-CN/index.toml", "'取餐/送餐' = 'long.mp3'"),
    ] {
        write(folder.path(), name, bytes);
    }
    let recorded = Recorded::open(folder.path()).unwrap();
    assert_eq!(recorded.len(), 6);
    assert_eq!(heard(&recorded, "tencent", "您有新的美团订单，").as_deref(), Some("meituan"));
    // The signs at the end are not heard much; those within are.
    assert_eq!(heard(&recorded, "tencent", "您有新的美团订单").as_deref(), Some("meituan"));
    assert_eq!(heard(&recorded, "tencent", " 您有新的美团订单。 ").as_deref(), Some("meituan"));
    assert_eq!(heard(&recorded, "tencent", "您有，新的美团订单"), None);
    assert_eq!(heard(&recorded, "tencent", "请取餐").as_deref(), Some("pick, better"));
    assert_eq!(heard(&recorded, "azure", "请取餐").as_deref(), Some("pick, in azure's voice"));
    assert_eq!(heard(&recorded, "azure", "您有新的美团订单，").as_deref(), Some("meituan"));
    assert_eq!(heard(&recorded, "azure", "取餐/送餐").as_deref(), Some("long"));
    for absent in ["", "，", "../zh-CN/请取餐", "请取餐.wav", "index"] {
        assert_eq!(heard(&recorded, "azure", absent), None, "{absent}");
    }
    assert_eq!(recorded.sound(Lang::Yue, "请取餐").unwrap().bytes, "cantonese");
    assert_eq!(recorded.voice(Lang::ZhCn).as_deref(), Some("recorded"));
    assert_eq!(recorded.voice(Lang::En), None);
    assert_eq!(said(&recorded, "请取餐").await.unwrap().bytes, "pick, better");
    let error = said(&recorded, "没有").await.unwrap_err();
    assert_eq!((error.failure, error.detail.contains("没有")), (EngineFailure::BadText, false));
}

#[test]
fn another_file_is_another_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "zh-CN/请取餐.wav", "one");
    let line = |engine| Recorded::open(folder.path()).unwrap().line_for(engine, Lang::ZhCn, "请取餐");
    let first = line("azure");
    assert!(first.is_some() && first == line("tencent"));
    write(folder.path(), "zh-CN/请取餐.wav", "another");
    assert_ne!(first, line("azure"));
    write(folder.path(), "azure/zh-CN/请取餐.wav", "one");
    assert_ne!(line("tencent"), line("azure"));
}

#[test]
fn a_file_that_went_away_or_grew_is_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        write(folder.path(), &format!("zh-CN/{name}.wav"), "x");
    }
    let recorded = Recorded::open(folder.path()).unwrap();
    fs::remove_file(folder.path().join("zh-CN/a.wav")).unwrap();
    fs::write(folder.path().join("zh-CN/b.wav"), vec![0; 5 << 20]).unwrap();
    fs::write(folder.path().join("zh-CN/c.wav"), "").unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(heard(&recorded, "x", name), None, "{name}");
    }
}

#[test]
fn links_lead_nowhere_outside() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.wav", "secret");
    write(outside.path(), "zh-CN/secret2.wav", "secret");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "zh-CN/real.wav", "real");
    let inside = folder.path().join("zh-CN");
    symlink(outside.path().join("secret.wav"), inside.join("请取餐.wav")).unwrap();
    symlink(inside.join("real.wav"), inside.join("请接单.wav")).unwrap();
    symlink(outside.path().join("zh-CN"), folder.path().join("yue")).unwrap();
    symlink(outside.path(), folder.path().join("azure")).unwrap();
    symlink(&inside, inside.join("loop")).unwrap();
    symlink("nowhere", inside.join("broken.wav")).unwrap();
    let recorded = Recorded::open(folder.path()).unwrap();
    assert_eq!(heard(&recorded, "azure", "请取餐"), None);
    assert_eq!(heard(&recorded, "azure", "请接单").as_deref(), Some("real"));
    assert_eq!(recorded.len(), 2);
}

#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |folder: &Path| Recorded::open(folder).unwrap_err().to_string();
    assert!(refused(&folder.path().join("nowhere")).contains("nowhere: No such file"));
    assert!(Recorded::open(folder.path()).unwrap().is_empty());
    for (index, problem) in [
        ("x", "index.toml: TOML parse error"),
        ("a = 'gone.wav'", "\"gone.wav\" is no .wav or .mp3 file beside it"),
        ("a = '../zh-CN/a.wav'", "is no .wav or .mp3 file beside it"),
        ("a = 'index.toml'", "is no .wav or .mp3 file beside it"),
    ] {
        write(folder.path(), "zh-CN/index.toml", index);
        assert!(refused(folder.path()).contains(problem), "{index}: {}", refused(folder.path()));
    }
    fs::remove_file(folder.path().join("zh-CN/index.toml")).unwrap();
    fs::write(folder.path().join("zh-CN/big.wav"), vec![0; 5 << 20]).unwrap();
    assert!(refused(folder.path()).contains("big.wav: longer than"));
}
