import { cn } from "@/components/ui/class-names";
import type { Receipt } from "@/lib/db/read-your-writes";
import {
  describePicture,
  pictureOf,
  type CandidateState,
  type PictureRow,
} from "./receipt-picture";
import { formatMs } from "./receipt-text";

type Named = (regionId: string) => { city: string; tone: string };

const WIDTH = 320;
const BARS_AT = 104;
const BARS_WIDTH = 118;
const BAR_HEIGHT = 7;
const BAR_GAP = 4;

const STATES: Record<CandidateState, { text: string; className: string }> = {
  "has-all": { text: "has it", className: "fill-ok" },
  behind: { text: "behind", className: "fill-warn" },
  unknown: { text: "not heard", className: "fill-muted" },
  down: { text: "down", className: "fill-bad" },
};

/** Each region's bar beside the mark that it had to reach, who was asked and who answered. */
export function ReceiptPicture({ receipt, name }: { receipt: Receipt; name: Named }) {
  const rows = pictureOf(receipt);
  if (rows.length === 0) return null;
  const rowHeight = Math.max(38, rows[0]!.bars.length * (BAR_HEIGHT + BAR_GAP) + 22);
  const height = rows.length * rowHeight;
  const ways = wayBetween(rows, rowHeight);
  return (
    <figure className="space-y-1.5 border-t border-line pt-3">
      <svg
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="img"
        aria-label={describePicture(rows, (id) => name(id).city)}
        className="h-auto w-full"
      >
        {rows.map((row, index) => (
          <Row
            key={row.regionId}
            row={row}
            top={index * rowHeight}
            height={rowHeight}
            name={name}
            waitedMs={row.answered && receipt.reason === "waited" ? receipt.waitedMs : null}
          />
        ))}
        {ways ? (
          <path
            d={ways}
            className="fill-none stroke-ink"
            strokeWidth="1.5"
            strokeLinejoin="round"
          />
        ) : null}
      </svg>
      <figcaption className="text-xs text-muted">
        The mark is what this session had to see; a bar is how much of it that region had. Bars are
        not to scale.
      </figcaption>
    </figure>
  );
}

function Row({
  row,
  top,
  height,
  name,
  waitedMs,
}: {
  row: PictureRow;
  top: number;
  height: number;
  name: Named;
  waitedMs: number | null;
}) {
  const state = STATES[row.state];
  const middle = top + height / 2;
  const barsTop = middle - (row.bars.length * (BAR_HEIGHT + BAR_GAP) - BAR_GAP) / 2;
  const roles = [row.asked ? "asked" : "", row.answered ? "answered" : ""].filter(Boolean);
  return (
    <g>
      {row.answered ? (
        <rect x="0" y={top + 2} width={WIDTH} height={height - 4} rx="5" className="fill-tint" />
      ) : null}
      <text
        x="14"
        y={roles.length > 0 ? middle - 2 : middle + 4}
        className="fill-ink text-[12px] font-medium"
      >
        {name(row.regionId).city}
      </text>
      {roles.length > 0 ? (
        <text x="14" y={middle + 12} className="fill-muted text-[11px]">
          {roles.join(", ")}
        </text>
      ) : null}
      {row.bars.map(({ actor, reach }, index) => {
        const y = barsTop + index * (BAR_HEIGHT + BAR_GAP);
        return (
          <g key={actor} className={cn(name(actor).tone.replace(/^bg-/, "text-"))}>
            <rect
              x={BARS_AT}
              y={y}
              width={BARS_WIDTH}
              height={BAR_HEIGHT}
              rx="2"
              className="fill-sunken stroke-line-strong"
              strokeWidth="0.75"
            />
            <rect
              x={BARS_AT}
              y={y}
              width={(BARS_WIDTH * reach) / 100}
              height={BAR_HEIGHT}
              rx="2"
              fill="currentColor"
            />
          </g>
        );
      })}
      <path
        d={`M${BARS_AT + BARS_WIDTH} ${barsTop - 5}V${middle * 2 - barsTop + 5}`}
        className="stroke-ink"
        strokeWidth="2"
      />
      <text
        x={BARS_AT + BARS_WIDTH + 12}
        y={middle + 4}
        className={cn("text-[12px]", state.className)}
      >
        {waitedMs === null ? state.text : `after ${formatMs(waitedMs)}`}
      </text>
    </g>
  );
}

/** From where it was asked to where it was answered, at the left edge; null where these are one. */
function wayBetween(rows: readonly PictureRow[], rowHeight: number): string | null {
  const at = (index: number) => index * rowHeight + rowHeight / 2;
  const asked = rows.findIndex((row) => row.asked);
  const answered = rows.findIndex((row) => row.answered);
  if (asked < 0 || answered < 0 || asked === answered) return null;
  const [from, to] = [at(asked), at(answered)];
  return `M10 ${from}H4V${to}H10M7 ${to - 3}L10 ${to}L7 ${to + 3}`;
}
