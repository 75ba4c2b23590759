//! Templates: text with expressions in it, `if`, `for` and `set`. What reads other templates or calls itself is not there.
//! So what a template costs is bounded by its text, the lists it walks and its budget.

use minijinja::machinery::ast::{Expr, ForLoop, Spanned, Stmt};

use super::budget::STEP;
use super::compile::Names;
use super::node::Node;
use super::run::Run;
use super::values::{self, Word};
use super::{EvalError, ExpressionError};

/// A piece of a template.
#[derive(Debug)]
pub(super) enum Part {
    /// As it stands.
    Raw(Box<str>),
    /// What an expression gives.
    Show(Node),
    If {
        test: Node,
        then: Vec<Part>,
        otherwise: Vec<Part>,
    },
    For(Box<Loop>),
    Set(Box<[Box<str>]>, Node),
}

/// `{% for name in list if test %}`.
#[derive(Debug)]
pub(super) struct Loop {
    names: Box<[Box<str>]>,
    list: Node,
    test: Option<Node>,
    body: Vec<Part>,
    otherwise: Vec<Part>,
}

impl Names<'_> {
    /// A whole template.
    pub(super) fn parts(&mut self, tree: &Stmt<'_>) -> Result<Vec<Part>, ExpressionError> {
        match tree {
            Stmt::Template(template) => self.block(&template.children),
            one => Ok(vec![self.part(one)?]),
        }
    }

    fn block(&mut self, trees: &[Stmt<'_>]) -> Result<Vec<Part>, ExpressionError> {
        trees.iter().map(|tree| self.part(tree)).collect()
    }

    fn part(&mut self, tree: &Stmt<'_>) -> Result<Part, ExpressionError> {
        let span = match tree {
            Stmt::EmitRaw(raw) => return Ok(Part::Raw(raw.raw.into())),
            Stmt::EmitExpr(shown) => return self.node(&shown.expr).map(Part::Show),
            Stmt::IfCond(choice) => {
                return Ok(Part::If {
                    test: self.node(&choice.expr)?,
                    then: self.block(&choice.true_body)?,
                    otherwise: self.block(&choice.false_body)?,
                });
            }
            Stmt::ForLoop(each) => return self.each(each),
            Stmt::Set(set) => {
                let node = self.node(&set.expr)?;
                let names = self.targets(&set.target)?;
                self.locals.extend(names.iter().cloned());
                return Ok(Part::Set(names, node));
            }
            Stmt::Template(inner) => inner.span(),
            Stmt::WithBlock(inner) => inner.span(),
            Stmt::SetBlock(inner) => inner.span(),
            Stmt::AutoEscape(inner) => inner.span(),
            Stmt::FilterBlock(inner) => inner.span(),
            Stmt::Do(inner) => inner.span(),
        };
        Err(self.fault(span, "there are only `if`, `for` and `set` here".to_owned()))
    }

    fn each(&mut self, each: &Spanned<ForLoop<'_>>) -> Result<Part, ExpressionError> {
        if each.recursive {
            return Err(self.fault(each.span(), "a loop cannot call itself here".to_owned()));
        }
        let list = self.node(&each.iter)?;
        let otherwise = self.block(&each.else_body)?;
        let names = self.targets(&each.target)?;
        let outside = self.locals.len();
        self.locals.extend(names.iter().cloned());
        self.locals.push("loop".into());
        let test = each.filter_expr.as_ref().map(|test| self.node(test)).transpose()?;
        let body = self.block(&each.body)?;
        self.locals.truncate(outside);
        Ok(Part::For(Box::new(Loop { names, list, test, body, otherwise })))
    }

    fn targets(&self, target: &Expr<'_>) -> Result<Box<[Box<str>]>, ExpressionError> {
        let name = |target: &Expr<'_>| match target {
            Expr::Var(name) => Ok(name.id.into()),
            other => Err(self.fault(other.span(), "only names can be set".to_owned())),
        };
        match target {
            Expr::Tuple(tuple) => tuple.items.iter().map(name).collect(),
            Expr::List(list) => list.items.iter().map(name).collect(),
            one => Ok(Box::new([name(one)?])),
        }
    }
}

