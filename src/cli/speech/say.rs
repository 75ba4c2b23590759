//! `orderbell speech say`: one sentence, as an alert would have it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use super::{Voice, profile};
use crate::app::VoiceDesk;
use crate::audio::ClipFormat;
use crate::cli::print;
use crate::domain::said::Part;
use crate::domain::{SoundProfile, Urgency};
use crate::speech::engine::Speed;
use crate::speech::{Chime, Rendered, SayBudget, Sentence, free_text};

/// What is to be said, and how.
#[derive(Args)]
pub(in crate::cli) struct Say {
    /// The text; a phrase takes its place with --kind
    #[arg(required_unless_present = "kind", conflicts_with = "kind")]
    text: Option<String>,
    #[command(flatten)]
    voice: Voice,
    /// Say the phrase of this kind of event
    #[arg(long)]
    kind: Option<String>,
    /// A value for the phrase, such as `merchant=测试面馆`; a phrase is passed over while it lacks one
    #[arg(long = "var", value_name = "NAME=VALUE", requires = "kind", value_parser = variable)]
    vars: Vec<(String, Value)>,
    /// For what ears: plain, street; the configuration's usual otherwise
    #[arg(long, value_parser = profile)]
    profile: Option<SoundProfile>,
    /// Percent of normal speech, 50 to 200
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(50..=200))]
    speed: u32,
    /// Write the clip there; "-" is stdout, and what was said goes to stderr
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// mp3 or wav; what FILE ends in otherwise
    #[arg(long, value_parser = format)]
    format: Option<ClipFormat>,
}

impl Say {
    /// Speaks, writes and tells.
    pub(super) async fn run(self, desk: &VoiceDesk) -> anyhow::Result<ExitCode> {
        let rendered = self.rendered(desk)?;
        let sentence = Sentence {
            kind: self.kind.clone().unwrap_or_else(|| "announcement".to_owned()),
            said: rendered.said.clone(),
            lang: rendered.lang,
            urgency: Urgency::Normal,
            chime: Chime::Usual,
            format: self.format()?,
            voice: self.voice.engine(desk)?.map(str::to_owned),
            speed: Speed::percent(self.speed),
        };
        let profile = self.profile.unwrap_or(desk.profile);
        let known = desk.speech.cached(&sentence).await.is_some();
        let began = Instant::now();
        let spoken = desk.speech.say(&sentence, SayBudget::Patient).await?;
        let took = began.elapsed();
        let sound = spoken.sound.in_profile(profile);
        let bytes = desk.bytes(&spoken.sound, profile).await?;
        let told = json!({
            "said": sentence.said.text(),
            "text": rendered.text,
            "parts": sentence.said.parts().iter().map(Part::text).collect::<Vec<_>>(),
            "lang": sentence.lang.tag(),
            "engine": spoken.engine,
            "profile": profile.as_str(),
            "cached": known,
            "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "bytes": bytes.len(),
            "duration_ms": sound.duration_ms,
            "tail_ms": sound.tail_ms,
            "file": self.out.as_deref().map(|path| path.display().to_string()),
        });
        match self.out.as_deref() {
            Some(path) if path == Path::new("-") => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(&bytes).and_then(|()| stdout.flush()).context("writing to stdout")?;
                let _nobody_reads = writeln!(std::io::stderr(), "{told}").is_err();
                Ok(ExitCode::SUCCESS)
            }
            Some(path) => {
                std::fs::write(path, &bytes).with_context(|| format!("writing {}", path.display()))?;
                print(&told.to_string())
            }
            None => print(&told.to_string()),
        }
    }

    fn rendered(&self, desk: &VoiceDesk) -> anyhow::Result<Rendered> {
        let lang = self.voice.lang;
        let lexicon = desk.lexicon(lang);
        let Some(kind) = &self.kind else {
            return free_text(self.text.as_deref().unwrap_or_default(), lang, &lexicon).context("the text");
        };
        let vars: Map<String, Value> = self.vars.iter().cloned().collect();
        let phrases = desk.speech.phrases();
        let rendered = phrases.render(kind, lang, &[], &vars, desk.utc_offset_s, &lexicon);
        rendered.with_context(|| {
            let known: Vec<&str> = phrases.kinds().collect();
            format!("--kind {kind} has no phrase; there are {}", known.join(", "))
        })
    }

    /// As asked for, else as the file's name says; players go by the name, so the two must agree.
    fn format(&self) -> anyhow::Result<ClipFormat> {
        let Some(ending) = self.out.as_deref().and_then(Path::extension) else {
            return Ok(self.format.unwrap_or_default());
        };
        let ending = ending.to_string_lossy().to_ascii_lowercase();
        let named = format(&ending).map_err(|_| anyhow!("--out: a clip ends in .mp3 or .wav"))?;
        match self.format {
            Some(asked) if asked != named => bail!("--format and the ending of --out differ"),
            Some(_) | None => Ok(named),
        }
    }
}

fn format(text: &str) -> Result<ClipFormat, String> {
    match text {
        "mp3" => Ok(ClipFormat::Mp3),
        "wav" => Ok(ClipFormat::Wav),
        _ => Err("mp3 or wav".to_owned()),
    }
}

/// A number where it is written like one: `0017` stays text.
fn variable(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    let number = serde_json::from_str::<Value>(value).ok().filter(Value::is_number);
    Ok((name.to_owned(), number.unwrap_or_else(|| value.into())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::variable;

    #[test]
    fn a_value_is_a_number_where_it_is_written_like_one() {
        for (text, value) in [
            ("fee=5.8", json!(5.8)),
            ("tail=8607", json!(8607)),
            ("tail=0017", json!("0017")),
            ("merchant=a=b", json!("a=b")),
            ("note=", json!("")),
            ("flag=true", json!("true")),
        ] {
            assert_eq!(variable(text).unwrap().1, value, "{text}");
        }
        assert!(variable("merchant").is_err());
    }
}
