/**
 * What a page's main thread did, from Chromium's trace: between the marks of page.mjs, the processor time that the
 * thread took, and its tasks. Processor time, since other programs on the machine take none of it away; on a quiet
 * machine it agrees with wall time.
 */

/** A task, and the promises that it settled, which run right after it and block the page as it does. */
const TASK = "ThreadControllerImpl::RunTask";
const MICROTASKS = "BlinkScheduler_PerformMicrotaskCheckpoint";
const MARK = "bench:";

/** The marks and tasks of the thread that set the marks, in order. Times in µs. */
function mainThread(events) {
  const marks = events
    .filter(({ name, cat }) => name.startsWith(MARK) && cat.includes("blink.user_timing"))
    .map(({ name, ts, tts, pid, tid }) => ({ name: name.slice(MARK.length), ts, tts, pid, tid }))
    .sort((a, b) => a.ts - b.ts);
  if (marks.length === 0) throw new Error("the trace holds no mark of the page");
  if (marks.some(({ tts }) => tts === undefined))
    throw new Error("the trace gives no processor time: is this a platform without clocks by thread?");
  const [{ pid, tid }] = marks;
  const tasks = [];
  for (const { name, ts, dur, tdur } of events
    .filter((event) => event.pid === pid && event.tid === tid && event.ph === "X")
    .filter(({ name }) => name === TASK || name === MICROTASKS)
    .sort((a, b) => a.ts - b.ts)) {
    const last = tasks.at(-1);
    // Within a task: counted with it.
    if (last && ts < last.end) continue;
    // What takes a microsecond or two comes without processor time.
    const cpu = tdur ?? dur;
    if (name === MICROTASKS && last) {
      last.cpu += cpu;
      last.wall += dur;
      last.end = ts + dur;
    } else tasks.push({ end: ts + dur, wall: dur, cpu });
  }
  return { marks, tasks };
}

/**
 * The page's life cut at its "stop" marks. Of each part: the µs of work from its first mark to the second and to its
 * end, and the longest task in all and after the one in which it began.
 */
export function windows(events) {
  const { marks, tasks } = mainThread(events);
  const parts = [];
  let began = [];
  for (const mark of marks) {
    if (mark.name !== "stop") {
      began.push(mark);
      continue;
    }
    const [first, second] = began;
    // The task in which it is stopped is the driver's own.
    const counted = tasks.filter(({ end }) => end > first.ts && end <= mark.ts);
    const later = counted.filter(({ end, wall }) => end - wall > first.ts);
    const longest = (list, by) => list.reduce((most, task) => Math.max(most, task[by]), 0);
    parts.push({
      work: mark.tts - first.tts,
      first: second.tts - first.tts,
      longest: longest(counted, "cpu"),
      longestWall: longest(counted, "wall"),
      longestLater: longest(later, "cpu"),
      longestLaterWall: longest(later, "wall"),
    });
    began = [];
  }
  return parts;
}
