import { networks, verifyStatement } from '@cocoon/protocol'
import type { TdxCollateral } from '@cocoon/protocol/appraisal'
import { pinned, planScene, stage } from '@cocoon/localnet/tee'
import { decodeEvidence } from '../protocol/src/appraisal/evidence.ts'
import { appraiseUnder } from '../protocol/src/appraisal/appraise.ts'
import { pins } from '../protocol/src/appraisal/pins/development.ts'
import { appraiseTdx } from '../protocol/src/appraisal/tdx/verify.ts'
import { quantile, rounded } from './statistics.ts'

const ROUNDS = 60
const NOW = Date.UTC(2026, 10, 22) / 1000

/** Another verifier of the same quote and collateral. @throws what is its own when it refuses */
type Verifier = (quote: Uint8Array, collateral: TdxCollateral, now: number) => unknown

/**
 * Appraisal of one machine with a GPU, and of its quote alone, beside another verifier on the same bytes where one is
 * given, in turns. The quote is simulated under development roots; its format and its arithmetic are the real ones.
 */
export async function measureAppraisal(other?: Verifier) {
  const plan = await planScene({ now: NOW, random: (length) => crypto.getRandomValues(new Uint8Array(length)) })
  const { evidence, registry, statement } = await stage(plan)
  const { collateral } = evidence
  if (collateral.tee !== 'tdx') throw new Error('the scene is not one of TDX')
  const verified = await verifyStatement(statement, networks.localnet)
  const input = {
    now: NOW,
    network: networks.localnet,
    ...registry,
    seen: null,
    evidence: evidence.bytes,
    collateral,
    statement: verified,
  }
  const { quote } = decodeEvidence(evidence.bytes)
  const times = { whole: [] as number[], quote: [] as number[], other: [] as number[] }
  const clock = async (into: number[], work: () => unknown): Promise<void> => {
    const began = performance.now()
    await work()
    into.push(performance.now() - began)
  }
  const first: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await clock(round === 0 ? first : times.whole, async () => {
      const { verdict, code } = await appraiseUnder(pins, input)
      if (verdict !== 'private') throw new Error(`the scene was refused: ${code}`)
    })
    await clock(times.quote, async () => {
      const outcome = await appraiseTdx({ quote, collateral: collateral.tdx, root: pinned.intelRoot, now: NOW })
      if (outcome.failure !== null) throw outcome.failure
    })
    if (other) await clock(times.other, () => other(quote, collateral.tdx, NOW))
  }
  const both = (values: readonly number[]) => ({
    p50: rounded(quantile(values, 0.5)),
    p95: rounded(quantile(values, 0.95)),
  })
  return {
    firstMs: rounded(first[0] ?? Number.NaN),
    wholeMs: both(times.whole),
    quoteMs: both(times.quote),
    ...(other
      ? { otherMs: both(times.other), quoteToOther: rounded(quantile(times.quote, 0.5) / quantile(times.other, 0.5)) }
      : {}),
  }
}
