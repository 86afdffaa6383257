import { begin } from "./telemetry.js";

self.onmessage = ({ data }) => begin(data);
