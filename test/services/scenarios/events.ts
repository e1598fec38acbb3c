/** URN of a made-up table. */
export const urnOf = (name: string): string => `urn:li:dataset:(urn:li:dataPlatform:hive,shop.${name},PROD)`;

/** An event as a client of the API sends it: the properties of the n-th table. */
export const tableEvent = (n: number, name = `t${n}`) => ({
  urn: urnOf(name),
  aspect: 'datasetProperties',
  value: { name, description: `the ${n}th table` },
});

export const tableEvents = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => tableEvent(from + n));
