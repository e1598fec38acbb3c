/** First rule whose `match` finds the URN decides; `namespace` may use `$1` … of the match. */
export interface NamespaceRule {
  readonly match: RegExp;
  readonly namespace: string;
}

/** Where no rule matches, or a rule yields something that is no namespace. */
export const defaultNamespace = 'default';

/** A dataset `shop.orders` or `shop/orders` belongs to `shop`; flows, jobs, runs and products likewise. */
export const defaultNamespaceRules: readonly NamespaceRule[] = [
  { match: /^urn:li:dataset:\(urn:li:dataPlatform:[^,]+,([^.,/]+)[./]/u, namespace: '$1' },
  { match: /^urn:li:dataFlow:\([^,]+,([^.,/]+)[.,/]/u, namespace: '$1' },
  { match: /^urn:li:dataJob:\(urn:li:dataFlow:\([^,]+,([^.,/]+)[.,/]/u, namespace: '$1' },
  {
    match: /^urn:li:(?:dataProduct|dataContract|container|dataProcessInstance|domain):([^.:/]+)[./]/u,
    namespace: '$1',
  },
];

/** What a namespace may be called. */
export const namespaceText = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/u;

/** The one namespace of a URN. The same rules give the same answer: no clock, no state. */
export function namespaceOf(urn: string, rules: readonly NamespaceRule[]): string {
  for (const { match, namespace } of rules) {
    const found = match.exec(urn);
    if (found === null) continue;
    const text = namespace.replace(/\$([1-9])/gu, (_, group: string) => found[Number(group)] ?? '');
    return namespaceText.test(text) ? text : defaultNamespace;
  }
  return defaultNamespace;
}
