/** Loads a module by its URL: the one place where a program is named by what somebody gives. Rejects as `import` does. */
export const loadModule = async (url: string): Promise<Readonly<Record<string, unknown>>> => {
  const loaded: unknown = await import(/* @vite-ignore */ url);
  return loaded as Readonly<Record<string, unknown>>;
};
