//! Expressions and templates of hook profiles: minijinja's language, values, filters and tests, walked by ourselves.
//! Its own machine copies all it is shown and cannot bound what `~` and `*` make; this walk borrows, and pays for each byte.

mod budget;
mod compile;
mod filters;
mod node;
mod operators;
mod outline;
mod run;
mod template;
mod values;

use std::borrow::Cow;

use serde_json::Value;

use super::Scope;
use compile::Names;
use node::Node;
use run::Run;
use template::Part;

/// Longest text of one expression or template, in bytes: a table of two hundred kinds fits.
pub const EXPRESSION_BYTES_MAX: usize = 8192;
/// Longest text that one evaluation makes, in bytes.
pub const RESULT_BYTES_MAX: usize = 64 * 1024;

/// An expression or a template, read once and evaluated often.
#[derive(Debug)]
pub struct Expression(Form);

#[derive(Debug)]
enum Form {
    /// Gives any value.
    Value(Node),
    /// Gives a text.
    Text(Vec<Part>),
}

/// Why a text is no expression, and where. Lines and columns count from 1.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {detail}")]
pub struct ExpressionError {
    /// Line of the fault.
    pub line: usize,
    /// Column of the fault, in characters.
    pub column: usize,
    /// What is wrong, for whoever wrote it.
    pub detail: String,
}

/// Why an expression gives nothing for this request. Names filters and operators, never what was in the body.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct EvalError(pub String);

impl Expression {
    /// Reads an expression, such as `body.order.id` or `'dada:' ~ body.id`.
    ///
    /// # Errors
    /// What is wrong and where: syntax, a name, filter, test or function that does not exist, too long or too deep.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        outline::check(text, outline::Kind::Expression)?;
        let tree = minijinja::machinery::parse_expr(text).map_err(|error| outline::syntax(text, &error))?;
        Ok(Self(Form::Value(Names::new(text).node(&tree)?)))
    }

    /// Reads a template, such as `{"code":{{ error.status }}}`. What it gives is always a text.
    ///
    /// # Errors
    /// As [`Expression::compile`].
    pub fn template(text: &str) -> Result<Self, ExpressionError> {
        outline::check(text, outline::Kind::Template)?;
        let tree =
            minijinja::machinery::parse(text, "<template>", minijinja::syntax::SyntaxConfig::default())
                .map_err(|error| outline::syntax(text, &error))?;
        Ok(Self(Form::Text(Names::new(text).parts(&tree)?)))
    }

    /// What it gives for this request. What is not there is `Null`.
    ///
    /// # Errors
    /// An operator or filter that does not fit the value it meets, or more work or text than one evaluation may make.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        self.look(scope).map(Cow::into_owned)
    }

    /// As [`Expression::evaluate`], without a copy where the answer stands in the request as it is.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn look<'v>(&'v self, scope: &'v Scope<'v>) -> Result<Cow<'v, Value>, EvalError> {
        let mut run = Run::new(scope);
        match &self.0 {
            Form::Value(Node::Literal(value)) => Ok(Cow::Borrowed(value)),
            Form::Value(node) => {
                let word = run.word(node)?;
                run.result(word)
            }
            Form::Text(parts) => run.text(parts).map(|text| Cow::Owned(Value::String(text))),
        }
    }

    /// Whether what it gives counts as true: neither absent, nor null, false, zero or empty.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn is_true(&self, scope: &Scope<'_>) -> Result<bool, EvalError> {
        let mut run = Run::new(scope);
        match &self.0 {
            Form::Value(node) => {
                let word = run.word(node)?;
                Ok(word.is_true())
            }
            Form::Text(parts) => run.text(parts).map(|text| !text.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests;
