//! English: what the rules read beyond plain numbers.

use super::check;
use crate::speech::Lang;

#[test]
fn codes_rooms_and_floors() {
    check(
        Lang::En,
        &[
            ("#A12", "number A twelve"),
            ("No. 5", "number five"),
            ("No.12", "number twelve"),
            ("order no. 12", "order number twelve"),
            ("code: A12", "code A one two"),
            ("Pickup code 0042", "Pickup code zero zero four two"),
            ("PIN 0042", "PIN zero zero four two"),
            ("password 12ab", "password one two A B"),
            ("last 4 digits 8607", "last four digits eight six zero seven"),
            ("Apt 1201", "Apt one two zero one"),
            ("Apt. #1201", "Apt one two zero one"),
            ("Room 305", "Room three zero five"),
            ("Rm 1203", "Rm one two zero three"),
            ("Unit 12", "Unit twelve"),
            ("Flat A12", "Flat A twelve"),
            ("Suite 400", "Suite four zero zero"),
            ("Bldg 3", "Bldg three"),
            ("3-2-1201", "building three unit two room one two zero one"),
            ("5-301", "five dash three zero one"),
            ("5F", "floor five"),
            ("12/F", "floor twelve"),
            ("3/F", "floor three"),
            ("G/F", "ground floor"),
            ("B1F", "basement one"),
            ("B2 floor", "basement two"),
            ("M-0017", "M zero zero one seven"),
            ("T3", "T three"),
        ],
    );
}

#[test]
fn phones() {
    check(
        Lang::En,
        &[
            ("138xxxx8607", "ending eight six zero seven"),
            ("138 **** 8607", "ending eight six zero seven"),
            (
                "13800138000 ext 12",
                "one three eight, zero zero one three, eight zero zero zero, extension one two",
            ),
            (
                "17012345678,1234",
                "one seven zero, one two three four, five six seven eight, extension one two three four",
            ),
            ("010-12345678", "zero one zero, one two three four five six seven eight"),
            ("0755-1234567", "zero seven five five, one two three four five six seven"),
            ("400-123-4567", "four zero zero, one two three, four five six seven"),
            ("4001234567", "four zero zero, one two three, four five six seven"),
            ("+852 9123 4567", "nine one two three, four five six seven"),
        ],
    );
}

#[test]
fn dates_and_times() {
    check(
        Lang::En,
        &[
            ("2nd floor", "second floor"),
            ("1st, 3rd, 11th, 22nd, 100th", "first, third, eleventh, twenty second, one hundredth"),
            ("1st-3rd", "first to third"),
            ("12th", "twelfth"),
            ("11/21", "November twenty first"),
            ("12/25 at 18:00", "December twenty fifth at six p m"),
            ("2026-11-21", "November twenty first, twenty twenty six"),
            ("2026-11-21T18:30:00", "November twenty first, twenty twenty six, six thirty p m"),
            ("2005-01-02", "January second, two thousand five"),
            ("1999/12/31", "December thirty first, nineteen ninety nine"),
            ("Nov 21", "November twenty first"),
            ("Dec. 25", "December twenty fifth"),
            ("March 3rd", "March third"),
            ("May 40", "May forty"),
            ("11/02/2026", "November second, twenty twenty six"),
            ("21/11/2026", "November twenty first, twenty twenty six"),
            ("9am-5pm", "nine a m to five p m"),
            ("Mon 9am-5pm", "Mon nine a m to five p m"),
            ("6pm", "six p m"),
            ("8 AM", "eight a m"),
            ("6:05 pm", "six oh five p m"),
            ("8:00 a.m.", "eight a m"),
            ("12:00", "twelve p m"),
            ("24:00", "twelve a m"),
            ("00:00", "twelve a m"),
            ("Mon-Fri 9:00-18:00", "Mon to Fri nine a m to six p m"),
            ("1 hr", "one hour"),
            ("2 hrs", "two hours"),
            ("30 s", "thirty seconds"),
            ("1h30m", "one hour thirty minutes"),
            ("1.5 hours", "one point five hours"),
            ("10 to 15 minutes", "ten to fifteen minutes"),
        ],
    );
}

