/** Numbers as the page writes them. */

const count = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

export const formatCount = (n: number): string => count.format(n);
export const formatShare = (share: number): string => percent.format(share);
export const formatClock = (unixMs: number): string => clock.format(unixMs);

/** Milliseconds below one second, else seconds with two digits. */
export function formatSeconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

/** Bytes, from a kilobyte on in KiB. */
export function formatBytes(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KiB`;
}
