import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../native/ports.ts';
import { certificates, storePassword } from '../../private-authority.ts';
import type { RunningServer } from '../../running-server.ts';
import { startServer } from '../../servers.ts';

/** A broker that asks who is there. */
export interface SecuredBroker extends AsyncDisposable {
  readonly server: RunningServer;
  /** Addresses of its listeners. */
  readonly plain: string;
  readonly plainOverTls: string;
  readonly bearer: string;
  readonly bearerOverTls: string;
  /** SCRAM with SHA-256 or SHA-512, in clear. */
  readonly scram: string;
  /** PEM of the private authority that vouches for it. */
  readonly caFile: string;
  readonly dir: string;
}

export const user = { username: 'ann', password: 'tip-of-the-tongue' } as const;
export const connectionString =
  'Endpoint=sb://127.0.0.1/;SharedAccessKeyName=annal;SharedAccessKey=bmV2ZXItdG8tYmUtc2Vlbg==';
/** A login on a listener for tokens is given up so long after it was made, if it is not renewed. */
const reauthenticateMs = 60_000;
const scramMechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Apache Kafka as a process, with listeners that ask for SASL, in clear and over TLS of a private authority. */
export async function securedBroker(): Promise<SecuredBroker> {
  const dir = await mkdtemp(join(tmpdir(), 'annal-secured-'));
  const { keystore, caFile } = await certificates(dir);
  const names = ['PLAIN', 'PLAINTLS', 'BEARER', 'BEARERTLS', 'SCRAM'] as const;
  const ports = await freePorts(names.length);
  const login = 'org.apache.kafka.common.security';
  const plainLogin =
    `${login}.plain.PlainLoginModule required user_${user.username}="${user.password}" ` +
    `user_$ConnectionString="${connectionString}";`;
  // Tokens without a signature: who issued them is not looked at, only what they say and until when.
  const bearerLogin = `${login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`;
  const settings = Object.fromEntries(
    names.flatMap((name) => {
      const at = `listener.name.${name.toLowerCase()}`;
      if (name === 'SCRAM')
        return [
          [`${at}.sasl.enabled.mechanisms`, scramMechanisms.join()],
          ...scramMechanisms.map((mechanism) => [
            `${at}.${mechanism.toLowerCase()}.sasl.jaas.config`,
            `${login}.scram.ScramLoginModule required;`,
          ]),
        ];
      const mechanism = name.startsWith('PLAIN') ? 'PLAIN' : 'OAUTHBEARER';
      const own = `${at}.${mechanism.toLowerCase()}`;
      return [
        [`${at}.sasl.enabled.mechanisms`, mechanism],
        [`${own}.sasl.jaas.config`, mechanism === 'PLAIN' ? plainLogin : bearerLogin],
        ...(mechanism === 'PLAIN' ? [] : [[`${own}.connections.max.reauth.ms`, String(reauthenticateMs)]]),
        ...(name.endsWith('TLS')
          ? [
              [`${at}.ssl.keystore.location`, keystore],
              [`${at}.ssl.keystore.password`, storePassword],
              [`${at}.ssl.key.password`, storePassword],
              [`${at}.ssl.keystore.type`, 'PKCS12'],
            ]
          : []),
      ];
    }),
  );
  const protocols = names.map((name) => `${name}:SASL_${name.endsWith('TLS') ? 'SSL' : 'PLAINTEXT'}`);
  const server = await startServer('kafka', {
    own: true,
    route: 'native',
    scramUsers: { [user.username]: user.password },
    listeners: Object.fromEntries(names.map((name, i) => [name, ports[i]!])),
    settings: {
      ...settings,
      'listener.security.protocol.map': ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...protocols].join(),
    },
  });
  const [plain, plainOverTls, bearer, bearerOverTls, scram] = ports.map((port) => `127.0.0.1:${port}`) as [
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    ...{ server, plain, plainOverTls, bearer, bearerOverTls, scram, caFile, dir },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A token that says who and until when, as Kafka's unsecured validator takes it. */
export function tokenOf(lastsMs: number, subject = 'annal'): string {
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const now = Date.now() / 1_000;
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now - 1, exp: now + lastsMs / 1_000 })}.`;
}
