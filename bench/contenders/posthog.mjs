/**
 * posthog-js, with everything off but `capture`.
 *
 * - Batching on. The client's own rate limit (10 events a second) is lifted: it would drop the bursts.
 * - Bodies are compressed, as by default, which the browser does off the main thread.
 * - Flush: there is none but by unloading. The interval at which it sends is set to the smallest it takes, 250 ms;
 *   waiting costs nothing here, since only work is counted.
 */

import posthog from "posthog-js";

export function start(endpoint, { held }) {
  posthog.init("phc_bench", {
    api_host: endpoint,
    ui_host: endpoint,
    persistence: "memory",
    person_profiles: "never",
    request_batching: true,
    request_queue_config: { flush_interval_ms: held ? 5000 : 250 },
    rate_limiting: { events_per_second: 1e6, events_burst_limit: 1e6 },
    autocapture: false,
    rageclick: false,
    capture_pageview: false,
    capture_pageleave: false,
    capture_dead_clicks: false,
    capture_exceptions: false,
    capture_heatmaps: false,
    capture_performance: false,
    disable_session_recording: true,
    disable_surveys: true,
    disable_web_experiments: true,
    disable_external_dependency_loading: true,
    advanced_disable_flags: true,
    opt_out_useragent_filter: true,
  });
}

const capture = (name) => (properties) => posthog.capture(name, properties);

export const run = capture("run");
export const playground = capture("playground");
export const component = capture("component");

export function flush() {}
