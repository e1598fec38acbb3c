import type { TokenCredential } from '@azure/identity';
import type { BlobServiceClient, BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { codeOf, statusOf, unavailable } from './failures.ts';

/**
 * Where the account is: a connection string, or its URL with a credential (default: DefaultAzureCredential).
 */
export type Account =
  | { readonly connectionString: string }
  | { readonly accountUrl: string; readonly credential?: TokenCredential };

/** One container, made at the first call where that is allowed. */
export interface Container {
  readonly name: string;
  /** For calls that may be sent twice without harm: the client tries up to three times. */
  reading(): Promise<ContainerClient>;
  /**
   * For calls whose second sending would answer wrongly: sent once, and an unknown outcome is told as such.
   */
  writing(blob: string): Promise<BlockBlobClient>;
}

// Whoever calls the store tries again as well; these only bridge a moment.
const readingTries = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000, tryTimeoutInMs: 60_000 };
const writingTries = { maxTries: 1, tryTimeoutInMs: 120_000 };

/**
 * The containers of an account. The SDK is loaded at the first call: it takes time that nobody else should
 * pay.
 */
export function containersOf(account: Account): (name: string) => Container {
  let services: Promise<Services> | undefined;
  const connected = () => {
    services ??= connect(account).catch((error: unknown) => {
      services = undefined;
      throw error;
    });
    return services;
  };
  return (name) => {
    let ready: Promise<Services> | undefined;
    const made = (): Promise<Services> => {
      ready ??= connected()
        .then(async (clients) => {
          await makeContainer(clients.reading.getContainerClient(name));
          return clients;
        })
        .catch((error: unknown) => {
          ready = undefined;
          throw error;
        });
      return ready;
    };
    return {
      name,
      reading: async () => (await made()).reading.getContainerClient(name),
      writing: async (blob) => (await made()).writing.getContainerClient(name).getBlockBlobClient(blob),
    };
  };
}

/** A container that somebody else made, to be read; it is not looked at here. */
export const containerOf = async (account: Account, name: string): Promise<ContainerClient> =>
  (await connect(account)).reading.getContainerClient(name);

interface Services {
  readonly reading: BlobServiceClient;
  readonly writing: BlobServiceClient;
}

async function connect(account: Account): Promise<Services> {
  const { BlobServiceClient } = await import('@azure/storage-blob');
  if ('connectionString' in account) {
    const client = (retryOptions: typeof readingTries | typeof writingTries) =>
      BlobServiceClient.fromConnectionString(account.connectionString, { retryOptions });
    return { reading: client(readingTries), writing: client(writingTries) };
  }
  const credential = account.credential ?? (await defaultCredential());
  return {
    reading: new BlobServiceClient(account.accountUrl, credential, { retryOptions: readingTries }),
    writing: new BlobServiceClient(account.accountUrl, credential, { retryOptions: writingTries }),
  };
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

async function makeContainer(container: ContainerClient): Promise<void> {
  try {
    await container.create();
  } catch (error) {
    // 403: a credential that may use the container but not make it.
    if (statusOf(error) === 403 || codeOf(error) === 'ContainerAlreadyExists') return;
    throw unavailable(container.containerName, error);
  }
}

/** The account for people: URL without query (it may hold a signature) and without a password. */
export function placeOf(account: Account): string {
  if ('accountUrl' in account) return withoutSecrets(account.accountUrl);
  const parts = new Map(
    account.connectionString.split(';').map((part) => {
      const split = part.indexOf('=');
      return [part.slice(0, split).trim().toLowerCase(), part.slice(split + 1).trim()] as const;
    }),
  );
  const endpoint = parts.get('blobendpoint');
  if (endpoint !== undefined) return withoutSecrets(endpoint);
  const accountName = parts.get('accountname');
  if (accountName === undefined)
    return parts.get('usedevelopmentstorage') === 'true' ? 'local emulator' : 'Azure Blob';
  const suffix = parts.get('endpointsuffix') ?? 'core.windows.net';
  return `${parts.get('defaultendpointsprotocol') ?? 'https'}://${accountName}.blob.${suffix}`;
}

function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return 'Azure Blob';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`.replace(/\/$/, '');
}
