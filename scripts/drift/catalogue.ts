import { createHash } from "node:crypto";
import type { ClientBase } from "pg";

/** What a database is made of: "function mr.stamp()" → hash of its definition. */
export type Catalogue = ReadonlyMap<string, string>;

const OUR_SCHEMAS = "n.nspname IN ('public', 'mr')";

/** Owners are called differently on every host: only the roles that migrations create matter. */
const OUR_ROLES = "r.rolname IN ('meridian_app', 'mr_apply', 'mr_peer')";

/**
 * Functions (and procedures) of ours: no aggregates, nothing of an extension, and not the two that
 * mr.init_region writes anew in each region with that region's own name in them.
 */
const OUR_FUNCTIONS = `${OUR_SCHEMAS} AND p.prokind IN ('f', 'p')
  AND (n.nspname, p.proname) NOT IN (('mr', 'local_region'), ('mr', 'local_actor'))
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')`;

/** One query per kind of object, each giving a `name` and a `definition`. */
const QUERIES: readonly string[] = [
  `SELECT format('function %s', p.oid::regprocedure) AS name,
          concat_ws(' owner ', pg_get_functiondef(p.oid),
                    CASE WHEN ${OUR_ROLES} THEN r.rolname END) AS definition
   FROM pg_proc p
   JOIN pg_namespace n ON n.oid = p.pronamespace
   JOIN pg_roles r ON r.oid = p.proowner
   WHERE ${OUR_FUNCTIONS}`,

  // A trigger that is switched off has the same definition as one that is on.
  `SELECT format('trigger %I on %s', t.tgname, t.tgrelid::regclass) AS name,
          format('%s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled) AS definition
   FROM pg_trigger t
   JOIN pg_class c ON c.oid = t.tgrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT t.tgisinternal AND ${OUR_SCHEMAS}`,

  // The order counts: the binary form of a composite value follows it.
  `SELECT format('column %s.%I', c.oid::regclass, a.attname) AS name,
          concat_ws(' ', row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
                    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                    a.attgenerated, pg_get_expr(d.adbin, d.adrelid)) AS definition
   FROM pg_attribute a
   JOIN pg_class c ON c.oid = a.attrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace
   LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'c')
     AND ${OUR_SCHEMAS}`,

  `SELECT format('index %s', i.indexrelid::regclass) AS name,
          concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid) AS definition
   FROM pg_index i
   JOIN pg_class c ON c.oid = i.indexrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OUR_SCHEMAS}`,

  `SELECT format('constraint %I on %s', k.conname, k.conrelid::regclass) AS name,
          pg_get_constraintdef(k.oid) AS definition
   FROM pg_constraint k
   JOIN pg_namespace n ON n.oid = k.connamespace
   WHERE k.conrelid <> 0 AND ${OUR_SCHEMAS}`,

  `SELECT format('view %s', c.oid::regclass) AS name, pg_get_viewdef(c.oid) AS definition
   FROM pg_class c
   JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('v', 'm') AND ${OUR_SCHEMAS}`,

  `SELECT format('enum %s', t.oid::regtype) AS name,
          string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) AS definition
   FROM pg_type t
   JOIN pg_enum e ON e.enumtypid = t.oid
   JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE ${OUR_SCHEMAS}
   GROUP BY t.oid`,

  // A grant too many breaks a promise as well as a missing trigger does.
  `SELECT format('privileges of %s on %s', r.rolname, c.oid::regclass) AS name,
          string_agg(x.privilege_type, ',' ORDER BY x.privilege_type) AS definition
   FROM pg_class c
   JOIN pg_namespace n ON n.oid = c.relnamespace
   CROSS JOIN aclexplode(c.relacl) x
   JOIN pg_roles r ON r.oid = x.grantee
   WHERE ${OUR_ROLES} AND ${OUR_SCHEMAS}
   GROUP BY r.rolname, c.oid`,

  `SELECT format('privileges of %s on function %s', coalesce(r.rolname, 'public'),
                 p.oid::regprocedure) AS name,
          string_agg(x.privilege_type, ',' ORDER BY x.privilege_type) AS definition
   FROM pg_proc p
   JOIN pg_namespace n ON n.oid = p.pronamespace
   CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
   LEFT JOIN pg_roles r ON r.oid = x.grantee
   WHERE (x.grantee = 0 OR ${OUR_ROLES}) AND ${OUR_FUNCTIONS}
   GROUP BY r.rolname, p.oid`,
];

/** Policies are rows, and as much a part of what the database does as its functions. */
const POLICIES = `SELECT format('policy of %s', e.name) AS name,
  concat_ws(' ', e.policy, e.registers) AS definition FROM mr.entity e`;

const hash = (definition: string) => createHash("sha256").update(definition).digest("hex");

/** Reads everything that a migration can make, apart from rows; of those, the entities' policies. */
export async function readCatalogue(client: ClientBase): Promise<Catalogue> {
  const catalogue = new Map<string, string>();
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    // With nothing else on the path every printed name carries its schema, on every host.
    await client.query("SET LOCAL search_path = pg_catalog");
    for (const query of QUERIES) {
      const { rows } = await client.query<{ name: string; definition: string }>(query);
      for (const row of rows) catalogue.set(row.name, hash(row.definition));
    }
    const { rows: found } = await client.query<{ exists: boolean }>(
      "SELECT to_regprocedure('mr.declare(text,jsonb)') IS NOT NULL AS exists",
    );
    if (found[0]?.exists) {
      const { rows } = await client.query<{ name: string; definition: string }>(POLICIES);
      for (const row of rows) catalogue.set(row.name, hash(row.definition));
    }
  } finally {
    await client.query("ROLLBACK");
  }
  return catalogue;
}
