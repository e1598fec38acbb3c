import { ContainerModule } from 'inversify';
import { systemClock } from '../adapters/system/clock.ts';
import { tokens } from './tokens.ts';

export const system = (): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.clock).toConstantValue(systemClock);
  });
