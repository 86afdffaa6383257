//! What an answer means, and how long to wait before the next try. Pure arithmetic: the random number and
//! the clock's reading are arguments.

/// First ceiling of the backoff, in ms.
pub const BACKOFF_BASE_MS: f64 = 1_000.0;

/// Last ceiling of the backoff, and the longest `Retry-After` that is honoured, in ms. A receiver that asks
/// for an hour would otherwise silence a page for its whole life.
pub const BACKOFF_MAX_MS: f64 = 300_000.0;

/// What a receiver's status means for the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has it: any 2xx, not only 200.
    Done,
    /// Not now: 408, 425, 429, 5xx.
    Later,
    /// 413: halve it.
    TooLarge,
    /// 410: this page stops.
    Gone,
    /// Never: every other answer.
    Refused,
}

/// Reads a status.
pub const fn verdict(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Done,
        408 | 425 | 429 | 500..=599 => Verdict::Later,
        413 => Verdict::TooLarge,
        410 => Verdict::Gone,
        _ => Verdict::Refused,
    }
}

/// How long to wait, in ms, after `failures` (≥ 1) in a row: exponential with full jitter, that is, evenly
/// between nothing and the ceiling. Full jitter spreads a fleet that failed at the same moment better than a
/// jittered half. `random` is in 0..1.
pub fn backoff_ms(failures: u32, random: f64) -> f64 {
    // 2^9 s is above the last ceiling already.
    let doublings = failures.saturating_sub(1).min(9);
    let ceiling = (BACKOFF_BASE_MS * f64::from(1_u32 << doublings)).min(BACKOFF_MAX_MS);
    ceiling * random
}

/// How long to wait where a `Retry-After` (RFC 9110 §10.2.3) asks for so many ms from now, NaN where there is none: at most
/// [`BACKOFF_MAX_MS`].
pub fn retry_after_ms(wait_ms: f64) -> Option<f64> {
    (!wait_ms.is_nan()).then(|| wait_ms.clamp(0.0, BACKOFF_MAX_MS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn statuses() {
        for (statuses, expected) in [
            (&[200_u16, 201, 202, 204, 299][..], Verdict::Done),
            (&[408, 425, 429, 500, 502, 503, 504, 599], Verdict::Later),
            (&[413], Verdict::TooLarge),
            (&[410], Verdict::Gone),
            (&[0, 100, 301, 302, 304, 400, 401, 403, 404, 415, 422, 431, 600], Verdict::Refused),
        ] {
            for status in statuses {
                assert_eq!(verdict(*status), expected, "{status}");
            }
        }
    }

    #[test]
    fn retry_after_is_capped() {
        for (asked, waits) in [
            (2_000.0, Some(2_000.0)),
            (1e26, Some(BACKOFF_MAX_MS)),
            (f64::INFINITY, Some(BACKOFF_MAX_MS)),
            (-5_000.0, Some(0.0)),
            (f64::NAN, None),
        ] {
            assert_eq!(retry_after_ms(asked), waits);
        }
    }

    proptest! {
        #[test]
        fn the_backoff_stays_under_its_ceiling(failures in 1_u32.., random in 0.0..1.0_f64) {
            let wait = backoff_ms(failures, random);
            prop_assert!((0.0..=BACKOFF_MAX_MS).contains(&wait));
        }
    }

    #[test]
    fn the_ceiling_doubles_from_one_second_to_five_minutes() {
        let ceilings: Vec<f64> = (1..=11).map(|failures| backoff_ms(failures, 1.0) / 1000.0).collect();
        assert_eq!(ceilings, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]);
    }
}
