//! The many ways to write one character become one: full-width forms, fancy digits, dashes, quotes.
//! What has no sound (emoji, invisible and direction marks, markup) is taken out here, before any rule looks.

use std::sync::LazyLock;

use regex::Regex;

/// Phoneme input of espeak, tags of any markup, and the faces that chat programs write as words in brackets. A
/// tag begins with a letter, so `3<5` is none.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test compiles")]
static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\[\[.*?\]\]|</?[A-Za-z!?][^<>]*>|\[(?:微笑|撇嘴|色|发呆|得意|流泪|害羞|闭嘴|大哭|尴尬|发怒|调皮|呲牙|惊讶|难过|偷笑|愉快|可爱|白眼|傲慢|困|惊恐|憨笑|悠闲|抱拳|握手|胜利|强|弱|拳头|OK|合十|玫瑰|凋谢|爱心|心碎|蛋糕|咖啡|啤酒|太阳|月亮|拥抱|笑脸|捂脸|奸笑|机智|耶|加油|加油加油|鼓掌|再见|旺柴|红包|福|發|庆祝|烟花|爆竹|破涕为笑|苦涩|裂开|叹气|让我看看|天啊|666|Emm)\]").expect("a valid pattern")
});

/// Folds at most `chars_max` characters of `text`.
pub(super) fn fold(text: &str, chars_max: usize) -> String {
    let mut folded = String::with_capacity(text.len().min(chars_max * 4));
    let mut chars = text.chars().take(chars_max).peekable();
    let mut before = ' ';
    let mut gap = false;
    while let Some(c) = chars.next() {
        let wide = |c: char| ('０'..='９').contains(&c);
        match c {
            // Between full-width digits it is as wide as they are, and separates thousands.
            '，' if wide(before) && chars.peek().is_some_and(|next| wide(*next)) => folded.push(','),
            // A space that does not break separates thousands of money too.
            _ if is_firm_space(c) && before.is_ascii_digit() && thousands(chars.clone()) => {
                folded.push(',');
            }
            '★' | '⭐' if folded.ends_with(|c: char| c.is_ascii_digit()) => folded.push('星'),
            // Two numbers stay two when what stood between them goes.
            _ if is_symbol(c) => gap = folded.ends_with(|c: char| c.is_ascii_digit()),
            _ => {
                if std::mem::take(&mut gap) && c.is_ascii_digit() {
                    folded.push(' ');
                }
                fold_char(c, &mut folded);
            }
        }
        before = c;
    }
    let folded = folded.replace("->", "，").replace("=>", "，");
    let folded = MARKUP.replace_all(&folded, " ").into_owned();
    // What is left of brackets could still form phoneme input once neighbours go.
    folded.replace(['[', ']', '<', '>'], " ")
}

/// Whether groups of three digits follow, and then a currency: telephones are grouped likewise.
fn thousands(mut after: impl Iterator<Item = char>) -> bool {
    loop {
        if after.by_ref().take(3).filter(char::is_ascii_digit).count() < 3 {
            return false;
        }
        match after.next() {
            Some('元' | '块' | '塊' | '蚊' | '圆' | '圓') => return true,
            Some('.') => {
                let unit = after.find(|c| !c.is_ascii_digit());
                return matches!(unit, Some('元' | '蚊' | '圆' | '圓'));
            }
            Some(c) if is_firm_space(c) => {}
            Some(_) | None => return false,
        }
    }
}

/// A space at which no line breaks.
fn is_firm_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2009}' | '\u{202f}')
}

fn fold_char(c: char, out: &mut String) {
    match c {
        // Kept as it is: a full-width comma between digits separates numbers, an ASCII one thousands.
        '，' | '。' | '、' => out.push(c),
        '\u{ff01}'..='\u{ff5e}' => fold_char(full_width_to_ascii(c), out),
        '(' | ')' | '{' | '}' | '【' | '】' | '〔' | '〕' | '〖' | '〗' | '…' | '|' | '│' => {
            out.push('，');
        }
        // A new line, or an arrow from one to the other: a pause.
        '\n'
        | '\r'
        | '\u{b}'
        | '\u{c}'
        | '\u{85}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2190}'..='\u{21ff}'
        | '➔'
        | '➜'
        | '➡' => out.push('，'),
        '\t' | '\u{a0}' | '\u{3000}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '·' | '•' => {
            out.push(' ');
        }
        '〜' | '∼' | '〰' => out.push('~'),
        '—' | '–' | '−' | '‐' | '‑' | '―' | '‒' => out.push('-'),
        '￥' => out.push('¥'),
        '￡' => out.push('£'),
        '№' => out.push('#'),
        '℃' => out.push_str("°C"),
        '㎡' | '㎥' | '㎞' | '㎏' | '㎝' | '㎜' | '㎎' | '㏄' => out.push_str(square_unit(c)),
        '½' | '¼' | '¾' | '⅐'..='⅞' => {
            // Two and a half is no twenty-one halves.
            if out.ends_with(|c: char| c.is_ascii_digit()) {
                out.push(' ');
            }
            out.push_str(vulgar_fraction(c));
        }
        '㈠'..='㈩' => out.push_str(han_number(c, '㈠')),
        '㊀'..='㊉' => out.push_str(han_number(c, '㊀')),
        'Ⅰ'..='Ⅻ' => out.push_str(&(u32::from(c) - u32::from('Ⅰ') + 1).to_string()),
        '〇' => out.push('零'),
        '✕' | '✖' | '✗' => out.push('×'),
        '’' | '′' => out.push('\''),
        '″' => out.push_str("''"),
        '"' | '“' | '”' | '‘' | '「' | '」' | '『' | '』' | '《' | '》' | '〈' | '〉' | '`' => {
        }
        _ => match fancy_number(c) {
            // Set apart, so that ①② is no twelve.
            Some(number) if is_enclosed(c) => {
                out.push(' ');
                out.push_str(&number.to_string());
                out.push(' ');
            }
            Some(number) => out.push_str(&number.to_string()),
            None if is_silent(c) => {}
            None => out.push(c),
        },
    }
}

