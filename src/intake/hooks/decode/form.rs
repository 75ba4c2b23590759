//! Forms: names and values, percent-encoded in the body's charset. `a[b][]` nests, as PHP has it.

use serde_json::{Map, Value};

use super::charset::Charset;
use super::percent::{self, Stray};
use super::{Count, DEPTH_MAX, DecodeError, refused};

/// Names of one form.
const PAIRS_MAX: usize = 1_000;

/// Reads `application/x-www-form-urlencoded`.
pub(super) fn read(body: &[u8], charset: Charset, count: &Count) -> Result<Value, DecodeError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut form = Form::new(count);
    let pairs = body.trim_ascii().split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    for (place, pair) in pairs.enumerate() {
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        };
        let decoded = |part| {
            let broken =
                || refused("malformed_form", format!("a percent without two digits in pair {place}"));
            let bytes = percent::decode(part, Stray::Refused).ok_or_else(broken)?;
            charset.text(&bytes).map(std::borrow::Cow::into_owned)
        };
        form.add(&decoded(name)?, decoded(value)?)?;
    }
    Ok(form.value())
}

/// A form that is being read.
pub(super) struct Form<'a> {
    members: Map<String, Value>,
    pairs: usize,
    count: &'a Count,
}

impl<'a> Form<'a> {
    pub(super) fn new(count: &'a Count) -> Self {
        Self { members: Map::new(), pairs: 0, count }
    }

    /// One more name with its value.
    pub(super) fn add(&mut self, name: &str, value: String) -> Result<(), DecodeError> {
        self.pairs += 1;
        if self.pairs > PAIRS_MAX {
            return Err(refused("too_many", format!("more than {PAIRS_MAX} names in a form")));
        }
        let (first, brackets) = steps(name);
        if brackets.len() >= DEPTH_MAX {
            return Err(refused("too_deep", format!("nested more than {DEPTH_MAX} levels deep")));
        }
        let twice = || {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(200).collect();
            refused("duplicate_member", format!("{shown:?} appears twice"))
        };
        let mut members = &mut self.members;
        let mut step = first.to_owned();
        for next in brackets {
            self.count.one()?;
            let inner = members.entry(step).or_insert_with(|| Value::Object(Map::new()));
            members = inner.as_object_mut().ok_or_else(twice)?;
            step = if next.is_empty() { free_place(members) } else { next.to_owned() };
        }
        self.count.one()?;
        match members.insert(step, Value::String(value)) {
            None => Ok(()),
            Some(_) => Err(twice()),
        }
    }

    /// What it says; places that are numbered from 0 without a gap are a list.
    pub(super) fn value(self) -> Value {
        Value::Object(self.members.into_iter().map(|(name, value)| (name, listed(value))).collect())
    }
}

/// `a[b][]` is `a`, `b` and a free place; a name whose brackets do not fit is the name it is.
fn steps(name: &str) -> (&str, Vec<&str>) {
    let plain = (name, Vec::new());
    let Some((first, brackets)) = name.split_once('[') else { return plain };
    let Some(brackets) = brackets.strip_suffix(']') else { return plain };
    let steps: Vec<_> = brackets.split("][").collect();
    if first.is_empty() || steps.iter().any(|step| step.contains(['[', ']'])) {
        return plain;
    }
    (first, steps)
}

fn free_place(members: &Map<String, Value>) -> String {
    let mut place = members.len();
    while members.contains_key(&place.to_string()) {
        place += 1;
    }
    place.to_string()
}

fn listed(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let length = members.len();
    let place = |name: &String| {
        let place = name.parse::<usize>().ok()?;
        (place < length && place.to_string() == *name).then_some(place)
    };
    // So many different numbers, each below their count: all from 0 on.
    if !members.keys().all(|name| place(name).is_some()) {
        return Value::Object(members.into_iter().map(|(name, value)| (name, listed(value))).collect());
    }
    let mut list: Vec<_> = members.into_iter().map(|(name, value)| (place(&name), listed(value))).collect();
    list.sort_by_key(|(place, _)| *place);
    Value::Array(list.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::charset::Charset;
    use super::super::{Count, DecodeError};

    fn read(body: &str) -> Result<Value, DecodeError> {
        super::read(body.as_bytes(), Charset::default(), &Count::default())
    }

    #[test]
    fn names_and_values_are_decoded_once() {
        assert_eq!(
            read("a=1+2&b=%2B%E6%B5%8B&c&&d==&%61%62=x").unwrap(),
            json!({
                "a":"1 2", "b":"+测", "c":"", "d":"=", "ab":"x"
            })
        );
        let gbk = Charset::named("gbk").unwrap();
        let form = super::read(b"a=%B2%E2%CA%D4&b=\xb2\xe2", gbk, &Count::default()).unwrap();
        assert_eq!(form, json!({"a":"测试", "b":"测"}));
    }

    #[test]
    fn brackets_nest_as_in_php() {
        let cases = [
            ("a[b][c]=1&a[b][d]=2", json!({"a":{"b":{"c":"1","d":"2"}}})),
            ("a[]=1&a[]=2", json!({"a":["1","2"]})),
            ("a[0][x]=1&a[1][x]=2&a[0][y]=3", json!({"a":[{"x":"1","y":"3"},{"x":"2"}]})),
            ("a%5Bb%5D%5B%5D=1", json!({"a":{"b":["1"]}})),
            ("a[1]=x&a[3]=y", json!({"a":{"1":"x","3":"y"}})),
            ("a[1]=x&a[]=y", json!({"a":{"1":"x","2":"y"}})),
            ("0=x", json!({"0":"x"})),
            ("[a]=1&a[b=2&a]=3&a[b]c=4", json!({"[a]":"1","a[b":"2","a]":"3","a[b]c":"4"})),
        ];
        for (body, expected) in cases {
            assert_eq!(read(body).unwrap(), expected, "{body}");
        }
        let eleven: Vec<_> = (0..11).map(|place| format!("a[{place}]={place}")).collect();
        assert_eq!(read(&eleven.join("&")).unwrap()["a"][10], "10");
    }

    #[test]
    fn what_is_ambiguous_broken_or_too_much_is_refused() {
        let deep = format!("a{}=1", "[b]".repeat(32));
        let many = "a[]=1&".repeat(1_001);
        let cases = [
            ("a=1&a=1", "duplicate_member"),
            ("a=1&a[b]=2", "duplicate_member"),
            ("a[b]=1&a=2", "duplicate_member"),
            ("a[b]=1&a[b]=2", "duplicate_member"),
            ("a=%E6%B5%8", "malformed_form"),
            ("a=%E6%B5", "bad_charset"),
            (&deep, "too_deep"),
            (&many, "too_many"),
        ];
        for (body, reason) in cases {
            assert_eq!(read(body).unwrap_err().reason, reason, "{body:.80}");
        }
    }
}
