//! Is this place fit to serve, and can riders reach it? `orderbell check` looks at the machine, the data folder and the
//! database; with `--public` it looks at a server from outside, as phones do. What is seen is gathered in one place and
//! judged in another, so that every judgement is a function of facts.

mod finding;
mod local;
mod public;

pub use finding::{Finding, Level, Report};
pub use local::{Place, local};
pub use public::{Outside, public};
