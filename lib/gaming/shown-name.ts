const NAME_MAX = 100;

/**
 * As a player is shown on the board.
 *
 * @throws RangeError for a name without letters, or with a character that cannot be stored
 */
export function toShownName(name: string): string {
  const shown = name.trim().slice(0, NAME_MAX).toWellFormed();
  if (shown === "" || shown.includes("\0")) throw new RangeError("Not a name");
  return shown;
}