#[test]
fn amounts() {
    check(
        Lang::En,
        &[
            ("1/2 price", "one half price"),
            ("3/4", "three quarters"),
            ("1/3", "one third"),
            ("5/8", "five eighths"),
            ("2kg", "two kilograms"),
            ("1 kg", "one kilogram"),
            ("500g", "five hundred grams"),
            ("330ml", "three hundred thirty milliliters"),
            ("1.5L", "one point five liters"),
            ("25 km/h", "twenty five kilometers per hour"),
            ("3 to 5 km", "three to five kilometers"),
            ("0.5%", "zero point five percent"),
            ("2 pcs", "two pieces"),
            ("rice-2 pcs", "rice two pieces"),
            ("$5.50", "five dollars and fifty cents"),
            ("HK$20", "twenty dollars"),
            ("¥12.05", "twelve point zero five yuan"),
            ("¥0.5", "zero point five yuan"),
            ("¥1,234.50", "one thousand two hundred thirty four point five yuan"),
            ("¥100", "one hundred yuan"),
            ("-¥5", "minus five yuan"),
            ("CNY 20", "twenty yuan"),
            ("¥5/order", "five yuan per order"),
            ("5 yuan/km", "five yuan per kilometer"),
            ("20 yuan to 30 yuan", "twenty yuan to thirty yuan"),
            ("850m", "eight hundred fifty meters"),
            ("1.0 km", "one kilometer"),
            ("5 km", "five kilometers"),
            ("100+", "one hundred plus"),
            ("1+1", "one plus one"),
            ("+5", "plus five"),
            ("-5", "minus five"),
            ("-5°C", "minus five degrees"),
            ("36.5°C", "thirty six point five degrees"),
            ("３：２", "three to two"),
            ("3:2", "three to two"),
            ("2026", "two thousand twenty six"),
            ("12306", "twelve thousand three hundred six"),
            ("10001", "ten thousand one"),
        ],
    );
}

#[test]
fn names_and_signs() {
    check(
        Lang::En,
        &[
            ("7-Eleven", "seven eleven"),
            ("7-11", "seven eleven"),
            ("24/7", "twenty four seven"),
            ("5 items w/o onion", "five items without onion"),
            ("noodles w/ egg", "noodles with egg"),
            ("https://a.b/c", "link"),
            ("see www.a.com, thanks", "see link, thanks"),
            ("＄５", "five dollars"),
            ("５０％ off", "fifty percent off"),
            ("Burger 😋 & fries", "Burger and fries"),
            ("rice + beans", "rice plus beans"),
            ("KFC", "KFC"),
            ("Don't ring the bell!", "Don't ring the bell!"),
            (
                "Deliver to Room 1201, 12/F before 6:30pm",
                "Deliver to Room one two zero one, floor twelve before six thirty p m",
            ),
            (
                "New order: 2 x Noodles, ¥35.5, 1.2 km",
                "New order, two Noodles, thirty five point five yuan, one point two kilometers",
            ),
            (
                "Order #1201 from KFC (Main St) 2 items ¥35.50, deliver by 18:30 to Bldg 3 Unit 2 Rm 1201",
                "Order number one two zero one from KFC, Main St, two items thirty five point five yuan, deliver by six thirty p m to Bldg three Unit two Rm one two zero one",
            ),
            ("fee ¥5.80", "fee five point eight yuan"),
            ("ETA 5 min", "ETA five minutes"),
            ("Order A12-0017", "Order A twelve dash zero zero one seven"),
            ("2x Burger", "two Burger"),
            ("Coke (500ml) x 1", "Coke, five hundred milliliters, times one"),
            ("50% off, save ¥5", "fifty percent off, save five yuan"),
            ("phone 138****8607", "phone ending eight six zero seven"),
            ("ending in 8607", "ending in eight six zero seven"),
        ],
    );
}
