//! English.
//! Numbers become words, so that engines cannot differ.

use super::check;
use crate::speech::Lang;

#[test]
fn numbers_become_words() {
    check(
        Lang::En,
        &[
            ("Order 17", "Order seventeen"),
            ("Order #17", "Order number seventeen"),
            ("order no. 5", "order number five"),
            ("120 items", "one hundred twenty items"),
            ("1,200", "one thousand two hundred"),
            ("123456", "one hundred twenty three thousand four hundred fifty six"),
            ("1234567", "one two three four five six seven"),
            ("007", "zero zero seven"),
            ("ending 0006", "ending zero zero zero six"),
            ("code 1101", "code one one zero one"),
            ("138****0006", "ending zero zero zero six"),
            ("13800138000", "one three eight, zero zero one three, eight zero zero zero"),
            ("+86 138-0013-8000", "one three eight, zero zero one three, eight zero zero zero"),
            ("¥5.80", "five point eight yuan"),
            ("5.8 yuan", "five point eight yuan"),
            ("1 yuan", "one yuan"),
            ("RMB 20", "twenty yuan"),
            ("3-5元", "three to five yuan"),
            ("+5 yuan", "plus five yuan"),
            ("1.2 km", "one point two kilometers"),
            ("1.0km", "one kilometer"),
            ("800 m", "eight hundred meters"),
            ("1 m", "one meter"),
            ("5 mins", "five minutes"),
            ("3-5 min", "three to five minutes"),
            ("50%", "fifty percent"),
            ("-5°C", "minus five degrees"),
            ("18:30", "six thirty p m"),
            ("18:00", "six p m"),
            ("0:05", "twelve oh five a m"),
            ("6:30 pm", "six thirty p m"),
            ("10:00-22:00", "ten a m to ten p m"),
            ("3-5", "three to five"),
            ("A17", "A seventeen"),
            ("Cola x2", "Cola times two"),
            ("rice & beans", "rice and beans"),
            ("Don't wait!", "Don't wait!"),
            ("v1.2.3", "v one point two point three"),
            ("3.14", "three point one four"),
        ],
    );
}

#[test]
fn marks_and_markup_go() {
    check(
        Lang::En,
        &[
            ("Hello , there ...", "Hello, there."),
            ("Noodles (Main St.)", "Noodles, Main St."),
            ("<b>bold</b> [[h@]] text", "bold text"),
            ("$(id); `rm`", "id, rm"),
            ("", ""),
        ],
    );
}
