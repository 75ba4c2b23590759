//! The arguments of a program, with slots for what is said: each stays one argument, whatever is put into it.

use std::path::Path;

/// Slots, and what they stand for.
const SLOTS: [&str; 6] = ["text", "voice", "speed", "length_scale", "lang", "out"];

/// Arguments, checked.
#[derive(Debug)]
pub(super) struct Arguments(Vec<Vec<Piece>>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Literal(String),
    Slot(&'static str),
}

/// What the slots stand for.
pub(super) struct Filling<'a> {
    pub(super) text: &'a str,
    pub(super) voice: &'a str,
    pub(super) lang: &'a str,
    /// A factor: 2 is twice as fast.
    pub(super) speed: f64,
}

impl Arguments {
    /// Reads arguments as they are written. `{{` and `}}` stand for braces.
    pub(super) fn read(written: &[String]) -> Result<Self, String> {
        written.iter().map(|argument| pieces(argument)).collect::<Result<_, _>>().map(Self)
    }

    /// How often the text stands in them.
    pub(super) fn texts(&self) -> usize {
        self.count("text")
    }

    /// How often the file does.
    pub(super) fn outs(&self) -> usize {
        self.count("out")
    }

    fn count(&self, name: &str) -> usize {
        self.0.iter().flatten().filter(|piece| matches!(piece, Piece::Slot(slot) if *slot == name)).count()
    }

    /// With their values. A text that is an argument by itself and begins like an option, or like the name of a file with
    /// arguments, gets a space before it: it is not heard.
    pub(super) fn filled(&self, filling: &Filling<'_>, out: Option<&Path>) -> Vec<String> {
        let value = |slot: &str| match slot {
            "text" => filling.text.to_owned(),
            "voice" => filling.voice.to_owned(),
            "lang" => filling.lang.to_owned(),
            "speed" => filling.speed.to_string(),
            // What piper and sherpa-onnx count in: twice as long is half as fast.
            "length_scale" => ((1_000.0 / filling.speed).round() / 1_000.0).to_string(),
            _ => out.map(|out| out.to_string_lossy().into_owned()).unwrap_or_default(),
        };
        let filled = self.0.iter().map(|pieces| {
            let argument: String = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(literal) => literal.clone(),
                    Piece::Slot(slot) => value(slot),
                })
                .collect();
            let begins =
                pieces.first() == Some(&Piece::Slot("text")) && argument.starts_with(['-', '@', '+']);
            if begins { format!(" {argument}") } else { argument }
        });
        filled.collect()
    }
}

fn pieces(argument: &str) -> Result<Vec<Piece>, String> {
    if argument.contains('\0') {
        return Err(format!("{argument:?} contains a NUL"));
    }
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = argument;
    while let Some(letter) = rest.chars().next() {
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        match letter {
            '{' | '}' if doubled => {
                literal.push(letter);
                rest = &rest[2..];
            }
            '{' => {
                let (name, after) =
                    rest[1..].split_once('}').ok_or_else(|| format!("{argument:?}: a slot is not closed"))?;
                let known =
                    || format!("{argument:?}: unknown slot {{{name}}}, known are {{{}}}", SLOTS.join("}, {"));
                let slot = SLOTS.into_iter().find(|slot| *slot == name).ok_or_else(known)?;
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Slot(slot));
                rest = after;
            }
            '}' => return Err(format!("{argument:?}: a brace closes no slot")),
            letter => {
                literal.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(written: &[&str], text: &str) -> Vec<String> {
        let written: Vec<String> = written.iter().map(|argument| (*argument).to_owned()).collect();
        let filling = Filling { text, voice: "huayan", lang: "zh-CN", speed: 1.25 };
        Arguments::read(&written).unwrap().filled(&filling, Some(Path::new("/tmp/x.wav")))
    }

    #[test]
    fn what_is_put_in_stays_in_its_argument() {
        let written = [
            "--voice={voice}",
            "-l",
            "{lang}",
            "--scale={length_scale}",
            "{speed}",
            "{out}",
            "",
            "{{x}}",
            "{text}",
        ];
        let wanted = [
            "--voice=huayan",
            "-l",
            "zh-CN",
            "--scale=0.8",
            "1.25",
            "/tmp/x.wav",
            "",
            "{x}",
            "a {voice} \"b\" $(c)",
        ];
        assert_eq!(filled(&written, "a {voice} \"b\" $(c)"), wanted);
    }

    #[test]
    fn a_text_is_never_an_option() {
        assert_eq!(
            filled(&["{text}", "--text={text}"], "-f/etc/passwd"),
            [" -f/etc/passwd", "--text=-f/etc/passwd"]
        );
        assert_eq!(filled(&["{text}"], "@/etc/passwd"), [" @/etc/passwd"]);
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for (argument, problem) in [
            ("{sped}", "unknown slot {sped}, known are {text}"),
            ("{text", "not closed"),
            ("text}", "closes no slot"),
            ("a\0", "NUL"),
        ] {
            let error = Arguments::read(&[argument.to_owned()]).unwrap_err();
            assert!(error.contains(problem), "{argument}: {error}");
        }
    }
}
