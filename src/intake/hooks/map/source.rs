//! What stands in the leaves of `[map]`: an expression, a template, or a value as it is.
//! A list or object of leaves gives a list or object; what fails in one leaf costs that leaf alone.

use serde_json::{Map, Value};

use super::super::expression::{EvalError, Expression};
use super::super::profile::{LEAVES_MAX, expression, template};
use super::super::{ProfileError, Scope};
use super::fit::Fitting;
use super::members::{Fit, Member};
use crate::intake::reader::{Reader, escape};

/// Where a value comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// The profile says it.
    Said(Value),
    /// It is asked of the request.
    Asked(Expression),
    /// A list, place by place.
    List(Vec<Source>),
    /// An object, member by member.
    Object(Vec<(String, Source)>),
}

impl Source {
    /// Compiles a leaf, or a list or object of them.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn compile(value: &Value, pointer: &str) -> Result<Self, ProfileError> {
        match value {
            Value::String(text) if text.contains("{{") || text.contains("{%") => {
                template(text, pointer).map(Self::Asked)
            }
            Value::String(text) => expression(text, pointer).map(Self::Asked),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Self::Said(value.clone())),
            Value::Array(list) => {
                bounded(list.len(), pointer)?;
                let leaves = list.iter().enumerate();
                let leaves = leaves.map(|(place, leaf)| Self::compile(leaf, &format!("{pointer}/{place}")));
                leaves.collect::<Result<_, _>>().map(Self::List)
            }
            Value::Object(members) => {
                bounded(members.len(), pointer)?;
                let leaves = members.iter().map(|(name, leaf)| {
                    Ok((name.clone(), Self::compile(leaf, &format!("{pointer}/{}", escape(name)))?))
                });
                leaves.collect::<Result<_, ProfileError>>().map(Self::Object)
            }
        }
    }

    /// The value, of this request.
    ///
    /// # Errors
    /// Why the expression gives none.
    pub(super) fn evaluate<'a>(
        &'a self,
        scope: &Scope<'_>,
        fitting: &mut Fitting<'a>,
    ) -> Result<Value, EvalError> {
        match self {
            Self::Said(value) => Ok(value.clone()),
            Self::Asked(expression) => expression.evaluate(scope),
            Self::List(leaves) => {
                let values = leaves.iter().map(|leaf| leaf.ask(scope, fitting));
                Ok(Value::Array(values.filter(|value| !value.is_null()).collect()))
            }
            Self::Object(leaves) => {
                let mut object = Map::new();
                for (name, leaf) in leaves {
                    let value = fitting.at(name, |fitting| leaf.ask(scope, fitting));
                    if !value.is_null() {
                        object.insert(name.clone(), value);
                    }
                }
                Ok(Value::Object(object))
            }
        }
    }

    /// The value; nothing, and named as left out, where the expression fails.
    pub(super) fn ask<'a>(&'a self, scope: &Scope<'_>, fitting: &mut Fitting<'a>) -> Value {
        self.evaluate(scope, fitting).unwrap_or_else(|error| {
            fitting.leave_out(&error.0);
            Value::Null
        })
    }
}

/// A member of the event and where it comes from.
#[derive(Debug)]
pub(super) enum Shape {
    /// Its own members.
    Members(Vec<(&'static str, Shape)>),
    /// A value that is fitted.
    Value(Source, Fit),
}

impl Shape {
    /// Compiles what a profile maps a member to.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn compile(of: &Reader<'_>, name: &str, fit: Fit) -> Result<Option<Self>, ProfileError> {
        let Some(value) = of.value(name) else { return Ok(None) };
        if let (Fit::Members(members), true) = (fit, value.is_object()) {
            let Some(inner) = of.object(name)? else { return Ok(None) };
            return Self::compile_members(&inner, members).map(Self::Members).map(Some);
        }
        Source::compile(value, &of.pointer_of(name)).map(|source| Some(Self::Value(source, fit)))
    }

    /// Compiles the members of an object, and refuses what is none.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn compile_members(
        of: &Reader<'_>,
        members: &'static [Member],
    ) -> Result<Vec<(&'static str, Self)>, ProfileError> {
        let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        of.only(&names)?;
        let mut shapes = Vec::new();
        for (name, fit) in members {
            if let Some(shape) = Self::compile(of, name, *fit)? {
                shapes.push((*name, shape));
            }
        }
        Ok(shapes)
    }

    /// The member, of this request. `None` where there is nothing.
    pub(super) fn build<'a>(&'a self, scope: &Scope<'_>, fitting: &mut Fitting<'a>) -> Option<Value> {
        match self {
            Self::Value(source, fit) => {
                let value = source.ask(scope, fitting);
                fitting.fit(*fit, value)
            }
            Self::Members(shapes) => {
                let mut object = Map::new();
                for (name, shape) in shapes {
                    if let Some(value) = fitting.at(name, |fitting| shape.build(scope, fitting)) {
                        object.insert((*name).to_owned(), value);
                    }
                }
                fitting.settle(&mut object);
                (!object.is_empty()).then_some(Value::Object(object))
            }
        }
    }
}

fn bounded(length: usize, pointer: &str) -> Result<(), ProfileError> {
    if length <= LEAVES_MAX {
        return Ok(());
    }
    Err(ProfileError {
        error: "out_of_range",
        pointer: pointer.to_owned(),
        detail: format!("has more than {LEAVES_MAX}"),
    })
}
