//! `GET /v1/events` and `GET /v1/stats`: what the database holds, for a page or a person.

use std::{collections::BTreeMap, str::FromStr, sync::Arc};

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};

use crate::{
    Collector,
    refusal::Refusal,
    store::{Page, PageFilter, Stats},
};

/// Rows on a page where the request does not say.
const LIMIT_DEFAULT: u32 = 100;

/// Most rows on a page: about a quarter of a MiB, as the client's events go.
const LIMIT_MAX: u32 = 1000;

/// Largest number in a parameter: the largest integer which JavaScript holds exactly, as in the events.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// A session's length in characters of `0-9a-z`.
const SESSION_CHARS: usize = 12;

/// `event`, `session`, `since`, `limit`, `before`: all optional.
pub(crate) async fn get_events(
    State(collector): State<Arc<Collector>>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Page>, Refusal> {
    let mut parameters = Parameters::new(query, &["event", "session", "since", "limit", "before"])?;
    let known = collector.validators.events().collect::<Vec<_>>();
    let filter = PageFilter {
        event: parameters
            .text("event", &format!("one of {}", known.join(", ")), |event| known.contains(&event))?,
        session: parameters.text("session", "12 characters of 0-9a-z", is_session)?,
        since: parameters.number("since", 0, NUMBER_MAX, "Unix milliseconds")?,
        before: parameters.number("before", 0, NUMBER_MAX, "the next of an earlier page")?,
        limit: parameters.number("limit", 1, LIMIT_MAX, "rows")?.unwrap_or(LIMIT_DEFAULT),
    };
    collector.store.page(filter).await.map(Json)
}

/// `since`: optional.
pub(crate) async fn get_stats(
    State(collector): State<Arc<Collector>>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Json<Stats>, Refusal> {
    let mut parameters = Parameters::new(query, &["since"])?;
    let since = parameters.number("since", 0, NUMBER_MAX, "Unix milliseconds")?;
    collector.store.stats(since).await.map(Json)
}

fn is_session(given: &str) -> bool {
    given.len() == SESSION_CHARS && given.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'))
}

/// A query's parameters, taken out one by one. Each refusal is a 400 that says what was given and expected.
struct Parameters {
    given: BTreeMap<String, String>,
}

impl Parameters {
    fn new(
        query: Result<Query<Vec<(String, String)>>, QueryRejection>,
        known: &[&str],
    ) -> Result<Self, Refusal> {
        let Query(pairs) = query.map_err(|error| Refusal::bad_request(error.body_text()))?;
        let mut given = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::bad_request(format!(
                    "given parameter {name:?}, expected only {}",
                    known.join(", ")
                )));
            }
            if given.insert(name.clone(), value).is_some() {
                return Err(Refusal::bad_request(format!("given {name} twice, expected it once")));
            }
        }
        Ok(Self { given })
    }

    fn text(
        &mut self,
        name: &str,
        expected: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, Refusal> {
        self.given
            .remove(name)
            .map(|value| if fits(&value) { Ok(value) } else { Err(wrong(name, &value, expected)) })
            .transpose()
    }

    fn number<N: FromStr + PartialOrd + std::fmt::Display>(
        &mut self,
        name: &str,
        least: N,
        most: N,
        unit: &str,
    ) -> Result<Option<N>, Refusal> {
        let expected = format!("{unit}, a whole number from {least} to {most}");
        self.given
            .remove(name)
            .map(|value| {
                value
                    .parse()
                    .ok()
                    .filter(|number| *number >= least && *number <= most)
                    .ok_or_else(|| wrong(name, &value, &expected))
            })
            .transpose()
    }
}

fn wrong(name: &str, given: &str, expected: &str) -> Refusal {
    Refusal::bad_request(format!("{name}: given {given:?}, expected {expected}"))
}
