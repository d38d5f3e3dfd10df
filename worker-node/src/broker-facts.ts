import * as v from 'valibot'

const PATIENCE = 8_000

const Answer = v.object({ network: v.number(), models: v.array(v.object({ id: v.string() })) })

/** What a broker says to anybody. */
export interface BrokerFacts {
  readonly network: number
  readonly models: readonly string[]
  /** Its clock, Unix milliseconds, cut to the second; undefined where it does not say. */
  readonly now: number | undefined
}

/** @throws Error that says what a person can understand */
export async function askBroker(origin: string): Promise<BrokerFacts> {
  const response = await fetch(new URL('/api/models', origin), { signal: AbortSignal.timeout(PATIENCE) }).catch(
    (cause: unknown) => {
      const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
      throw new Error(inner instanceof Error ? inner.message || inner.name : 'no connection', { cause })
    },
  )
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  const answer = v.safeParse(Answer, await response.json().catch(() => undefined))
  if (!answer.success) throw new Error('what answers there is no broker')
  const date = Date.parse(response.headers.get('date') ?? '')
  return {
    network: answer.output.network,
    models: answer.output.models.map(({ id }) => id),
    now: Number.isNaN(date) ? undefined : date,
  }
}
