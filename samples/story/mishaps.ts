import { mustNotExist } from '../../src/domain/event.ts';
import { atThePage, people, program, throughDataHub } from './authors.ts';
import { utc } from './calendar.ts';
import { boards, dataset } from './datasets.ts';
import type { Act } from './scribe.ts';
import { fieldsIn, tagUrn } from './values.ts';

const report = dataset('file', 'finance.monthly_report');

/** Events whose outcome is not, or not only, `applied`; and the patch of a schema that is. */
export const mishaps: readonly Act[] = [
  {
    at: utc('2025-08-19T11:20'),
    tell(scribe) {
      const value = { name: 'pii', description: 'Personal data.', colorHex: '#ff0000' };
      scribe.upsert(atThePage(people.supportReports), tagUrn('pii'), 'tagProperties', value, {
        expect: mustNotExist,
      });
    },
  },
  {
    at: utc('2025-10-15T09:12'),
    tell(scribe) {
      const link = { url: 'https://wiki.example/shop/prices', description: 'How prices are set.' };
      scribe.patch(
        atThePage(people.shopCatalogue),
        dataset('kafka', 'shop.prices').urn,
        'institutionalMemory',
        [{ op: 'add', path: '/elements/-', value: link }],
      );
    },
  },
  {
    // The answer to the first delivery was lost, so the plugin sent it again.
    at: utc('2025-12-02T03:12'),
    tell(scribe) {
      const { urn } = dataset('postgres', 'support.chat_sessions');
      const before = scribe.value(urn, 'datasetProperties');
      const description = `${before.description} Waiting is counted since December 2025.`;
      const by = program('support-ci', 'release-51', people.supportReports);
      scribe.again(scribe.upsert(by, urn, 'datasetProperties', { ...before, description }));
    },
  },
  {
    // The bridge started again from an offset it had passed: its records came twice.
    at: utc('2026-02-24T06:00'),
    tell(scribe) {
      const written = boards.map(({ urn }) =>
        scribe.upsert(throughDataHub('looker/2026-02-24'), urn, 'status', { removed: false }),
      );
      for (const one of written) scribe.again(one);
    },
  },
  {
    at: utc('2026-04-21T10:05'),
    tell(scribe) {
      const { urn } = dataset('postgres', 'shop.returns');
      const at = fieldsIn(scribe.value(urn, 'schemaMetadata')).findIndex(
        ({ fieldPath }) => fieldPath === 'reason',
      );
      const text = 'Why it was sent back: damaged, too late, not as shown or changed mind.';
      scribe.patch(
        atThePage(people.shopSuccessor),
        urn,
        'schemaMetadata',
        [
          { op: 'test', path: `/fields/${at}/fieldPath`, value: 'reason' },
          { op: 'replace', path: `/fields/${at}/description`, value: text },
        ],
        { correlationId: 'SHOP-3044' },
      );
    },
  },
  {
    // Two people save the same page; the second had not seen the first.
    at: utc('2026-06-11T13:02'),
    tell(scribe) {
      const expect = scribe.position(report.urn, 'datasetProperties');
      const before = scribe.value(report.urn, 'datasetProperties');
      const save = (actor: string, more: string) =>
        scribe.upsert(
          atThePage(actor),
          report.urn,
          'datasetProperties',
          { ...before, description: `${before.description} ${more}` },
          { expect },
        );
      save(people.finance, 'Refunds are those of the month they were paid in.');
      scribe.moveTo(scribe.now() + 40_000);
      save(people.financeReports, 'Refunds are those of the month of the return.');
    },
  },
  {
    at: utc('2026-06-24T15:31'),
    tell(scribe) {
      scribe.patch(
        atThePage(people.supportReports),
        dataset('delta-lake', 'support.tickets').urn,
        'globalTags',
        [{ op: 'remove', path: '/tags/5' }],
      );
    },
  },
];
