import type { Client } from '@cocoon/client'
import { DEMO_MODEL, startSystem } from '@cocoon/localnet'
import { newClient } from './peers.ts'
import { quantile, rounded } from './statistics.ts'

const ROUNDS = 40
const messages = [{ role: 'user' as const, content: 'What does the broker see?' }]

/** Milliseconds from Send to the first words. The answer is heard to its end, so that the next one is alone. */
async function firstWords(client: Client): Promise<number> {
  const began = performance.now()
  let first = Number.NaN
  for await (const { type } of client.ask({ model: DEMO_MODEL.id, messages, temperature: 0 })) {
    if (type === 'delta' && Number.isNaN(first)) first = performance.now() - began
  }
  return first
}

/**
 * What appraising a machine adds to the first token, where nothing was done ahead of Send: an attested system beside one that
 * is not, in turns. Cached: the device has a verdict on this evidence. Not cached: it knows nothing, and fetches all.
 */
export async function measureProof() {
  const open = await startSystem({ build: false })
  const attested = await startSystem({ build: false, attested: true })
  try {
    const known = { open: await newClient(open.origin), attested: await newClient(attested.origin) }
    const times = { open: [] as number[], cached: [] as number[], openFresh: [] as number[], fresh: [] as number[] }
    // The first two rounds warm up and do not count.
    for (let round = -2; round < ROUNDS; round++) {
      const measured = {
        open: await firstWords(known.open),
        cached: await firstWords(known.attested),
        openFresh: await firstWords(await newClient(open.origin)),
        fresh: await firstWords(await newClient(attested.origin)),
      }
      if (round < 0) continue
      for (const name of ['open', 'cached', 'openFresh', 'fresh'] as const) times[name].push(measured[name])
    }
    const median = (values: number[]): number => quantile(values, 0.5)
    return {
      rounds: ROUNDS,
      firstTokenMs: {
        notAttested: rounded(median(times.open)),
        attestedCached: rounded(median(times.cached)),
        notAttestedNewDevice: rounded(median(times.openFresh)),
        attestedNewDevice: rounded(median(times.fresh)),
      },
      addedCachedMs: rounded(median(times.cached) - median(times.open)),
      addedNotCachedMs: rounded(median(times.fresh) - median(times.openFresh)),
    }
  } finally {
    await Promise.all([open.stop(), attested.stop()])
  }
}
