//! The environment as a layer of the configuration. Variables are read as numbers and booleans where they look like it,
//! but those of secrets, engines and mini-programs stay the text they are: a secret may be all digits.

use std::collections::HashMap;

use config::Environment;

/// Sections whose variables are text.
const TEXTS: [&str; 4] = [
    "ORDERBELL_SECRETS__",
    "ORDERBELL_SPEECH__ENGINES__",
    "ORDERBELL_STORE__URL",
    "ORDERBELL_WECHAT__PROGRAMS__",
];

/// What the environment says.
pub(super) fn sources() -> [Environment; 2] {
    let told = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    split(told.collect())
}

fn split(all: HashMap<String, String>) -> [Environment; 2] {
    let is_text = |name: &str| TEXTS.iter().any(|prefix| name.to_uppercase().starts_with(prefix));
    let (texts, others): (HashMap<_, _>, HashMap<_, _>) =
        all.into_iter().partition(|(name, _)| is_text(name));
    [(others, true), (texts, false)].map(|(source, parsed)| {
        let layer = Environment::with_prefix("ORDERBELL").prefix_separator("_").separator("__");
        layer.try_parsing(parsed).source(Some(source))
    })
}

#[cfg(test)]
mod tests {
    use config::Source;

    use super::split;

    #[test]
    fn secrets_stay_as_they_are_written() {
        let all = [
            ("ORDERBELL_SPEECH__TAIL", "true"),
            ("ORDERBELL_SECRETS__OPERATOR_KEY", "0012345678901234567890123"),
            ("orderbell_speech__engines__my_tts__api_key", "0012"),
            ("ORDERBELL_WECHAT__PROGRAMS__RIDERS__SECRET", "00120012"),
            ("OTHER", "x"),
        ];
        let layers =
            split(all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
        let [others, texts] = layers.map(|layer| layer.collect().unwrap());
        assert_eq!((others.len(), texts.len()), (1, 3));
        assert_eq!(others["speech.tail"].kind, config::ValueKind::Boolean(true));
        let text = |value: &str| config::ValueKind::String(value.to_owned());
        assert_eq!(texts["secrets.operator_key"].kind, text("0012345678901234567890123"));
        assert_eq!(texts["speech.engines.my_tts.api_key"].kind, text("0012"));
        assert_eq!(texts["wechat.programs.riders.secret"].kind, text("00120012"));
    }
}
