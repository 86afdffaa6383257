//! The distributions that the fleet draws from, on top of the simulation's own stream of numbers.

use std::f64::consts::TAU;

pub(crate) use crate::rng::Rng;

/// What one session of one browser draws from: a stream of its own, so that what people do does not depend on
/// what the network did to others, and scenarios can be compared second by second.
pub(crate) fn stream(seed: u64, browser: u32, purpose: u64) -> Rng {
    let mut rng = Rng::new(seed ^ (u64::from(browser) << 24) ^ purpose);
    // Neighbours differ in few bits: one step of the generator scatters them.
    Rng::new(rng.next())
}

/// Draws that the fleet needs beyond whole numbers.
pub(crate) trait Draw {
    /// Log-normal: half of the draws are below `median`; `sigma` is the spread of the logarithm.
    fn lognormal(&mut self, median: f64, sigma: f64) -> f64;

    /// How often a coin that says yes with `again` says yes in a row.
    fn geometric(&mut self, again: f64) -> u32;

    /// True with this probability.
    fn with(&mut self, probability: f64) -> bool;
}

impl Draw for Rng {
    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        // Box and Muller; the second normal is thrown away, which keeps the stream's position simple.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        median * (sigma * radius * (TAU * self.unit()).cos()).exp()
    }

    fn geometric(&mut self, again: f64) -> u32 {
        let mut times = 0;
        while self.with(again) {
            times += 1;
        }
        times
    }

    fn with(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}
