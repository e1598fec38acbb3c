import type { PortSettings } from '../composition/settings.ts';
import type { Fault, FaultCode } from '../domain/fault.ts';
import type { LaneAnswer } from '../streams/verify-lane-task.ts';

/** Where a thread finds an archive: a folder, or what its port is opened with. */
export type ArchivePlace = { readonly folder: string } | { readonly settings: PortSettings };

/** What a thread tells that looks at a lane: how far it came, at last what it found, or what it failed of. */
export type LaneNews =
  | { readonly records: number; readonly bytes: number }
  | { readonly answer: LaneAnswer }
  | { readonly fault: FaultCode; readonly facts: Fault['facts'] };
