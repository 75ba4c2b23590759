//! What an expression is after it was read: a tree whose names are known to exist.
//! Its lengths and depths are bounded by the text it was read from.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind};
use serde_json::Value;

/// One step of the walk.
#[derive(Debug)]
pub(super) enum Node {
    /// A text, number, truth or nothing.
    Literal(Value),
    /// A list or a table whose parts are literals, or a number beyond 64 bits.
    Made(minijinja::Value),
    /// A member of what the request has, found without a copy.
    Path(Root, Box<[Step]>),
    /// A name that the template has set.
    Local(Box<str>),
    /// A member of what something gives, by name or place.
    Member(Box<Node>, Box<Node>),
    /// A part of a text or list.
    Slice(Box<Node>, Box<[Option<Node>; 3]>),
    /// Texts one behind the other.
    Concat(Vec<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negative(Box<Node>),
    Binary(BinOpKind, Box<Node>, Box<Node>),
    /// `1 < a < 5`, or one comparison.
    Compare(Box<Node>, Vec<(CompareOpKind, Node)>),
    /// `a if b else c`.
    If {
        test: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    Filter(Call),
    Test(Call),
    List(Vec<Node>),
    Table(Vec<(Node, Node)>),
    Range(Vec<Node>),
}

/// A filter or test with what it is given; the first argument is what stands before it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: Box<str>,
    pub(super) args: Vec<Node>,
    pub(super) named: Vec<(Box<str>, Node)>,
    /// Of `matches`: its regular expression.
    pub(super) pattern: Option<regex::Regex>,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Root {
    Body,
    Headers,
    Query,
    Event,
    Params,
    Tables,
    Item,
    Index,
    /// A name of `extra`.
    Extra(&'static str),
}

/// A step of a path.
#[derive(Debug)]
pub(super) enum Step {
    /// A member of an object.
    Name(Box<str>),
    /// A place in a list; negative from its end.
    Place(i64),
}

impl Root {
    /// What this name means, if it means anything.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "body" => Self::Body,
            "headers" => Self::Headers,
            "query" => Self::Query,
            "event" => Self::Event,
            "params" => Self::Params,
            "tables" => Self::Tables,
            "item" => Self::Item,
            "index" => Self::Index,
            "error" => Self::Extra("error"),
            "token" => Self::Extra("token"),
            "ttl_s" => Self::Extra("ttl_s"),
            _ => return None,
        })
    }
}
