import type { Source } from '../../src/domain/event.ts';

/** Who says it: whom the event names, who was authenticated, and with what it was sent. */
export interface Author {
  readonly actor: string;
  readonly recordedBy: string;
  readonly source: Source | null;
}

/** Persons and groups appear by opaque ids only. */
export const person = (id: string): string => `urn:li:corpuser:${id}`;
export const group = (id: string): string => `urn:li:corpGroup:${id}`;

/** The cast, by what they do. */
export const people = {
  governance: person('u-0100'),
  privacy: person('u-0118'),
  shopOrders: person('u-0142'),
  shopCatalogue: person('u-0133'),
  /** Leaves in January 2026. */
  shopLogistics: person('u-0107'),
  /** Takes over from u-0107. */
  shopSuccessor: person('u-0173'),
  billing: person('u-0160'),
  billingLedger: person('u-0151'),
  support: person('u-0126'),
  supportReports: person('u-0184'),
  finance: person('u-0191'),
  financeReports: person('u-0195'),
  platform: person('u-0112'),
} as const;

/** Somebody at the page of the catalog. */
export const atThePage = (actor: string): Author => ({
  actor,
  recordedBy: 'token:catalog-page',
  source: null,
});

/** The owner of the installation at the command line. */
export const atTheCommandLine = (actor: string): Author => ({
  actor,
  recordedBy: 'local:owner',
  source: { plugin: 'cli', version: '0.1.0', runId: '', foreign: new Map() },
});

/** A program with a token of its own. */
export const program = (name: string, runId: string, actor = person(`svc-${name}`)): Author => ({
  actor,
  recordedBy: `token:${name}`,
  source: { plugin: name, version: '1.4.0', runId, foreign: new Map() },
});

/** A record of DataHub's topic, taken over by the bridge. Where it stood there is for the scribe to say. */
export const throughDataHub = (runId: string): Author => ({
  actor: person('svc-datahub'),
  recordedBy: 'bridge:datahub',
  source: { plugin: 'datahub', version: '', runId, foreign: new Map() },
});
