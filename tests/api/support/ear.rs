//! ffmpeg listens to a clip that was fetched over HTTP: how long it is, how loud, and where it is silent.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{TestServer, reply};

/// A clip on disk, and what the server says of it.
pub(crate) struct Ear {
    folder: TempDir,
    /// Where the sentence ends and the tail begins, in milliseconds.
    pub(crate) ends_ms: f64,
}

impl Ear {
    /// Fetches the clip of an `audio` member.
    pub(crate) async fn of(server: &TestServer, audio: &Value) -> Self {
        let folder = TempDir::new().unwrap();
        let clip = reply(server.request("GET", audio["url"].as_str().unwrap())).await;
        assert_eq!(clip.status, 200, "{audio}");
        std::fs::write(folder.path().join("clip.mp3"), &clip.bytes).unwrap();
        let ends_ms = audio["duration_ms"].as_f64().unwrap() - audio["tail_ms"].as_f64().unwrap();
        Self { folder, ends_ms }
    }

    pub(crate) fn path(&self) -> String {
        self.folder.path().join("clip.mp3").display().to_string()
    }

    /// The `max_volume:` or `mean_volume:` between two moments, in dB below full scale.
    pub(crate) fn volume(&self, from_ms: f64, to_ms: f64, label: &str) -> f64 {
        number(&self.filter(&format!("atrim=start={from_ms}ms:end={to_ms}ms,volumedetect")), label)
    }

    /// The loudness of everything before the tail, in LUFS.
    pub(crate) fn loudness(&self) -> f64 {
        number(&self.filter(&format!("atrim=end={}ms,ebur128", self.ends_ms)), "I:")
    }

    fn filter(&self, filter: &str) -> String {
        run("ffmpeg", &["-nostats", "-i", &self.path(), "-af", filter, "-f", "null", "-"])
    }
}

/// Runs a tool that must succeed; what it wrote to both of its outputs.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("install ffmpeg to run these tests");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{program}: {text}");
    text
}

/// The number behind a label in ffmpeg's last report.
fn number(report: &str, label: &str) -> f64 {
    let rest = report.rsplit_once(label).unwrap_or_else(|| panic!("no {label} in {report}")).1;
    rest.split_whitespace().next().unwrap().parse().unwrap()
}
