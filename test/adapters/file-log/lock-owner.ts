import { takeOwnerLock } from '../../../src/adapters/file-log/owner-lock.ts';

// Takes the folder named on the command line, says so, and holds it until it is killed or its input ends.
const lock = takeOwnerLock(process.argv[2]!);
lock.announce({ address: 'http://127.0.0.1:4711', pid: process.pid });
process.stdout.write('held\n');
process.stdin.on('end', () => lock.release());
process.stdin.resume();
