//! Cuts a sentence where its pieces meet, so that each can be spoken and kept by itself.
//! The parts put together are the sentence, character for character: where that cannot be, it stays whole.

/// The parts of `whole`, which was made of `pieces`, in order.
///
/// Punctuation and spaces between two pieces belong to the one before. If anything else stands between them, or a
/// piece is not found, because a rule read over the border, the whole is the only part.
pub(super) fn cut(whole: &str, pieces: &[String]) -> Vec<String> {
    aligned(whole, pieces).unwrap_or_else(|| vec![whole.to_owned()])
}

fn aligned(whole: &str, pieces: &[String]) -> Option<Vec<String>> {
    let mut parts: Vec<String> = Vec::with_capacity(pieces.len());
    let mut rest = whole;
    for piece in pieces {
        let core = piece.trim_matches(is_gap);
        if core.is_empty() {
            continue;
        }
        let found = rest.trim_start_matches(is_gap);
        let gap = &rest[..rest.len() - found.len()];
        let after = found.strip_prefix(core)?;
        match parts.last_mut() {
            Some(last) => {
                last.push_str(gap);
                if is_inside_word(last, core) {
                    last.push_str(core);
                } else {
                    parts.push(core.to_owned());
                }
            }
            None if gap.is_empty() => parts.push(core.to_owned()),
            None => return None,
        }
        rest = after;
    }
    if !rest.trim_start_matches(is_gap).is_empty() {
        return None;
    }
    parts.last_mut()?.push_str(rest);
    Some(parts)
}

/// Whether no voice would pause between the two: `17` and `th`, `Test` and `'s`.
fn is_inside_word(before: &str, after: &str) -> bool {
    let latin = |c: char| c.is_alphanumeric() && u32::from(c) < 0x2e80;
    let last = before.trim_end_matches('\'').chars().last();
    last.is_some_and(latin) && after.starts_with(latin)
}

fn is_gap(c: char) -> bool {
    !c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::cut;

    fn parts(whole: &str, pieces: &[&str]) -> Vec<String> {
        let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        let parts = cut(whole, &pieces);
        assert_eq!(parts.concat(), whole);
        parts
    }

    #[test]
    fn pauses_belong_to_the_part_before() {
        assert_eq!(
            parts(
                "您有新的美团订单，测试面馆，请接单",
                &["您有新的", "美团", "订单", "测试面馆", "", "，请接单"]
            ),
            ["您有新的", "美团", "订单，", "测试面馆，", "请接单"]
        );
        assert_eq!(parts("New order. Hurry!", &["New", "order", "Hurry!"]), ["New ", "order. ", "Hurry!"]);
        assert_eq!(parts("零零六", &["零", "零", "六"]), ["零", "零", "六"]);
    }

    #[test]
    fn what_does_not_add_up_stays_whole() {
        assert_eq!(parts("一到三号", &["一", "三号"]), ["一到三号"]);
        assert_eq!(parts("一三号", &["一", "三"]), ["一三号"]);
        assert_eq!(parts("三号", &["一", "三号"]), ["三号"]);
        assert_eq!(parts("三号", &["，"]), ["三号"]);
    }

    #[test]
    fn a_word_is_not_cut() {
        assert_eq!(parts("the sixth floor", &["the", "six", "th floor"]), ["the ", "sixth floor"]);
        assert_eq!(parts("Test's order", &["Test", "s order"]), ["Test's order"]);
        assert_eq!(parts("A十七号", &["A", "十七", "号"]), ["A", "十七", "号"]);
    }
}
