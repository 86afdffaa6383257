/** Takes events and does nothing: what the page, the trace and the browser cost by themselves. */

export function start() {}

export const run = () => {};
export const playground = () => {};
export const component = () => {};

export function flush() {}
