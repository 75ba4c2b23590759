//! Numbers in Han characters, for Mandarin and Cantonese: cardinals, digit strings, money, clock.
//! Everything takes decimal strings, so that no amount is rounded on its way to the ear.

/// The words in which two dialects differ.
#[derive(Debug)]
pub(super) struct Dialect {
    /// Two of something: 两.
    two: &'static str,
    /// One in a code read digit by digit: 幺 cannot be misheard as 七.
    one_in_codes: &'static str,
    point: &'static str,
    ten_thousand: &'static str,
    hundred_million: &'static str,
    negative: &'static str,
    yuan: &'static str,
    jiao: &'static str,
    fen: &'static str,
    hour: &'static str,
    sharp: &'static str,
    pub(super) minute: &'static str,
    pub(super) hours: &'static str,
    pub(super) below_zero: &'static str,
    pub(super) number: &'static str,
    pub(super) tail: &'static str,
    pub(super) building: &'static str,
    pub(super) unit: &'static str,
    pub(super) floor: &'static str,
    storey: &'static str,
    pub(super) ground: &'static str,
    pub(super) plus: &'static str,
    pub(super) about: &'static str,
    /// What is taken off a price.
    pub(super) off: &'static str,
    /// The second hundred: 两百 in the north, 二百 in the south.
    two_before_hundred: &'static str,
    /// From midnight, in the morning, at noon, in the afternoon, in the evening.
    pub(super) parts_of_day: [&'static str; 5],
    pub(super) phones: Phones,
    pub(super) counting: Numbers,
    /// Before the extension of a telephone number.
    pub(super) extension: &'static str,
    /// In place of an address on the web.
    pub(super) link: &'static str,
}

/// Mandarin in simplified characters.
pub(super) static MANDARIN: Dialect = MANDARIN_WORDS;

/// Mandarin in an address, where a bare number is a room.
pub(super) static MANDARIN_ADDRESS: Dialect = Dialect { counting: Numbers::Rooms, ..MANDARIN_WORDS };

const MANDARIN_WORDS: Dialect = Dialect {
    two: "两",
    one_in_codes: "幺",
    point: "点",
    ten_thousand: "万",
    hundred_million: "亿",
    negative: "负",
    yuan: "元",
    jiao: "角",
    fen: "分",
    hour: "点",
    sharp: "点整",
    minute: "分钟",
    hours: "小时",
    below_zero: "零下",
    number: "号",
    tail: "尾号",
    building: "栋",
    unit: "单元",
    floor: "楼",
    storey: "层",
    ground: "一楼",
    plus: "加",
    about: "约",
    off: "减",
    two_before_hundred: "两",
    parts_of_day: ["凌晨", "上午", "中午", "下午", "晚上"],
    phones: Phones::Mainland,
    counting: Numbers::Amounts,
    extension: "转",
    link: "链接",
};

/// Cantonese in traditional characters.
pub(super) static CANTONESE: Dialect = CANTONESE_WORDS;

/// Cantonese in an address.
pub(super) static CANTONESE_ADDRESS: Dialect = Dialect { counting: Numbers::Rooms, ..CANTONESE_WORDS };

const CANTONESE_WORDS: Dialect = Dialect {
    two: "兩",
    one_in_codes: "一",
    point: "點",
    ten_thousand: "萬",
    hundred_million: "億",
    negative: "負",
    yuan: "蚊",
    jiao: "毫",
    fen: "仙",
    hour: "點",
    sharp: "點正",
    minute: "分鐘",
    hours: "小時",
    below_zero: "零下",
    number: "號",
    tail: "尾號",
    building: "座",
    unit: "單元",
    floor: "樓",
    storey: "層",
    ground: "地下",
    plus: "加",
    about: "約",
    off: "減",
    two_before_hundred: "二",
    parts_of_day: ["凌晨", "上晝", "中午", "下晝", "夜晚"],
    phones: Phones::TwoFours,
    counting: Numbers::Amounts,
    extension: "轉",
    link: "連結",
};

/// How telephone numbers are grouped where it is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phones {
    /// Eleven digits of a mobile, which are known by themselves.
    Mainland,
    /// Eight digits, in two groups of four.
    TwoFours,
}

/// What a number without a clue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// So many of something.
    Amounts,
    /// A door: 1201 is read out.
    Rooms,
}

/// What a cardinal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// So many of something: 两份, 两百.
    Things,
    /// The name of one thing: 二号, 二百零五室.
    Names,
}

const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

/// Longest integer read as a quantity; longer ones are codes.
const QUANTITY_DIGITS_MAX: usize = 12;

