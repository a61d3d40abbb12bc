//! Inputs and set-ups that the benches share.
