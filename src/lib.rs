//! Langflow's anonymous usage telemetry for the browser.
//!
//! A pure core and one edge. The core knows no browser, no clock and no random source: time, randomness
//! and answers come in as arguments, what is to be done comes out as [actions](delivery). Only `web` talks
//! to a browser. Dependencies point one way: `web → delivery → queue → wire → event`.

// Without std the module is a tenth smaller: std's panic hook formats what nobody reads.
#![cfg_attr(feature = "lean", no_std)]

extern crate alloc;

#[forbid(unsafe_code)]
pub mod config;
#[forbid(unsafe_code)]
pub mod consent;
#[forbid(unsafe_code)]
pub mod delivery;
#[forbid(unsafe_code)]
pub mod error;
#[forbid(unsafe_code)]
pub mod event;
#[forbid(unsafe_code)]
pub mod platform;
#[forbid(unsafe_code)]
pub mod queue;
#[forbid(unsafe_code)]
pub mod redact;
#[forbid(unsafe_code)]
pub mod retry;
#[forbid(unsafe_code)]
pub mod wire;
// The seam: no other line of the crate asks where it runs.
#[cfg(target_arch = "wasm32")]
pub mod web;
