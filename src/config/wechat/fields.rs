//! The fields of a subscribe message: what an operator puts into each, and what WeChat takes there.
//! WeChat refuses a whole message for one field that is a character too long, so values are made to fit.

/// One field of a template and what stands in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MessageField {
    /// As the template names it, such as `thing1`.
    pub name: String,
    /// What may stand there.
    pub kind: FieldKind,
    /// What stands there.
    pub pieces: Vec<Piece>,
}

/// A part of what stands in a field.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// The same in every message.
    Text(String),
    /// A value of the alert.
    Slot(FieldSlot),
}

/// What of an alert a message may tell. Nothing of the customer is among them: a message lies open on a locked screen,
/// and with somebody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldSlot {
    /// Its short label.
    Title,
    /// The order's id.
    Order,
    /// The order's number for people.
    ShortNo,
    /// The shop.
    Merchant,
    /// When it came.
    Time,
    /// When it is void.
    Until,
}

/// What WeChat calls the sorts of fields, and what it takes in each.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FieldKind {
    /// 20 characters of any sort.
    Thing,
    /// 32 digits, with a point among them.
    Number,
    /// 32 letters.
    Letter,
    /// 5 signs.
    Symbol,
    /// 32 digits, letters and signs.
    CharacterString,
    /// A time of day, with its date or without.
    Time,
    /// A date, with a time of day or without.
    Date,
    /// An amount: a sign of a currency, 10 digits with a point, `元` at the end.
    Amount,
    /// 10 characters, 20 where all are ASCII.
    Name,
    /// 5 Han characters.
    Phrase,
    /// One of a list that the template has.
    Enum,
}

impl FieldSlot {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Title, Self::Order, Self::ShortNo, Self::Merchant, Self::Time, Self::Until];

    /// As it stands between braces.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Order => "order",
            Self::ShortNo => "short_no",
            Self::Merchant => "merchant",
            Self::Time => "time",
            Self::Until => "until",
        }
    }

    fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Until)
    }
}

impl FieldKind {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Thing, "thing"),
        (Self::Number, "number"),
        (Self::Letter, "letter"),
        (Self::Symbol, "symbol"),
        (Self::CharacterString, "character_string"),
        (Self::Time, "time"),
        (Self::Date, "date"),
        (Self::Amount, "amount"),
        (Self::Name, "name"),
        (Self::Phrase, "phrase"),
        (Self::Enum, "enum"),
    ];

    /// That of a field by its name: the kind and a number.
    fn of(name: &str) -> Option<Self> {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let has_number = (1..=3).contains(&(name.len() - word.len()));
        Self::ALL.into_iter().find(|(_, known)| *known == word && has_number).map(|(kind, _)| kind)
    }

    /// The text as WeChat takes it: without what may not stand there, and cut. Never empty, as WeChat refuses that too.
    #[must_use]
    pub fn fit(self, text: &str) -> String {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.trim();
        let (kept, otherwise) = match self {
            Self::Thing => (cut(line.chars(), 20), "-"),
            Self::Number => (only(line, 32, |c| c.is_ascii_digit() || c == '.'), "0"),
            Self::Letter => (only(line, 32, |c| c.is_ascii_alphabetic()), "A"),
            Self::Symbol => (only(line, 5, |c| !c.is_alphanumeric() && c != ' '), "-"),
            Self::CharacterString => (only(line, 32, |c| c.is_ascii_graphic()), "-"),
            Self::Time | Self::Date | Self::Enum => (line.to_owned(), "-"),
            Self::Amount => (only(line, 12, |c| c.is_ascii_digit() || ".¥￥$元".contains(c)), "0"),
            Self::Name => (cut(line.chars(), if line.is_ascii() { 20 } else { 10 }), "-"),
            Self::Phrase => (only(line, 5, is_han), "有提醒"),
        };
        if kept.is_empty() { otherwise.to_owned() } else { kept }
    }

    /// Whether a moment stands there.
    #[must_use]
    pub fn is_moment(self) -> bool {
        matches!(self, Self::Time | Self::Date)
    }
}

