import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { Fault } from '../domain/fault.ts';

/** Signature types of C2SP signed-note that are known here. */
const ed25519 = 0x01;
const cosignatureV1 = 0x04;
const rawBytes = 32;
const signatureBytes = 64;
const timeBytes = 8;

// What stands before the 32 raw bytes in PKCS #8 and SubjectPublicKeyInfo (RFC 8410).
const privatePrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const publicPrefix = Buffer.from('302a300506032b6570032100', 'hex');

/** Checks what one key signed. */
export interface NoteVerifier {
  readonly name: string;
  /** Four bytes that stand for name, type and key. */
  readonly keyId: Buffer;
  readonly kind: 'note' | 'cosignature';
  /** The text it was made from. */
  readonly vkey: string;
  /** `signature` as on its line, without the key id. */
  verify(text: string, signature: Uint8Array): boolean;
}

export interface NoteSigner {
  readonly name: string;
  readonly keyId: Buffer;
  /** For everybody: who holds it checks what this key signed. */
  readonly vkey: string;
  /** The same bytes for the same text, each time. */
  sign(text: string): Buffer;
}

/** A key's name: not empty, no white space, no `+`, no control character. */
export const isKeyName = (name: string): boolean => /^[^\s+\p{Cc}]+$/u.test(name) && name.isWellFormed();

/** SHA-256(name ‖ LF ‖ type ‖ public key), its first four bytes. */
const keyIdOf = (name: string, typed: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'buffer').subarray(0, 4);

const textKey = (name: string, typed: Uint8Array): string =>
  `${name}+${keyIdOf(name, typed).toString('hex')}+${Buffer.from(typed).toString('base64')}`;

const privateKeyOf = (seed: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([privatePrefix, seed]), format: 'der', type: 'pkcs8' });

const publicBytesOf = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(publicPrefix.length);

/** The text of a private key in Go's convention: `PRIVATE+KEY+<name>+<key id>+<base64 of type and seed>`. */
export function formatSkey(name: string, seed: Uint8Array): string {
  if (!isKeyName(name) || seed.length !== rawBytes) throw new RangeError('a key is a name and 32 bytes');
  const id = keyIdOf(name, typedPublic(ed25519, privateKeyOf(seed)));
  const typed = Buffer.concat([Buffer.of(ed25519), seed]);
  return `PRIVATE+KEY+${name}+${id.toString('hex')}+${typed.toString('base64')}`;
}

const typedPublic = (type: number, key: KeyObject): Buffer =>
  Buffer.concat([Buffer.of(type), publicBytesOf(key)]);

/** Ed25519 only. Throws `KEY_INVALID`; the text stands in no fault. */
export function parseSkey(skey: string): NoteSigner {
  const [, name, id, encoded] = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(skey) ?? [];
  const typed = decoded(encoded);
  if (name === undefined || !isKeyName(name) || typed === undefined)
    throw new Fault('KEY_INVALID', { reason: 'not a private key of a signed note' });
  if (typed[0] !== ed25519 || typed.length !== 1 + rawBytes)
    throw new Fault('KEY_INVALID', { reason: 'not an Ed25519 key' });
  const key = privateKeyOf(typed.subarray(1));
  const open = typedPublic(ed25519, key);
  const keyId = keyIdOf(name, open);
  if (keyId.toString('hex') !== id)
    throw new Fault('KEY_INVALID', { reason: 'its key id is of another key' });
  return { name, keyId, vkey: textKey(name, open), sign: (text) => sign(null, Buffer.from(text), key) };
}

/** Of a note (type 01) or a cosignature v1 (type 04), both Ed25519. Throws `KEY_INVALID`. */
export function parseVkey(vkey: string): NoteVerifier {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(vkey) ?? [];
  const typed = decoded(encoded);
  if (name === undefined || !isKeyName(name) || typed === undefined)
    throw new Fault('KEY_INVALID', { reason: 'not a public key of a signed note' });
  const type = typed[0];
  if ((type !== ed25519 && type !== cosignatureV1) || typed.length !== 1 + rawBytes)
    throw new Fault('KEY_INVALID', { reason: 'not an Ed25519 key', name });
  const keyId = keyIdOf(name, typed);
  if (keyId.toString('hex') !== id)
    throw new Fault('KEY_INVALID', { reason: 'its key id is of another key', name });
  const key = createPublicKey({
    key: Buffer.concat([publicPrefix, typed.subarray(1)]),
    format: 'der',
    type: 'spki',
  });
  const checks = (message: string, signature: Uint8Array): boolean =>
    signature.length === signatureBytes && verify(null, Buffer.from(message), key, signature);
  if (type === ed25519) return { name, keyId, kind: 'note', vkey, verify: checks };
  return {
    name,
    keyId,
    kind: 'cosignature',
    vkey,
    verify: (text, signature) =>
      signature.length === timeBytes + signatureBytes &&
      checks(cosigned(text, Buffer.from(signature).readBigUInt64BE()), signature.subarray(timeBytes)),
  };
}

const cosigned = (text: string, seconds: bigint): string => `cosignature/v1\ntime ${seconds}\n${text}`;

/**
 * A witness's signature of C2SP tlog-cosignature v1: `seconds` since 1970 as uint64 big-endian ‖ Ed25519 over the time and
 * the note's text. Gives its public key too, which has a type of its own and so another key id.
 */
export function cosign(
  { name, seed }: { readonly name: string; readonly seed: Uint8Array },
  text: string,
  seconds: number,
): { readonly vkey: string; readonly keyId: Buffer; readonly signature: Buffer } {
  const key = privateKeyOf(seed);
  const open = typedPublic(cosignatureV1, key);
  const time = Buffer.alloc(timeBytes);
  time.writeBigUInt64BE(BigInt(seconds));
  const signature = sign(null, Buffer.from(cosigned(text, BigInt(seconds))), key);
  return {
    vkey: textKey(name, open),
    keyId: keyIdOf(name, open),
    signature: Buffer.concat([time, signature]),
  };
}

/** Base64 with padding and nothing else; undefined for another spelling. */
export function decoded(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
