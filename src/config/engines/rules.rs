//! What must hold within the table of one engine, so that a mistake is found at the start and not at the first order.
//! Whether the maker knows the voice is found out by asking: `orderbell check` does.

use std::time::Duration;

use super::{
    AzureEngine, CommandEngine, EngineCommon, EngineConfig, EngineKind, TencentEngine, VolcengineEngine,
};
use crate::config::members::Fault;

/// Languages that a sentence can be in, by the tags that are written.
pub(in crate::config) const LANGS: [&str; 3] = ["zh-CN", "yue", "en"];
const FORMATS: [&str; 3] = ["mp3", "wav", "pcm"];

/// What must hold, the member, and that in words.
type Rule = (bool, &'static str, &'static str);

impl EngineConfig {
    /// What is wrong with it, if anything is: the member, and that in words.
    pub(in crate::config) fn fault(&self) -> Option<Fault> {
        let both = self.kind.credentials().iter().find_map(super::credentials::Credential::contradiction);
        let broken = self.common.rules().into_iter().chain(self.kind.rules(&self.common));
        let broken = broken.into_iter().find(|(holds, ..)| !holds);
        broken.map(|(_, member, what)| (member.to_owned(), what.to_owned())).or(both)
    }
}

impl EngineCommon {
    fn rules(&self) -> Vec<Rule> {
        let deadlines = Duration::from_millis(100)..=Duration::from_mins(1);
        vec![
            (deadlines.contains(&self.deadline), "deadline", "is 100ms to 60s"),
            ((1..=5).contains(&self.attempts), "attempts", "is 1 to 5"),
            ((1..=256).contains(&self.concurrency), "concurrency", "is 1 to 256"),
            ((50..=200).contains(&self.speed_percent), "speed_percent", "is 50 to 200"),
            (
                self.voices.keys().all(|tag| LANGS.contains(&tag.as_str())),
                "voices",
                "has a language that is none of zh-CN, yue, en",
            ),
            (self.voices.values().all(|voice| !voice.trim().is_empty()), "voices", "has an empty name"),
        ]
    }

    fn has_voices(&self) -> Rule {
        (
            !self.voices.is_empty(),
            "voices",
            "is empty: name the maker's voice for each language, such as voices = { zh-CN = \"…\" }",
        )
    }
}

impl EngineKind {
    fn rules(&self, common: &EngineCommon) -> Vec<Rule> {
        match self {
            Self::Openai(openai) => vec![
                base_url(&openai.base_url),
                (!openai.model.trim().is_empty(), "model", "is empty"),
                format(&openai.format),
                common.has_voices(),
            ],
            Self::Tencent(tencent) => tencent.rules(common),
            Self::Volcengine(volcengine) => volcengine.rules(common),
            Self::Aliyun(aliyun) => vec![
                base_url(&aliyun.base_url),
                (!aliyun.model.trim().is_empty(), "model", "is empty"),
                sample_rate(aliyun.sample_rate),
                format(&aliyun.format),
                common.has_voices(),
            ],
            Self::Azure(azure) => azure.rules(common),
            Self::Http(http) => vec![
                (
                    !http.profile.trim().is_empty(),
                    "profile",
                    "is empty: baidu, minimax, google, aliyun_nls, or the path of a file",
                ),
                common.has_voices(),
            ],
            Self::Command(command) => command.rules(common),
            Self::Espeak(_) => Vec::new(),
            Self::Recorded(recorded) => {
                vec![(!recorded.folder.as_os_str().is_empty(), "folder", "is empty")]
            }
        }
    }
}

impl TencentEngine {
    fn rules(&self, common: &EngineCommon) -> Vec<Rule> {
        let is_number = |voice: &String| voice.bytes().all(|byte| byte.is_ascii_digit());
        vec![
            base_url(&self.base_url),
            (self.region.is_empty() || is_region(&self.region, '-'), "region", "is one such as ap-guangzhou"),
            ([8_000, 16_000, 24_000].contains(&self.sample_rate), "sample_rate", "is 8000, 16000 or 24000"),
            format(&self.format),
            common.has_voices(),
            (common.voices.values().all(is_number), "voices", "are numbers (VoiceType), such as \"101001\""),
        ]
    }
}

impl VolcengineEngine {
    fn rules(&self, common: &EngineCommon) -> Vec<Rule> {
        let is_v3 = self.api == "v3";
        vec![
            base_url(&self.base_url),
            (is_v3 || self.api == "v1", "api", "is v1 or v3"),
            (is_v3 || !self.app_id.trim().is_empty(), "app_id", "is empty"),
            (is_v3 || !self.cluster.trim().is_empty(), "cluster", "is empty"),
            (!is_v3 || !self.resource_id.trim().is_empty(), "resource_id", "is empty"),
            sample_rate(self.sample_rate),
            format(&self.format),
            (!is_v3 || self.format != "wav", "format", "is mp3 or pcm with v3"),
            common.has_voices(),
        ]
    }
}

impl AzureEngine {
    fn rules(&self, common: &EngineCommon) -> Vec<Rule> {
        let placed = if self.base_url.is_empty() {
            let what = "is one such as eastasia or chinaeast2, or base_url is set";
            (is_region(&self.region, '_'), "region", what)
        } else {
            base_url(&self.base_url)
        };
        let known = self.format.starts_with("riff-")
            || self.format.starts_with("raw-")
            || self.format.ends_with("-mono-mp3");
        vec![placed, (known, "format", "is one of riff-…-pcm, raw-…-pcm and …-mono-mp3"), common.has_voices()]
    }
}

impl CommandEngine {
    fn rules(&self, common: &EngineCommon) -> Vec<Rule> {
        let names = |slot: &str| self.command.iter().any(|argument| argument.contains(slot));
        let is_absolute = self.command.first().is_some_and(|program| program.starts_with('/'));
        let rates = 4_000..=96_000;
        vec![
            (is_absolute, "command", "begins with the absolute path of a program"),
            (["stdin", "argument"].contains(&self.input.as_str()), "input", "is stdin or argument"),
            (["stdout", "file"].contains(&self.output.as_str()), "output", "is stdout or file"),
            (self.input != "argument" || names("{text}"), "command", "has no {text}, and input is argument"),
            (self.output != "file" || names("{out}"), "command", "has no {out}, and output is file"),
            (
                self.bare_rate == 0 || rates.contains(&self.bare_rate),
                "bare_rate",
                "is 0, or 4000 to 96000 samples a second",
            ),
            common.has_voices(),
        ]
    }
}

/// A scheme that can be called, and a host.
fn base_url(url: &str) -> Rule {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let good = rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte))
    });
    (good, "base_url", "is an http(s) URL without user, query and fragment")
}

fn sample_rate(rate: u32) -> Rule {
    ((8_000..=48_000).contains(&rate), "sample_rate", "is 8000 to 48000")
}

fn format(format: &str) -> Rule {
    (FORMATS.contains(&format), "format", "is mp3, wav or pcm")
}

/// It becomes a part of a host or a header.
fn is_region(region: &str, beside: char) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == beside;
    (2..=30).contains(&region.len())
        && region.starts_with(|c: char| c.is_ascii_lowercase())
        && region.chars().all(good)
}
