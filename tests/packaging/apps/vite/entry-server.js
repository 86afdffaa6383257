import { begin } from "./telemetry.js";

export function render(search) {
  const { state, reason, captured } = begin(search);
  return `<p>${state} ${reason} ${captured}</p>`;
}
