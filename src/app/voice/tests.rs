//! The configurations of docs/speech.md are ones that work: each sets up what it names.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Speakers;
use crate::config::Config;
use crate::speech::Lexicon;

const PAGE: &str = include_str!("../../../docs/speech.md");

/// The TOML of the page, block by block.
fn blocks() -> impl Iterator<Item = &'static str> {
    PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block))
}

/// A file that is a secret, a program and a token in one.
fn file(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "secret-of-24-characters-").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn the_configurations_of_the_page_work() {
    let root = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for block in blocks().filter(|block| block.contains("[speech]")) {
        let mut text = block.to_owned();
        for folder in ["/etc/orderbell", "/run/orderbell", "/opt", "/var/lib/orderbell"] {
            text = text.replace(&format!("\"{folder}"), &format!("\"{}{folder}", root.path().display()));
        }
        let named = text.split('"').filter(|word| word.starts_with('/') && !word.contains('{'));
        named.filter(|word| !word.ends_with("recorded")).for_each(|word| file(Path::new(word)));
        std::fs::create_dir_all(root.path().join("var/lib/orderbell/recorded")).unwrap();
        let path = root.path().join("orderbell.toml");
        std::fs::write(&path, &text).unwrap();
        let config = Config::load(Some(&path)).unwrap_or_else(|error| panic!("{block}: {error}"));
        let speakers = Speakers::set_up(&config).await.unwrap_or_else(|error| panic!("{block}: {error:#}"));
        let ready: Vec<&str> = speakers.engines.iter().map(|engine| engine.name.as_str()).collect();
        assert_eq!(ready, config.speech.chain, "{block}");
        assert!(config.speech.remarks().iter().all(|remark| !remark.contains("never asked")), "{block}");
        seen.extend(config.speech.engines.values().map(|engine| engine.kind.as_str()));
    }
    for kind in ["openai", "tencent", "volcengine", "aliyun", "azure", "http", "command", "espeak"] {
        assert!(seen.contains(&kind), "no example of {kind}");
    }
}

#[test]
fn the_lexicon_of_the_page_is_one() {
    let block = blocks().find(|block| block.contains("[[zh-CN]]")).unwrap();
    assert_eq!(Lexicon::from_toml(block).unwrap().values().map(Vec::len).sum::<usize>(), 2);
}
