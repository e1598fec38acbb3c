/** What a caller may do about a fault. Pipelines branch on this and on nothing else. */
export type Remedy = 'refuse' | 'quarantine' | 'retry' | 'halt';

/**
 * Every stable code there is. `about` says what happened, `doThis` what the reader does next; docs/errors.md is held
 * equal to this table by a test. refuse = the caller's input is at fault; quarantine = archived bytes are at fault;
 * retry = the world is busy or away; halt = going on would lose or corrupt something.
 */
export const faults = {
  ALREADY_RUNNING: {
    remedy: 'refuse',
    about: 'another process owns this data folder',
    doThis: 'Use the running one at the address shown, or stop it first.',
  },
  APPEND_UNKNOWN: {
    remedy: 'retry',
    about: 'the log did not confirm the append before the deadline; it may or may not have happened',
    doThis: 'Send the same events with the same ids again: a repeat has no second effect.',
  },
  ARCHIVE_BEHIND: {
    remedy: 'retry',
    about: 'the archive has not yet reached the position that is needed',
    doThis: 'Wait for the archiver, or check why it does not go on: `annal doctor`.',
  },
  ARCHIVE_CORRUPT: {
    remedy: 'halt',
    about: 'the archive holds bytes that cannot be what was written',
    doThis: 'Do not rebuild from it. Compare the named blob with a copy of the archive.',
  },
  ARCHIVE_EMPTY: {
    remedy: 'refuse',
    about: 'there is no archive with an epoch in this place',
    doThis: 'Name the folder that holds `archive` and `state`, as the data folder of a running Annal does.',
  },
  ARCHIVE_FORK: {
    remedy: 'halt',
    about: 'two different segments claim the same offsets',
    doThis: 'Stop writers of this partition and compare the named segment with the log.',
  },
  ARCHIVE_GAP: {
    remedy: 'quarantine',
    about:
      'the log dropped records before they were archived; the archive has a gap on record, and goes on behind it',
    doThis:
      'Publish again what the gap held, from its sources. Give the topic a longer retention, or more archivers.',
  },
  ASPECT_INVALID: {
    remedy: 'refuse',
    about: 'the value does not fit the schema of its aspect',
    doThis: 'Correct the value at the pointer shown; examples lie in schemas/aspects/<aspect>/examples.',
  },
  ASPECT_UNKNOWN: {
    remedy: 'refuse',
    about: 'no schema is known for this aspect',
    doThis: 'Check the spelling; own aspects are added from a folder of schemas, see schemas/README.md.',
  },
  AVRO_INVALID: {
    remedy: 'quarantine',
    about: 'bytes are not valid Avro of the stated schema, or exceed the decoding bounds',
    doThis: 'Look at the record by its position; later records are not affected.',
  },
  BIND_NEEDS_TOKENS: {
    remedy: 'refuse',
    about: 'an address beyond loopback is to be served without knowing the callers',
    doThis: 'Set ANNAL_TOKENS_FILE, or listen on 127.0.0.1.',
  },
  BODY_TOO_LARGE: {
    remedy: 'refuse',
    about: 'the request body is larger than is taken at this address',
    doThis: 'Split the request: up to 1,000 events and 8 MiB each.',
  },
  BRIDGE_PROGRESS_INVALID: {
    remedy: 'halt',
    about: 'the saved progress of a bridge is not of the topic it reads',
    doThis:
      'Give the bridge a new name (ANNAL_DATAHUB_SOURCE, ANNAL_INBOX_SOURCE): a topic made again starts at offset 0.',
  },
  CALLER_BUSY: {
    remedy: 'retry',
    about: 'as much of this caller is under way as of one caller may be',
    doThis: 'Send less at once, and the same events with the same ids again after a moment.',
  },
  CAPTURE_CONFLICT: {
    remedy: 'refuse',
    about:
      'two files of Event Hubs Capture hold different events of one sequence number; nothing was imported',
    doThis: 'They are of two hubs, or of a hub that was made again: import the files of one of them.',
  },
  CAPTURE_EMPTY: {
    remedy: 'refuse',
    about: 'there is no event in the files of this place',
    doThis: 'Name the folder that holds what Event Hubs Capture wrote: `<namespace>/<hub>/<partition>/…`.',
  },
  CAPTURE_INVALID: {
    remedy: 'refuse',
    about: 'a file is not one that Event Hubs Capture writes, or it was cut off; nothing was imported',
    doThis:
      'Copy the named file again. Where it is lost, take it away: what it held becomes a gap on record.',
  },
  CHANGE_UNSUPPORTED: {
    remedy: 'refuse',
    about: 'the foreign record asks for a kind of change that has no counterpart here',
    doThis: 'Send UPSERT, CREATE or DELETE.',
  },
  CONFIG_INVALID: {
    remedy: 'refuse',
    about: 'the configuration has faults; all of them are listed',
    doThis: 'Correct the listed settings; `annal config explain` shows where each value comes from.',
  },
  CONTENT_TYPE_UNSUPPORTED: {
    remedy: 'refuse',
    about: 'the foreign record carries a value that is not JSON',
    doThis: 'Send the aspect as application/json.',
  },
  CUT_INVALID: {
    remedy: 'refuse',
    about: 'the text is no cut of this log',
    doThis: 'Use the cut that an answer named, as it stands there.',
  },
  DATA_EMPTY: {
    remedy: 'refuse',
    about: 'the data folder holds no log yet',
    doThis: '`annal start` begins one; `--data` or `--url` names another.',
  },
  DATA_NOT_EMPTY: {
    remedy: 'refuse',
    about: 'an archive is there already, or half of one',
    doThis:
      'Name an empty place, or go on with what is unfinished by the command that began it. Nothing was changed.',
  },
  DRAIN_LATE: {
    remedy: 'retry',
    about: 'not all was written before the grace time ended',
    doThis:
      'Nothing is lost: it is done again at the next start. Look at what hangs, or set ANNAL_GRACE_SECONDS.',
  },
  DUPLICATE_DOCUMENT: {
    remedy: 'halt',
    about: 'a read model gave the same document id twice',
    doThis:
      'Do not swap it in. Rebuild the model; if it happens again, report the bucket and key hash shown.',
  },
  DUPLICATE_KEY: {
    remedy: 'refuse',
    about: 'a JSON object has the same key twice',
    doThis: 'Send each key once; the pointer names the second one.',
  },
  ENTITY_DELETED: {
    remedy: 'refuse',
    about: 'the entity was deleted',
    doThis: 'Ask for it as of a moment before its deletion, or read its history.',
  },
  ENTITY_NOT_FOUND: {
    remedy: 'refuse',
    about: 'no entity of this URN is known, or you may not see it',
    doThis: 'Check the spelling, or search for a part of its name.',
  },
  EPOCH_BUSY: {
    remedy: 'retry',
    about: 'the epoch is closed, and somebody still appends to its topic',
    doThis: 'Stop whoever cannot reach the archive, or is no Annal; then run the same command again.',
  },
  EPOCH_CLOSED: {
    remedy: 'retry',
    about: 'the epoch takes nothing in any more, and the next one is not open yet',
    doThis: 'Send the same events again; `annal epoch list` shows how far it is, `annal epoch open` goes on.',
  },
  EPOCH_INVALID: {
    remedy: 'halt',
    about: 'the epoch files of the archive do not follow one another',
    doThis: 'Compare the named file with a copy of the archive; epochs are never edited.',
  },
  EPOCH_LIMIT: {
    remedy: 'refuse',
    about: 'a log has at most 511 epochs, and this is its last one',
    doThis: 'Go on in a log of another name; this one stays readable.',
  },
  EPOCH_TAKEN: {
    remedy: 'refuse',
    about: 'the next epoch was opened already, and otherwise than asked',
    doThis: 'Look at `annal epoch list`; nothing was changed.',
  },
  EPOCH_UNKNOWN: {
    remedy: 'refuse',
    about: 'the archive has no such epoch before the cut',
    doThis: '`annal epoch list` shows the epochs that there are.',
  },
  EVENT_NOT_FOUND: {
    remedy: 'refuse',
    about: 'there is no event at this position, or you may not see it',
    doThis: 'Check the position; `annal log` lists events with theirs.',
  },
  EVENT_NOT_YET: {
    remedy: 'retry',
    about: 'the read model has not reached this position',
    doThis: 'Ask again after a moment, or with `wait=5s`.',
  },
  EVENT_SHAPE: {
    remedy: 'refuse',
    about: 'the event lacks a member, or one has the wrong form',
    doThis: 'Correct the member at the pointer shown.',
  },
  EVENT_TYPE_UNKNOWN: {
    remedy: 'refuse',
    about: 'the envelope carries a type of event that is not taken in',
    doThis: 'Send changes as type `annal.change.v1`; docs/formats/intake.md says what they hold.',
  },
  FIELD_UNKNOWN: {
    remedy: 'refuse',
    about: 'the event has a member that may not be sent',
    doThis:
      'Rename or remove the member at the pointer shown; what a plugin adds belongs into `value` or `source.foreign`.',
  },
  FILE_EMPTY: {
    remedy: 'refuse',
    about: 'the file holds no rows and no column names',
    doThis: 'Nothing, if that is meant; what was known of its table is kept.',
  },
  FILE_MALFORMED: {
    remedy: 'refuse',
    about: 'the file is not what its extension says',
    doThis: 'Open the named file: it may be cut off, half written or of another format.',
  },
  FILE_NOT_TEXT: {
    remedy: 'refuse',
    about: 'the file is not UTF-8 text',
    doThis: 'Convert the named file to UTF-8, or keep it out of the scanned folder.',
  },
  FILE_TOO_COMPLEX: {
    remedy: 'refuse',
    about: 'the file exceeds the bounds within which a scan describes tables',
    doThis: 'Look at the named bound: a row longer than the sample, nesting too deep, folders too deep.',
  },
  FILE_UNREADABLE: {
    remedy: 'refuse',
    about: 'a file or folder could not be read',
    doThis: 'Check that it exists and that this user may read it, then do the same again.',
  },
  FOLD_FAILED: {
    remedy: 'refuse',
    about: 'a projection threw on an event, or made what is no document',
    doThis:
      'Look at the event by its position, `annal log`, and mend the fold: it has to take every event there is.',
  },
  FOLD_IMPURE: {
    remedy: 'halt',
    about: 'a projection asked for something besides what it is given: a replay would not see it again',
    doThis: 'Take it out of the fold, under a new version of the projection.',
  },
  FOLD_NOT_KEPT: {
    remedy: 'halt',
    about: 'the index was made by another version of the projection, and the code of that one is not kept',
    doThis:
      'Build the version of this program beside it with the command shown: readers keep the old one until then.',
  },
  HOST_NOT_ALLOWED: {
    remedy: 'refuse',
    about: 'the request names a host that this server is not',
    doThis: 'Use http://127.0.0.1 or http://localhost with the port shown at start.',
  },
  IDEMPOTENCY_CONFLICT: {
    remedy: 'refuse',
    about: 'this Idempotency-Key or event id was used before for something else',
    doThis: 'Use a new key or id for new content; the same one only to send the same again.',
  },
  INDEX_EXISTS: {
    remedy: 'refuse',
    about: 'an index of this name is there already',
    doThis: 'Open it, or make the new one under another name.',
  },
  INDEX_NOT_KEPT: {
    remedy: 'refuse',
    about: 'no such index of this projection is kept beside the one that serves',
    doThis: '`annal projections` shows what is kept; a rebuild keeps the index that it replaces.',
  },
  INTAKE_ABSENT: {
    remedy: 'refuse',
    about: 'this process takes no events in',
    doThis: 'Send them to a process that runs `api` or everything.',
  },
  INTAKE_BUSY: {
    remedy: 'retry',
    about: 'as much is under way from all callers together as may be',
    doThis: 'Send the same events with the same ids again after a moment.',
  },
  INTERNAL: {
    remedy: 'halt',
    about: 'something failed here that should not have',
    doThis: 'Report it with the request id; the log of the server has the rest.',
  },
  JSON_INVALID: {
    remedy: 'refuse',
    about: 'the text is not exactly one JSON value in strict UTF-8',
    doThis: 'Correct the text at the byte shown.',
  },
  JSON_TOO_DEEP: {
    remedy: 'refuse',
    about: 'the JSON is nested deeper than allowed',
    doThis: 'Flatten the value at the pointer shown.',
  },
  JSON_TOO_LARGE: {
    remedy: 'refuse',
    about: 'the JSON holds more values than one request may',
    doThis: 'Split the request.',
  },
  KEY_FORBIDDEN: {
    remedy: 'refuse',
    about: 'a JSON object has a key that is never accepted',
    doThis: 'Rename the key at the pointer shown; `__proto__` is refused everywhere.',
  },
  KEY_INVALID: {
    remedy: 'refuse',
    about: 'the text is no Ed25519 key of a signed note',
    doThis: 'Name the file of a key that `annal archive key` made; it holds one line.',
  },
  LANE_REVOKED: {
    remedy: 'retry',
    about: 'the partition was given to another reader of the group',
    doThis: 'Nothing: the other reader goes on; this one waits for a partition.',
  },
  LANE_STALLED: {
    remedy: 'retry',
    about: 'a lane got nothing for long although the log has more; it is read again over a new connection',
    doThis: 'Nothing, if it goes on. Else look at the broker and at what lies on the way to it.',
  },
  LOG_BUSY: {
    remedy: 'retry',
    about: 'as many events wait for the log as may wait',
    doThis: 'Send the same events with the same ids again after a moment.',
  },
  LOG_CORRUPT: {
    remedy: 'halt',
    about: 'the file log is damaged before its last synced record',
    doThis: 'Restore the data folder, or run `annal recover` from the archive into a new one.',
  },
  LOG_FORK: {
    remedy: 'halt',
    about: 'the log no longer holds the records that were archived from it',
    doThis:
      'Give back the right log. Where it is lost for good: `annal recover --in-place` goes on in a new epoch.',
  },
  LOG_PRESENT: {
    remedy: 'refuse',
    about: 'the log holds all that was archived from it: nothing is lost',
    doThis: 'Start as usual; `annal rebuild --all` builds read models again.',
  },
  LOG_TRIMMED: {
    remedy: 'halt',
    about: 'the log no longer holds the offset that is to be read next',
    doThis: 'Raise the retention of the topic; the archiver records what is missing as a gap.',
  },
  LOG_UNAVAILABLE: {
    remedy: 'retry',
    about: 'the log cannot be reached',
    doThis:
      'Check that the broker runs and that its address and credentials are right; work resumes by itself.',
  },
  LOG_UNREADABLE: {
    remedy: 'halt',
    about: 'the log holds bytes that cannot be unpacked into records',
    doThis:
      'Look at the named offset with a client of the broker; the lane stands before it and skips nothing.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    remedy: 'refuse',
    about: 'the request body is not plain application/json',
    doThis: 'Send `Content-Type: application/json`, not compressed.',
  },
  METHOD_NOT_ALLOWED: {
    remedy: 'refuse',
    about: 'this address does not take this method',
    doThis: 'Use one of the methods in the Allow header.',
  },
  MODEL_CORRUPT: {
    remedy: 'halt',
    about: 'the read model holds a document that no projection wrote',
    doThis: 'Rebuild the projection: `annal rebuild NAME`.',
  },
  MODEL_DAMAGED: {
    remedy: 'halt',
    about: 'a file of the read model is damaged',
    doThis: 'Remove the named file and rebuild the projection: `annal rebuild NAME`.',
  },
  MODEL_OF_ANOTHER_LOG: {
    remedy: 'halt',
    about: 'the read model holds the entities of another log',
    doThis:
      'Give this log names of its own (ANNAL_ELASTICSEARCH_PREFIX), or remove the indexes of the other one.',
  },
  MODEL_UNAVAILABLE: {
    remedy: 'retry',
    about: 'the read model cannot be reached or is too busy',
    doThis: 'Check that the engine runs and that its address is right; work resumes by itself.',
  },
  MOMENT_INVALID: {
    remedy: 'refuse',
    about: 'the text names no moment',
    doThis: 'Write `2h`, `7d`, `2026-03-01`, `2026-03-01T09:30Z` or `@<position>`.',
  },
  NOTE_INVALID: {
    remedy: 'halt',
    about: 'a signed note cannot be read, or nobody who is known signed it',
    doThis: 'Do not trust it. Compare the named checkpoint with a copy that somebody else holds.',
  },
  NOT_ALLOWED: {
    remedy: 'refuse',
    about: 'the caller has no grant for this',
    doThis: 'Ask the operator for a grant on the namespace shown.',
  },
  NOT_CONFIRMED: {
    remedy: 'refuse',
    about: 'this would change something, and nobody said yes; nothing changed',
    doThis: 'Look at the plan, then say `--yes`; in a terminal the command asks.',
  },
  NUMBER_LOSSY: {
    remedy: 'refuse',
    about: 'a number would change its value when read as a double',
    doThis: 'Send it as a string, or with no more digits than a double holds.',
  },
  OPERATION_UNKNOWN: {
    remedy: 'refuse',
    about: 'no rebuild, verification or drill of this id is known',
    doThis:
      'Check the id: /v1/rebuilds and /v1/drills list them; a verification is known to the process that ran it.',
  },
  ORIGIN_NOT_ALLOWED: {
    remedy: 'refuse',
    about: 'a page of another origin asks',
    doThis: 'Open the page that this server itself gives out.',
  },
  PATCH_DIALECT: {
    remedy: 'refuse',
    about: 'the patch is of a foreign dialect that cannot be translated yet',
    doThis: 'Send the whole value as an UPSERT, or an RFC 6902 document over HTTP.',
  },
  PATCH_INVALID: {
    remedy: 'refuse',
    about: 'the value of a PATCH is not an RFC 6902 document that can be applied',
    doThis: 'Correct the operation shown.',
  },
  PLUGIN_LAW_BROKEN: {
    remedy: 'refuse',
    about: 'a plugin does not do what every plugin has to',
    doThis:
      'Each law that is broken says what was seen; docs/operations/plugins.md says what each one asks for.',
  },
  PLUGIN_NAME_INVALID: {
    remedy: 'refuse',
    about: 'a plugin of this name cannot be made here',
    doThis: 'Name it with lower-case letters, digits and hyphens, and choose a folder that is not there yet.',
  },
  PLUGIN_STATE_INVALID: {
    remedy: 'halt',
    about: 'the file in which a plugin keeps what it published cannot be read, or is not one',
    doThis:
      'Put it back, or remove it: then everything is published once more, and what is gone since is not deleted.',
  },
  PORT_TAKEN: {
    remedy: 'refuse',
    about: 'the port that was asked for is taken',
    doThis: 'Stop what listens there, or choose another port with `--port`; `--port 0` takes any free one.',
  },
  POSITION_INVALID: {
    remedy: 'refuse',
    about: 'the text is no position',
    doThis: 'Write `<epoch>-<partition>-<offset>`, as `1-0-42`.',
  },
  PROJECTION_INVALID: {
    remedy: 'refuse',
    about: 'the file gives no projection',
    doThis: 'Mend what is named. `samples/projections` has one, and its README says what a projection is.',
  },
  PROJECTION_UNKNOWN: {
    remedy: 'refuse',
    about: 'there is no projection of this name',
    doThis: '`annal projections` lists them.',
  },
  PUBLISHER_CLOSED: {
    remedy: 'refuse',
    about: 'the publisher was closed before the change was acknowledged; it may or may not be in the log',
    doThis: 'Publish it again under the same id: a repeat has no second effect.',
  },
  PUBLISHER_FULL: {
    remedy: 'retry',
    about: 'as many changes wait to be acknowledged as the publisher may hold',
    doThis: 'Wait for `room` before publishing the next one, or publish with `publishAll`, which does.',
  },
  QUERY_INVALID: {
    remedy: 'refuse',
    about: 'the search cannot be run as asked',
    doThis: 'Correct the named part; a cursor fits only the search it came from.',
  },
  REBUILD_CANCELLED: {
    remedy: 'refuse',
    about: 'the rebuild was cancelled; nothing was swapped, and nothing of it is left',
    doThis: 'The old read model still serves. Start another rebuild when it is wanted.',
  },
  REBUILD_DIFFERS: {
    remedy: 'halt',
    about: 'what was read back is not what was folded; nothing was swapped',
    doThis: 'The old read model still serves. Look at the named documents and at the engine.',
  },
  REBUILD_EMPTY: {
    remedy: 'refuse',
    about: 'there is no event before the cut, so the new index would hold nothing; nothing was swapped',
    doThis:
      'Look whether this is the archive that is meant (`annal archive status`), and at --as-of if it was given.',
  },
  REBUILD_INTERRUPTED: {
    remedy: 'retry',
    about: 'the rebuild was stopped before its end; what it has done is kept',
    doThis: '`annal rebuild NAME --yes` goes on with it, `annal rebuild NAME --cancel` clears it away.',
  },
  REBUILD_RUNNING: {
    remedy: 'refuse',
    about: 'a rebuild or verification of this projection is running',
    doThis: 'Wait for it to finish; its id is shown.',
  },
  REBUILD_UNINDEXABLE: {
    remedy: 'refuse',
    about: 'the engine cannot search some of the documents; nothing was swapped',
    doThis: 'The old read model still serves. Look at the named ones, or say `--accept-unindexable N`.',
  },
  REBUILD_UNSEARCHABLE: {
    remedy: 'halt',
    about: 'the engine holds the documents and does not find them by what they say; nothing was swapped',
    doThis:
      'The old read model still serves. Look for what changes indexes as they are made: templates, plugins, settings.',
  },
  RECORD_TOO_LARGE: {
    remedy: 'refuse',
    about: 'the records are larger than one append may be',
    doThis: 'Send fewer or smaller events at a time; one event may have up to 1,000,000 bytes.',
  },
  REGISTRY_CANNOT_LIST: {
    remedy: 'refuse',
    about: 'the schema registry does not tell the names of what it holds',
    doThis: 'Ask for a schema by its name, or list names where they are managed: the portal or CLI of Azure.',
  },
  REGISTRY_FULL: {
    remedy: 'refuse',
    about: 'the schema registry takes no more schemas, or versions of this one',
    doThis: 'Register schemas once, not with every run; begin a new name for what changes that often.',
  },
  REGISTRY_UNAVAILABLE: {
    remedy: 'retry',
    about: 'the schema registry cannot be reached',
    doThis: 'Check that the registry runs and that its address is right; work resumes by itself.',
  },
  REPAIR_TOO_LARGE: {
    remedy: 'refuse',
    about: 'more of the read model differs than a repair takes',
    doThis: 'Build it again: `annal rebuild NAME`. What serves goes on serving until then.',
  },
  REQUEST_INVALID: {
    remedy: 'refuse',
    about: 'a part of the request has the wrong form',
    doThis: 'Correct the named part; /openapi.json describes every request.',
  },
  RESTORE_DIFFERS: {
    remedy: 'halt',
    about: 'the restored topic does not hold what the archive holds, up to where it ends',
    doThis: 'Leave that topic, or remove it; `annal restore --new` begins another one.',
  },
  RESTORE_EMPTY: {
    remedy: 'refuse',
    about: 'the archive has no event before the cut: there is nothing to publish',
    doThis: 'Look whether this is the archive that is meant: `annal archive status`, `annal epoch list`.',
  },
  RESTORE_RUNNING: {
    remedy: 'refuse',
    about: 'another process publishes into this restored topic',
    doThis: 'Wait for it to finish, or begin a topic of your own with `annal restore --new`.',
  },
  ROUTE_UNKNOWN: {
    remedy: 'refuse',
    about: 'there is nothing at this address',
    doThis: '/openapi.json lists every address; a URN in a path is percent-encoded.',
  },
  SCAN_DELETIONS_HELD: {
    remedy: 'refuse',
    about: 'the scan found tables missing and did not delete them',
    doThis: 'Mend what could not be read and scan again, or confirm with `--allow-deletions`.',
  },
  SCHEMA_FILE_INVALID: {
    remedy: 'refuse',
    about: 'files that describe aspects or entity types cannot be used; all of them are listed',
    doThis: 'Correct the listed files; schemas/README.md shows the layout and the rules.',
  },
  SCHEMA_INCOMPATIBLE: {
    remedy: 'refuse',
    about: 'readers with this schema could not read what versions before it wrote',
    doThis: 'Add fields with defaults only; register a breaking change under a new name.',
  },
  SCHEMA_NOT_FOUND: {
    remedy: 'refuse',
    about: 'there is no such schema, or you may not read it',
    doThis: 'List the names with `annal schemas list`; versions count from 1.',
  },
  SCHEMA_UNKNOWN: {
    remedy: 'refuse',
    about: 'the schema that the record was written with is not to be found',
    doThis: 'Register the schema where the bridge looks, then send the record again.',
  },
  SEALING_REQUIRED: {
    remedy: 'refuse',
    about: 'this would put personal data or secrets into the log, which cannot be sealed yet',
    doThis: 'Leave the personal fields out; persons, groups, secrets and tokens cannot be published yet.',
  },
  SERVER_UNREACHABLE: {
    remedy: 'retry',
    about: 'no Annal answers at this address',
    doThis: 'Check the address and that the server runs; without `--url` the data folder is used.',
  },
  STORE_UNAVAILABLE: {
    remedy: 'retry',
    about: 'the object store cannot be reached, or its answer is unknown',
    doThis:
      'Check that the store runs and that its address and credentials are right; work resumes by itself.',
  },
  SWAP_REFUSED: {
    remedy: 'refuse',
    about: 'another index serves this projection than the plan saw',
    doThis: 'Plan again: somebody else rebuilt or swapped it meanwhile.',
  },
  TOKENS_INVALID: {
    remedy: 'refuse',
    about: 'the file of tokens cannot be used; all its faults are listed',
    doThis: 'Correct the listed places: [{"name", "sha256", "grants": [{"actions", "namespace"}]}].',
  },
  TOKEN_UNAVAILABLE: {
    remedy: 'retry',
    about: 'no token could be had that says who this process is',
    doThis:
      'Look at the reason: the identity that Azure gives this process, or the file that holds its token.',
  },
  TOO_MANY_EVENTS: {
    remedy: 'refuse',
    about: 'the request holds more than 1,000 events',
    doThis: 'Split the request.',
  },
  TOPIC_FORBIDDEN: {
    remedy: 'refuse',
    about: 'the broker does not let us make topics',
    doThis: 'Make the topic with the tool that manages the broker, then start again.',
  },
  TOPIC_MISMATCH: {
    remedy: 'halt',
    about: 'the topic is not the one its epoch was opened with',
    doThis: 'Open a new epoch with a topic of its own; never reuse or grow a topic in place.',
  },
  TOPIC_MISSING: {
    remedy: 'halt',
    about: 'the topic of this epoch does not exist',
    doThis: 'Run `annal init`, or make the topic with the tool that manages the broker.',
  },
  TOPIC_UNFIT: {
    remedy: 'halt',
    about: 'the topic has settings by which an append-only log would lose or alter events',
    doThis: 'Change the named settings with the tool that manages the broker, then run the same again.',
  },
  UNAUTHENTICATED: {
    remedy: 'refuse',
    about: 'the caller is not known',
    doThis: 'Send `Authorization: Bearer <token>` with a token of the tokens file.',
  },
  URN_INVALID: {
    remedy: 'refuse',
    about: 'a URN is not one that can name an entity',
    doThis:
      'Correct it for the reason shown: `urn:li:<entity type>:<key>`, at most 512 bytes, nothing is mended.',
  },
  USAGE_INVALID: {
    remedy: 'refuse',
    about: 'the command line cannot be understood',
    doThis: '`annal COMMAND --help` shows what it takes, with examples.',
  },
  VALUE_TOO_LARGE: {
    remedy: 'refuse',
    about: 'the value is larger than 768 KiB',
    doThis:
      'Send less in one aspect; documents and profiles belong into storage, their address into the aspect.',
  },
  VERSION_AHEAD: {
    remedy: 'halt',
    about: 'the read model holds a document newer than the log it is read from',
    doThis: 'The read model belongs to another log or was written by hand: rebuild it.',
  },
} as const satisfies Record<string, { remedy: Remedy; about: string; doThis: string }>;