impl<'v> Run<'v> {
    /// A whole template.
    pub(super) fn text(&mut self, parts: &'v [Part]) -> Result<String, EvalError> {
        let mut out = String::new();
        self.show(parts, &mut out)?;
        Ok(out)
    }

    fn show(&mut self, parts: &'v [Part], out: &mut String) -> Result<(), EvalError> {
        for part in parts {
            self.budget.pay(STEP)?;
            match part {
                Part::Raw(text) => {
                    self.budget.pay(text.len())?;
                    values::check_length(out.len() + text.len())?;
                    out.push_str(text);
                }
                Part::Show(node) => {
                    let word = self.word(node)?;
                    word.write(out, &mut self.budget)?;
                }
                Part::If { test, then, otherwise } => {
                    let chosen = if self.word(test)?.is_true() { then } else { otherwise };
                    self.show(chosen, out)?;
                }
                Part::For(each) => self.repeat(each, out)?,
                Part::Set(names, node) => {
                    let word = self.word(node)?;
                    self.bind(names, word)?;
                }
            }
        }
        Ok(())
    }

    fn repeat(&mut self, each: &'v Loop, out: &mut String) -> Result<(), EvalError> {
        let list = self.word(&each.list)?;
        if list.is_none() {
            return self.show(&each.otherwise, out);
        }
        let items = self.items(list)?;
        let outside = self.locals.len();
        let mut kept = Vec::with_capacity(items.len());
        for item in items {
            let stays = match &each.test {
                Some(test) => {
                    self.bind(&each.names, item.clone())?;
                    self.word(test)?.is_true()
                }
                None => true,
            };
            self.locals.truncate(outside);
            if stays {
                kept.push(item);
            }
        }
        if kept.is_empty() {
            return self.show(&each.otherwise, out);
        }
        let length = kept.len();
        for (place, item) in kept.into_iter().enumerate() {
            self.bind(&each.names, item)?;
            self.locals.push(("loop", Word::Made(position(place, length))));
            self.show(&each.body, out)?;
            self.locals.truncate(outside);
        }
        Ok(())
    }

    /// What a loop walks: the entries of a list, the names of a table.
    fn items(&mut self, list: Word<'v>) -> Result<Vec<Word<'v>>, EvalError> {
        if let Word::Json(serde_json::Value::Array(items)) = list {
            self.budget.pay(items.len() * STEP)?;
            return Ok(items.iter().map(Word::Json).collect());
        }
        let list = list.value(&mut self.budget)?;
        let items = values::items_of(&list)?;
        self.budget.pay(items.len() * STEP)?;
        Ok(items.into_iter().map(Word::Made).collect())
    }

    /// Gives names to a value, or to its parts where there are several names.
    fn bind(&mut self, names: &'v [Box<str>], word: Word<'v>) -> Result<(), EvalError> {
        if let [name] = names {
            self.locals.push((name, word));
            return Ok(());
        }
        let items = self.items(word)?;
        if items.len() != names.len() {
            return Err(EvalError("there are not as many values as names".to_owned()));
        }
        self.locals.extend(names.iter().map(|name| &**name).zip(items));
        Ok(())
    }
}

/// What `loop` is.
fn position(place: usize, length: usize) -> minijinja::Value {
    let entry = |name: &'static str, value: minijinja::Value| (name, value);
    [
        entry("index", (place + 1).into()),
        entry("index0", place.into()),
        entry("first", (place == 0).into()),
        entry("last", (place + 1 == length).into()),
        entry("length", length.into()),
    ]
    .into_iter()
    .collect::<std::collections::BTreeMap<_, _>>()
    .into()
}
