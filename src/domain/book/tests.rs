//! The rules of delivery told as stories, every race by its name, and then under any order of what can happen.
//! Nothing here waits or stores: the same rules run in every store and in the simulation.

mod any_order;
mod facts;
mod ladders;
mod offers;
mod orders;
mod stage;
mod test_mode;
mod unheard;
