import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import { DiscardForm, EditForm, RetryForm } from "@/components/dead-letters/decisions";
import { DONE, explain } from "@/components/dead-letters/form-state";
import { ParkedRows } from "@/components/dead-letters/parked-rows";
import { parseValues } from "@/lib/dead-letters/input";

const actions = vi.hoisted(() => ({
  retryDeadLetters: vi.fn(),
  editDeadLetters: vi.fn(),
  discardDeadLetters: vi.fn(),
}));
vi.mock("@/app/actions/dead-letter-actions", () => actions);

const target = { region: "eu-west-1", entity: "Document", entityId: "d/1", lastId: "7" };
const row = {
  entity: "Document",
  entityId: "d/1 ?",
  events: 2,
  sqlstate: "23514",
  message: "violates check constraint",
  attempts: 1,
  origins: ["us-east-1"],
  since: "2026-11-24T10:00:00.000Z",
  dueAt: "2026-11-24T10:00:30.000Z",
};

describe("dead letters", () => {
  it("lists what waits, and links to it whatever its id is", () => {
    render(<ParkedRows region="eu-west-1" rows={[row]} />);
    const link = screen.getByRole("link", { name: "Document d/1 ?" });
    const url = new URL(link.getAttribute("href") ?? "", "http://example.com");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      region: "eu-west-1",
      entity: "Document",
      id: "d/1 ?",
    });
    expect(screen.getByText("2 events")).toBeInTheDocument();
    expect(screen.getByText(/SQLSTATE 23514/)).toBeInTheDocument();
  });

  it("sends which row and which events were shown", async () => {
    actions.retryDeadLetters.mockResolvedValue({ message: "It still cannot be applied" });
    render(<RetryForm target={target} />);
    await userEvent.click(screen.getByRole("button", { name: "Retry now" }));
    const form = actions.retryDeadLetters.mock.calls[0]?.[1] as FormData;
    expect(Object.fromEntries(form)).toEqual(target);
    expect(await screen.findByRole("alert")).toHaveTextContent("It still cannot be applied");
  });

  it("keeps what was typed when it is refused", async () => {
    actions.editDeadLetters.mockResolvedValue({ message: "not JSON", field: "values", typed: "{" });
    render(<EditForm target={target} values='{"title": "bad"}' />);
    await userEvent.click(screen.getByRole("button", { name: "Edit and retry" }));
    const area = await screen.findByDisplayValue("{");
    expect(area).toHaveAccessibleDescription("not JSON");
    expect(area).toBeInvalid();
  });

  it("asks for a word before it throws events away", async () => {
    actions.discardDeadLetters.mockResolvedValue({ message: "Type it", field: "confirmation" });
    render(<DiscardForm target={target} word="discard" consequence="They are lost." />);
    await userEvent.click(screen.getByText("Discard the events"));
    await userEvent.click(screen.getByRole("button", { name: "Discard them" }));
    expect(await screen.findByLabelText("Type “discard” to confirm")).toBeInvalid();
  });

  it("explains every outcome that settled nothing, and no other", () => {
    expect(explain({ kind: "drained", events: 1 })).toBeNull();
    expect(explain({ kind: "edited", events: 1, columns: ["title"] })).toBeNull();
    expect(explain({ kind: "discarded", events: 1, kept: false })).toBeNull();
    expect(explain({ kind: "failing", sqlstate: "23514", message: "no" })).toContain("23514");
    expect(explain({ kind: "refused", columns: ["a", "b"] })).toContain("a, b");
    expect(explain({ kind: "elsewhere", leader: "us-east-1" })).toContain("us-east-1");
    expect(explain({ kind: "stale" })).toContain("Load");
    for (const kind of ["drained", "edited", "discarded", "discarded-here", "nothing"]) {
      expect(DONE[kind]).toBeTruthy();
    }
  });

  it.each(["", "{", "[]", "null", '"text"', "1".repeat(1_000_001)])(
    "takes no %.10s for columns and values",
    (text) => {
      expect(parseValues(text).ok).toBe(false);
    },
  );

  it("takes an object", () => {
    expect(parseValues('{"title": "x"}')).toEqual({ ok: true, values: { title: "x" } });
  });
});
