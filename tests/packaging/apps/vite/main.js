import { begin } from "./telemetry.js";

begin(location.search);
