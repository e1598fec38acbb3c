import type { Session } from './session.ts';

export interface Progress extends AsyncDisposable {
  /** `total` 0: not known. */
  show(what: string, done: number, total: number, rates?: string): void;
}

const lineEveryMs = 5_000;

/**
 * A bar where a person watches stderr, elsewhere a line every 5 s; nothing under `--quiet`. `rated`: rates and the time left are
 * told with each step.
 */
export async function openProgress(session: Session, rated = false): Promise<Progress> {
  if (session.quiet) return { show: () => undefined, [Symbol.asyncDispose]: async () => undefined };
  return session.io.stderr.isTTY === true ? bar(session, rated) : lines(session);
}

const share = (done: number, total: number): string =>
  total === 0
    ? done.toLocaleString('en')
    : `${done.toLocaleString('en')} of ${total.toLocaleString('en')} (${Math.floor((100 * done) / total)} %)`;

function lines(session: Session): Progress {
  let next = Date.now() + lineEveryMs;
  return {
    show(what, done, total, rates = '') {
      if (Date.now() < next) return;
      next = Date.now() + lineEveryMs;
      session.note(`${what}: ${share(done, total)}${rates === '' ? '' : ` · ${rates}`}`);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function bar({ io }: Session, rated: boolean): Promise<Progress> {
  const { SingleBar, Presets } = await import('cli-progress');
  const shown = new SingleBar(
    {
      stream: io.stderr,
      clearOnComplete: true,
      hideCursor: true,
      format: `{what} {bar} {value}/{total}${rated ? '{rates}' : ' · {eta_formatted} left'}`,
      etaBuffer: 50,
    },
    Presets.shades_classic,
  );
  let current: string | undefined;
  return {
    show(what, done, total, told = '') {
      const rates = told === '' ? '' : ` · ${told}`;
      if (current !== what) {
        if (current !== undefined) shown.stop();
        shown.start(Math.max(total, 1), done, { what, rates });
        current = what;
      } else {
        shown.setTotal(Math.max(total, done, 1));
        shown.update(done, { rates });
      }
    },
    async [Symbol.asyncDispose]() {
      shown.stop();
    },
  };
}
