//! From the parser's tree to ours: every name, filter and test must exist, and what is not bounded is refused.
//! A path through the request becomes one step, which needs no values of the template language.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, BinOpKind, CallArg, CompareOpKind, Expr, Spanned, UnaryOpKind};
use serde_json::Value;

use super::node::{Call, Node, Root, Step};
use super::{ExpressionError, filters, outline, values};

/// How deep a tree may be: each level is a frame of the walk's stack.
const DEPTH_MAX: usize = 80;

/// What may be named at the place that is being read.
pub(super) struct Names<'t> {
    text: &'t str,
    /// Names that the template has set so far.
    pub(super) locals: Vec<Box<str>>,
    depth: usize,
}

impl<'t> Names<'t> {
    /// The names of every scope.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, locals: Vec::new(), depth: 0 }
    }

    /// An expression.
    pub(super) fn node(&mut self, tree: &Expr<'_>) -> Result<Node, ExpressionError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.fault(tree.span(), format!("it is deeper than {DEPTH_MAX} steps")));
        }
        let node = self.node_of(tree)?;
        self.depth -= 1;
        Ok(node)
    }

    /// A fault at this place.
    pub(super) fn fault(&self, span: Span, detail: String) -> ExpressionError {
        outline::at(self.text, usize::try_from(span.start_offset).unwrap_or(0), detail)
    }

    fn boxed(&mut self, tree: &Expr<'_>) -> Result<Box<Node>, ExpressionError> {
        self.node(tree).map(Box::new)
    }

    fn all(&mut self, trees: &[Expr<'_>]) -> Result<Vec<Node>, ExpressionError> {
        trees.iter().map(|tree| self.node(tree)).collect()
    }

    fn node_of(&mut self, tree: &Expr<'_>) -> Result<Node, ExpressionError> {
        Ok(match tree {
            Expr::Var(name) => self.variable(name)?,
            Expr::Const(literal) => constant(&literal.value),
            Expr::GetAttr(_) | Expr::GetItem(_) => self.member(tree)?,
            Expr::Slice(slice) => {
                let mut bound =
                    |tree: &Option<Expr<'_>>| tree.as_ref().map(|tree| self.node(tree)).transpose();
                let bounds = [bound(&slice.start)?, bound(&slice.stop)?, bound(&slice.step)?];
                Node::Slice(self.boxed(&slice.expr)?, Box::new(bounds))
            }
            Expr::UnaryOp(unary) => match unary.op {
                UnaryOpKind::Not => Node::Not(self.boxed(&unary.expr)?),
                UnaryOpKind::Neg => Node::Negative(self.boxed(&unary.expr)?),
            },
            Expr::BinOp(binary) => self.binary(binary)?,
            Expr::Compare(chain) => {
                let first = self.boxed(&chain.expr)?;
                let rest = chain.ops.iter().map(|op| Ok((op.op, self.node(&op.expr)?)));
                Node::Compare(first, rest.collect::<Result<_, _>>()?)
            }
            Expr::IfExpr(choice) => Node::If {
                test: self.boxed(&choice.test_expr)?,
                then: self.boxed(&choice.true_expr)?,
                otherwise: choice.false_expr.as_ref().map(|tree| self.boxed(tree)).transpose()?,
            },
            Expr::Filter(filter) => self.filter(filter)?,
            Expr::Test(test) => {
                if !filters::is_test(test.name) {
                    return Err(self.fault(test.span(), format!("there is no test `{}`", test.name)));
                }
                Node::Test(self.call(test.name, Some(&test.expr), &test.args, test.span())?)
            }
            Expr::Call(call) => self.function(call)?,
            Expr::List(list) => match list.as_const() {
                Some(value) => Node::Made(value),
                None => Node::List(self.all(&list.items)?),
            },
            Expr::Tuple(tuple) => Node::List(self.all(&tuple.items)?),
            Expr::Map(map) => {
                if let Some(value) = map.as_const() {
                    return Ok(Node::Made(value));
                }
                let keys = self.all(&map.keys)?;
                Node::Table(keys.into_iter().zip(self.all(&map.values)?).collect())
            }
        })
    }

    fn variable(&self, name: &Spanned<ast::Var<'_>>) -> Result<Node, ExpressionError> {
        if self.locals.iter().any(|local| **local == *name.id) {
            return Ok(Node::Local(name.id.into()));
        }
        match Root::of(name.id) {
            Some(root) => Ok(Node::Path(root, Box::default())),
            None => Err(self.fault(
                name.span(),
                format!(
                    "there is no `{}`; there are body, headers, query, event, params, tables, item and index",
                    name.id
                ),
            )),
        }
    }

    fn member(&mut self, tree: &Expr<'_>) -> Result<Node, ExpressionError> {
        let (parent, key) = match tree {
            Expr::GetAttr(member) => (&member.expr, Node::Literal(Value::from(member.name))),
            Expr::GetItem(member) => (&member.expr, self.node(&member.subscript_expr)?),
            _ => return Err(self.fault(tree.span(), "this is no member".to_owned())),
        };
        let parent = self.node(parent)?;
        let step = match &key {
            Node::Literal(Value::String(name)) => Some(Step::Name(name.as_str().into())),
            Node::Literal(Value::Number(place)) => place.as_i64().map(Step::Place),
            Node::Negative(place) => match &**place {
                Node::Literal(Value::Number(place)) => {
                    place.as_i64().and_then(i64::checked_neg).map(Step::Place)
                }
                _ => None,
            },
            _ => None,
        };
        Ok(match (parent, step) {
            (Node::Path(root, steps), Some(step)) => {
                Node::Path(root, steps.into_iter().chain([step]).collect())
            }
            (parent, _) => Node::Member(Box::new(parent), Box::new(key)),
        })
    }

    fn binary(&mut self, binary: &Spanned<ast::BinOp<'_>>) -> Result<Node, ExpressionError> {
        let compare = match binary.op {
            BinOpKind::Concat => return self.concat(binary),
            BinOpKind::ScAnd => {
                return Ok(Node::And(self.boxed(&binary.left)?, self.boxed(&binary.right)?));
            }
            BinOpKind::ScOr => return Ok(Node::Or(self.boxed(&binary.left)?, self.boxed(&binary.right)?)),
            BinOpKind::Eq => CompareOpKind::Eq,
            BinOpKind::Ne => CompareOpKind::Ne,
            BinOpKind::Lt => CompareOpKind::Lt,
            BinOpKind::Lte => CompareOpKind::Lte,
            BinOpKind::Gt => CompareOpKind::Gt,
            BinOpKind::Gte => CompareOpKind::Gte,
            BinOpKind::In => CompareOpKind::In,
            op @ (BinOpKind::Add
            | BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow) => {
                return Ok(Node::Binary(op, self.boxed(&binary.left)?, self.boxed(&binary.right)?));
            }
        };
        let left = self.boxed(&binary.left)?;
        Ok(Node::Compare(left, vec![(compare, self.node(&binary.right)?)]))
    }

    /// A chain of `~` is one node, however long.
    fn concat(&mut self, binary: &Spanned<ast::BinOp<'_>>) -> Result<Node, ExpressionError> {
        let mut reversed = vec![self.node(&binary.right)?];
        let mut left = &binary.left;
        while let Expr::BinOp(inner) = left
            && matches!(inner.op, BinOpKind::Concat)
        {
            reversed.push(self.node(&inner.right)?);
            left = &inner.left;
        }
        reversed.push(self.node(left)?);
        reversed.reverse();
        Ok(Node::Concat(reversed))
    }

    fn filter(&mut self, filter: &Spanned<ast::Filter<'_>>) -> Result<Node, ExpressionError> {
        if !filters::is_filter(filter.name) {
            return Err(self.fault(filter.span(), format!("there is no filter `{}`", filter.name)));
        }
        let mut call = self.call(filter.name, filter.expr.as_ref(), &filter.args, filter.span())?;
        call.pattern = filters::checked(&call).map_err(|fault| self.fault(filter.span(), fault))?;
        Ok(Node::Filter(call))
    }

    fn function(&mut self, call: &Spanned<ast::Call<'_>>) -> Result<Node, ExpressionError> {
        let Expr::Var(name) = &call.expr else {
            return Err(self.fault(call.span(), "values have no methods here: use filters".to_owned()));
        };
        if name.id != "range" {
            return Err(self.fault(name.span(), format!("there is no function `{}`", name.id)));
        }
        let call = self.call("range", None, &call.args, call.span())?;
        if !call.named.is_empty() || !(1..=3).contains(&call.args.len()) {
            return Err(self.fault(name.span(), "range takes one to three numbers".to_owned()));
        }
        Ok(Node::Range(call.args))
    }

    fn call(
        &mut self,
        name: &str,
        subject: Option<&Expr<'_>>,
        given: &[CallArg<'_>],
        span: Span,
    ) -> Result<Call, ExpressionError> {
        let mut args = Vec::with_capacity(given.len() + 1);
        if let Some(subject) = subject {
            args.push(self.node(subject)?);
        }
        let mut named = Vec::new();
        for arg in given {
            match arg {
                CallArg::Pos(tree) => args.push(self.node(tree)?),
                CallArg::Kwarg(name, tree) => named.push(((*name).into(), self.node(tree)?)),
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                    return Err(self.fault(span, "`*` and `**` before arguments are not possible".to_owned()));
                }
            }
        }
        Ok(Call { name: name.into(), args, named, pattern: None })
    }
}

/// A literal as JSON if it can be, since that is what it meets.
fn constant(value: &minijinja::Value) -> Node {
    values::json_of_scalar(value).map_or_else(|| Node::Made(value.clone()), Node::Literal)
}
