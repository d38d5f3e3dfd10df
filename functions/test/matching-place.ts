import { env } from 'cloudflare:workers'
import type { LeaseRequest, MatchAnswer, Offering } from '../src/matcher-calls.ts'
import type { Matcher } from '../src/matcher.ts'

const statement = { body: new Uint8Array(1_500).fill(1), signature: new Uint8Array(64).fill(2) }
export const price = { prompt: '1000', cached: '100', completion: '4000', reasoning: '4000' }

/** A matcher that nobody else uses. */
export function matcher(): DurableObjectStub<Matcher> {
  return env.MATCHER.getByName(`cocoon-demo|${crypto.randomUUID()}`) as DurableObjectStub<Matcher>
}

export function offering(node: string, changes: Partial<Offering> = {}): Offering {
  const load = { context: 2048, slots: 2, free: 2, useBy: Date.now() + 600_000 }
  return { node, statement, evidence: null, price, ...load, ...changes }
}

/** What somebody asks for, each time under another name. */
export function asked(changes: Partial<LeaseRequest> = {}): LeaseRequest {
  return { id: crypto.randomUUID(), user: crypto.randomUUID(), policy: 'open', exclude: [], ...changes }
}

/** The node of an answer, or why there is none. */
export function nodeOf(answer: MatchAnswer): string {
  return answer.kind === 'granted' ? answer.grant.node : answer.kind
}

export async function leaseOne(stub: DurableObjectStub<Matcher>, changes: Partial<LeaseRequest> = {}): Promise<string> {
  return nodeOf((await stub.lease(asked(changes))) as MatchAnswer)
}
