//! Orders of a month in a city: four platforms, merchants of which few have most, and numbers as riders hear them.
//! One seed makes the same month again.

use orderbell::domain::Said;
use orderbell::speech::{Lang, Lexicon, Phrase, Phrases};
use serde_json::{Map, Value, json};

/// What is said of each: everything that varies.
const TEMPLATE: &str = "您有新的{{ platform|platform }}订单，{{ merchant|shop }}，尾号{{ tail|digits }}，距离{{ distance_m|distance }}，{{ fee_cents|money }}，预计{{ eta|minutes }}";
const PLATFORMS: [&str; 4] = ["meituan", "eleme", "jd", "douyin"];

/// A month.
pub(crate) struct Month {
    dice: u64,
    // Sums of 1/rank, for drawing merchants.
    sums: Vec<f64>,
    phrases: Phrases,
    phrase: [Phrase; 1],
    lexicon: Lexicon,
}

impl Month {
    pub(crate) fn new(merchants: usize) -> Self {
        let ranks = (1..=u32::try_from(merchants).unwrap()).map(f64::from);
        let sums = ranks.scan(0.0, |sum, rank| {
            *sum += 1.0 / rank;
            Some(*sum)
        });
        Self {
            dice: 0x9e37_79b9_7f4a_7c15,
            sums: sums.collect(),
            phrases: Phrases::embedded(),
            phrase: [Phrase::compile(TEMPLATE, Lang::ZhCn).unwrap()],
            lexicon: Lexicon::none(),
        }
    }

    /// What the next order says.
    pub(crate) fn next(&mut self) -> Said {
        let vars = self.vars();
        let rendered =
            self.phrases.render("order.new", Lang::ZhCn, &self.phrase, &vars, 28_800, &self.lexicon);
        rendered.unwrap().said
    }

    fn vars(&mut self) -> Map<String, Value> {
        let merchant = self.merchant();
        let vars = json!({
            "platform": PLATFORMS[self.below(4)],
            "merchant": merchant,
            "tail": format!("{:04}", self.below(10_000)),
            "distance_m": 100 + self.below(4_900),
            "fee_cents": 300 + self.below(120) * 10,
            "eta": 8 + self.below(50),
        });
        match vars {
            Value::Object(vars) => vars,
            _ => unreachable!(),
        }
    }

    /// The first is the busiest, the tenth has a tenth of its orders.
    fn merchant(&mut self) -> String {
        let total = *self.sums.last().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a draw")]
        let at = self.below(1 << 30) as f64 / f64::from(1 << 30) * total;
        merchant(self.sums.partition_point(|sum| *sum < at))
    }

    fn below(&mut self, most: usize) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice >> 11).unwrap() % most
    }
}

/// The name of a merchant.
pub(crate) fn merchant(number: usize) -> String {
    const FAMILIES: [&str; 15] =
        ["张", "王", "李", "赵", "陈", "刘", "杨", "黄", "周", "吴", "徐", "孙", "马", "朱", "胡"];
    const NAMES: [&str; 20] = [
        "记", "家", "氏", "师傅", "大妈", "老", "小", "哥", "姐", "婆婆", "爷爷", "阿姨", "胖子", "麻子",
        "姑娘", "掌柜", "老板", "大叔", "嫂子", "妹妹",
    ];
    const FOODS: [&str; 10] =
        ["面馆", "饺子", "米线", "烧烤", "火锅", "包子", "粥铺", "炸鸡", "奶茶", "卤味"];
    let family = FAMILIES[number % 15];
    let name = NAMES[number / 15 % 20];
    let food = FOODS[number / 300 % 10];
    format!("{family}{name}{food}")
}
