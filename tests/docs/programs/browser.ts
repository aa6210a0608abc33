// What the programs use of a browser and Node does not have: a storage that all tabs share, and locks.
const kept = new Map<string, string>();
const turns = new Map<string, Promise<unknown>>();

function request<T>(name: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
  turns.set(name, turn);
  return turn;
}

Object.defineProperties(globalThis, {
  localStorage: {
    value: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    },
  },
  navigator: { value: { locks: { request } } },
});

/** What the test has given, and what it is told. */
export const given = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
export const tell = (told: unknown): void => console.log(JSON.stringify(told));
