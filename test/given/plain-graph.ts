/** A table is made from these from now on; null: it is deleted. */
export interface Statement {
  readonly of: string;
  readonly from: readonly string[] | null;
}

export interface PlainNode {
  readonly urn: string;
  is: string;
  up?: number;
  down?: number;
}

export interface PlainGraph {
  readonly nodes: PlainNode[];
  readonly edges: { readonly from: string; readonly to: string }[];
}

/** Lineage after these statements by walking over a Map; undefined where nothing is known of `start`. */
export function plainLineage(
  statements: readonly Statement[],
  start: string,
  depth: number,
): PlainGraph | undefined {
  const known = new Map<string, readonly string[] | null>();
  for (const { of, from } of statements) known.set(of, from);
  const all = [...known].flatMap(([to, from]) => (from ?? []).map((one) => ({ from: one, to })));
  const nodes = new Map<string, PlainNode>();
  const edges = new Set<(typeof all)[number]>();
  const node = (urn: string): PlainNode => {
    const found = nodes.get(urn) ?? {
      urn,
      is: !known.has(urn) ? 'unknown' : known.get(urn) === null ? 'deleted' : 'live',
    };
    nodes.set(urn, found);
    return found;
  };
  for (const way of ['up', 'down'] as const) {
    const [near, far] = way === 'up' ? (['to', 'from'] as const) : (['from', 'to'] as const);
    node(start)[way] = 0;
    for (let step = 0; step < depth; step += 1)
      for (const edge of all) {
        if (nodes.get(edge[near])?.[way] !== step) continue;
        edges.add(edge);
        node(edge[far])[way] ??= step + 1;
      }
  }
  if (edges.size === 0 && node(start).is === 'unknown') return undefined;
  return { nodes: [...nodes.values()], edges: [...edges] };
}
