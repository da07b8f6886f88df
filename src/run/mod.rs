//! What a run is made of, for both drivers: the machines of the client half, set up as a scenario says.

mod application;

pub use application::application;
