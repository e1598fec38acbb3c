import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { aptInstallFirst } from './apt.ts';
import { isProgram, oneAtATime, onPath } from './commands.ts';

/** A Java development kit: its folder and the major version its `release` file tells. */
export interface Jdk {
  readonly home: string;
  readonly major: number;
}

const installFolders = ['/usr/lib/jvm', '/opt/java', '/Library/Java/JavaVirtualMachines'];
const packages = ['openjdk-25-jdk-headless', 'openjdk-21-jdk-headless', 'temurin-25-jdk', 'temurin-21-jdk'];
const inTurn = oneAtATime();

function jdkAt(home: string): Jdk | undefined {
  const release = join(home, 'release');
  if (
    !isProgram(join(home, 'bin', 'java')) ||
    !isProgram(join(home, 'bin', 'javac')) ||
    !existsSync(release)
  ) {
    return undefined;
  }
  const major = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1];
  return major === undefined ? undefined : { home: realpathSync(home), major: Number(major) };
}

function* homes(): Generator<string> {
  if (process.env.JAVA_HOME) yield process.env.JAVA_HOME;
  const java = onPath('java');
  if (java !== undefined) yield dirname(dirname(realpathSync(java)));
  for (const folder of installFolders.filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder).sort()) {
      yield join(folder, name);
      yield join(folder, name, 'Contents', 'Home');
    }
  }
}

/**
 * A JDK of at least `majorMin`: JAVA_HOME when new enough, else the oldest that suffices among PATH and the folders
 * where systems install them, else one installed by apt (Debian, root). Fails with what was found and what to install.
 */
export function findJdk(majorMin: number): Promise<Jdk> {
  return inTurn(async () => {
    const installed = findInstalled(majorMin);
    if (installed !== undefined) return installed;
    const added = await aptInstallFirst(packages);
    const found = findInstalled(majorMin);
    if (found !== undefined) return found;
    const seen = [...homes()]
      .flatMap((home) => jdkAt(home) ?? [])
      .map(({ home, major }) => `${major} in ${home}`);
    throw new Error(
      `a JDK of version ${majorMin} or newer is needed and none was found ` +
        `(found: ${[...new Set(seen)].join(', ') || 'none'}${added ? `; apt installed ${added}` : ''}). ` +
        'Install one, for example Eclipse Temurin 25, and set JAVA_HOME to it.',
    );
  });
}

function findInstalled(majorMin: number): Jdk | undefined {
  const enough = [...homes()].flatMap((home) => jdkAt(home) ?? []).filter(({ major }) => major >= majorMin);
  const chosen = process.env.JAVA_HOME === undefined ? undefined : jdkAt(process.env.JAVA_HOME);
  if (chosen !== undefined && chosen.major >= majorMin) return chosen;
  return enough.sort((a, b) => a.major - b.major)[0];
}
