//! Numbers that can be called: found in any text, and masked but for their last four digits.

/// Digits that are left: enough to tell two riders apart, and what a rider is told anyway.
const TAIL: usize = 4;
/// A mainland mobile number.
const MOBILE: usize = 11;
/// Digits of an international number, with its country code.
const INTERNATIONAL: std::ops::RangeInclusive<usize> = 8..=15;
/// Country code, area and the number in two parts.
const GROUPS_MAX: usize = 5;
/// What may stand between the digits of one number.
const JOINTS: [char; 4] = [' ', '-', '(', ')'];
const JOINTS_MAX: usize = 2;

/// All digits but the last four; `None` where there are no more than those.
pub(super) fn all_but_the_last(text: &str) -> Option<String> {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    (digits > TAIL).then(|| mask(text))
}

/// The text with the numbers masked that can be called.
pub(super) fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| digit(c).is_some() || c == '+') {
        let (before, run) = rest.split_at(start);
        masked.push_str(before);
        let groups = groups(run);
        let length = number_length(run, &groups, &masked);
        let (number, behind) =
            run.split_at(length.unwrap_or_else(|| groups.first().map_or(1, |group| group.end)));
        masked.push_str(&length.map_or_else(|| number.to_owned(), |_| mask(number)));
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

/// Digits in a row.
struct Group {
    end: usize,
    digits: String,
}

/// The first groups of a run; between two of them stand at most two joints.
fn groups(run: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut joints = 1;
    for (at, c) in run.char_indices().skip(usize::from(run.starts_with('+'))) {
        let Some(digit) = digit(c) else {
            joints += 1;
            if joints > JOINTS_MAX || !JOINTS.contains(&c) {
                break;
            }
            continue;
        };
        let end = at + c.len_utf8();
        let is_full = groups.len() == GROUPS_MAX;
        match groups.last_mut() {
            Some(group) if joints == 0 => {
                group.end = end;
                group.digits.push(digit);
            }
            _ if is_full => break,
            _ => groups.push(Group { end, digits: digit.to_string() }),
        }
        joints = 0;
    }
    groups
}

/// How far a number reaches that can be called and begins where the run does: by its digits, joints and what stands before it.
fn number_length(run: &str, groups: &[Group], before: &str) -> Option<usize> {
    let joined: Vec<_> = groups
        .iter()
        .scan(String::new(), |digits, group| {
            digits.push_str(&group.digits);
            Some((digits.clone(), group.end))
        })
        .collect();
    if run.starts_with('+') {
        let whole = joined.iter().rev().find(|(digits, _)| INTERNATIONAL.contains(&digits.len()));
        return whole.map(|(_, end)| *end);
    }
    let called = joined.iter().find(|(digits, end)| {
        let is_landline =
            digits.starts_with('0') && run[..*end].contains('-') && (10..=12).contains(&digits.len());
        is_landline || (is_mobile(digits) && !is_numbered(before))
    });
    called.map(|(_, end)| *end)
}

fn is_mobile(digits: &str) -> bool {
    let digits = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86")).unwrap_or(digits);
    digits.len() == MOBILE && digits.starts_with('1') && digits[1..].starts_with(|c| ('3'..='9').contains(&c))
}

/// Whether the text says that an order's number or a code comes now, not a phone's.
fn is_numbered(before: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let word_start = before.rfind(|c| !is_letter(c)).map_or(0, |at| before.ceil_char_boundary(at + 1));
    let word = before[word_start..].to_ascii_lowercase();
    let is_part =
        !word.is_empty() && !["tel", "phone", "mobile", "call"].iter().any(|call| word.ends_with(call));
    let words = before.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '：' | '#'));
    is_part || ["单号", "编号"].iter().any(|number| words.ends_with(number))
}

fn mask(text: &str) -> String {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    let mut place = 0;
    let masked = text.chars().map(|c| {
        place += usize::from(c.is_numeric());
        if c.is_numeric() && place + TAIL <= digits { '*' } else { c }
    });
    masked.collect()
}

/// A digit, also a wide one.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(u32::from(c) - u32::from('０'), 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{all_but_the_last, masked};

    #[test]
    fn numbers_to_call_are_masked_wherever_they_stand() {
        let cases = [
            ("13000000006", "*******0006"),
            ("打我电话13000000006谢谢", "打我电话*******0006谢谢"),
            ("tel13000000006", "tel*******0006"),
            ("130 0000 0006 / 130-0000-0007", "*** **** 0006 / ***-****-0007"),
            ("8613000000006", "*********0006"),
            ("+86 130 0000 0006", "+** *** **** 0006"),
            ("+15550000002", "+*******0002"),
            ("13000000006_1234", "*******0006_1234"),
            ("１３０００００００６６", "*******００６６"),
            ("2 13000000006 13000000007", "2 *******0006 *******0007"),
            ("+1 (555) 000-0002", "+* (***) ***-0002"),
            ("021-12345678", "***-****5678"),
        ];
        for (text, expected) in cases {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn other_numbers_stay() {
        let same = [
            "订单号：1773201965123",
            "订单号：15012054900",
            "SF15012054900",
            "order_15012054900",
            "1772339412053",
            "2026-03-01T12:28:02+08:00",
            "2026-03-01 12:28:05",
            "12000000000",
            "121.473701,31.230416",
            "+8",
            "1+1",
            "100452735447201579",
        ];
        for text in same {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_phones_own_member_keeps_four_digits() {
        assert_eq!(all_but_the_last("02100000000").unwrap(), "*******0000");
        assert_eq!(all_but_the_last("+1 555 000 0001").unwrap(), "+* *** *** 0001");
        assert_eq!(all_but_the_last("0006"), None);
    }
}
