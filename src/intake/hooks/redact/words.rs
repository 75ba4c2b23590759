//! What a member holds, judged by the words of its name: `recvPhone`, `dm_mobile`, `收货人电话`, `lianxidianhua`.

/// A name, judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Judged {
    pub(super) sort: Sort,
    /// Whose it is, as far as the name says so.
    pub(super) whose: Option<Whose>,
    /// Of an address: a part that many share.
    pub(super) is_wide: bool,
}

/// What it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sort {
    /// What lets somebody in: signatures, tokens, passwords.
    Secret,
    Phone,
    Address,
    /// Where somebody is, by address or by id: `dropoff`.
    Spot,
    /// Mail, identity cards, pages that follow a courier.
    Hidden,
    /// A name, of somebody or something.
    Name,
    /// Somebody, by name or by id: `consignee`.
    Human,
    Coordinate,
    Id,
    Plain,
}

/// Whom or what the member is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Whose {
    Person,
    /// A shop, a dish, a payment.
    Thing,
    /// Somewhere that has a phone or an address and does not say whose.
    Caller,
    /// Inside of an address.
    Home,
    /// Inside of a secret.
    Vault,
}

const SECRETS: [&str; 15] = [
    "signature",
    "sig",
    "secret",
    "password",
    "passwd",
    "pwd",
    "token",
    "hmac",
    "authorization",
    "cookie",
    "credential",
    "passphrase",
    "otp",
    "captcha",
    "jwt",
];
/// A secret where they come last: a `sign_time` is none.
const LAST_SECRETS: [&str; 6] = ["sign", "auth", "pin", "mima", "qianming", "miyao"];
const KEYS: [&str; 9] = ["api", "access", "private", "secret", "order", "encrypt", "sign", "session", "auth"];
const PHONES: [&str; 10] =
    ["tel", "telephone", "cell", "fax", "msisdn", "whatsapp", "sjh", "lxdh", "shouji", "shoujihao"];
const ADDRESSES: [&str; 9] =
    ["addr", "street", "doorplate", "postcode", "postal", "zip", "zipcode", "apartment", "room"];
const HIDDEN: [&str; 9] =
    ["email", "mail", "idcard", "identity", "passport", "birthday", "taxpayer", "invoice", "idno"];
const COORDINATES: [&str; 14] = [
    "lat",
    "lng",
    "lon",
    "latitude",
    "longitude",
    "coordinate",
    "location",
    "geo",
    "gps",
    "latlng",
    "lnglat",
    "jingdu",
    "weidu",
    "position",
];
const IDS: [&str; 14] = [
    "id", "no", "sn", "code", "number", "num", "uuid", "seq", "view", "key", "order", "guid", "ref",
    "version",
];
/// What is told of a phone or an address beside itself.
const ABOUT: [&str; 13] = [
    "id",
    "type",
    "status",
    "state",
    "count",
    "time",
    "at",
    "date",
    "version",
    "verified",
    "method",
    "ttl",
    "algorithm",
];
const PEOPLE: [&str; 44] = [
    "customer",
    "receiver",
    "recipient",
    "consignee",
    "buyer",
    "user",
    "contact",
    "rider",
    "courier",
    "dasher",
    "driver",
    "worker",
    "operator",
    "dm",
    "agent",
    "shipper",
    "deliverer",
    "deliveryman",
    "transporter",
    "knight",
    "member",
    "guest",
    "sender",
    "person",
    "staff",
    "employee",
    "owner",
    "linkman",
    "payer",
    "client",
    "applicant",
    "waiter",
    "cashier",
    "assignee",
    "messenger",
    "shouhuoren",
    "shoujianren",
    "lianxiren",
    "qishou",
    "peisongyuan",
    "guke",
    "kehu",
    "yonghu",
    "recv",
];
/// With a name behind them.
const NAMED: [&str; 11] =
    ["first", "last", "full", "given", "family", "sur", "nick", "real", "delivery", "human", "middle"];
/// What is theirs, as what holds a name.
const THEIRS: [&str; 4] = ["dropoff", "destination", "shipping", "billing"];
const THINGS: [&str; 64] = [
    "shop",
    "store",
    "merchant",
    "poi",
    "business",
    "restaurant",
    "kdt",
    "product",
    "item",
    "goods",
    "food",
    "dish",
    "sku",
    "spu",
    "title",
    "method",
    "event",
    "status",
    "platform",
    "city",
    "province",
    "district",
    "area",
    "region",
    "country",
    "brand",
    "app",
    "file",
    "pay",
    "payment",
    "coupon",
    "activity",
    "station",
    "group",
    "category",
    "unit",
    "pickup",
    "supplier",
    "seller",
    "vendor",
    "vehicle",
    "car",
    "type",
    "channel",
    "metadata",
    "meta",
    "service",
    "company",
    "org",
    "warehouse",
    "project",
    "template",
    "field",
    "option",
    "property",
    "spec",
    "device",
    "topic",
    "trigger",
    "kitchen",
    "branch",
    "package",
    "zone",
    "line",
];
const WIDE: [&str; 14] = [
    "city", "province", "state", "country", "district", "area", "region", "county", "coord", "zone", "type",
    "id", "currency", "time",
];

