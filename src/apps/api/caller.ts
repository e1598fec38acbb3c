import type { FastifyRequest } from 'fastify';
import { Fault } from '../../domain/fault.ts';
import { localOwner, type Principal } from '../../domain/policy.ts';
import { principalOf, type Token } from './tokens.ts';

export interface Bind {
  /** `localhost` or an IP address, as it is given to `listen`. */
  readonly host: string;
}

export interface Callers {
  /** Throws `HOST_NOT_ALLOWED` or `ORIGIN_NOT_ALLOWED`: for every request, before anything is looked at. */
  admit(request: FastifyRequest): void;
  /** Throws `UNAUTHENTICATED`. */
  identify(request: FastifyRequest): Principal;
}

const loopbackHost = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[?::1\]?)$/i;

/**
 * Who calls. With tokens, only their holders. Without, on a loopback bind, whoever sits at this machine is its owner, as
 * long as the request names a loopback host and comes from no page of another origin: a name that an attacker points at
 * 127.0.0.1 is neither. Throws `BIND_NEEDS_TOKENS` for any other bind without tokens.
 */
export function callersOf(bind: Bind, tokens: readonly Token[] | undefined): Callers {
  if (tokens !== undefined) return { admit: () => undefined, identify: (request) => bearer(request, tokens) };
  if (!loopbackHost.test(bind.host)) throw new Fault('BIND_NEEDS_TOKENS', { host: bind.host });
  return { admit: admitLocal, identify: () => localOwner };
}

function admitLocal({ headers }: FastifyRequest): void {
  const { host = '', origin } = headers;
  const name = host.replace(/:[0-9]{1,5}$/, '');
  if (!loopbackHost.test(name)) throw new Fault('HOST_NOT_ALLOWED', { host: host.slice(0, 256) });
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    throw new Fault('ORIGIN_NOT_ALLOWED', { origin: origin.slice(0, 256) });
}

const bearerText = /^Bearer +([A-Za-z0-9._~+/=-]{1,4096}) *$/i;

const basicText = /^Basic +([A-Za-z0-9+/]{1,8192}={0,2}) *$/i;

/** The password of basic authentication; its user name says nothing. */
function passwordIn(authorization: string): string | undefined {
  const text = Buffer.from(basicText.exec(authorization)?.[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : text.slice(colon + 1);
}

function bearer({ headers, routeOptions }: FastifyRequest, tokens: readonly Token[]): Principal {
  const { authorization = '' } = headers;
  const basic = routeOptions.config.basic === true ? passwordIn(authorization) : undefined;
  const token = bearerText.exec(authorization)?.[1] ?? basic;
  const principal = token === undefined ? undefined : principalOf(tokens, token);
  if (principal === undefined)
    throw new Fault('UNAUTHENTICATED', {
      reason: headers.authorization === undefined ? 'no token was sent' : 'this token is not known here',
    });
  return principal;
}
