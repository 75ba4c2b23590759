//! One source file as the rules see it: its module, its code without comments, and what of ours that code names.
//! Strings stay in the code: they are where SQL would be.

/// One file under src/.
pub(crate) struct Source {
    /// Path below src/.
    pub(crate) name: String,
    /// As it is.
    pub(crate) text: String,
    /// Without comments.
    pub(crate) code: String,
}

impl Source {
    /// A file by its path below src/.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let code: Vec<&str> = text.lines().map(without_comment).collect();
        Self { name: name.to_owned(), text: text.to_owned(), code: code.join("\n") }
    }

    /// The top-level module it belongs to.
    pub(crate) fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether it is tests and nothing else.
    pub(crate) fn is_test(&self) -> bool {
        self.name.ends_with("tests.rs")
    }

    /// Top-level modules of ours that it names: after `crate::`, also in braces, and after `super::` at the top level.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut named = Vec::new();
        let top = !self.name.contains('/');
        for prefix in ["crate::", "super::"] {
            if prefix == "super::" && !top {
                continue;
            }
            for (at, _) in self.code.match_indices(prefix) {
                let before = self.code[..at].chars().next_back();
                if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
                    continue;
                }
                named.extend(heads(&self.code[at + prefix.len()..]));
            }
        }
        // In a module at the top level, `super` inside its own inner modules is that module itself.
        named.retain(|name| name != self.module());
        named
    }

    /// Whether the code names this word, not as a part of a longer one, or this beginning of a path.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.code.match_indices(word).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            let is_part = |letter: Option<char>| letter.is_some_and(|l| l.is_alphanumeric() || l == '_');
            !is_part(before) && (word.ends_with(':') || !is_part(after))
        })
    }
}

/// `//` in a string is rare here (URLs), and what follows it there names nothing that a rule is about.
fn without_comment(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("//") {
        return "";
    }
    line.split_once(" // ").map_or(line, |(code, _comment)| code)
}

/// The first segment of a path, or of each path of a group in braces.
fn heads(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return word(rest).into_iter().collect();
    };
    let mut depth = 1;
    let mut fresh = true;
    let mut heads = Vec::new();
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            _ if depth == 1 && fresh && !letter.is_whitespace() => {
                heads.extend(word(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// A module's name; types and macros begin otherwise or are no modules.
fn word(text: &str) -> Option<String> {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    let word = &text[..end];
    word.starts_with(|letter: char| letter.is_lowercase()).then(|| word.to_owned())
}