/// Judges a name; the empty one stands for the body itself.
pub(super) fn judge(name: &str) -> Judged {
    if name.contains(is_han) {
        return han(name);
    }
    let words = split(name);
    let last = words.last().map_or("", String::as_str);
    let sort = sort(&words, last);
    let whose = words.iter().rev().find_map(|word| {
        let is = |list: &[&str]| list.contains(&word.as_str());
        let is_name = sort == Sort::Name && is(&NAMED);
        if is(&PEOPLE) || is(&THEIRS) || is_name {
            return Some(Whose::Person);
        }
        is(&THINGS).then_some(Whose::Thing)
    });
    Judged { sort, whose, is_wide: WIDE.contains(&last) || words.iter().any(|word| word == "country") }
}

fn sort(words: &[String], last: &str) -> Sort {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let joined = words.concat();
    let is_about = ABOUT.contains(&last);
    let before_last = words.len().checked_sub(2).and_then(|at| words.get(at)).map_or("", String::as_str);
    let is_key = last == "key" && KEYS.contains(&before_last);
    let is_check = last == "code" && ["verify", "verification", "security"].contains(&before_last);
    let is_phone = words.iter().any(|word| word.contains("phone") || word.contains("mobile"))
        || any(&PHONES)
        || joined.contains("dianhua");
    let is_address =
        words.iter().any(|word| word.contains("address") || word.contains("dizhi")) || any(&ADDRESSES);
    let is_track = (any(&["track", "tracking"])) && any(&["url", "link", "href"]);
    let is_name = last == "name" || last == "xingming" || last == "nickname";
    if (any(&SECRETS) && !is_about) || LAST_SECRETS.contains(&last) || is_key || is_check {
        Sort::Secret
    } else if (any(&HIDDEN) && !is_about) || is_track {
        Sort::Hidden
    } else if is_phone && !is_about {
        Sort::Phone
    } else if is_name {
        Sort::Name
    } else if COORDINATES.contains(&last) {
        Sort::Coordinate
    } else if is_address && !is_about {
        Sort::Address
    } else if ["dropoff", "destination"].contains(&last) {
        Sort::Spot
    } else if PEOPLE.contains(&last) {
        Sort::Human
    } else if IDS.contains(&last) || any(&["id"]) {
        Sort::Id
    } else {
        Sort::Plain
    }
}

/// Words of a name: at capitals, digits and marks; `username` is two, and the plural counts as one.
fn split(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    let mut characters = name.chars().take(200).peekable();
    while let Some(c) = characters.next() {
        let is_lower_next = characters.peek().is_some_and(char::is_ascii_lowercase);
        let begins = (c.is_ascii_uppercase() && (!before.is_ascii_uppercase() || is_lower_next))
            || c.is_numeric() != before.is_numeric()
            || !before.is_alphanumeric();
        if c.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if !begins => word.extend(c.to_lowercase()),
                _ => words.push(c.to_lowercase().collect()),
            }
        }
        before = c;
    }
    words.retain(|word| !word.chars().all(char::is_numeric));
    words.into_iter().flat_map(parts).collect()
}

fn parts(word: String) -> Vec<String> {
    let singular = match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u']) && word != "goods" => stem.to_owned(),
        Some(_) | None => word,
    };
    match singular.strip_suffix("name") {
        Some(stem) if !stem.is_empty() => vec![stem.to_owned(), "name".to_owned()],
        Some(_) | None => vec![singular],
    }
}

fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

fn han(name: &str) -> Judged {
    let any = |list: &[&str]| list.iter().any(|word| name.contains(word));
    let ends = |list: &[&str]| list.iter().any(|word| name.ends_with(word));
    let is_person =
        any(&["顾客", "客户", "收货", "收件", "寄件", "骑手", "配送员", "用户", "买家", "联系人", "会员"]);
    let is_thing = any(&["商家", "门店", "店铺", "商户", "餐厅", "商品", "菜", "站点", "店名"]);
    let whose = match (is_person, is_thing) {
        (true, _) => Some(Whose::Person),
        (false, true) => Some(Whose::Thing),
        (false, false) => None,
    };
    let sort = if any(&["签名", "密钥", "密码", "令牌", "口令", "验证码"]) {
        Sort::Secret
    } else if any(&["邮箱", "身份证", "银行卡", "发票"]) {
        Sort::Hidden
    } else if any(&["手机", "电话", "联系方式"]) {
        Sort::Phone
    } else if any(&["地址", "门牌", "住址", "楼栋", "邮编"]) {
        Sort::Address
    } else if any(&["经度", "纬度", "坐标", "经纬"]) {
        Sort::Coordinate
    } else if ends(&["号", "编码", "码", "id", "ID", "Id"]) {
        Sort::Id
    } else if ends(&["姓名", "昵称", "名字", "名称", "称呼", "店名", "菜名", "名"]) {
        Sort::Name
    } else if ends(&[
        "收货人",
        "收件人",
        "寄件人",
        "联系人",
        "顾客",
        "客户",
        "骑手",
        "配送员",
        "买家",
        "用户",
        "会员",
    ]) {
        Sort::Human
    } else {
        Sort::Plain
    };
    // A person's name even where nothing else says so.
    let whose = if whose.is_none() && ends(&["姓名", "昵称"]) { Some(Whose::Person) } else { whose };
    Judged {
        sort, whose, is_wide: ends(&["省", "市", "区", "城市", "省份", "国家", "类型", "区域"])
    }
}
