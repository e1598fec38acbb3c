import type { ColumnProfile } from '../../domain/table-profile.ts';
import type { ParquetElement } from './parquet-footer.ts';
import type { TimeUnit } from './parquet-meaning.ts';

/** Of one leaf, all row groups together; what one of them does not tell is not known of all. */
export type ColumnStatistics = Omit<ColumnProfile, 'name'>;

/** A value that can be compared with others of its column. */
type Bound = number | bigint;

interface Gathered {
  nulls: number | undefined;
  min: Bound | undefined;
  max: Bound | undefined;
  /** A row group with values told no bounds, or such as cannot be compared. */
  unbound: boolean;
}

/** Gathers statistics of row groups; memory grows with the leaves only. */
export function statisticsOf(leaves: readonly ParquetElement[]) {
  const all = leaves.map((): Gathered => ({ nulls: 0, min: undefined, max: undefined, unbound: false }));
  return {
    /** `stats`: fields of Thrift's `Statistics` by their numbers. */
    take(leaf: number, values: number, stats: ReadonlyMap<number, Buffer | number>): void {
      const [element, known] = [leaves[leaf], all[leaf]];
      if (element === undefined || known === undefined) return;
      const nulls = stats.get(3);
      const isCount = typeof nulls === 'number' && nulls >= 0 && nulls <= values;
      known.nulls = isCount && known.nulls !== undefined ? known.nulls + nulls : undefined;
      if (values === 0 || nulls === values) return;
      const [min, max] = [
        boundOf(element, stats.get(6), stats.get(2)),
        boundOf(element, stats.get(5), stats.get(1)),
      ];
      if (min === undefined || max === undefined) known.unbound = true;
      else {
        known.min = known.min === undefined || min < known.min ? min : known.min;
        known.max = known.max === undefined || max > known.max ? max : known.max;
      }
    },
    told: (): ColumnStatistics[] =>
      leaves.map((element, leaf) => {
        const { nulls, min, max, unbound } = all[leaf]!;
        const [low, high] = unbound ? [] : [textOf(element, min), textOf(element, max)];
        return {
          ...(nulls === undefined ? {} : { nulls }),
          ...(low === undefined || high === undefined ? {} : { min: low, max: high }),
        };
      }),
  };
}

const isUnsigned = ({ meaning }: ParquetElement): boolean => meaning?.kind === 'integer' && !meaning.signed;

/** `value`, else `old`: bounds of before 2017 are only right where bytes and values have the same order. */
function boundOf(
  element: ParquetElement,
  value: Buffer | number | undefined,
  old: Buffer | number | undefined,
): Bound | undefined {
  const bytes = value ?? (isUnsigned(element) || element.physical?.endsWith('array') ? undefined : old);
  return typeof bytes === 'object' ? valueIn(element, bytes) : undefined;
}

/** Numbers, times and truth values. Text and bytes may be about somebody, and are left where they are. */
function valueIn(element: ParquetElement, bytes: Buffer): Bound | undefined {
  const { physical, meaning } = element;
  const unsigned = isUnsigned(element);
  switch (physical) {
    case 'boolean':
      return bytes.length === 1 && bytes[0]! <= 1 ? bytes[0]! : undefined;
    case 'int32':
      if (bytes.length !== 4) return undefined;
      return unsigned ? bytes.readUInt32LE() : bytes.readInt32LE();
    case 'int64':
      if (bytes.length !== 8) return undefined;
      return unsigned ? bytes.readBigUInt64LE() : bytes.readBigInt64LE();
    case 'float':
      return bytes.length === 4 ? ordered(bytes.readFloatLE()) : undefined;
    case 'double':
      return bytes.length === 8 ? ordered(bytes.readDoubleLE()) : undefined;
    case 'byte_array':
    case 'fixed_len_byte_array':
      return meaning?.kind === 'decimal' && bytes.length > 0 && bytes.length <= 32
        ? signed(bytes)
        : undefined;
    default:
      return undefined;
  }
}

const ordered = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

/** Big-endian, two's complement. */
function signed(bytes: Buffer): bigint {
  const value = BigInt(`0x${bytes.toString('hex')}`);
  return bytes[0]! < 0x80 ? value : value - (1n << BigInt(8 * bytes.length));
}

const perSecond: Readonly<Record<TimeUnit, bigint>> = {
  millis: 1_000n,
  micros: 1_000_000n,
  nanos: 1_000_000_000n,
};
const secondsMax = 8_640_000_000_000n;
const daysMax = 100_000_000;

/** A footer may call a fraction a decimal or a time. */
const isWhole = (bound: Bound): boolean => typeof bound === 'bigint' || Number.isInteger(bound);

function textOf({ physical, meaning }: ParquetElement, bound: Bound | undefined): string | undefined {
  if (bound === undefined) return undefined;
  switch (meaning?.kind) {
    case 'decimal':
      return isWhole(bound) ? decimalText(BigInt(bound), meaning.scale) : undefined;
    case 'date':
      return typeof bound === 'number' && Math.abs(bound) <= daysMax
        ? new Date(bound * 86_400_000).toISOString().replace(/T.*$/, '')
        : undefined;
    case 'timestamp':
      if (!isWhole(bound)) return undefined;
      return momentText(BigInt(bound), perSecond[meaning.unit], meaning.utc ? 'Z' : '');
    case 'time':
      return undefined;
    default:
      if (physical === 'boolean') return bound === 1 ? 'true' : 'false';
      return typeof bound === 'number' && Object.is(bound, -0) ? '0' : String(bound);
  }
}

/** A scale beyond 76 digits is of no decimal that an engine writes. */
function decimalText(value: bigint, scale: number): string | undefined {
  if (scale < 0 || scale > 76) return undefined;
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${value < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

/** ISO 8601 with as many digits behind the second as there are. */
function momentText(value: bigint, unit: bigint, zone: string): string | undefined {
  const seconds = value / unit - (value % unit < 0n ? 1n : 0n);
  if (seconds > secondsMax || seconds < -secondsMax) return undefined;
  const rest = value - seconds * unit;
  const second = new Date(Number(seconds) * 1_000).toISOString().replace(/\.\d+Z$/, '');
  const part =
    rest === 0n
      ? ''
      : `.${rest
          .toString()
          .padStart(unit.toString().length - 1, '0')
          .replace(/0+$/, '')}`;
  return `${second}${part}${zone}`;
}