fn full_width_to_ascii(c: char) -> char {
    char::from_u32(u32::from(c) - 0xfee0).unwrap_or(' ')
}

/// A Han number in brackets or a circle, whose series begins with `one`.
fn han_number(c: char, one: char) -> &'static str {
    const NUMBERS: [&str; 10] = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十"];
    NUMBERS.get(c as usize - one as usize).copied().unwrap_or_default()
}

/// Units that are one character wide.
fn square_unit(c: char) -> &'static str {
    match c {
        '㎡' => "平方米",
        '㎥' => "立方米",
        '㎞' => "km",
        '㎏' => "kg",
        '㎝' => "cm",
        '㎜' => "mm",
        '㎎' => "mg",
        _ => "ml",
    }
}

fn vulgar_fraction(c: char) -> &'static str {
    const OTHERS: [&str; 15] = [
        "1/7", "1/9", "1/10", "1/3", "2/3", "1/5", "2/5", "3/5", "4/5", "1/6", "5/6", "1/8", "3/8", "5/8",
        "7/8",
    ];
    match c {
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        _ => OTHERS.get(c as usize - '⅐' as usize).copied().unwrap_or_default(),
    }
}

fn is_enclosed(c: char) -> bool {
    matches!(u32::from(c), 0x2460..=0x249b | 0x24f5..=0x24fe | 0x2776..=0x2793)
}

/// Circled, parenthesised, dotted, superscript, mathematical and other scripts' digits.
fn fancy_number(c: char) -> Option<u32> {
    let code = u32::from(c);
    match code {
        0x2460..=0x2473 => Some(code - 0x2460 + 1),
        0x2474..=0x2487 => Some(code - 0x2474 + 1),
        0x2488..=0x249b => Some(code - 0x2488 + 1),
        0x24f5..=0x24fe => Some(code - 0x24f5 + 1),
        0x2776..=0x277f => Some(code - 0x2776 + 1),
        0x2780..=0x2789 => Some(code - 0x2780 + 1),
        0x278a..=0x2793 => Some(code - 0x278a + 1),
        0xb2 | 0xb3 => Some(code - 0xb0),
        0xb9 => Some(1),
        0x2070 | 0x2074..=0x2079 => Some(code - 0x2070),
        0x2080..=0x2089 => Some(code - 0x2080),
        0x0660..=0x0669 => Some(code - 0x0660),
        0x06f0..=0x06f9 => Some(code - 0x06f0),
        0x0966..=0x096f => Some(code - 0x0966),
        0x1d7ce..=0x1d7ff => Some((code - 0x1d7ce) % 10),
        _ => None,
    }
}

/// Characters that show nothing and only confuse: controls, joiners, direction marks, tags.
pub(in crate::speech) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xad | 0x034f | 0x061c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
            | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfeff | 0xffa0 | 0xfff0..=0xffff
            | 0xe_0000..=0x10_ffff)
}

/// Characters that make no sound and whose names an engine must not read out.
fn is_silent(c: char) -> bool {
    is_invisible(c)
        || matches!(u32::from(c),
            // Combining marks piled on letters, variation selectors, keycaps.
            0x0300..=0x036f | 0x0483..=0x0489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff
            | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f
            // Private use.
            | 0xe000..=0xf8ff)
}

/// Pictures: technical, boxes, dingbats, emoji. Those that are numbers or marks are read before.
fn is_symbol(c: char) -> bool {
    matches!(u32::from(c), 0x2300..=0x23ff | 0x2500..=0x27bf | 0x2900..=0x297f | 0x2b00..=0x2bff | 0x1f000..=0x1faff)
        && fancy_number(c).is_none()
        && !matches!(c, '│' | '✕' | '✖' | '✗' | '➔' | '➜' | '➡')
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn one_character_is_left_of_its_many_forms() {
        let cases = [
            ("１２３ＡＢｃ", "123ABc"),
            ("①②⑩𝟝", " 1  2  10 5"),
            ("１，２３４，５", "1,234,5"),
            ("⅐⅔⅞", "1/7 2/3 7/8"),
            ("2½㎏㈢Ⅲ期", "2 1/2kg三3期"),
            ("￥５．８", "¥5.8"),
            ("好吃😋面馆👨‍👩‍👧", "好吃面馆"),
            ("1️⃣号", "1号"),
            ("a\u{200b}b\u{202e}c\u{feff}", "abc"),
            ("“测试”面馆", "测试面馆"),
            ("301→5号", "301，5号"),
            ("301->5号", "301，5号"),
            ("3😋5★", "3 5星"),
            ("一\n二", "一，二"),
            ("[[h@]]你好", " 你好"),
            ("［［h@］］你好", " 你好"),
            ("<speak>好</speak>", " 好 "),
            ("[<b>[h@]]x", "   h@  x"),
            ("3<5", "3 5"),
            ("Z\u{335}\u{336}algo", "Zalgo"),
        ];
        for (written, folded) in cases {
            assert_eq!(fold(written, 100), folded, "{written:?}");
        }
    }

    #[test]
    fn only_the_first_characters_are_looked_at() {
        assert_eq!(fold("一二三四", 2), "一二");
    }
}
