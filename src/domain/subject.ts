import { namespaceText } from './namespace.ts';
import { type Action, allows, namespacesFor, type Principal } from './policy.ts';

export const subjectCharsMax = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused.
const control = /[\u0000-\u001f\u007f-\u009f]/u;

/** Whether a schema may have this name: 1 to 256 characters, none of them a control character. */
export const isSubject = (text: string): boolean =>
  text !== '' && text.length <= subjectCharsMax && !control.test(text);

/** The namespace that a schema belongs to: what stands before the first dot of its name; null where that is none. */
export function namespaceOfSubject(subject: string): string | null {
  const dot = subject.indexOf('.');
  const text = subject.slice(0, Math.max(0, dot));
  return namespaceText.test(text) ? text : null;
}

/**
 * Whether `principal` may see (`read`) or register and deprecate (`publish`) what stands under this name: by its namespace; a
 * name without one needs a grant for all. `own` are the names under which the log's own schemas stand: whoever may read
 * or publish anything sees them, for every producer of the inbox needs them, and only who operates changes them.
 */
export function allowsSubject(
  principal: Principal,
  action: Extract<Action, 'read' | 'publish'>,
  subject: string,
  own: ReadonlySet<string>,
): boolean {
  if (!own.has(subject)) return allows(principal, action, namespaceOfSubject(subject) ?? '*');
  if (action === 'publish') return allows(principal, 'operate', '*');
  return (['read', 'publish'] as const).some((any) => namespacesFor(principal, any).length > 0);
}
