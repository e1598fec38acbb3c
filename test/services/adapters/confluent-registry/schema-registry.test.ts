import { confluentRegistry } from '../../../../src/adapters/confluent-registry/schema-registry.ts';
import { schemaRegistryContract } from '../../../contracts/schema-registry.contract.ts';
import { addressVariables } from '../../addresses.ts';

const url = (): string => {
  const given = process.env[addressVariables.registry];
  if (!given) throw new Error(`${addressVariables.registry} is not set: run \`npm run test:services\``);
  return given;
};

schemaRegistryContract(
  'Confluent API',
  async () => confluentRegistry({ url: url(), clientId: 'annal-test' }),
  async () => confluentRegistry({ url: 'http://127.0.0.1:1/api' }),
);
