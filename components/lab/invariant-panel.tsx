import { useRegionName } from "@/components/multi-region/region-names";
import { Notice } from "@/components/ui/notice";
import { cn } from "@/components/ui/class-names";
import { violationsIn, type Invariants } from "@/lib/lab/lab-shape";
import { verdictOf } from "./lab-text";

const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "UTC" });

/** What a real client counted. The four that must be zero stand first. */
export function InvariantPanel({ counted, on }: { counted: Invariants; on: boolean }) {
  const name = useRegionName();
  const city = (id: string) => name(id).city;
  const verdict = verdictOf(counted, city);
  const leaders = counted.leaders.map(({ regionId, epoch }) => `${city(regionId)}, epoch ${epoch}`);
  return (
    <section aria-labelledby="lab-invariants" data-violations={violationsIn(counted)}>
      <h2 id="lab-invariants" className="mb-2 text-lg font-semibold">
        Invariants
      </h2>
      <Notice tone={verdict.tone} title={verdict.text}>
        {on
          ? "A client writes rows and lines in every region, and looks for them in every database."
          : "Turn the load on, or run a story, to have something counted."}
      </Notice>
      <table className="figures mt-3 w-full text-sm">
        <caption className="sr-only">What the lab’s client counted</caption>
        <tbody>
          <Count name="lost" label="Acknowledged writes lost" value={counted.lost} zero />
          <Count
            name="stale"
            label="Stale reads that did not say so"
            value={counted.staleReads}
            zero
          />
          <Count name="dual" label="Moments with two leaders" value={counted.dualLeaders} zero />
          <Count name="divergent" label="Rows that diverge" value={counted.divergent} zero />
          <Count name="acknowledged" label="Acknowledged writes" value={counted.acknowledged} />
          <Count name="everywhere" label="– in every region" value={counted.everywhere} />
          <Count name="on-the-way" label="– not found everywhere yet" value={counted.onTheWay} />
          <Count
            name="unknown"
            label="– unknown: a region can’t be asked"
            value={counted.unknown}
          />
          <Count name="refused" label="Refused, and said so" value={counted.refused} />
          <Count
            name="indeterminate"
            label="Unanswered: may be written"
            value={counted.indeterminate}
          />
          <Count name="reads" label="Reads of own writes elsewhere" value={counted.reads} />
          <Count name="told" label="– without it, and said so" value={counted.toldStale} />
          <Count name="unanswered" label="– unanswered" value={counted.unansweredReads} />
          <tr className="border-t border-line">
            <th scope="row" className="py-1 pr-3 text-left font-normal">
              Leads now
            </th>
            <td className="py-1 text-right">
              {leaders.join("; ") || (counted.silent.length > 0 ? "unknown" : "nobody")}
            </td>
          </tr>
          <tr className="border-t border-line">
            <th scope="row" className="py-1 pr-3 text-left font-normal">
              All regions looked into
            </th>
            <td className="py-1 text-right">
              {counted.checkedAt ? (
                <time dateTime={counted.checkedAt}>
                  {CLOCK.format(new Date(counted.checkedAt))} UTC
                </time>
              ) : (
                "not yet"
              )}
            </td>
          </tr>
        </tbody>
      </table>
    </section>
  );
}

function Count({
  name,
  label,
  value,
  zero = false,
}: {
  name: string;
  label: string;
  value: number;
  /** Anything else is a violation. */
  zero?: boolean;
}) {
  const broken = zero && value > 0;
  return (
    <tr className="border-t border-line first:border-t-0">
      <th scope="row" className={cn("py-1 pr-3 text-left font-normal", zero && "font-medium")}>
        {label}
      </th>
      <td
        data-count={name}
        className={cn(
          "py-1 text-right",
          zero && "font-semibold",
          broken ? "text-bad" : zero && "text-ok",
        )}
      >
        {value.toLocaleString("en-GB")}
        {broken ? " – a violation" : ""}
      </td>
    </tr>
  );
}
