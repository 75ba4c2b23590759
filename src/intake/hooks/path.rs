//! Places in a body: `detail`, `message.items`, `orders.*.detail`.
//! A path that leads nowhere is no mistake: senders leave out what is empty.

use serde_json::Value;

/// Longest path, in steps: what a body may be nested.
const STEPS_MAX: usize = 32;
/// Longest path as text.
const TEXT_MAX: usize = 500;

/// Where something stands in a body; `*` is every place of a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    /// A member, or a place of a list by its number.
    Name(String),
    /// Every place of a list. What is no list counts as its only place: XML cannot say a list of one.
    Each,
}

impl Path {
    /// Reads a path: names, numbers and `*` with dots between them.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > TEXT_MAX {
            return Err("a path has at most 500 characters");
        }
        let steps: Vec<_> = text.split('.').map(step).collect::<Option<_>>().ok_or(
            "a path is names with dots between them, such as message.items, and * for each place of a list",
        )?;
        if steps.len() > STEPS_MAX {
            return Err("a path has at most 32 steps");
        }
        Ok(Self(steps))
    }

    /// Reads a path as expressions say it: `body.message.items`. Without `body.` it means the same.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn read_in_body(text: &str) -> Result<Self, &'static str> {
        Self::read(text.strip_prefix("body.").unwrap_or(text))
    }

    /// How deep it leads.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.0.len()
    }

    /// Does something to what stands there, wherever that is.
    ///
    /// # Errors
    /// The first that `act` gives.
    pub(super) fn visit<E>(
        &self,
        body: &mut Value,
        act: &mut impl FnMut(&mut Value) -> Result<(), E>,
    ) -> Result<(), E> {
        visit(body, &self.0, act)
    }

    /// Puts what stands there in one body into another of the same shape.
    pub(super) fn copy(&self, from: &Value, to: &mut Value) {
        copy(from, to, &self.0);
    }
}

fn step(text: &str) -> Option<Step> {
    match text {
        "" => None,
        "*" => Some(Step::Each),
        name if name.contains('*') || name.trim() != name || name.contains(char::is_control) => None,
        name => Some(Step::Name(name.to_owned())),
    }
}

fn visit<E>(
    value: &mut Value,
    steps: &[Step],
    act: &mut impl FnMut(&mut Value) -> Result<(), E>,
) -> Result<(), E> {
    let Some((step, rest)) = steps.split_first() else { return act(value) };
    match (step, value) {
        (Step::Each, Value::Array(list)) => list.iter_mut().try_for_each(|item| visit(item, rest, act)),
        (Step::Each, one) => visit(one, rest, act),
        (Step::Name(name), Value::Object(members)) => {
            members.get_mut(name).map_or(Ok(()), |member| visit(member, rest, act))
        }
        (Step::Name(name), Value::Array(list)) => {
            let item = name.parse::<usize>().ok().and_then(|place| list.get_mut(place));
            item.map_or(Ok(()), |item| visit(item, rest, act))
        }
        (Step::Name(_), Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(()),
    }
}

fn copy(from: &Value, to: &mut Value, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        from.clone_into(to);
        return;
    };
    match (step, from, to) {
        (Step::Each, Value::Array(from), Value::Array(to)) => {
            from.iter().zip(to).for_each(|(from, to)| copy(from, to, rest));
        }
        (Step::Each, Value::Array(_), _) | (Step::Each, _, Value::Array(_)) => {}
        (Step::Each, from, to) => copy(from, to, rest),
        (Step::Name(name), Value::Object(from), Value::Object(to)) => {
            if let (Some(from), Some(to)) = (from.get(name), to.get_mut(name)) {
                copy(from, to, rest);
            }
        }
        (Step::Name(name), Value::Array(from), Value::Array(to)) => {
            let place = name.parse::<usize>().unwrap_or(usize::MAX);
            if let (Some(from), Some(to)) = (from.get(place), to.get_mut(place)) {
                copy(from, to, rest);
            }
        }
        (Step::Name(_), _, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Path;

    fn marked(path: &str, mut body: Value) -> Value {
        let path = Path::read(path).unwrap();
        let done: Result<(), ()> = path.visit(&mut body, &mut |place| {
            *place = json!("X");
            Ok(())
        });
        done.unwrap();
        body
    }

    #[test]
    fn a_path_leads_to_each_place_that_it_names_and_to_nothing_else() {
        assert_eq!(marked("a.b", json!({"a":{"b":1,"c":2}})), json!({"a":{"b":"X","c":2}}));
        assert_eq!(marked("a.*.b", json!({"a":[{"b":1},{"c":2},3]})), json!({"a":[{"b":"X"},{"c":2},3]}));
        assert_eq!(marked("a.*.b", json!({"a":{"b":1}})), json!({"a":{"b":"X"}}));
        assert_eq!(marked("a.1", json!({"a":[1,2]})), json!({"a":[1,"X"]}));
        assert_eq!(marked("*", json!([1, 2])), json!(["X", "X"]));
        for absent in ["b", "a.b.c", "a.9", "a.x"] {
            let body = json!({"a":[{"b":1}]});
            assert_eq!(marked(absent, body.clone()), body, "{absent}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let deep = ["a"; 33].join(".");
        for bad in ["", "a..b", ".a", "a.", "a*", " a", "a\n", &deep, &"a".repeat(501)] {
            assert!(Path::read(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Path::read_in_body("body.a"), Path::read("a"));
    }

    #[test]
    fn what_is_copied_stands_where_it_stood() {
        let from = json!({"a":[{"b":1},{"b":2}],"c":3});
        let mut to = json!({"a":[{"b":"*"},{"b":"*"}],"c":"*"});
        Path::read("a.*.b").unwrap().copy(&from, &mut to);
        assert_eq!(to, json!({"a":[{"b":1},{"b":2}],"c":"*"}));
    }
}
