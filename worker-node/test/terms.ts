import { limits, networks } from '@cocoon/protocol'
import type { Terms } from '../src/prekeys.ts'

export const MODEL = 'cocoon-test'

/** What an open node on a development network says of itself. */
export function termsOf(more: Partial<Terms> = {}): Terms {
  const price = { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n }
  return {
    network: networks.localnet,
    evidence: null,
    payee: null,
    offers: [{ model: MODEL, context: 4096, maxOutput: 1024, price }],
    limits: { request: limits.request, seconds: 60 },
    ...more,
  }
}
