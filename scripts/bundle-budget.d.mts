export interface FirstLoad {
  route: string;
  bytes: number;
}

export const BUDGETS_KB: Readonly<Record<string, number>>;
export function measureBundles(distDir: string): FirstLoad[];
export function checkBudgets(
  measured: readonly FirstLoad[],
  budgetsKb?: Readonly<Record<string, number>>,
): { lines: string[]; complaints: string[] };
export function reportBudgets(distDir: string): boolean;
