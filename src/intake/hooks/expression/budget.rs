//! What one evaluation may cost: a number that goes down with every step and every byte that is made.
//! One number bounds time and memory, since nothing is made here that is not paid for first.

use minijinja::State;

use super::EvalError;

/// What one evaluation may cost: about a byte of memory each, or some nanoseconds. The largest body, looked at
/// whole some times.
const WORK_MAX: usize = 8 * 1024 * 1024;
/// What a step of the walk costs.
pub(super) const STEP: usize = 16;
/// What a value costs beside its text.
pub(super) const VALUE: usize = 32;

/// What is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(usize);

impl Budget {
    /// All of it.
    pub(super) fn new() -> Self {
        Self(WORK_MAX)
    }

    /// Pays.
    pub(super) fn pay(&mut self, cost: usize) -> Result<(), EvalError> {
        match self.0.checked_sub(cost) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(EvalError("it is too much work".to_owned())),
        }
    }

    /// Pays for a value that was made, with all that is in it. It never looks at more than it may cost.
    pub(super) fn weigh(&mut self, value: &minijinja::Value) -> Result<(), EvalError> {
        use minijinja::value::ValueKind;
        self.pay(VALUE)?;
        match value.kind() {
            ValueKind::String => self.pay(value.as_str().map_or(0, str::len)),
            ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
                let is_map = value.kind() == ValueKind::Map;
                let Ok(items) = value.try_iter() else { return Ok(()) };
                for item in items {
                    if is_map {
                        self.weigh(&value.get_item(&item).unwrap_or_default())?;
                    }
                    self.weigh(&item)?;
                }
                Ok(())
            }
            ValueKind::Undefined
            | ValueKind::None
            | ValueKind::Bool
            | ValueKind::Number
            | ValueKind::Bytes
            | ValueKind::Plain
            | ValueKind::Invalid => Ok(()),
            _ => Err(EvalError("there is no such value here".to_owned())),
        }
    }

    /// What is left to a filter that is called in this state.
    pub(super) fn of<'s>(state: &'s mut State<'_, '_>) -> &'s mut Self {
        state.get_or_insert_extension_with(Self::new)
    }
}
