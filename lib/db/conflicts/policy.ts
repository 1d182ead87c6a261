import { z } from "zod";
import {
  DURABILITIES,
  STANDARD_DEFAULTS,
  TOPOLOGIES,
  type Durability,
  type Topology,
} from "@/lib/policy-defaults";

export { STANDARD_DEFAULTS } from "@/lib/policy-defaults";
export type { Durability, PolicyDefaults, Topology } from "@/lib/policy-defaults";

/** Of a register: the smallest thing that is merged, a column or, under "*", all of a row's. */
export const REGISTER_STRATEGIES = [
  "last-write-wins",
  "first-write-wins",
  "max",
  "min",
  "pn-counter",
  "bounded-counter",
  "or-set",
  "text",
  "manual",
  "custom",
] as const;
export type RegisterStrategy = (typeof REGISTER_STRATEGIES)[number];

/** Of a row: one register for all of it or, under "merge", a register per column. */
export const ROW_STRATEGIES = [
  "last-write-wins",
  "first-write-wins",
  "manual",
  "custom",
  "merge",
] as const;
export type RowStrategy = (typeof ROW_STRATEGIES)[number];

/**
 * A deletion against an update that had not seen it. "last-write": `deletedAt` is a
 * last-write-wins register; under a row-level strategy of last-write-wins it belongs to the row's.
 */
export const DELETION_RULES = ["last-write", "delete-wins", "update-wins"] as const;
export type DeletionRule = (typeof DELETION_RULES)[number];

/** Columns of every replicated row that are no data of it, and belong to no register of a field. */
export const META_COLUMNS = [
  "id",
  "deletedAt",
  "clock",
  "hlc",
  "origin",
  "position",
  "merge",
] as const;

export interface FieldPolicy {
  readonly strategy: RegisterStrategy;
  /** Choices between its versions are not recorded: it only tells of a write of other fields. */
  readonly quiet?: true;
}

/** How an entity is replicated and merged. The database holds the same, by `mr.declare`. */
export interface EntityPolicy {
  readonly topology: Topology;
  readonly durability: Durability;
  /**
   * Of a leaderless entity: how many regions have an acknowledged write, and how many are asked by a
   * read. Null: a majority, or what it takes to share a region with the other number.
   */
  readonly write: number | null;
  readonly read: number | null;
  /**
   * Whose placement says in which regions a row may be: that of the row of `entity` that the column
   * `by` names. Where entity is null the column has the placement's whole id. Null: any region.
   */
  readonly residency: { readonly entity: string | null; readonly by: string } | null;
  readonly strategy: RowStrategy;
  readonly deletion: DeletionRule;
  /** Whether the choices that a merge makes are written down as conflict records. */
  readonly record: boolean;
  /** The column that names who wrote the row last. */
  readonly author: string | null;
  /**
   * Whether tombstones go once every region has them. Only where no id is used twice: a row that is
   * made anew under the id of a collected one would meet copies of it that still have the old state.
   */
  readonly collect: boolean;
  /** By column, under "merge" only. A column that is not named is last-write-wins. */
  readonly fields: Readonly<Record<string, FieldPolicy>>;
}

const column = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, "not the name of a column");

const count = z.number().int().min(1).max(100).nullable().default(null);

const fieldSchema = z.strictObject({
  strategy: z.enum(REGISTER_STRATEGIES),
  quiet: z.boolean().default(false),
});

const policySchema = z
  .strictObject({
    topology: z.enum(TOPOLOGIES).default(STANDARD_DEFAULTS.topology),
    durability: z.enum(DURABILITIES).default(STANDARD_DEFAULTS.durability),
    write: count,
    read: count,
    residency: z.strictObject({ entity: column.nullable(), by: column }).nullable().default(null),
    strategy: z.enum(ROW_STRATEGIES).default("last-write-wins"),
    deletion: z.enum(DELETION_RULES).default("last-write"),
    record: z.boolean().default(true),
    author: column.nullable().default(null),
    collect: z.boolean().default(false),
    fields: z.record(column, fieldSchema).default({}),
  })
  .refine(({ strategy, fields }) => strategy === "merge" || Object.keys(fields).length === 0, {
    message: 'fields are declared under the strategy "merge" only',
    path: ["fields"],
  })
  .refine(({ fields }) => META_COLUMNS.every((meta) => !Object.hasOwn(fields, meta)), {
    message: `none of ${META_COLUMNS.join(", ")} is a field`,
    path: ["fields"],
  });

/** Fills in defaults. Throws a ZodError for what is no policy. */
export function parsePolicy(value: unknown): EntityPolicy {
  const { fields, ...policy } = policySchema.parse(value);
  return {
    ...policy,
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, { strategy, quiet }]): [string, FieldPolicy] => [
        name,
        quiet ? { strategy, quiet } : { strategy },
      ]),
    ),
  };
}

/** The one text of a policy: keys sorted, defaults filled in. */
export function policyJson(policy: EntityPolicy): string {
  return JSON.stringify(parsePolicy(policy), (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** Whether a database's declaration says what `policy` says. False for what is no policy. */
export function samePolicy(policy: EntityPolicy, declared: unknown): boolean {
  const parsed = policySchema.safeParse(declared);
  return parsed.success && policyJson(policy) === policyJson(parsed.data as EntityPolicy);
}

/**
 * Whether its rows need the column `merge`. A last write that wins as a whole is found in the row's
 * own stamp.
 */
export function hasState({ strategy, deletion }: EntityPolicy): boolean {
  return strategy !== "last-write-wins" || deletion !== "last-write";
}

/** The register that a column belongs to under this policy, and how that one is joined. */
export function fieldPolicy(policy: EntityPolicy, name: string): FieldPolicy {
  if (policy.strategy !== "merge") return { strategy: policy.strategy };
  return Object.hasOwn(policy.fields, name)
    ? (policy.fields[name] as FieldPolicy)
    : { strategy: "last-write-wins" };
}
