import type { Admitted } from './admit.ts';
import type { Fate } from './append-events.ts';
import type { Refusal } from './refusal.ts';
import type { SubmitResult } from './submit.ts';

/** An event that passed all checks, or why not and of which URN. */
export type Checked =
  | { readonly taken: Admitted }
  | { readonly refusal: Refusal; readonly urn: string | undefined };

/** What is told about an event; `fate` of those that were admitted. */
export function resultOf(checked: Checked, fate: Fate | undefined): SubmitResult {
  if ('refusal' in checked) {
    const { refusal, urn } = checked;
    return { status: 'refused', ...refusal, ...(urn === undefined ? {} : { urn }) };
  }
  const { urn, aspect, id } = checked.taken.event;
  if (fate === undefined) throw new RangeError('an admitted event without a fate');
  switch (fate.kind) {
    case 'appended':
      return {
        ...{ status: 'appended', urn, aspect, id, position: fate.position },
        ...(fate.repeated ? { repeated: true } : {}),
      };
    case 'refused':
      return { status: 'refused', ...fate.refusal, urn, id };
    case 'unknown':
      return { status: 'unknown', code: 'APPEND_UNKNOWN', urn, id, detail: fate.detail };
  }
}
