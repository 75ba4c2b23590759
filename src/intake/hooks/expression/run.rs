//! One walk over an expression with one request: pure, bounded by its budget.
//! The state of the template language is made only where one of its filters is called.

use std::borrow::Cow;

use minijinja::State;
use minijinja::value::Kwargs;
use serde_json::Value;

use super::budget::{Budget, STEP, VALUE};
use super::node::{Call, Node, Root};
use super::values::{self, Word};
use super::{EvalError, filters, operators};
use crate::intake::hooks::Scope;

/// Most numbers that `range` gives.
const RANGE_MAX: usize = 1000;

/// One evaluation.
pub(super) struct Run<'v> {
    scope: &'v Scope<'v>,
    pub(super) budget: Budget,
    /// What a template has set so far.
    pub(super) locals: Vec<(&'v str, Word<'v>)>,
    state: Option<State<'static, 'static>>,
}

impl<'v> Run<'v> {
    /// Nothing done yet.
    pub(super) fn new(scope: &'v Scope<'v>) -> Self {
        Self { scope, budget: Budget::new(), locals: Vec::new(), state: None }
    }

    /// What an expression gives in the end.
    pub(super) fn result(&mut self, word: Word<'v>) -> Result<Cow<'v, Value>, EvalError> {
        match word {
            Word::Missing => Ok(Cow::Owned(Value::Null)),
            Word::Json(value) => Ok(Cow::Borrowed(value)),
            Word::Text(text) => {
                values::check_length(text.len())?;
                Ok(Cow::Owned(Value::String(text)))
            }
            Word::Made(value) => {
                values::check_length(value.as_str().map_or(0, str::len))?;
                values::json_of(&value, &mut self.budget).map(Cow::Owned)
            }
        }
    }

    /// What this node gives.
    pub(super) fn word(&mut self, node: &'v Node) -> Result<Word<'v>, EvalError> {
        self.budget.pay(STEP)?;
        Ok(match node {
            Node::Literal(value) => Word::Json(value),
            Node::Made(value) => Word::Made(value.clone()),
            Node::Path(Root::Index, steps) if steps.is_empty() => {
                Word::Made(minijinja::Value::from(self.scope.index))
            }
            Node::Path(root, steps) => {
                self.start(*root).map_or(Word::Missing, |start| values::walk(start, steps))
            }
            Node::Local(name) => self.local(name)?,
            Node::Member(parent, key) => {
                let parent = self.word(parent)?;
                let key = self.word(key)?;
                self.member(parent, key)?
            }
            Node::Slice(subject, bounds) => self.slice(subject, bounds)?,
            Node::Concat(parts) => {
                let mut text = String::new();
                for part in parts {
                    let part = self.word(part)?;
                    part.write(&mut text, &mut self.budget)?;
                }
                Word::Text(text)
            }
            Node::And(left, right) => {
                let left = self.word(left)?;
                if left.is_true() { self.word(right)? } else { left }
            }
            Node::Or(left, right) => {
                let left = self.word(left)?;
                if left.is_true() { left } else { self.word(right)? }
            }
            Node::Not(node) => Word::Made(minijinja::Value::from(!self.word(node)?.is_true())),
            Node::Negative(node) => Word::Made(operators::negative(self.value(node)?)?),
            Node::Binary(op, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Word::Made(operators::binary(*op, &left, &right, &mut self.budget)?)
            }
            Node::Compare(first, rest) => self.compare(first, rest)?,
            Node::If { test, then, otherwise } => match (self.word(test)?.is_true(), otherwise) {
                (true, _) => self.word(then)?,
                (false, Some(otherwise)) => self.word(otherwise)?,
                (false, None) => Word::Missing,
            },
            Node::Filter(call) => self.filter(call)?,
            Node::Test(call) => self.test(call)?,
            Node::List(items) => {
                let items = items.iter().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?;
                self.made(minijinja::Value::from(items))?
            }
            Node::Table(members) => {
                let mut table = std::collections::BTreeMap::new();
                for (name, member) in members {
                    table.insert(self.value(name)?, self.value(member)?);
                }
                self.made(table.into())?
            }
            Node::Range(bounds) => self.range(bounds)?,
        })
    }

    fn start(&self, root: Root) -> Option<&'v Value> {
        Some(match root {
            Root::Body => self.scope.body,
            Root::Headers => self.scope.headers,
            Root::Query => self.scope.query,
            Root::Event => self.scope.event,
            Root::Params => self.scope.params,
            Root::Tables => self.scope.tables,
            Root::Item => self.scope.item,
            Root::Extra(name) => return self.scope.extra.get(name),
            Root::Index => return None,
        })
    }

    fn local(&mut self, name: &str) -> Result<Word<'v>, EvalError> {
        let local = self.locals.iter().rev().find(|(local, _)| *local == name);
        let word = local.map_or(Word::Missing, |(_, word)| word.clone());
        if let Word::Text(text) = &word {
            self.budget.pay(text.len())?;
        }
        Ok(word)
    }

