import type { Draw } from './draw.ts';

export const two = (n: number): string => String(n).padStart(2, '0');
export const money = (cents: number): string => `${Math.floor(cents / 100)}.${two(cents % 100)}`;
export const months = ['2025-07', '2025-08', '2025-09', '2025-10', '2025-11', '2025-12'] as const;
export const towns = [
  ['DE', '04109', 'Leipzig'],
  ['DE', '20095', 'Hamburg'],
  ['FR', '69001', 'Lyon'],
  ['DK', '1050', 'København'],
  ['CZ', '110 00', 'Praha'],
] as const;
export const stations = ['LEJ', 'HAM', 'LYS', 'CPH', 'PRG'] as const;
export const customerCount = 240;
export const customerId = (n: number): string => `C-${String(n + 1).padStart(5, '0')}`;
export const moment = (draw: Draw, month: string): string =>
  `${month}-${two(1 + draw.below(28))}T${two(draw.below(24))}:${two(draw.below(60))}:${two(draw.below(60))}Z`;

export const rows = <T>(count: number, row: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => row(i));

/** Contents of the lake by path. */
export type Files = Map<string, string>;
