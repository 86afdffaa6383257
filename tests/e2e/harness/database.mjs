/**
 * Rows, read from the SQLite file itself while the collector has it open: not through its HTTP interface, which
 * would have us believe whatever it says. By SQLite's own command line program, since Node 20 has no SQLite, and
 * the packages that bring one either compile it or cannot read a database in WAL mode.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How long a reader waits for a lock, in ms: the collector's checkpoint, or its recovery after a kill. */
const LOCK_WAIT_MS = 5_000;

/** Enough for 20,000 events of all columns, in bytes. */
const OUTPUT_MAX = 64 * 1024 * 1024;

/**
 * The result of one query.
 *
 * @param {string} db The database's file.
 * @param {string} sql
 * @returns {Promise<Record<string, unknown>[]>}
 */
export async function query(db, sql) {
  const options = ["-batch", "-json", "-cmd", `.timeout ${LOCK_WAIT_MS}`, db, sql];
  const { stdout } = await run("sqlite3", options, { maxBuffer: OUTPUT_MAX }).catch((error) => {
    if (error.code === "ENOENT") throw new Error("sqlite3 is not on PATH: apt-get install sqlite3.");
    throw error;
  });
  return stdout.trim() ? JSON.parse(stdout) : [];
}

/** All events, in the order in which they arrived. */
export const allRows = (db) => query(db, "SELECT * FROM events ORDER BY arrival");

/** How many events there are. */
export async function countRows(db) {
  const [{ count }] = await query(db, "SELECT count(*) AS count FROM events");
  return count;
}
