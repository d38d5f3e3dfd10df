/** A child process tells its supervisor where it listens, and goes when told to or when the supervisor is gone. */
export function announce(url: string): void {
  process.send?.({ url })
}

export function stopWith(close: () => Promise<unknown>): void {
  let going = false
  const go = async (): Promise<void> => {
    if (going) return
    going = true
    setTimeout(() => process.exit(1), 4000).unref()
    await close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const) process.on(signal, () => void go())
}
