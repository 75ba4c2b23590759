//! The profiles that ship with Orderbell, a file for each sender in `assets/hooks`.
//! Each says where its facts are from, what it covers and what not, and how the sender is set up.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use rust_embed::RustEmbed;
use serde_json::Value;

/// The files.
#[derive(RustEmbed)]
#[folder = "assets/hooks"]
#[include = "*.toml"]
struct PresetFiles;

/// The preset's profile, as JSON.
#[must_use]
pub fn preset(name: &str) -> Option<Value> {
    presets().get(name).cloned()
}

/// The names of all presets, in order.
#[must_use]
pub fn preset_names() -> Vec<&'static str> {
    presets().keys().map(String::as_str).collect()
}

/// The preset as it was written, with its comments: TOML.
#[must_use]
pub fn preset_text(name: &str) -> Option<String> {
    let file = PresetFiles::get(&format!("{name}.toml"))?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// All of them, read once in a process. A test reads every file, so none is missing here.
fn presets() -> &'static BTreeMap<String, Value> {
    static PRESETS: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    PRESETS.get_or_init(|| {
        let names = PresetFiles::iter()
            .filter_map(|file: Cow<'static, str>| Some(file.strip_suffix(".toml")?.to_owned()));
        names.filter_map(|name| Some((name.clone(), toml::from_str(&preset_text(&name)?).ok()?))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{PresetFiles, preset, preset_names, preset_text};

    #[test]
    fn every_file_is_a_preset_and_says_what_an_operator_must_know() {
        assert_eq!(PresetFiles::iter().count(), preset_names().len(), "a file that is not TOML");
        for name in preset_names() {
            let profile = preset(name).unwrap();
            for pointer in ["/title", "/about/source", "/about/covers", "/about/not_covered", "/about/setup"]
            {
                let said = profile.pointer(pointer).and_then(|said| said.as_str());
                assert!(said.is_some_and(|said| !said.trim().is_empty()), "{name}{pointer}");
            }
            assert!(preset_text(name).unwrap().contains("orderbell hook add"), "{name}: how it is made");
        }
    }

    #[test]
    fn the_senders_that_were_promised_are_there() {
        let promised = [
            "cloudevents",
            "crmeb",
            "dada",
            "doordash_drive",
            "eleme",
            "meituan_peisong",
            "meituan_waimai",
            "onfleet",
            "plain",
            "sf",
            "shansong",
            "shopify",
            "sky_take_out",
            "square",
            "standard_webhooks",
            "uber_direct",
            "wechat",
            "woocommerce",
            "youzan",
        ];
        assert_eq!(preset_names(), promised);
        assert!(preset("nobody").is_none() && preset("../kinds").is_none());
    }
}
