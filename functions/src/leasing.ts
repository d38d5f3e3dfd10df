import { CocoonError, type MatchResponse, type Policy } from '@cocoon/protocol'
import { logFault } from './log.ts'
import type { LeaseRequest, LoadReport, MatchAnswer } from './matcher-calls.ts'
import type { Matcher } from './matcher.ts'
import { type Settings, settingsOf } from './settings.ts'
import { issueToken } from './token.ts'

/** A candidate named ahead of need is good for this long, and no longer than its statement. Milliseconds. */
const AHEAD_LIFETIME = 9 * 60_000
/** After these asking again makes sense. Milliseconds. */
const NOBODY_SERVES = 5_000
const LINE_LOST = 1_000

export interface Wish {
  readonly user: string
  readonly model: string
  readonly policy: Policy
  /** Nodes that were tried already. */
  readonly exclude: readonly string[]
}

/** Somebody who may wait in line. */
export interface Caller {
  /** Aborted when the caller hangs up. */
  readonly signal: AbortSignal
  /** Keeps running what is begun after that. */
  waitUntil(done: Promise<unknown>): void
}

/** An answer, and the region whose matcher gave it. */
interface Asked {
  readonly answer: MatchAnswer
  readonly region: string
}

/**
 * Reserves a slot of a node that may have this job; where all are busy, for the first who waits in line.
 * @throws CocoonError `no-node` when no node of these regions serves the model, `all-busy`
 */
export async function leaseInTurn(
  env: Env,
  regions: readonly string[],
  wish: Wish,
  caller: Caller,
): Promise<MatchResponse> {
  const { signal } = caller
  const request: LeaseRequest = { id: crypto.randomUUID(), ...wish }
  const began = Date.now()
  let matcher: DurableObjectStub<Matcher> | undefined
  // Leaves the line, or gives back the slot that nobody will use.
  const hungUp = (): void => {
    if (matcher) caller.waitUntil(matcher.abandon(request.id))
  }
  signal.addEventListener('abort', hungUp, { once: true })
  try {
    const asked = await firstOf(regions, (region) => {
      matcher = matcherOf(env, wish, region)
      return matcher.lease(request)
    })
    if (asked.answer.kind !== 'busy') return await responseTo(asked, wish, env, { id: request.id, queued: 0 })
    matcher = matcherOf(env, wish, asked.region)
    const answer = await inLine(matcher, request, signal)
    return await responseTo({ ...asked, answer }, wish, env, { id: request.id, queued: Date.now() - began })
  } catch (error) {
    if (!(error instanceof CocoonError)) hungUp()
    throw error
  } finally {
    signal.removeEventListener('abort', hungUp)
  }
}

/**
 * The same for a relay whose node cannot have the job. Nobody waits: the person's device can do that at the door.
 * `report` is that node's load, for the matcher of its own region, the first.
 * @throws CocoonError `no-node`, `all-busy`
 */
export async function leaseElsewhere(
  env: Env,
  regions: readonly string[],
  wish: Wish,
  report: LoadReport,
): Promise<{ to: MatchResponse; giveBack: () => Promise<void> }> {
  const request: LeaseRequest = { id: crypto.randomUUID(), ...wish }
  const asked = await firstOf(regions, (region) => {
    return matcherOf(env, wish, region).lease(request, region === regions[0] ? report : undefined)
  })
  const to = await responseTo(asked, wish, env, { id: request.id, queued: 0, moved: true })
  return { to, giveBack: () => matcherOf(env, wish, asked.region).abandon(request.id) }
}

/**
 * A candidate by the same decision, with nothing reserved: whether it has room is seen when the job comes.
 * @throws CocoonError `no-node`, `all-busy`
 */
export async function nameCandidate(env: Env, regions: readonly string[], wish: Wish): Promise<MatchResponse> {
  const asked = await firstOf(regions, (region) => matcherOf(env, wish, region).candidate(wish.policy, wish.exclude))
  return responseTo(asked, wish, env, { id: crypto.randomUUID(), queued: 0, reserved: false })
}

function matcherOf(env: Env, { model }: Wish, region: string): DurableObjectStub<Matcher> {
  return env.MATCHER.getByName(`${model}|${region}`)
}

/** The first region with a free node; else the first with a busy one; else the last. */
async function firstOf(regions: readonly string[], ask: (region: string) => Promise<MatchAnswer>): Promise<Asked> {
  let best: Asked = { answer: { kind: 'none' }, region: '' }
  for (const region of regions) {
    const answer = await ask(region)
    if (answer.kind === 'granted') return { answer, region }
    if (best.answer.kind === 'none') best = { answer, region }
  }
  return best
}

async function inLine(
  matcher: DurableObjectStub<Matcher>,
  request: LeaseRequest,
  signal: AbortSignal,
): Promise<MatchAnswer> {
  try {
    return await matcher.wait(request, () => !signal.aborted)
  } catch (error) {
    // The matcher was restarted; its line lived in memory.
    logFault('match.lost', error)
    throw new CocoonError('all-busy', 'the line was lost: ask again', { retryAfterMs: LINE_LOST, cause: error })
  }
}

async function responseTo(
  { answer, region }: Asked,
  { user, model }: Wish,
  env: Env,
  lease: { id: string; queued: number; reserved?: boolean; moved?: boolean },
): Promise<MatchResponse> {
  if (answer.kind === 'none') {
    throw new CocoonError('no-node', 'no node serves this model now', { retryAfterMs: NOBODY_SERVES })
  }
  if (answer.kind === 'busy') {
    const { retryAfterMs } = answer
    throw new CocoonError('all-busy', 'every node that serves this model is busy', { retryAfterMs })
  }
  const { node, statement, evidence } = answer.grant
  const ahead = Math.min(answer.grant.expires, Date.now() + AHEAD_LIFETIME)
  const { reserved = true, moved = false } = lease
  const expires = Math.floor((reserved ? answer.grant.expires : ahead) / 1000)
  const settings: Settings = settingsOf(env)
  const claims = { purpose: 'lease', ...lease, reserved, moved, user, node, model, region, expires } as const
  return { node, statement, evidence, lease: await issueToken(settings.SESSION_SECRET, claims), expires }
}
