/** Does it for each, so many at a time. */
export async function inTurns<T>(items: readonly T[], most: number, act: (item: T, index: number) => Promise<void>) {
  const waiting = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) await act(item, index)
  }
  await Promise.all(Array.from({ length: most }, worker))
}
