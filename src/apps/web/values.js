import { el, outside } from './dom.js';
import { entityLink, namedRows, table } from './parts.js';
import { entityHash } from './route.js';
import { isUrn, shortName } from './words.js';

const isObject = (value) => typeof value === 'object' && value !== null && !isRaw(value);
const isRaw = (value) => JSON.isRawJSON?.(value) ?? false;
const listOf = (value) => (Array.isArray(value) ? value : []);

/** A scalar as a reader wants it: a URN is a link, an address too. */
function scalar(value) {
  if (isRaw(value)) return value.rawJSON;
  if (isUrn(value)) return entityLink(value);
  if (typeof value === 'string') return outside(value, value);
  return String(value);
}

const json = (value) => el('pre', { tabindex: 0 }, JSON.stringify(value, null, 2));

/** Names and values; what is nested stands as JSON. */
const pairs = (entries, caption) =>
  namedRows(
    entries.map(([name, value]) => [el('code', {}, name), isObject(value) ? json(value) : scalar(value)]),
    caption,
  );

const fieldType = (field) => {
  const [name] = Object.keys(field?.type?.type ?? {});
  return name === undefined
    ? ''
    : name
        .slice(name.lastIndexOf('.') + 1)
        .replace(/Type$/, '')
        .toLowerCase();
};

const tagsOf = (value) => listOf(value?.tags).map(({ tag }) => badge(tag));

function schemaMetadata(value) {
  const fields = listOf(value.fields);
  if (fields.length === 0) return undefined;
  return table(
    ['Field', 'Type', 'Native', 'Empty?', 'What it is'],
    fields.map((field) => [
      el('code', {}, String(field.fieldPath)),
      fieldType(field),
      el('span', { class: 'dim' }, String(field.nativeDataType ?? '')),
      field.nullable === true ? 'may be' : '',
      [String(field.description ?? ''), ' ', tagsOf(field.globalTags)],
    ]),
    `Fields of ${value.schemaName ?? 'the schema'}`,
  );
}

function ownership(value) {
  const owners = listOf(value.owners);
  return owners.length === 0
    ? undefined
    : table(
        ['Owner', 'As'],
        owners.map(({ owner, type }) => [
          entityLink(String(owner)),
          String(type ?? '')
            .toLowerCase()
            .replaceAll('_', ' '),
        ]),
        'Owners',
      );
}

function properties(value) {
  const { description, customProperties = {}, ...others } = value;
  const rows = [
    ...Object.entries(others),
    ...Object.entries(isObject(customProperties) ? customProperties : {}),
  ];
  return [
    typeof description === 'string' && el('p', { class: 'description' }, description),
    rows.length > 0 && pairs(rows, 'Properties'),
  ];
}

function upstreamLineage(value) {
  const upstreams = listOf(value.upstreams);
  const columns = listOf(value.fineGrainedLineages);
  const column = (urn) => el('code', { title: urn }, shortName(String(urn)));
  const spread = (urns) =>
    listOf(urns).flatMap((urn, at) => (at === 0 ? [column(urn)] : [', ', column(urn)]));
  return [
    upstreams.length > 0 &&
      table(
        ['Comes from', 'How'],
        upstreams.map(({ dataset, type }) => [entityLink(String(dataset)), String(type ?? '').toLowerCase()]),
        'Upstream tables',
      ),
    columns.length > 0 &&
      table(
        ['From column', 'To column'],
        columns.map(({ upstreams: from, downstreams: to }) => [spread(from), spread(to)]),
        'Upstream columns',
      ),
  ];
}

const badge = (urn) =>
  isUrn(urn)
    ? el('a', { class: 'badge', href: entityHash(urn), title: urn }, shortName(urn))
    : el('span', { class: 'badge' }, String(urn));

const badges = (name, member) => (value) => {
  const urns = listOf(value[name]).map((item) => (member === undefined ? item : item?.[member]));
  return urns.length === 0 ? undefined : el('p', { class: 'badges' }, urns.map(badge));
};

function institutionalMemory(value) {
  const elements = listOf(value.elements);
  return table(
    ['Document', 'About'],
    elements.map(({ url, description }) => [outside(String(url), String(url)), String(description ?? '')]),
    'Documents',
  );
}

const known = {
  schemaMetadata,
  ownership,
  upstreamLineage,
  institutionalMemory,
  globalTags: badges('tags', 'tag'),
  glossaryTerms: badges('terms', 'urn'),
  domains: badges('domains'),
  subTypes: badges('typeNames'),
};

/** The value of an aspect as a reader wants it; in full as JSON, folded, where that is not all of it. */
export function valueView(aspect, value) {
  if (!isObject(value)) return el('p', {}, scalar(value));
  const own = Object.hasOwn(known, aspect)
    ? known[aspect]
    : /(?:Properties|Info)$/.test(aspect)
      ? properties
      : undefined;
  const whole = own === undefined ? undefined : el('details', {}, el('summary', {}, 'As JSON'), json(value));
  const shown = own?.(value);
  if (shown !== undefined && whole !== undefined) return [shown, whole];
  const flat = !Array.isArray(value) && Object.values(value).every((member) => !isObject(member));
  return flat && Object.keys(value).length > 0 ? pairs(Object.entries(value), aspect) : json(value);
}
