//! A day as an SVG: requests a second, and the events that wait. Plain text, no script, and colours for light and
//! dark, so that it reads the same in a browser, on a forge and in an editor.

use std::fmt::Write;

use crate::figures::{Figures, mean, span_s, waiting};
use crate::scenario::Scenario;
use crate::world::Day;

/// The picture, and the two panels in it.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const UPPER: (f64, f64) = (58.0, 220.0);
const LOWER: (f64, f64) = (308.0, 66.0);

/// Points along a line: about one for every two pixels.
const POINTS: usize = 390;

/// What is shown around an incident, in s.
const BEFORE_S: usize = 600;
const AFTER_S: usize = 2_400;

/// Two colour schemes, chosen by the reader's own setting. Contrast of each line with its ground is above 4.5.
const STYLE: &str = "\
    .ground{fill:#ffffff}.text{fill:#1f2328}.faint{fill:#59636e}.grid{stroke:#d1d9e0}\
    .requests{stroke:#0757ba;fill:none}.band{fill:#0757ba;opacity:.16}.waiting{stroke:#9a4a00;fill:none}\
    .limit{stroke:#b3261e;stroke-dasharray:6 4}.limit-text{fill:#b3261e}.incident{fill:#59636e;opacity:.14}\
    @media(prefers-color-scheme:dark){.ground{fill:#0d1117}.text{fill:#f0f6fc}.faint{fill:#9198a1}\
    .grid{stroke:#3d444d}.requests{stroke:#6cb6ff}.band{fill:#6cb6ff;opacity:.22}.waiting{stroke:#f0a35e}\
    .limit{stroke:#ff8a80}.limit-text{fill:#ff8a80}.incident{fill:#9198a1;opacity:.2}}";

/// Draws it.
pub(crate) fn draw(day: &Day, figures: &Figures) -> String {
    let (from, to) = span_s(day);
    let zoomed = !matches!(day.scenario, Scenario::Steady | Scenario::Blocked);
    let shown = if zoomed { (from - BEFORE_S, to + AFTER_S) } else { (0, day.seconds.len()) };
    let step = ((shown.1 - shown.0) / POINTS).max(1);
    let seconds = &day.seconds[shown.0..shown.1];
    let means: Vec<f64> = seconds.chunks(step).map(mean).collect();
    let extreme = |of: fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
        let each = seconds
            .chunks(step)
            .map(|chunk| chunk.iter().map(|second| f64::from(second.requests)).fold(start, of));
        each.collect()
    };
    let (least, most) = (extreme(f64::min, f64::INFINITY), extreme(f64::max, 0.0));
    let waits: Vec<f64> = waiting(day)[shown.0..shown.1].iter().step_by(step).map(|n| *n as f64).collect();
    let top = nice(most.iter().copied().fold(2.2 * figures.usual, f64::max));
    let full = nice(waits.iter().copied().fold(1.0, f64::max));

    let mut svg = String::new();
    let out = &mut svg;
    let title = day.scenario.title();
    put(
        out,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{title}: requests a second, and events that wait\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>"
        ),
    );
    text(out, "text", 16.0, 24.0, "font-size=\"16\" font-weight=\"600\"", title);
    let legend = format!(
        "{} browsers; requests a second (line: mean of {step} s, band: least and most of a second)",
        thousands(u64::from(day.setup.clients))
    );
    text(out, "faint", 16.0, 44.0, "", &legend);
    text(out, "faint", 16.0, LOWER.0 - 8.0, "", "events accepted by pages and not yet with the collector");
    if zoomed {
        let x = |at: usize| x((at - shown.0) as f64 / (shown.1 - shown.0) as f64);
        let (left, width) = (x(from), x(to) - x(from));
        let (top, height) = (UPPER.0, LOWER.0 + LOWER.1 - UPPER.0);
        put(
            out,
            format_args!(
                "<rect class=\"incident\" x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\"/>"
            ),
        );
    }
    for (panel, most) in [(UPPER, top), (LOWER, full)] {
        for part in 0..=2 {
            let value = most * f64::from(part) / 2.0;
            let y = y(panel, value / most);
            put(
                out,
                format_args!(
                    "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                    WIDTH - RIGHT
                ),
            );
            text(out, "faint", LEFT - 8.0, y + 4.0, "text-anchor=\"end\"", &thousands(value as u64));
        }
    }
    let tick_s = if zoomed { 600 } else { 4 * 3_600 };
    for at in (shown.0..=shown.1).filter(|at| at % tick_s == 0) {
        let x = x((at - shown.0) as f64 / (shown.1 - shown.0) as f64);
        let time = format!("{:02}:{:02}", at / 3_600, at / 60 % 60);
        text(out, "faint", x, LOWER.0 + LOWER.1 + 20.0, "text-anchor=\"middle\"", &time);
    }
    let back: Vec<(usize, f64)> = least.iter().copied().enumerate().rev().collect();
    let band = most.iter().copied().enumerate().chain(back);
    let points = points(band, means.len(), UPPER, top);
    put(out, format_args!("<polygon class=\"band\" points=\"{points}\"/>"));
    line(out, "requests", &means, UPPER, top);
    line(out, "waiting", &waits, LOWER, full);
    if zoomed {
        let y = y(UPPER, 2.0 * figures.usual / top);
        put(
            out,
            format_args!(
                "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
                WIDTH - RIGHT
            ),
        );
        text(out, "limit-text", WIDTH - RIGHT, y - 5.0, "text-anchor=\"end\"", "twice the usual");
    }
    svg.push_str("</svg>\n");
    svg
}

fn put(out: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{part}");
}

fn text(out: &mut String, class: &str, x: f64, y: f64, more: &str, text: &str) {
    put(out, format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" {more}>{text}</text>"));
}

fn line(out: &mut String, class: &str, values: &[f64], panel: (f64, f64), most: f64) {
    let points = points(values.iter().copied().enumerate(), values.len(), panel, most);
    put(out, format_args!("<polyline class=\"{class}\" stroke-width=\"1.5\" points=\"{points}\"/>"));
}

fn points(values: impl Iterator<Item = (usize, f64)>, count: usize, panel: (f64, f64), most: f64) -> String {
    let last = (count - 1).max(1) as f64;
    let each = values
        .map(|(at, value)| format!("{:.1},{:.1}", x(at as f64 / last), y(panel, (value / most).min(1.0))));
    each.collect::<Vec<_>>().join(" ")
}

fn x(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

fn y((top, height): (f64, f64), share: f64) -> f64 {
    top + height * (1.0 - share)
}

/// The next number above that is easy to halve and to read.
fn nice(value: f64) -> f64 {
    let unit = 10.0_f64.powf(value.max(1.0).log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * unit).find(|nice| *nice >= value).unwrap_or(10.0 * unit)
}

/// 1234567 → 1,234,567.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1.0, 11.0, 130.0, 999.0].map(nice), [1.0, 12.0, 160.0, 1_000.0]);
    }
}
