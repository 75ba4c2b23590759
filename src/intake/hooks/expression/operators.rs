//! Arithmetic and comparisons, as the template language does them, once it is known what they may make.
//! Its own operators are reached through its folding of constants; what `*` and `+` would build is paid for first.

use std::cmp::Ordering;

use minijinja::Value;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{
    BinOp, BinOpKind, CompareOpKind, Const, Expr, Spanned, UnaryOp, UnaryOpKind,
};
use minijinja::value::ValueKind;

use super::EvalError;
use super::budget::{Budget, STEP};
use super::values::{Word, check_length};

/// `left op right`, of numbers and, for `+` and `*`, texts and lists.
pub(super) fn binary(
    op: BinOpKind,
    left: &Value,
    right: &Value,
    budget: &mut Budget,
) -> Result<Value, EvalError> {
    if matches!(op, BinOpKind::Mul) {
        repeated(left, right)?;
    }
    if matches!(op, BinOpKind::Add) {
        check_length(left.as_str().map_or(0, str::len) + right.as_str().map_or(0, str::len))?;
    }
    let unfit = || EvalError(format!("`{}` does not fit {} and {}", sign(op), left.kind(), right.kind()));
    let literal = |value: &Value| Expr::Const(Spanned::new(Const { value: value.clone() }, Span::default()));
    let tree = BinOp { op, left: literal(left), right: literal(right) };
    let made = Expr::BinOp(Spanned::new(tree, Span::default())).as_const().ok_or_else(unfit)?;
    budget.weigh(&made)?;
    Ok(made)
}

/// `-value`.
pub(super) fn negative(value: Value) -> Result<Value, EvalError> {
    let unfit = EvalError(format!("`-` does not fit {}", value.kind()));
    let expr = Expr::Const(Spanned::new(Const { value }, Span::default()));
    let tree = UnaryOp { op: UnaryOpKind::Neg, expr };
    Expr::UnaryOp(Spanned::new(tree, Span::default())).as_const().ok_or(unfit)
}

/// A text times a number is a long text, and a list a long list. Few mean that: mostly a number came as text.
fn repeated(left: &Value, right: &Value) -> Result<(), EvalError> {
    for (thing, times) in [(left, right), (right, left)] {
        match thing.kind() {
            ValueKind::String => {
                let times = times.as_usize().unwrap_or(0);
                check_length(thing.as_str().map_or(0, str::len).saturating_mul(times))?;
            }
            ValueKind::Seq | ValueKind::Iterable => {
                return Err(EvalError("a list cannot be multiplied".to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn sign(op: BinOpKind) -> &'static str {
    match op {
        BinOpKind::Add => "+",
        BinOpKind::Sub => "-",
        BinOpKind::Mul => "*",
        BinOpKind::Div => "/",
        BinOpKind::FloorDiv => "//",
        BinOpKind::Rem => "%",
        BinOpKind::Pow => "**",
        BinOpKind::Concat => "~",
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte
        | BinOpKind::ScAnd
        | BinOpKind::ScOr
        | BinOpKind::In => "comparison",
    }
}

/// Whether a comparison holds. Texts and whole numbers, which nearly all are, are compared where they stand.
pub(super) fn holds(
    op: CompareOpKind,
    left: &Word<'_>,
    right: &Word<'_>,
    budget: &mut Budget,
) -> Result<bool, EvalError> {
    if matches!(op, CompareOpKind::In | CompareOpKind::NotIn) {
        let found = contains(right.clone().value(budget)?, &left.clone().value(budget)?, budget)?;
        return Ok(found == matches!(op, CompareOpKind::In));
    }
    // What is not there is no text: most bodies lack what only some have.
    let lacks = |one: &Word<'_>, other: &Word<'_>| matches!(one, Word::Missing) && other.as_str().is_some();
    if lacks(left, right) || lacks(right, left) {
        match op {
            CompareOpKind::Eq => return Ok(false),
            CompareOpKind::Ne => return Ok(true),
            CompareOpKind::Lt
            | CompareOpKind::Lte
            | CompareOpKind::Gt
            | CompareOpKind::Gte
            | CompareOpKind::In
            | CompareOpKind::NotIn => {}
        }
    }
    let ordering = match (left.as_str(), right.as_str(), left.as_integer(), right.as_integer()) {
        (Some(left), Some(right), _, _) => left.cmp(right),
        (_, _, Some(left), Some(right)) => left.cmp(&right),
        _ => {
            let (left, right) = (left.clone().value(budget)?, right.clone().value(budget)?);
            return Ok(match op {
                CompareOpKind::Eq => left == right,
                CompareOpKind::Ne => left != right,
                CompareOpKind::Lt => left < right,
                CompareOpKind::Lte => left <= right,
                CompareOpKind::Gt => left > right,
                CompareOpKind::Gte => left >= right,
                CompareOpKind::In | CompareOpKind::NotIn => false,
            });
        }
    };
    Ok(match op {
        CompareOpKind::Eq => ordering == Ordering::Equal,
        CompareOpKind::Ne => ordering != Ordering::Equal,
        CompareOpKind::Lt => ordering == Ordering::Less,
        CompareOpKind::Lte => ordering != Ordering::Greater,
        CompareOpKind::Gt => ordering == Ordering::Greater,
        CompareOpKind::Gte => ordering != Ordering::Less,
        CompareOpKind::In | CompareOpKind::NotIn => false,
    })
}

/// Whether a text, list or table holds a value: a part, an entry or a name. What is not there holds nothing.
pub(super) fn contains(container: Value, value: &Value, budget: &mut Budget) -> Result<bool, EvalError> {
    budget.pay(container.len().unwrap_or(1).saturating_mul(STEP))?;
    let literal = |value: Value| Expr::Const(Spanned::new(Const { value }, Span::default()));
    let unfit = EvalError(format!("`in` does not fit {}", container.kind()));
    let tree = BinOp { op: BinOpKind::In, left: literal(value.clone()), right: literal(container) };
    let found = Expr::BinOp(Spanned::new(tree, Span::default())).as_const().ok_or(unfit)?;
    Ok(found.is_true())
}
