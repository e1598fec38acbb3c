import { ContainerModule } from 'inversify';
import { systemClock } from '../adapters/system/clock.ts';
import type { Clock } from '../ports/clock.ts';
import { tokens } from './tokens.ts';

export const system = (): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(tokens.clock).toConstantValue(systemClock);
  });

/** The clock of this machine, for what needs time before there are ports. */
export const machineClock: Clock = systemClock;