impl Dialect {
    /// A code, digit by digit; letters stay, upper case and apart; everything else goes.
    pub(super) fn code(&self, text: &str) -> String {
        let mut out = String::new();
        let mut after_letter = false;
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                out.push_str(if digit == 1 { self.one_in_codes } else { digit_word(c) });
                after_letter = false;
            } else if c.is_ascii_alphabetic() {
                if after_letter {
                    out.push(' ');
                }
                out.push(c.to_ascii_uppercase());
                after_letter = true;
            }
        }
        out
    }

    /// A number of a shop's or a building's: a quantity while it is short, else a code.
    pub(super) fn name(&self, digits: &str) -> String {
        let zero_led = digits.len() > 1 && digits.starts_with('0');
        if zero_led || digits.len() >= 5 { self.code(digits) } else { self.cardinal(digits, Counting::Names) }
    }

    /// An integer as a quantity.
    pub(super) fn cardinal(&self, digits: &str, counting: Counting) -> String {
        let digits = digits.trim_start_matches('0');
        if digits.len() > QUANTITY_DIGITS_MAX {
            return self.code(digits);
        }
        let Ok(number) = digits.parse::<u64>() else { return DIGITS[0].to_owned() };
        let mut out = String::new();
        let mut skipped = false;
        for (place, name) in [(100_000_000, self.hundred_million), (10_000, self.ten_thousand), (1, "")] {
            let section = number / place % 10_000;
            if section == 0 {
                skipped = true;
                continue;
            }
            if !out.is_empty() && (skipped || section < 1_000) {
                out.push_str(DIGITS[0]);
            }
            let lone_two = section == 2 && out.is_empty() && counting == Counting::Things;
            if lone_two {
                out.push_str(self.two);
            } else {
                self.push_section(section, counting, &mut out);
            }
            out.push_str(name);
            skipped = false;
        }
        out
    }

    /// A decimal string as a quantity; a fraction of zeros is dropped, so 2.0 is two.
    pub(super) fn quantity(&self, number: &str) -> String {
        let plain = number.replace(',', "");
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain.as_str(), ""));
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            return self.cardinal(whole, Counting::Things);
        }
        self.join_point(whole, fraction)
    }

    /// A decimal string as it is written: 1.50 keeps its zero, 1.2.3 its points.
    pub(super) fn literal(&self, number: &str) -> String {
        let plain = number.replace(',', "");
        match plain.split_once('.') {
            Some((whole, fraction)) => self.join_point(whole, fraction),
            None => self.integer(&plain),
        }
    }

    /// A bare integer: a quantity, or a code when it is long or begins with zero.
    fn integer(&self, digits: &str) -> String {
        let round = digits.len() == 4 || digits.len() <= 8 && digits.ends_with("000");
        let round = round && !digits.starts_with('0');
        if round { self.cardinal(digits, Counting::Things) } else { self.name(digits) }
    }

    fn join_point(&self, whole: &str, fraction: &str) -> String {
        let mut out = self.cardinal(whole, Counting::Names);
        out.push_str(self.point);
        for c in fraction.chars() {
            out.push_str(if c == '.' { self.point } else { digit_word(c) });
        }
        out
    }

    /// Yuan as people say them: 23.50 is 二十三元五角, 0.80 is 八角.
    pub(super) fn money(&self, number: &str) -> String {
        let plain = number.replace(',', "");
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain.as_str(), ""));
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 2 {
            return self.join_point(whole, fraction) + self.yuan;
        }
        let mut out = String::new();
        let nothing_whole = whole.chars().all(|c| c == '0');
        if !nothing_whole || fraction.is_empty() {
            out.push_str(&self.cardinal(whole, Counting::Things));
            out.push_str(self.yuan);
        }
        let mut cents = fraction.chars();
        let (jiao, fen) = (cents.next().unwrap_or('0'), cents.next().unwrap_or('0'));
        if jiao != '0' {
            self.push_coin(jiao, self.jiao, &mut out);
        } else if fen != '0' && !out.is_empty() {
            out.push_str(DIGITS[0]);
        }
        if fen != '0' {
            self.push_coin(fen, self.fen, &mut out);
        }
        out
    }

    fn push_coin(&self, digit: char, name: &str, out: &mut String) {
        out.push_str(if digit == '2' && out.is_empty() { self.two } else { digit_word(digit) });
        out.push_str(name);
    }

    /// A year, digit by digit.
    pub(super) fn year(digits: &str) -> String {
        digits.chars().map(digit_word).collect()
    }

    /// A time of day: 18:00 is 十八点整, 2:30 两点半, 13:05 十三点零五分.
    pub(super) fn clock(&self, hour: u32, minute: u32) -> String {
        let hours = self.cardinal(&hour.to_string(), Counting::Things);
        match minute {
            0 => hours + self.sharp,
            30 => hours + self.hour + "半",
            1..=9 => hours + self.hour + DIGITS[0] + &self.minutes_past(minute),
            _ => hours + self.hour + &self.minutes_past(minute),
        }
    }

    fn minutes_past(&self, minute: u32) -> String {
        self.cardinal(&minute.to_string(), Counting::Names) + "分"
    }

    /// The currency.
    pub(super) fn yuan(&self) -> &'static str {
        self.yuan
    }

    /// Ten thousand, which shops write w.
    pub(super) fn ten_thousand(&self) -> &'static str {
        self.ten_thousand
    }

    /// A floor that is counted, as below the ground.
    pub(super) fn storey(&self) -> &'static str {
        self.storey
    }

    /// What stands after the hour of a time.
    pub(super) fn hour(&self) -> &'static str {
        self.hour
    }

    /// The word before a number below zero.
    pub(super) fn negative(&self) -> &'static str {
        self.negative
    }

    /// One group of four digits, 1 to 9999.
    fn push_section(&self, section: u64, counting: Counting, out: &mut String) {
        let first = out.is_empty();
        let mut wrote = false;
        let mut skipped = false;
        for (place, name) in [(1_000, "千"), (100, "百"), (10, "十"), (1, "")] {
            let digit = section / place % 10;
            if digit == 0 {
                skipped = wrote;
                continue;
            }
            if skipped {
                out.push_str(DIGITS[0]);
                skipped = false;
            }
            let leads = first && !wrote;
            if digit == 2 && leads && place >= 100 && counting == Counting::Things {
                out.push_str(if place == 100 { self.two_before_hundred } else { self.two });
            } else if !(digit == 1 && leads && place == 10) {
                out.push_str(DIGITS[usize::try_from(digit).unwrap_or_default()]);
            }
            out.push_str(name);
            wrote = true;
        }
    }
}

