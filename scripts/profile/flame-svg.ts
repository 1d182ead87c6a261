import { areaOf, type Area, type AreaKind } from "./areas";
import type { FlameNode, Frame } from "./fold";

const WIDTH = 1_200;
const MARGIN = 12;
const ROW = 17;
const HEADER = 64;
/** Of the font, which is as wide wherever it is drawn. */
const CHARACTER = 6.05;

/** Frames that take less of all are left out: they would be narrower than four pixels. */
const LEAST_SHARE = 0.003;

/** Light ones, on which black has a contrast of 10 and more; in the order of the legend. */
const COLOURS: Readonly<Record<AreaKind, readonly [fill: string, label: string]>> = {
  project: ["#ffb26b", "Meridian"],
  react: ["#9fd8f5", "React"],
  next: ["#d3d7de", "Next.js"],
  prisma: ["#c9b8f2", "Prisma"],
  driver: ["#a8e0b0", "pg, ioredis"],
  package: ["#f2e08a", "other packages"],
  node: ["#efe4d2", "Node.js"],
  engine: ["#f5b5b5", "V8, system"],
};

interface Box {
  frame: Frame;
  /** Null for the root. */
  area: Area | null;
  self: number;
  total: number;
  /** From the root, whose depth is 0. */
  depth: number;
  /** Of all, from 0 to 1. */
  start: number;
  share: number;
}

/** The frames that are wide enough to be seen, callers before what they call, which is in the order of their names. */
export function layOut(root: FlameNode, leastShare = LEAST_SHARE): Box[] {
  const boxes: Box[] = [];
  const visit = (node: FlameNode, depth: number, start: number, caller?: Area) => {
    const { frame, self, total, children } = node;
    const share = total / root.total;
    if (!(share >= leastShare)) return;
    const area = node === root ? undefined : areaOf(frame, caller);
    boxes.push({ frame, area: area ?? null, self, total, depth, start, share });
    let at = start;
    const ordered = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, child] of ordered) {
      visit(child, depth + 1, at, area);
      at += child.total / root.total;
    }
  };
  visit(root, 0, 0);
  return boxes;
}

/** A flame graph that stands by itself: what calls is below what it calls, as wide as the samples of both. */
export function drawFlame(title: string, root: FlameNode): string {
  const boxes = layOut(root);
  const depth = Math.max(0, ...boxes.map((box) => box.depth));
  const height = HEADER + (depth + 1) * ROW + MARGIN;
  const subtitle = `${root.total.toLocaleString("en")} samples; frames under ${percent(LEAST_SHARE)} are left out`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<style>text{font:11px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#1b1f24}.t{font-size:15px;font-weight:bold}.s{fill:#57606a}rect{stroke:#fff;stroke-width:.5}</style>`,
    `<rect width="${WIDTH}" height="${height}" rx="6" fill="#fff"/>`,
    `<text x="${MARGIN}" y="24" class="t">${escapeXml(title)}</text>`,
    `<text x="${WIDTH - MARGIN}" y="24" class="s" text-anchor="end">${escapeXml(subtitle)}</text>`,
    legend(),
    ...boxes.map((box) => draw(box, root.total, height)),
    "</svg>\n",
  ].join("\n");
}

function legend(): string {
  let x = MARGIN;
  return Object.values(COLOURS)
    .map(([fill, label]) => {
      const at = x;
      x += 24 + label.length * 7;
      return `<rect x="${at}" y="38" width="11" height="11" fill="${fill}"/><text x="${at + 15}" y="47">${label}</text>`;
    })
    .join("");
}

function draw({ frame, area, self, total, depth, start, share }: Box, all: number, height: number) {
  const across = WIDTH - 2 * MARGIN;
  const x = round(MARGIN + start * across);
  const y = height - MARGIN - (depth + 1) * ROW;
  const width = round(share * across);
  const fill = area ? COLOURS[area.kind][0] : "#f3f4f6";
  const told = `${frame.name}${placeOf(frame)}\n${percent(total / all)} in all, ${percent(self / all)} by itself`;
  const label = fit(labelOf(frame), Math.floor((width - 5) / CHARACTER));
  const text = label && `<text x="${round(x + 3)}" y="${y + 12}">${escapeXml(label)}</text>`;
  return `<g><title>${escapeXml(told)}</title><rect x="${x}" y="${y}" width="${width}" height="${ROW - 1}" rx="1" fill="${fill}"/>${text}</g>`;
}

const round = (pixels: number) => Math.round(pixels * 10) / 10;

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function placeOf({ file, line }: Frame): string {
  return file === "" ? "" : `  ${file}${line > 0 ? `:${line}` : ""}`;
}

/** With its file where the function's name alone would not be found. */
function labelOf({ name, file }: Frame): string {
  return file === "" || file.startsWith("node:")
    ? name
    : `${name}  ${file.replace(/^node_modules\//, "")}`;
}

/** Empty where not even the beginning would be read. */
function fit(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return characters < 4 ? "" : `${text.slice(0, characters - 1)}…`;
}

export function escapeXml(text: string): string {
  const names: Record<string, string> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot" };
  // Other control characters may not be in XML at all, in whatever way they are written.
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "")
    .replaceAll(/[&<>"]/g, (character) => `&${names[character]};`);
}
