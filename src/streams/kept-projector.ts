import { predecessor } from './kept-indexes.ts';
import { type Projector, type ProjectorOptions, startProjector } from './projector.ts';

/**
 * Follows the log with the index that served before, by the fold that made it, for as long as one is kept: the way back leads to
 * what is up to date. Its group is of readers of its own, `<group>.kept`.
 */
export const startKeptProjector = (options: Omit<ProjectorOptions, 'find' | 'build'>): Projector =>
  startProjector({
    ...options,
    group: `${options.group}.kept`,
    find: async () => (await predecessor(options, options.projection))?.index,
    build: (signal) => options.clock.wait(options.lookMs, signal),
  });