fn digit_word(c: char) -> &'static str {
    c.to_digit(10).and_then(|digit| DIGITS.get(digit as usize)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_said_as_people_count() {
        let cases = [
            ("0", "零"),
            ("2", "两"),
            ("10", "十"),
            ("12", "十二"),
            ("20", "二十"),
            ("100", "一百"),
            ("101", "一百零一"),
            ("110", "一百一十"),
            ("200", "两百"),
            ("222", "两百二十二"),
            ("1001", "一千零一"),
            ("1010", "一千零一十"),
            ("1200", "一千二百"),
            ("2000", "两千"),
            ("8607", "八千六百零七"),
            ("10000", "一万"),
            ("12000", "一万二千"),
            ("20000", "两万"),
            ("22000", "两万二千"),
            ("100010", "十万零一十"),
            ("1000001", "一百万零一"),
            ("100000000", "一亿"),
            ("200000002", "两亿零二"),
            ("999999999999", "九千九百九十九亿九千九百九十九万九千九百九十九"),
            ("1.0", "一"),
            ("1.20", "一点二"),
            ("2.5", "二点五"),
            ("0.05", "零点零五"),
            ("1,200", "一千二百"),
        ];
        for (number, said) in cases {
            assert_eq!(MANDARIN.quantity(number), said, "{number}");
        }
    }

    #[test]
    fn names_and_codes_never_say_liang() {
        assert_eq!(MANDARIN.name("2"), "二");
        assert_eq!(MANDARIN.name("205"), "二百零五");
        assert_eq!(MANDARIN.name("0017"), "零零幺七");
        assert_eq!(MANDARIN.name("12345"), "幺二三四五");
        assert_eq!(MANDARIN.code("ab-12"), "A B幺二");
        assert_eq!(CANTONESE.code("112"), "一一二");
    }

    #[test]
    fn money_is_said_in_coins() {
        let cases = [
            ("23.50", "二十三元五角"),
            ("12.05", "十二元零五分"),
            ("12.25", "十二元二角五分"),
            ("2", "两元"),
            ("2.00", "两元"),
            ("0.80", "八角"),
            ("0.20", "两角"),
            ("0.05", "五分"),
            ("0", "零元"),
            ("5.888", "五点八八八元"),
        ];
        for (number, said) in cases {
            assert_eq!(MANDARIN.money(number), said, "{number}");
        }
        assert_eq!(CANTONESE.money("5.80"), "五蚊八毫");
    }

    #[test]
    fn times_of_day() {
        assert_eq!(MANDARIN.clock(18, 0), "十八点整");
        assert_eq!(MANDARIN.clock(2, 30), "两点半");
        assert_eq!(MANDARIN.clock(13, 5), "十三点零五分");
        assert_eq!(MANDARIN.clock(0, 12), "零点十二分");
        assert_eq!(CANTONESE.clock(12, 45), "十二點四十五分");
    }
}
