//! The last walk over a text whose numbers are read: punctuation in one style, symbols gone, one line.
//! Runs of pauses become the strongest of them, so that an engine neither stumbles nor spells.

/// How pauses are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Full-width marks.
    Han,
    /// ASCII marks followed by a space.
    Latin,
}

/// What stands between two words, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Enumeration,
    Comma,
    Stop,
    Exclamation,
    Question,
}

/// Writes `text` in `style`, at most `chars_max` characters long, cut at a gap where one is near.
pub(super) fn finish(text: &str, style: Style, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut length = 0;
    let mut last_gap = 0;
    let mut gap = Gap::None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let before = if gap == Gap::None { out.chars().last() } else { None };
        let here = gap_of(c, before, chars.peek().copied());
        if here != Gap::None {
            gap = gap.max(here);
            continue;
        }
        if !out.is_empty() && gap != Gap::None {
            last_gap = out.len();
            let mark = mark(gap, style);
            out.push_str(mark);
            length += mark.chars().count();
        }
        gap = Gap::None;
        if length >= chars_max {
            cut(&mut out, last_gap, chars_max);
            return out;
        }
        out.push(c);
        length += 1;
    }
    // A sentence keeps its final stop, which shapes its melody; a trailing comma says nothing.
    if gap >= Gap::Stop && !out.is_empty() && length < chars_max {
        out.push_str(mark(gap, style).trim_end());
    }
    out
}

/// Cuts back to `chars_max`, and to the last gap if that loses less than a quarter.
fn cut(out: &mut String, last_gap: usize, chars_max: usize) {
    let hard = out.char_indices().nth(chars_max).map_or(out.len(), |(at, _)| at);
    let soft = if last_gap <= hard && last_gap * 4 >= hard * 3 { last_gap } else { hard };
    out.truncate(soft);
    let trimmed = out.trim_end_matches([' ', '，', ',', '、']).len();
    out.truncate(trimmed);
}

fn gap_of(c: char, before: Option<char>, after: Option<char>) -> Gap {
    let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    let apostrophe = c == '\'' && latin(before) && latin(after);
    match c {
        _ if apostrophe || c.is_alphanumeric() => Gap::None,
        ',' | '，' | ':' | ';' | '；' => Gap::Comma,
        '、' => Gap::Enumeration,
        // A full stop inside a name or a version is none.
        '.' if after.is_some_and(|c| c.is_ascii_alphanumeric()) => Gap::Space,
        '.' | '。' => Gap::Stop,
        '!' | '！' => Gap::Exclamation,
        '?' | '？' => Gap::Question,
        _ => Gap::Space,
    }
}

fn mark(gap: Gap, style: Style) -> &'static str {
    match (gap, style) {
        (Gap::None, _) => "",
        (Gap::Space, _) => " ",
        (Gap::Enumeration, Style::Han) => "、",
        (Gap::Comma, Style::Han) => "，",
        (Gap::Stop, Style::Han) => "。",
        (Gap::Exclamation, Style::Han) => "！",
        (Gap::Question, Style::Han) => "？",
        (Gap::Enumeration | Gap::Comma, Style::Latin) => ", ",
        (Gap::Stop, Style::Latin) => ". ",
        (Gap::Exclamation, Style::Latin) => "! ",
        (Gap::Question, Style::Latin) => "? ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_merge_into_the_strongest() {
        assert_eq!(finish("，，你好，。！世界，", Style::Han, 99), "你好！世界");
        assert_eq!(finish("hello , , there .", Style::Latin, 99), "hello, there.");
        assert_eq!(finish("$(id); `x` & y", Style::Latin, 99), "id, x y");
        assert_eq!(finish("don't 'quote'", Style::Latin, 99), "don't quote");
        assert_eq!(finish("，。！", Style::Han, 99), "");
    }

    #[test]
    fn a_long_text_is_cut_at_a_gap_if_one_is_near() {
        assert_eq!(finish("一二三四五六七，八九十", Style::Han, 9), "一二三四五六七");
        assert_eq!(finish("一，二三四五六七八九十", Style::Han, 9), "一，二三四五六七八");
        assert_eq!(finish("一二三", Style::Han, 3), "一二三");
    }
}
