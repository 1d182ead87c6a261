import { SelectField } from "@/components/ui/field";

/** A configured place and the regions that belong to it. */
export interface Place {
  name: string;
  regions: readonly string[];
}

/** Every region is the empty value. */
export function PlaceField({
  places,
  defaultValue,
  error,
  hint = "Where it is not kept, no copy of it is stored. It can still be read from there, across.",
}: {
  places: readonly Place[];
  defaultValue: string;
  error?: string | undefined;
  hint?: string;
}) {
  return (
    <SelectField
      key={defaultValue}
      label="Kept in"
      name="residency"
      defaultValue={defaultValue}
      error={error}
      hint={hint}
    >
      <option value="">Every region</option>
      {places.map(({ name, regions }) => (
        <option key={name} value={name}>
          {name.toUpperCase()} only: {regions.join(", ")}
        </option>
      ))}
    </SelectField>
  );
}
