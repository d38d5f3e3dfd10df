import { COALESCING } from '@cocoon/worker-node'

/** A bound, in the unit its figure is printed in, on the figure at the end of a path through the results. */
interface Target {
  readonly path: string
  readonly atMost: number
}

/** The targets: times on loopback, and fees in nanograms that the design counts on. */
const targets: readonly Target[] = [
  { path: 'firstToken.addedToFirstTokenMs.p50', atMost: 10 },
  { path: 'firstToken.addedToFirstTokenMs.p99', atMost: 25 },
  // The node sends what came in this time together.
  { path: 'firstToken.system.betweenArrivalsMs.p99', atMost: COALESCING },
  { path: 'appraisal.gzipped.tdxBytes', atMost: 12 * 1024 },
  { path: 'appraisal.gzipped.ownBytes', atMost: 24 * 1024 },
  { path: 'proof.addedCachedMs', atMost: 10 },
  { path: 'proof.addedNotCachedMs', atMost: 50 },
  { path: 'relay.processorMicrosecondsPerFrame', atMost: 40 },
  { path: 'decision.roomEverywhereMs.p99', atMost: 1 },
  { path: 'decision.oneWithRoomMs.p99', atMost: 1 },
  { path: 'bill.short.withSignIns', atMost: 9 },
  { path: 'bill.long.withSignIns', atMost: 9 },
  { path: 'money.fees.open.nanograms', atMost: 10_000_000 },
  { path: 'money.fees.claim with receipt.nanograms', atMost: 1_900_000 },
  { path: 'money.fees.three claims with receipts.nanogramsAClaim', atMost: 1_500_000 },
  { path: 'money.signing.node.slowestMs', atMost: 1 },
  { path: 'money.signing.chromium.slowestMs', atMost: 1 },
]

function figureAt(results: unknown, path: string): number {
  let value = results
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name]
  if (typeof value !== 'number') throw new Error(`the results hold no number at ${path}`)
  return value
}

/** Every target of the parts that were measured, beside its figure. A figure that is not a number misses its target. */
export function judged(results: Readonly<Record<string, unknown>>) {
  return targets
    .filter(({ path }) => (path.split('.')[0] ?? '') in results)
    .map(({ path, atMost }) => {
      const figure = figureAt(results, path)
      return { path, figure, atMost, met: figure <= atMost }
    })
}
