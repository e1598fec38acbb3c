import { join } from 'node:path';
import { runToEnd } from './native/commands.ts';
import { findJdk } from './native/java.ts';

export const storePassword = 'changeit';

/** A private authority, and a certificate of it for 127.0.0.1; the tools are the JDK's. */
export async function certificates(dir: string): Promise<{ keystore: string; caFile: string }> {
  const { home } = await findJdk(17);
  const keytool = (...args: string[]) =>
    runToEnd(join(home, 'bin', 'keytool'), [...args, '-storepass', storePassword, '-noprompt'], {
      waitMs: 60_000,
    });
  const [ca, keystore] = [join(dir, 'ca.p12'), join(dir, 'broker.p12')];
  const [caFile, request, signed] = ['ca.pem', 'broker.csr', 'broker.pem'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const pair = ['-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2'];
  await keytool(...pair, '-keystore', ca, '-alias', 'ca', '-dname', 'CN=a private CA', '-ext', 'bc:c');
  await keytool('-exportcert', '-rfc', '-keystore', ca, '-alias', 'ca', '-file', caFile);
  await keytool(...pair, '-keystore', keystore, '-alias', 'broker', '-dname', 'CN=broker');
  await keytool('-certreq', '-keystore', keystore, '-alias', 'broker', '-file', request);
  const named = ['-ext', 'san=ip:127.0.0.1', '-validity', '2', '-rfc'];
  await keytool(
    '-gencert',
    '-keystore',
    ca,
    '-alias',
    'ca',
    '-infile',
    request,
    '-outfile',
    signed,
    ...named,
  );
  await keytool('-importcert', '-keystore', keystore, '-alias', 'ca', '-file', caFile);
  await keytool('-importcert', '-keystore', keystore, '-alias', 'broker', '-file', signed);
  return { keystore, caFile };
}
