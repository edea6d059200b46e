/** Results as one SVG: wall time over size, both logarithmic, so that what is linear runs along the diagonals. */
import { type Cell, find, isMeasured, type Results, seriesOf, sizesOf } from "./results.ts";

/** A chart of the plot. */
interface Panel {
  title: string;
  /** What is counted along the x axis. */
  counted: string;
  cells: readonly Cell[];
}

/** Text beside the end of a line; `x`, `y`: the middle of its left side. */
export interface Label {
  lines: string[];
  x: number;
  y: number;
}

const [width, height] = [440, 310];
const margin = { left: 48, right: 118, top: 40, bottom: 46 };
const area = { right: width - margin.right, bottom: height - margin.bottom };
const lineHeight = 13;
const gap = 2;

/** Colours on light and on dark ground; the first is this program's. */
const colours: Record<string, [string, string]> = {
  "letsencrypt-tiny": ["#0969da", "#58a6ff"],
  "acme-tiny": ["#bc4c00", "#f0883e"],
  "Python original": ["#9a6700", "#d8a520"],
  uacme: ["#1a7f37", "#3fb950"],
  certbot: ["#8250df", "#b083f0"],
  dehydrated: ["#cf222e", "#f47067"],
  lego: ["#0a7c86", "#39c5cf"],
};
const names = Object.keys(colours);

/** Draws.
 *
 * @param results what was measured
 * @returns an SVG document
 */
export function plot(results: Results): string {
  const panels = panelsOf(results);
  const rows = Math.ceil(panels.length / 2);
  const seen = panels.flatMap((panel) => panel.cells).flatMap(({ outcome }) =>
    isMeasured(outcome) ? [outcome.wall] : []
  );
  // One scale for all, so that charts compare; above the limit there is room for labels.
  const range: [number, number] = [Math.min(...seen) / 1.6, results.limit * 4];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width} ${rows * height + 24}" role="img">
