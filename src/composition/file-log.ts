import { ContainerModule } from 'inversify';
import { fileLogHost } from '../adapters/file-log/event-log.ts';
import type { Notice } from './notice.ts';
import { tokens } from './tokens.ts';

export const fileLog = ({ dir }: { readonly dir: string }, notice: Notice): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.logHost)
      .toResolvedValue(
        (clock) => fileLogHost({ dir, clock, onTorn: (torn) => notice('torn tail cut off', { ...torn }) }),
        [tokens.clock],
      )
      .inSingletonScope();
  });
