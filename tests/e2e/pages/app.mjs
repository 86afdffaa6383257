// A host page: options in its address, a few functions for the tests, and an eye on the client's bookkeeping for as
// long as it lives.
import * as telemetry from "/lt/index.js";

/** How often the books are checked, in ms. */
const AUDIT_MS = 50;

window.telemetry = telemetry;
window.diagnostics = [];
/** Snapshots that did not add up. */
window.imbalances = [];
/** `event.persisted` of each pageshow. */
window.shows = [];

window.audit = () => {
  const stats = telemetry.stats();
  const { captured, recovered, sent, unconfirmed, queued, inFlight, stored, dropped } = stats;
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  if (captured + recovered !== sent + unconfirmed + queued + inFlight + stored + lost)
    window.imbalances.push(stats);
  return stats;
};

/** An event's message: `length` characters, all of them words that no scrubbing has a reason to touch. */
window.messageOf = (number, length) =>
  `ValueError: run ${number} of the flow failed since the model gave no answer `.repeat(9).slice(0, length);

/** Tracks components C<first>, C<first + 1>, …: each is told by its name and by its seconds. */
window.trackMany = (first, count, messageLength = 0) => {
  for (let number = first; number < first + count; number++) {
    const failure = messageLength > 0 && { errorMessage: window.messageOf(number, messageLength) };
    telemetry.trackComponent({ name: `C${number}`, seconds: number / 1000, success: !failure, ...failure });
  }
};

addEventListener("pageshow", (event) => window.shows.push(event.persisted));

/**
 * `quiet`: nothing here that a test of what the client touches would have to tell from it. `track`: so many events
 * right after init, so that the first batch holds them.
 */
const { quiet, track, ...options } = JSON.parse(new URLSearchParams(location.search).get("options"));
telemetry.init({
  ...options,
  onDiagnostic(diagnostic) {
    window.diagnostics.push(diagnostic);
    window.audit();
  },
});

/** Of this page load: a page that comes back from the back/forward cache and is left again says so again. */
const id = crypto.randomUUID();
/** For a browser whose console nobody hears. */
window.loadId = id;
if (!quiet) console.debug(`e2e:here ${id}`);

window.trackMany(0, track ?? 0);

const leave = () => {
  if (quiet) return;
  const left = { id, stats: window.audit(), imbalances: window.imbalances };
  // On the console for its test; what a page says at its very end is not always heard, so also in the storage.
  console.debug(`e2e:left ${JSON.stringify(left)}`);
  localStorage.setItem(`e2e:left:${id}`, JSON.stringify(left));
};
/** After the client's own listener, so that this is what it left; to be called again where the client listens later. */
window.listenLast = () => {
  removeEventListener("pagehide", leave, true);
  addEventListener("pagehide", leave, true);
};
// The client listens in a task of its own, or when it is asked.
if (!quiet) window.audit();
window.listenLast();
if (!quiet) setInterval(window.audit, AUDIT_MS);
window.ready = true;
