import { type Candidate, chooseNode } from '../functions/src/matching.ts'
import { quantile, rounded } from './statistics.ts'

const NODES = 10_000
const DECISIONS = 2_000

/** The pure decision which node gets a job: with room everywhere, and at its worst, when one node alone has any. */
export function measureDecision() {
  const candidates = Array.from({ length: NODES }, (_, n): Candidate => ({
    node: String(n),
    price: BigInt(1000 + (n % 97)),
    slots: 4,
    free: 4,
    leased: 0,
  }))
  const time = (): { p50: number; p99: number } => {
    const times: number[] = []
    for (let n = 0; n < DECISIONS; n++) {
      const began = performance.now()
      if (!chooseNode(candidates, new Set(), Math.random)) throw new Error('nobody was chosen')
      times.push(performance.now() - began)
    }
    return { p50: rounded(quantile(times, 0.5)), p99: rounded(quantile(times, 0.99)) }
  }
  const roomy = time()
  for (const candidate of candidates.slice(1)) candidate.free = 0
  return { nodes: NODES, roomEverywhereMs: roomy, oneWithRoomMs: time() }
}
