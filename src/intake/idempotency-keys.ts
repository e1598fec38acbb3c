import { hash } from 'node:crypto';

/** The last Idempotency-Keys of each principal, with the hash of the body that was sent under them. */
export interface IdempotencyKeys {
  /** Whether this body may be sent under this key: it is new, or was sent with the same body. */
  fits(principal: string, key: string, body: Uint8Array): boolean;
  note(principal: string, key: string, body: Uint8Array): void;
}

const keyText = /^[\u0020-\u007e]{1,256}$/;

/** 1 to 256 printable ASCII characters. */
export const isIdempotencyKey = (key: string): boolean => keyText.test(key);

/** Remembers `keysMax` keys, the oldest forgotten first; some 300 bytes each. */
export function idempotencyKeys(keysMax: number): IdempotencyKeys {
  const bodies = new Map<string, string>();
  const nameOf = (principal: string, key: string): string => `${principal}\n${key}`;
  return {
    fits(principal, key, body) {
      const known = bodies.get(nameOf(principal, key));
      return known === undefined || known === hash('sha256', body, 'base64url');
    },
    note(principal, key, body) {
      const name = nameOf(principal, key);
      if (bodies.has(name)) return;
      bodies.set(name, hash('sha256', body, 'base64url'));
      if (bodies.size > keysMax) bodies.delete(bodies.keys().next().value!);
    },
  };
}