impl MessageField {
    /// Reads a field as it is configured.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let Some(kind) = FieldKind::of(name) else {
            let kinds: Vec<&str> = FieldKind::ALL.iter().map(|(_, word)| *word).collect();
            return Err(format!("is no field that is filled in: one of {} and its number", kinds.join(", ")));
        };
        let pieces = pieces(text)?;
        let slots: Vec<FieldSlot> = pieces.iter().filter_map(Piece::slot).collect();
        if slots.is_empty() && kind.fit(text) != text {
            return Err(
                "is not what WeChat takes there: too long, empty, or with other characters".to_owned()
            );
        }
        if kind.is_moment() && !slots.is_empty() && (pieces.len() > 1 || !slots[0].is_time()) {
            return Err("is {time}, {until}, or a moment as WeChat writes it".to_owned());
        }
        Ok(Self { name: name.to_owned(), kind, pieces })
    }

    /// What stands there, made to fit.
    #[must_use]
    pub fn filled(&self, value: impl Fn(FieldSlot, FieldKind) -> String) -> String {
        let text = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Slot(slot) => value(*slot, self.kind),
        });
        self.kind.fit(&text.collect::<String>())
    }
}

impl Piece {
    fn slot(&self) -> Option<FieldSlot> {
        match self {
            Self::Slot(slot) => Some(*slot),
            Self::Text(_) => None,
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (word, behind) = after.split_once('}').ok_or("has a { without its }")?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        let slot = FieldSlot::ALL.into_iter().find(|slot| slot.as_str() == word);
        pieces.push(Piece::Slot(slot.ok_or_else(|| {
            let known: Vec<String> =
                FieldSlot::ALL.iter().map(|slot| format!("{{{}}}", slot.as_str())).collect();
            format!("names {{{word}}}, which there is not; known are {}", known.join(", "))
        })?));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// The first `most` characters; the last of them shows where more was cut off.
fn cut(mut text: impl Iterator<Item = char>, most: usize) -> String {
    let mut kept: Vec<char> = text.by_ref().take(most).collect();
    if let (Some(_), Some(last)) = (text.next(), kept.last_mut()) {
        *last = '…';
    }
    kept.into_iter().collect()
}

fn only(text: &str, most: usize, may: impl Fn(char) -> bool) -> String {
    text.chars().filter(|c| may(*c)).take(most).collect()
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::{FieldKind, FieldSlot, MessageField};

    #[test]
    fn each_sort_of_field_gets_what_wechat_takes() {
        use FieldKind::{
            Amount, CharacterString, Date, Enum, Letter, Name, Number, Phrase, Symbol, Thing, Time,
        };
        for (kind, text, fitted) in [
            (Thing, "新订单", "新订单"),
            (Thing, "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十"),
            (Thing, "一二三四五六七八九十一二三四五六七八九十一", "一二三四五六七八九十一二三四五六七八九…"),
            (Thing, " a\nb\t", "a b"),
            (Thing, "", "-"),
            (Number, "第17.5号", "17.5"),
            (Number, "x", "0"),
            (Letter, "A-17", "A"),
            (Symbol, "a-#", "-#"),
            (CharacterString, "订单 MT-17 #3", "MT-17#3"),
            (CharacterString, "0123456789012345678901234567890123", "01234567890123456789012345678901"),
            (CharacterString, "外卖", "-"),
            (Amount, "配送费¥3.50元", "¥3.50元"),
            (Name, "a person with a long name", "a person with a lon…"),
            (Name, "一二三四五六七八九十一", "一二三四五六七八九…"),
            (Phrase, "新的订单来了吗", "新的订单来"),
            (Phrase, "new", "有提醒"),
            (Time, "15:01", "15:01"),
            (Date, "2026年3月1日", "2026年3月1日"),
            (Enum, "外卖", "外卖"),
        ] {
            assert_eq!(kind.fit(text), fitted, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn a_field_is_filled_from_the_alert() {
        let field = MessageField::parse("thing12", "{merchant} {short_no}号").unwrap();
        assert_eq!(field.filled(|slot, _| slot.as_str().to_uppercase()), "MERCHANT SHORT_NO号");
        let field = MessageField::parse("time2", "{until}").unwrap();
        let value = |slot: FieldSlot, kind| format!("{} {kind:?}", slot.as_str());
        assert_eq!(field.filled(value), "until Time");
    }

    #[test]
    fn what_could_never_be_sent_is_refused() {
        for (name, text) in [
            ("thing", "{title}"),
            ("thing1234", "{title}"),
            ("phone_number1", "13800138000"),
            ("car_number1", "粤A8Z888"),
            ("Thing1", "{title}"),
            ("thing1", "{text}"),
            ("thing1", "{phone}"),
            ("thing1", "{title"),
            ("thing1", ""),
            ("thing1", "一二三四五六七八九十一二三四五六七八九十一"),
            ("phrase1", "new"),
            ("time1", "{title}"),
            ("time1", "{time} {until}"),
            ("date1", ""),
        ] {
            assert!(MessageField::parse(name, text).is_err(), "{name} {text:?}");
        }
    }
}
