//! Programs that speak: real ones, and small ones that do what programs do on a bad day.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orderbell::config::engines::EngineKind;
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::command::Command;
use tempfile::TempDir;

use crate::bad_days::failure;
use crate::{DEADLINE, config, request, said};

const ESPEAK: &str = "/usr/bin/espeak-ng";

fn command(tmp: &Path, table: &str) -> Result<Command, EngineSetupError> {
    let config =
        config(&format!("kind = 'command'\nvoices = {{ zh-CN = 'cmn-latn-pinyin', en = 'en' }}\n{table}"));
    let EngineKind::Command(command) = &config.kind else { unreachable!("another kind of engine") };
    Command::new(command, &config.common, tmp)
}

/// A program written for a test.
struct Script {
    folder: TempDir,
    program: PathBuf,
}

impl Script {
    fn new(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("speak");
        fs::write(&program, format!("#!/bin/sh\n{lines}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, program }
    }

    /// Where the engine's files are.
    fn tmp(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    fn engine(&self, arguments: &str, more: &str) -> Command {
        let program = self.program.display();
        command(&self.tmp(), &format!("command = ['{program}' {arguments}]\n{more}")).unwrap()
    }

    /// Files that were left behind.
    fn left(&self) -> usize {
        fs::read_dir(self.tmp()).map_or(0, Iterator::count)
    }
}

#[tokio::test]
async fn a_real_program_speaks_by_stdin_like_piper() {
    let tmp = tempfile::tempdir().unwrap();
    let table = format!("command = ['{ESPEAK}', '-v', '{{voice}}', '--stdin', '--stdout']\nversion = '1.51'");
    let engine = command(tmp.path(), &table).unwrap();
    let sound = said(&engine, "您有新的订单，请及时接单").await.unwrap();
    assert!(sound.bytes.starts_with(b"RIFF") && sound.bytes.len() > 50_000, "{}", sound.bytes.len());
    assert!(engine.is_local());
    assert_eq!(engine.voice(Lang::Yue), None);
    let line = engine.voice(Lang::ZhCn).unwrap();
    assert!(line.ends_with("1.51 cmn-latn-pinyin"), "{line}");
    let another = command(tmp.path(), &table.replace("'-v'", "'-z', '-v'")).unwrap();
    assert_ne!(Some(line), another.voice(Lang::ZhCn));
}

#[tokio::test]
async fn a_real_program_speaks_by_an_argument_into_a_file_like_sherpa() {
    let tmp = tempfile::tempdir().unwrap();
    let table = format!(
        "command = ['{ESPEAK}', '-v', '{{voice}}', '-w', '{{out}}', '--', '{{text}}']\ninput = 'argument'\noutput = 'file'"
    );
    let engine = command(tmp.path(), &table).unwrap();
    let normal = said(&engine, "您有新的订单").await.unwrap().bytes.len();
    // Options, files, markup and shells in a text are only words: nothing is read aloud, and nothing is done.
    for text in [
        "-f/etc/passwd",
        "--compile=x",
        "-w /tmp/orderbell-must-not-exist.wav",
        "@/etc/passwd",
        "$(id) `id`; rm -rf x | y > z",
        "<speak><audio src=\"/etc/passwd\"/></speak>",
        "[[h@]] 你好",
        "{voice} {out} %s %n",
        "\u{1b}[31m你好\r\n再见\t",
    ] {
        let bytes = said(&engine, text).await.unwrap().bytes;
        assert!(bytes.starts_with(b"RIFF") && bytes.len() < 20 * normal, "{text:?}: {}", bytes.len());
    }
    assert!(!Path::new("/tmp/orderbell-must-not-exist.wav").exists());
    assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_program_gets_its_arguments_and_nothing_else() {
    let script = Script::new(
        "for a in \"$@\"; do printf '<%s>' \"$a\"; done; printf '|'; cat; printf '|'; pwd; /usr/bin/env",
    );
    let engine = script.engine(
        ", '--v={voice}', '{lang}', '{speed}', '{length_scale}', 'a b', ''",
        "bare_rate = 22050\nenv = { MODEL = 'x y' }",
    );
    let part = Part::new(" 您好 \u{7}x\ny", vec![]);
    let request =
        EngineRequest { part: &part, lang: Lang::En, speed: Speed::percent(160), deadline: DEADLINE };
    let sound = engine.speak(&request).await.unwrap();
    let told = String::from_utf8(sound.bytes.to_vec()).unwrap();
    let (given, env) = told.split_once("|/\n").unwrap();
    assert_eq!(given, "<--v=en><en><1.6><0.625><a b><>|您好 xy\n");
    assert_eq!(sound.bare, Some(BarePcm { rate_hz: 22_050 }));
    let names: Vec<&str> = env.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // The shell itself adds two.
    assert!(
        names.contains(&"MODEL")
            && names.iter().all(|name| ["MODEL", "PWD", "_", "OLDPWD", "SHLVL"].contains(name)),
        "{names:?}"
    );
}

#[tokio::test]
async fn failures_are_told_with_their_reason_and_leave_nothing_behind() {
    for (lines, detail) in [
        ("echo 'no model here' >&2; exit 3", "it ended with exit status: 3: no model here"),
        ("kill -9 $$", "it ended with signal: 9 (SIGKILL)"),
        ("exit 0", "it wrote no sound"),
        ("yes | head -c 100000 >&2; echo the end >&2; exit 1", "the end"),
        ("echo \"cannot say 请到金龙饭店取餐\" >&2; exit 1", "it ended with exit status: 1"),
    ] {
        let script = Script::new(lines);
        let error = failure(&script.engine("", ""), "请到金龙饭店取餐").await;
        assert_eq!(error.failure, EngineFailure::Broken, "{lines}");
        assert!(error.detail.ends_with(detail) || error.detail == detail, "{lines}: {error}");
    }
    let into_file = "output = 'file'";
    for (lines, detail) in [
        ("exit 0", "the file it should have written cannot be read"),
        (": > \"$1\"", "it wrote no sound"),
        ("ln -s /etc/passwd \"$1\"", "the file it should have written cannot be read"),
        ("mkfifo \"$1\"", "the file it should have written cannot be read"),
        ("head -c 20000000 /dev/zero > \"$1\"", "the file it should have written cannot be read"),
        ("echo x > \"$1\"; exit 1", "it ended with exit status: 1"),
    ] {
        let script = Script::new(lines);
        let error = failure(&script.engine(", '{out}'", into_file), "请取餐").await;
        assert_eq!(error.failure, EngineFailure::Broken, "{lines}");
        assert!(error.detail.starts_with(detail), "{lines}: {error}");
        assert_eq!(script.left(), 0, "{lines}");
    }
    let gone = Script::new("echo x");
    let engine = gone.engine("", "");
    fs::remove_file(&gone.program).unwrap();
    assert_eq!(failure(&engine, "请取餐").await.failure, EngineFailure::Broken);
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let script = Script::new("yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let began = Instant::now();
    let error = failure(&script.engine("", ""), "请取餐").await;
    assert_eq!(
        (error.failure, error.detail.as_str()),
        (EngineFailure::Broken, "it wrote more than 8388608 bytes")
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn who_hangs_is_ended_with_all_it_has_started() {
    // A child of the child, which would go on for a minute and hold the pipe open.
    let script = Script::new("cd \"${0%/*}\"; sleep 61 & echo $! > inner; echo $$ > outer; wait");
    let engine = script.engine(", '{out}'", "output = 'file'");
    let part = Part::new("请取餐", vec![]);
    let request = EngineRequest { deadline: Duration::from_millis(700), ..request(&part) };
    let began = Instant::now();
    let error = engine.speak(&request).await.unwrap_err();
    assert_eq!(
        (error.failure, error.detail.as_str()),
        (EngineFailure::Broken, "it did not finish within 700ms")
    );
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(script.left(), 0);
    for name in ["inner", "outer"] {
        let pid = fs::read_to_string(script.folder.path().join(name)).unwrap();
        let until = Instant::now() + Duration::from_secs(5);
        // A zombie is as gone as can be: its parent has not looked yet.
        let alive = || {
            let status = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            status
                .rsplit(')')
                .next()
                .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
        };
        while alive() {
            assert!(Instant::now() < until, "{name} still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn texts_that_cannot_be_spoken_are_refused_before_the_start() {
    let script = Script::new("echo x");
    let engine = script.engine("", "");
    for text in ["好".repeat(401), "好".repeat(10_000), String::new(), "，。!".to_owned()] {
        assert_eq!(failure(&engine, &text).await.failure, EngineFailure::BadText);
    }
}

#[test]
fn mistakes_in_the_table_are_found_before_the_start() {
    let tmp = tempfile::tempdir().unwrap();
    let plain = tmp.path().join("plain");
    fs::write(&plain, "x").unwrap();
    let plain = plain.display();
    for (table, problem) in [
        (String::new(), "command: needs the program"),
        ("command = ['espeak-ng']".to_owned(), "espeak-ng is not an absolute path"),
        ("command = ['/nowhere/piper']".to_owned(), "/nowhere/piper: No such file"),
        ("command = ['/usr']".to_owned(), "is not a program"),
        (format!("command = ['{plain}']"), "is not a program"),
        (format!("command = ['{ESPEAK}', '{{txt}}']"), "unknown slot {txt}"),
        (format!("command = ['{ESPEAK}', '{{text}}']"), "input is \"stdin\""),
        (format!("command = ['{ESPEAK}']\ninput = 'argument'"), "{text} must stand in one argument"),
        (
            format!("command = ['{ESPEAK}', '{{text}}', '{{text}}']\ninput = 'argument'"),
            "{text} must stand in one",
        ),
        (format!("command = ['{ESPEAK}', '{{out}}']"), "output is \"stdout\""),
        (format!("command = ['{ESPEAK}']\noutput = 'file'"), "{out} must stand in an argument"),
        (format!("command = ['{ESPEAK}']\ninput = 'pipe'"), "neither \"stdin\" nor \"argument\""),
        (format!("command = ['{ESPEAK}']\noutput = 'pipe'"), "neither \"stdout\" nor \"file\""),
        (format!("command = ['{ESPEAK}']\nbare_rate = 1"), "not between 4000 and 96000"),
    ] {
        let error = command(tmp.path(), &table).unwrap_err().to_string();
        assert!(error.contains(problem), "{table}: {error}");
    }
}
