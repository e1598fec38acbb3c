/** What can be asked for. `publish` and `read` are per namespace; `operate` is rebuild, verify and configuration. */
export type Action = 'publish' | 'read' | 'operate';

export interface Grant {
  readonly actions: readonly Action[];
  /** A namespace, or `*` for all. */
  readonly namespace: string;
}

/**
 * Who was authenticated. `name` never changes for one caller: `local:owner`, `token:<name>`, `oidc:<tenant>/<subject>`,
 * `bridge:<dialect>`.
 */
export interface Principal {
  readonly name: string;
  readonly grants: readonly Grant[];
}

export const localOwner: Principal = {
  name: 'local:owner',
  grants: [{ actions: ['publish', 'read', 'operate'], namespace: '*' }],
};

/** The one decision about every read and write: default deny. `operate` needs a grant for all namespaces. */
export const allows = (principal: Principal, action: Action, namespace: string): boolean =>
  principal.grants.some(
    (grant) => grant.actions.includes(action) && (grant.namespace === '*' || grant.namespace === namespace),
  );

/** The namespaces in which `principal` may do `action`; `'all'` where a grant names `*`. */
export function namespacesFor(principal: Principal, action: Action): 'all' | readonly string[] {
  const granted = principal.grants.filter((grant) => grant.actions.includes(action));
  if (granted.some((grant) => grant.namespace === '*')) return 'all';
  return [...new Set(granted.map((grant) => grant.namespace))].sort();
}
