import { fireEvent, render, screen } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { signUp } from "@/app/actions/session-actions";
import { SignUpForm } from "@/components/session/session-forms";

vi.mock("@/app/actions/session-actions", () => ({ signIn: vi.fn(), signUp: vi.fn() }));

const PLACES = [{ name: "eu", regions: ["eu-west-1"] }];

describe("the form for a new account", () => {
  it("asks where name and address are kept, and says every region by default", () => {
    render(<SignUpForm places={PLACES} />);
    const field = screen.getByLabelText<HTMLSelectElement>("Kept in");
    expect(field.value).toBe("");
    expect([...field.options].map(({ text }) => text)).toEqual([
      "Every region",
      "EU only: eu-west-1",
    ]);
  });

  it("does not ask where no account can be kept somewhere", () => {
    render(<SignUpForm places={[]} />);
    expect(screen.queryByLabelText("Kept in")).toBeNull();
  });

  it("keeps the choice, and says at the field that it cannot be", async () => {
    vi.mocked(signUp).mockResolvedValue({
      message: "There is no such place.",
      fields: { residency: "There is no such place." },
      values: { name: "Ada", email: "ada@example.com", residency: "eu" },
    });
    const { container } = render(<SignUpForm places={PLACES} />);
    fireEvent.submit(container.querySelector("form")!);
    await screen.findByText("There is no such place.");
    expect(screen.getByLabelText<HTMLSelectElement>("Kept in").value).toBe("eu");
  });
});