export type FaultCode = keyof typeof faults;

/** Known to every copy of this file in a process: kept code of a fold brings its own, and its faults are faults here. */
const brand = Symbol.for('annal.fault');

/**
 * The one error type for what the world or the data did to us. `facts` name the place (position, URN, field, blob)
 * and are shown to people as they are: never put secrets or values of events into them.
 */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly remedy: Remedy;
  readonly facts: Readonly<Record<string, unknown>>;

  // A class below it is told apart as ever: not each fault is of it.
  static override readonly [Symbol.hasInstance] = function (this: unknown, value: unknown): boolean {
    return this === Fault
      ? value instanceof Error && brand in value
      : Function.prototype[Symbol.hasInstance].call(this, value);
  };

  get [brand](): true {
    return true;
  }

  constructor(code: FaultCode, facts: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    const where = Object.entries(facts)
      .filter(([, fact]) => fact !== undefined)
      .map(([name, fact]) => `${name} ${typeof fact === 'string' ? fact : JSON.stringify(fact)}`)
      .join(', ');
    super(
      `${code}: ${faults[code].about}${where === '' ? '' : ` (${where})`}`,
      cause === undefined ? {} : { cause },
    );
    this.name = 'Fault';
    this.code = code;
    this.remedy = faults[code].remedy;
    this.facts = facts;
  }
}

export const isFault = (error: unknown, code?: FaultCode): error is Fault =>
  error instanceof Fault && (code === undefined || error.code === code);
