//! A request as verifying looks at it: its query and body as parameters, taken apart once and only if a scheme asks.
//! Nothing is decoded further than a sender does before it signs.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::parameters::Parameters;
use super::refusal;
use crate::intake::hooks::{HookRequest, VerifyError};

/// One request.
pub(super) struct Sent<'a> {
    request: HookRequest<'a>,
    query: OnceCell<Result<Parameters<'a>, &'static str>>,
    body: OnceCell<Result<Parameters<'a>, &'static str>>,
    form: OnceCell<Result<Parameters<'a>, &'static str>>,
}

impl<'a> Sent<'a> {
    /// This one.
    pub(super) fn new(request: &HookRequest<'a>) -> Self {
        let request = *request;
        Self { request, query: OnceCell::new(), body: OnceCell::new(), form: OnceCell::new() }
    }

    /// As it came.
    pub(super) fn request(&self) -> &HookRequest<'a> {
        &self.request
    }

    /// The parameters of the query.
    pub(super) fn query(&self) -> Result<&Parameters<'a>, VerifyError> {
        told("query", self.query.get_or_init(|| Parameters::of_form(self.request.query.as_bytes())))
    }

    /// The members of the body, whatever it is.
    pub(super) fn body(&self) -> Result<&Parameters<'a>, VerifyError> {
        told("body", self.body.get_or_init(|| Parameters::of_body(self.request.body)))
    }

    /// The parameters of the body, which is a form.
    pub(super) fn form(&self) -> Result<&Parameters<'a>, VerifyError> {
        told("body", self.form.get_or_init(|| Parameters::of_form(self.request.body)))
    }

    /// What stands at this path of the body.
    pub(super) fn body_values(&self, path: &str) -> Result<Vec<Cow<'_, [u8]>>, VerifyError> {
        let body = self.body()?;
        let whole = body.named(path.as_bytes());
        let Some((outer, inner)) = path.split_once('.').filter(|_| whole.is_empty()) else {
            return Ok(whole);
        };
        let Some(within) = body.within(outer.as_bytes()) else { return Ok(Vec::new()) };
        let within = within.map_err(|detail| refusal("bad_parameters", format!("body.{outer}: {detail}")))?;
        let values = within.named(inner.as_bytes());
        Ok(values.into_iter().map(|value| Cow::Owned(value.into_owned())).collect())
    }

    /// The URL without scheme and host.
    pub(super) fn path(&self) -> &'a str {
        let behind = self.request.url.split_once("://").map_or(self.request.url, |(_, behind)| behind);
        behind.find('/').map_or("/", |place| &behind[place..])
    }
}

fn told<'p, 'a>(
    what: &str,
    parameters: &'p Result<Parameters<'a>, &'static str>,
) -> Result<&'p Parameters<'a>, VerifyError> {
    parameters.as_ref().map_err(|detail| refusal("bad_parameters", format!("the {what}: {detail}")))
}