<title>Wall time of ACME clients over the number of names and of certificate lines</title>
<style>
text{font:11.5px -apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
.title{font-weight:600;font-size:13px}
.label{stroke-width:4px;stroke-linejoin:round;paint-order:stroke}
.line{stroke-width:1.75;fill:none;stroke-linejoin:round}
.s0.line{stroke-width:3} .s0.label{font-weight:600}
.more{stroke-dasharray:3 3} .alone.line{stroke-dasharray:6 3;stroke-width:1.75} .alone.label{font-weight:400}
.leader{stroke-opacity:.5}
.linear{stroke-dasharray:.1 4;stroke-width:1.5;stroke-linecap:round}
${paint(0)}
@media (prefers-color-scheme:dark){
${paint(1)}
}
</style>
<rect class="ground" width="100%" height="100%" rx="6"/>
${panels.map((panel, index) => draw(panel, index, { range, limit: results.limit })).join("\n")}
<text x="${margin.left}" y="${rows * height + 10}">Short dashes: more than ${
    results.limit / 1000
  } s at the next size. Dotted diagonals: twice as many take twice as long.</text>
</svg>
`;
}

/** The rules that differ between light and dark; without variables, which not every viewer knows. */
function paint(dark: 0 | 1): string {
  const [ground, ink, faint, grid] = dark
    ? ["#0d1117", "#e6edf3", "#9198a1", "#30363d"]
    : ["#fff", "#1f2328", "#59636e", "#dfe3e8"];
  const series = names.map((name, index) => {
    const colour = colours[name][dark];
    return `.s${index}{stroke:${colour}} .s${index}.dot,.s${index}.label{fill:${colour};stroke:${ground}}`;
  });
  return [
    `.ground{fill:${ground}} text{fill:${faint}} .title{fill:${ink}} .grid,.linear{stroke:${grid}}`,
    ...series,
  ].join("\n");
}

function panelsOf({ names, lines, renewals }: Results): Panel[] {
  const away = (roundTrip: number) => roundTrip ? `CA ${roundTrip} ms away` : "CA on the same machine";
  const shown = names.filter(({ roundTrip }) => roundTrip === 0 || roundTrip === 100);
  const panels = (shown.length > 0 ? shown : names.slice(0, 2)).map(({ roundTrip, cells }) => ({
    title: `One certificate, ${away(roundTrip)}`,
    counted: "names in it",
    cells,
  }));
  return [
    ...panels,
    { title: "Many lines, nothing to do", counted: "certificate lines", cells: lines },
    {
      title: `Many lines renew, ${away(renewals.roundTrip)}`,
      counted: "certificate lines",
      cells: renewals.cells,
    },
  ].filter(({ cells }) => cells.some(({ outcome }) => isMeasured(outcome)));
}

function draw(
  panel: Panel,
  index: number,
  { range, limit }: { range: [number, number]; limit: number },
): string {
  const { title, counted, cells } = panel;
  const sizes = sizesOf(cells);
  const x = scale([sizes[0], Math.max(sizes.at(-1)!, sizes[0] * 10)], [margin.left, area.right]);
  const y = scale(range, [area.bottom, margin.top]);
  const out: string[] = [`<text class="title" x="${margin.left}" y="22">${escapeXml(title)}</text>`];
  for (const ms of [10, 100, 1_000, 10_000, limit].filter((each) => each >= range[0])) {
    out.push(`<path class="grid" d="M${margin.left} ${y(ms)}H${area.right}"/>`);
    out.push(`<text x="${margin.left - 6}" y="${y(ms) + 4}" text-anchor="end">${ms / 1000} s</text>`);
  }
  for (const size of sizes) {
    const text = size.toLocaleString("en");
    out.push(`<text x="${x(size)}" y="${area.bottom + 17}" text-anchor="middle">${text}</text>`);
  }
  const middle = (margin.left + area.right) / 2;
  out.push(`<text x="${middle}" y="${area.bottom + 34}" text-anchor="middle">${escapeXml(counted)}</text>`);
  out.push(diagonals(range, [sizes[0], x.domain[1]], { x, y }));

  const labels: (Label & { name: string; end: [number, number] })[] = [];
  const front: string[] = [];
  // Ours last, on top.
  for (const series of seriesOf(cells).reverse()) {
    const [client, alone] = series.split(", ");
    const style = `s${Math.max(0, names.indexOf(client))}${alone ? " alone" : ""}`;
    const points = sizes.flatMap((size): [number, number][] => {
      const outcome = find(cells, series, size);
      return isMeasured(outcome) ? [[x(size), y(outcome.wall)]] : [];
    });
    if (points.length === 0) continue;
    const way = points.map((each) => each.join(" ")).join("L");
    out.push(`<path class="line ${style}" d="M${way}"/>`);
    for (const [left, top] of points) {
      front.push(
        `<circle class="dot ${style}" cx="${left}" cy="${top}" r="${client === names[0] ? 4 : 3.25}"/>`,
      );
    }
    let end = points.at(-1)!;
    const isCut = sizes.some((size) => find(cells, series, size) === "slow");
    if (isCut) {
      const from = end;
      end = onwards(points, { x, y, ceiling: y(limit) });
      out.push(`<path class="line more ${style}" d="M${from.join(" ")}L${end.join(" ")}"/>`);
    }
    labels.push({
      name: style,
      end,
      lines: alone ? [`${client},`, alone] : [client],
      x: end[0] + 9,
      y: end[1],
    });
  }
  const bounds = { top: margin.top - 6, bottom: area.bottom };
  for (const [at, { lines, x, y }] of spread(labels, bounds).entries()) {
    const { name, end } = labels[at];
    if (Math.abs(y - end[1]) > 5) {
      out.push(`<path class="leader ${name}" d="M${end.map(round).join(" ")}L${round(x - 2)} ${round(y)}"/>`);
    }
    const first = y + 4 - (lines.length - 1) * lineHeight / 2;
    for (const [row, text] of lines.entries()) {
      const top = round(first + row * lineHeight);
      front.push(`<text class="label ${name}" x="${round(x)}" y="${top}">${escapeXml(text)}</text>`);
    }
  }
  const [left, top] = [index % 2 * width, Math.floor(index / 2) * height];
  return `<g transform="translate(${left} ${top})">\n${[...out, ...front].join("\n")}\n</g>`;
}

type Scale = ((value: number) => number) & { domain: [number, number] };

/** A logarithmic scale. */
function scale(domain: [number, number], [from, to]: [number, number]): Scale {
  const [low, high] = domain.map(Math.log);
  const map = (value: number) => round(from + (Math.log(value) - low) / (high - low) * (to - from));
  return Object.assign(map, { domain });
}

const round = (value: number) => Math.round(value * 10) / 10;

/** Lines of proportional growth, one for each decade. */
function diagonals(
  range: [number, number],
  [first, last]: [number, number],
  { x, y }: { x: Scale; y: Scale },
): string {
  const out = [];
  for (let start = 10 ** Math.floor(Math.log10(range[0] * first / last)); start < range[1]; start *= 10) {
    const [from, to] = [Math.max(first, first * range[0] / start), Math.min(last, first * range[1] / start)];
    if (to <= from) continue;
    out.push(
      `<path class="linear" d="M${x(from)} ${y(start * from / first)}L${x(to)} ${y(start * to / first)}"/>`,
    );
  }
  return out.join("");
}

/** A little further on as the line went, or along the diagonal where it has one point. */
function onwards(
  points: [number, number][],
  { x, y, ceiling }: { x: Scale; y: Scale; ceiling: number },
): [number, number] {
  const end = points.at(-1)!;
  const before = points.at(-2) ?? [end[0] - (x(10) - x(1)), end[1] + (y(1) - y(10))];
  const slope = (end[1] - before[1]) / (end[0] - before[0]);
  const step = Math.min(24, slope < 0 ? Math.max(4, (ceiling - end[1]) / slope) : 24);
  return [end[0] + step, end[1] + step * slope];
}

/** Moves labels up and down until none covers another.
 *
 * @param labels where they would be best
 * @param bounds what they stay within
 * @returns where they go, in the same order
 */
export function spread(labels: readonly Label[], bounds: { top: number; bottom: number }): Label[] {
  const placed = labels.map((each) => ({ ...each }));
  const sizeOf = ({ lines }: Label) => lines.length * lineHeight + gap;
  const widthOf = ({ lines }: Label) => Math.max(...lines.map((each) => each.length)) * 6.6;
  for (let round = 0; round < 500; round++) {
    let moved = false;
    for (const [index, one] of placed.entries()) {
      for (const other of placed.slice(index + 1)) {
        if (one.x + widthOf(one) < other.x || other.x + widthOf(other) < one.x) continue;
        const [upper, lower] = one.y <= other.y ? [one, other] : [other, one];
        const overlap = (sizeOf(upper) + sizeOf(lower)) / 2 - (lower.y - upper.y);
        if (overlap <= 0.01) continue;
        // Beside lines that end early, other lines go on below: upwards is better while there is room.
        const isUpwards = round < 50 && Math.max(one.x, other.x) < area.right;
        const room = Math.max(0, upper.y - sizeOf(upper) / 2 - bounds.top);
        const step = Math.min(room, isUpwards ? overlap : overlap / 2);
        upper.y -= step;
        lower.y += overlap - step;
        moved = true;
      }
    }
    for (const each of placed) {
      each.y = Math.min(bounds.bottom - sizeOf(each) / 2, Math.max(bounds.top + sizeOf(each) / 2, each.y));
    }
    if (!moved) break;
  }
  return placed;
}

const escapeXml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
