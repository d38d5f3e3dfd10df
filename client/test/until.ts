/** Waits, without a timer that a test may have stopped, until something holds. */
export async function until(holds: () => boolean, what: string, milliseconds = 4_000): Promise<void> {
  const began = performance.now()
  while (!holds()) {
    if (performance.now() - began > milliseconds) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
