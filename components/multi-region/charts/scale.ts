/** A scale from zero to a round number, with a line at each of a few round numbers. */
export interface Scale {
  max: number;
  ticks: number[];
}

const STEPS = [1, 2, 2.5, 5, 10];

/** The least round scale that holds `most`. @param least the smallest top, so that noise is not drawn large */
export function scaleFor(most: number, least: number, lines = 4): Scale {
  const top = Math.max(most, least);
  const power = 10 ** Math.floor(Math.log10(top / lines));
  const step = power * (STEPS.find((candidate) => candidate * power * lines >= top) ?? 10);
  const count = Math.max(1, Math.ceil(top / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, index) =>
    Number((index * step).toPrecision(12)),
  );
  return { max: ticks.at(-1) ?? top, ticks };
}

/** In a plot of 100 by 100. A value that is not known interrupts the line; one alone is a dot. */
export function linePath(values: readonly (number | null)[], max: number): string {
  const width = Math.max(1, values.length - 1);
  let path = "";
  let alone = false;
  values.forEach((value, index) => {
    if (value === null) {
      if (alone) path += "h0";
      alone = false;
      return;
    }
    const begins = index === 0 || values[index - 1] == null;
    path += `${begins ? "M" : "L"}${fixed((index / width) * 100)} ${fixed(100 - (value / max) * 100)}`;
    alone = begins;
  });
  return alone ? `${path}h0` : path;
}

/** Runs of points that are marked, as [first, last]. */
export function runs(marks: readonly (number | null)[]): [number, number][] {
  const found: [number, number][] = [];
  marks.forEach((mark, index) => {
    if (mark === null || mark === 0) return;
    const last = found.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else found.push([index, index]);
  });
  return found;
}

const fixed = (value: number) => Number(value.toFixed(2));
