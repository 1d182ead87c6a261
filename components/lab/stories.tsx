import { CircleCheck, CircleDashed, CircleMinus, CircleX, LoaderCircle } from "lucide-react";
import { Button } from "@/components/ui/button";
import { cn } from "@/components/ui/class-names";
import type { StepStatus, StoryId, StoryProgress } from "@/lib/lab/stories/progress";
import { STORIES, STORY_WORDS } from "./lab-text";

export function Stories({
  story,
  disabled,
  onStart,
  onStop,
}: {
  story: StoryProgress | null;
  disabled: boolean;
  onStart: (id: StoryId) => void;
  onStop: () => void;
}) {
  const running = story?.status === "running";
  return (
    <section aria-labelledby="lab-stories">
      <h2 id="lab-stories" className="mb-3 text-lg font-semibold">
        Stories
      </h2>
      <ul className="grid gap-4 md:grid-cols-3">
        {STORIES.map(({ id, title, text }) => (
          <li
            key={id}
            className="flex flex-col gap-3 rounded-md border border-line bg-surface p-4"
            data-story-card={id}
          >
            <h3 className="font-semibold">{title}</h3>
            <p className="flex-1 text-sm text-muted">{text}</p>
            {running && story.id === id ? (
              <Button variant="danger" onClick={onStop} className="self-start">
                Stop the story
              </Button>
            ) : (
              <Button
                onClick={() => onStart(id)}
                disabled={disabled || running}
                aria-label={`Run it: ${title}`}
                className="self-start"
              >
                Run it
              </Button>
            )}
          </li>
        ))}
      </ul>
      {story ? <Progress story={story} /> : null}
    </section>
  );
}

const ICONS = {
  waiting: { icon: CircleDashed, className: "text-faint", word: "not begun" },
  running: { icon: LoaderCircle, className: "text-accent animate-spin", word: "running" },
  passed: { icon: CircleCheck, className: "text-ok", word: "passed" },
  failed: { icon: CircleX, className: "text-bad", word: "failed" },
  skipped: { icon: CircleMinus, className: "text-faint", word: "left out" },
} as const satisfies Record<StepStatus, unknown>;

function Progress({ story }: { story: StoryProgress }) {
  const { steps, status, violations, links } = story;
  const title = STORIES.find(({ id }) => id === story.id)?.title ?? story.id;
  const current = steps.findIndex((step) => step.status === "running");
  const summary =
    current >= 0
      ? `Step ${current + 1} of ${steps.length}: ${steps[current]?.title}`
      : `${title}: ${STORY_WORDS[status]}.`;
  return (
    <div
      className="mt-4 rounded-md border border-line bg-surface p-4"
      data-story={story.id}
      data-story-status={status}
      data-story-violations={violations ?? undefined}
    >
      <p role="status" className="font-medium">
        {summary}
      </p>
      <ol className="mt-3 space-y-2.5 text-sm">
        {steps.map((step, index) => {
          const { icon: Icon, className, word } = ICONS[step.status];
          return (
            <li key={index} className="flex gap-2.5" data-step={step.status}>
              <Icon aria-label={word} className={cn("mt-0.5 size-4 shrink-0", className)} />
              <div className="min-w-0 flex-1">
                <p className={cn(step.status === "waiting" && "text-muted")}>{step.title}</p>
                {step.detail ? (
                  <p className={cn("text-muted", step.status === "failed" && "text-bad")}>
                    {step.detail}
                  </p>
                ) : null}
              </div>
              {step.ms === null ? null : (
                <span className="figures shrink-0 text-xs text-muted">
                  {(step.ms / 1000).toFixed(1)} s
                </span>
              )}
            </li>
          );
        })}
      </ol>
      {violations === null ? null : (
        <p className={cn("mt-3 text-sm font-medium", violations > 0 ? "text-bad" : "text-ok")}>
          {violations} {violations === 1 ? "violation" : "violations"} while it ran.
        </p>
      )}
      {links.length > 0 ? (
        <p className="mt-3 flex flex-wrap gap-x-4 gap-y-1 text-sm">
          {links.map(({ href, label }) => (
            <a
              key={href}
              href={href}
              target="_blank"
              rel="noreferrer"
              className="text-accent underline underline-offset-2 hover:text-accent-hover"
            >
              {label} <span className="text-muted">(in another tab)</span>
            </a>
          ))}
        </p>
      ) : null}
    </div>
  );
}