    /// A node's value for an operator or filter.
    fn value(&mut self, node: &'v Node) -> Result<minijinja::Value, EvalError> {
        let word = self.word(node)?;
        word.value(&mut self.budget)
    }

    /// Something new that holds other values, which must be paid for: the same list in a list in a list grows fast.
    fn made(&mut self, value: minijinja::Value) -> Result<Word<'v>, EvalError> {
        self.budget.weigh(&value)?;
        Ok(Word::Made(value))
    }

    fn member(&mut self, parent: Word<'v>, key: Word<'v>) -> Result<Word<'v>, EvalError> {
        let found = match (&parent, key.as_str()) {
            (Word::Missing, _) => return Ok(Word::Missing),
            (Word::Json(Value::Object(members)), Some(name)) => members.get(name),
            (Word::Json(Value::Array(items)), _) => {
                // A truth or a fraction without a fraction is a place as well.
                let place = key.value(&mut self.budget)?.as_i64();
                place
                    .and_then(|place| values::place_in(place, items.len()))
                    .and_then(|place| items.get(place))
            }
            (Word::Json(Value::Object(_)), None) => None,
            _ => {
                let parent = parent.value(&mut self.budget)?;
                let key = key.value(&mut self.budget)?;
                let found = parent.get_item(&key).unwrap_or_default();
                return Ok(if found.is_undefined() { Word::Missing } else { Word::Made(found) });
            }
        };
        Ok(found.map_or(Word::Missing, Word::Json))
    }

    fn slice(&mut self, subject: &'v Node, bounds: &'v [Option<Node>; 3]) -> Result<Word<'v>, EvalError> {
        let subject = self.word(subject)?;
        let mut places = [None; 3];
        for (place, bound) in places.iter_mut().zip(bounds) {
            let Some(bound) = bound else { continue };
            let bound = self.word(bound)?;
            if bound.is_none() {
                continue;
            }
            *place =
                Some(bound.as_integer().ok_or_else(|| EvalError("a slice needs whole numbers".to_owned()))?);
        }
        if let Some(text) = subject.as_str() {
            self.budget.pay(text.len())?;
            let letters: Vec<char> = text.chars().collect();
            let text: String = filters::sliced(&letters, places)?.into_iter().collect();
            return Ok(Word::Text(text));
        }
        if subject.is_none() {
            return Ok(Word::Made(minijinja::Value::from(Vec::<minijinja::Value>::new())));
        }
        let items = subject.value(&mut self.budget)?;
        if !matches!(items.kind(), minijinja::value::ValueKind::Seq | minijinja::value::ValueKind::Iterable) {
            return Err(EvalError(format!("{} cannot be sliced", items.kind())));
        }
        let items = values::items_of(&items)?;
        // What is cut out of a list is for walking, as in the language itself: it is not equal to a list.
        let part = filters::sliced(&items, places)?;
        self.made(minijinja::Value::make_object_iterable(part, |part| Box::new(part.iter().cloned())))
    }

    fn compare(
        &mut self,
        first: &'v Node,
        rest: &'v [(minijinja::machinery::ast::CompareOpKind, Node)],
    ) -> Result<Word<'v>, EvalError> {
        let mut left = self.word(first)?;
        for (op, right) in rest {
            let right = self.word(right)?;
            if !operators::holds(*op, &left, &right, &mut self.budget)? {
                return Ok(Word::Made(minijinja::Value::from(false)));
            }
            left = right;
        }
        Ok(Word::Made(minijinja::Value::from(true)))
    }

    fn filter(&mut self, call: &'v Call) -> Result<Word<'v>, EvalError> {
        let mut args = Vec::with_capacity(call.args.len() + 1);
        let mut nodes = call.args.iter();
        if let Some(subject) = nodes.next() {
            let subject = self.word(subject)?;
            if let Some(pattern) = &call.pattern {
                self.budget.pay(subject.as_str().map_or(0, str::len).saturating_mul(8))?;
                return Ok(filters::matched(pattern, &subject));
            }
            if call.named.is_empty()
                && let Some(word) = filters::at_once(call, &subject)
            {
                return Ok(word);
            }
            // An absent value is replaced without a look at the other, and a list that is there is not copied.
            if matches!(&*call.name, "default" | "d") && call.args.len() <= 2 && call.named.is_empty() {
                return match (subject, call.args.get(1)) {
                    (Word::Missing, Some(other)) => self.word(other),
                    (Word::Missing, None) => Ok(Word::Text(String::new())),
                    (subject, _) => Ok(subject),
                };
            }
            args.push(subject.value(&mut self.budget)?);
        }
        for node in nodes {
            args.push(self.value(node)?);
        }
        let value = self.called(call, args, |state, call, args| state.apply_filter(&call.name, args))?;
        if value.is_undefined() { Ok(Word::Missing) } else { self.made(value) }
    }

    fn test(&mut self, call: &'v Call) -> Result<Word<'v>, EvalError> {
        let args = call.args.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
        let holds = self.called(call, args, |state, call, args| state.perform_test(&call.name, args))?;
        Ok(Word::Made(minijinja::Value::from(holds)))
    }

    /// Calls a filter or test of the template language, which pays from the same budget.
    fn called<T>(
        &mut self,
        call: &'v Call,
        mut args: Vec<minijinja::Value>,
        act: impl FnOnce(&mut State<'_, '_>, &Call, &[minijinja::Value]) -> Result<T, minijinja::Error>,
    ) -> Result<T, EvalError> {
        if !call.named.is_empty() {
            let mut named = Vec::with_capacity(call.named.len());
            for (name, node) in &call.named {
                named.push((&**name, self.value(node)?));
            }
            args.push(named.into_iter().collect::<Kwargs>().into());
        }
        for arg in &args {
            self.budget.pay(arg.len().unwrap_or(1).saturating_mul(2))?;
        }
        let state = self.state.get_or_insert_with(|| filters::environment().empty_state());
        *Budget::of(state) = self.budget;
        let result = act(state, call, &args);
        self.budget = *Budget::of(state);
        result.map_err(|error| filters::told(&call.name, &error))
    }

    fn range(&mut self, bounds: &'v [Node]) -> Result<Word<'v>, EvalError> {
        let mut numbers = Vec::with_capacity(3);
        for bound in bounds {
            let bound = self.word(bound)?;
            numbers
                .push(bound.as_integer().ok_or_else(|| EvalError("range needs whole numbers".to_owned()))?);
        }
        let (from, to, step) = match *numbers.as_slice() {
            [to] => (0, to, 1),
            [from, to] => (from, to, 1),
            [from, to, step] => (from, to, step),
            _ => return Err(EvalError("range takes one to three numbers".to_owned())),
        };
        if step == 0 {
            return Err(EvalError("range needs a step".to_owned()));
        }
        let mut items = Vec::new();
        let mut next = Some(from);
        while let Some(number) = next.filter(|number| if step > 0 { *number < to } else { *number > to }) {
            if items.len() == RANGE_MAX {
                return Err(EvalError(format!("range gives more than {RANGE_MAX} numbers")));
            }
            items.push(minijinja::Value::from(number));
            next = number.checked_add(step);
        }
        self.budget.pay(items.len() * VALUE)?;
        Ok(Word::Made(minijinja::Value::from(items)))
    }
}
