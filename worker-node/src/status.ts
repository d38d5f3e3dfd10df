import type { Offer } from '@cocoon/protocol'
import type { Meter } from './meter.ts'

/** What a running node says of itself to its owner, as JSON. Amounts are texts of whole nanograms. */
export interface NodeStatus {
  readonly version: 1
  readonly node: string
  readonly network: string
  readonly broker: string
  readonly link: 'up' | 'down'
  readonly draining: boolean
  readonly uptimeSeconds: number
  readonly slots: number
  readonly free: number
  /** Null for a node that shows none. */
  readonly evidence: { readonly tee: string; /** Unix seconds. */ readonly notAfter: number } | null
  /** Null for a node that works for free. */
  readonly payee: string | null
  readonly refused: number
  readonly faults: number
  readonly models: readonly ModelStatus[]
}

export interface ModelStatus {
  readonly model: string
  readonly context: number
  readonly price: Readonly<Record<keyof Offer['price'], string>>
  readonly running: number
  /** Jobs that ended with an answer, whole or cut at a limit. */
  readonly answered: number
  readonly cancelled: number
  readonly failed: number
  /** Pieces of answers a second, lately: about tokens. */
  readonly tokensPerSecond: number
  /** Mean, seconds; null before the first answer. */
  readonly firstTokenSeconds: number | null
}

/** What the daemon knows beside its counts. */
export interface StatusFacts extends Omit<NodeStatus, 'version' | 'models' | 'refused' | 'faults'> {
  readonly offers: readonly Offer[]
}

export function statusOf(meter: Meter, { offers, ...facts }: StatusFacts): NodeStatus {
  const now = meter.monotonic()
  const total = (prefix: string): number =>
    [...meter.events].reduce((sum, [name, count]) => (name.startsWith(prefix) ? sum + count : sum), 0)
  return {
    version: 1,
    ...facts,
    refused: total('refused '),
    faults: total('fault '),
    models: offers.map(({ model, context, price }) => {
      const counts = meter.models.get(model)
      const ended = (...names: string[]) => names.reduce((sum, name) => sum + (counts?.ended.get(name) ?? 0), 0)
      const first = counts?.firstToken
      return {
        model,
        context,
        price: {
          prompt: String(price.prompt),
          cached: String(price.cached),
          completion: String(price.completion),
          reasoning: String(price.reasoning),
        },
        running: counts?.running ?? 0,
        answered: ended('stop', 'length', 'tool_calls', 'content_filter'),
        cancelled: ended('cancelled', 'abandoned'),
        failed: ended('error'),
        tokensPerSecond: counts?.speed(now) ?? 0,
        firstTokenSeconds: first && first.count > 0 ? first.sum / first.count : null,
      }
    }),
  }
}

/** For a person at a terminal. `now`: Unix milliseconds. */
export function statusText(status: NodeStatus, now: number): string {
  const { node, network, broker, link, draining, slots, free, evidence, payee, models } = status
  const state = draining ? 'draining: takes no new job' : link === 'up' ? 'takes jobs' : 'not connected'
  const busy = slots - Math.min(free, slots)
  const bar = slots <= 40 ? `  ${'■'.repeat(draining ? 0 : busy)}${'□'.repeat(draining ? 0 : free)}` : ''
  const shown =
    evidence === null ? 'none: an open node' : `${evidence.tee}, good for ${span(evidence.notAfter - now / 1000)}`
  const rows = [
    ['node', `${node.slice(0, 16)}  ${state}, for ${span(status.uptimeSeconds)}`],
    ['broker', `${broker}  ${network}`],
    ['slots', draining ? `${slots}` : `${busy} of ${slots} busy${bar}`],
    ['evidence', shown],
    ['paid to', payee ?? 'nobody: works for free'],
    ['refused', `${status.refused}`],
    ...(status.faults > 0 ? [['faults', `${status.faults}: look at the log`]] : []),
  ]
  const head = ['model', 'running', 'answered', 'cancelled', 'failed', 'tokens/s', 'first word', 'price in/out']
  const table = models.map((model) => [
    model.model,
    `${model.running}`,
    `${model.answered}`,
    `${model.cancelled}`,
    `${model.failed}`,
    model.tokensPerSecond.toFixed(1),
    model.firstTokenSeconds === null ? '-' : `${model.firstTokenSeconds.toFixed(2)} s`,
    `${model.price.prompt}/${model.price.completion}`,
  ])
  const facts = rows.map(([name = '', value = '']) => `${name.padEnd(9)} ${value}`)
  return `${[...facts, '', ...columns([head, ...table])].join('\n')}\n`
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  return rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
  )
}

/** Seconds in words: `3 h 20 min`. */
function span(seconds: number): string {
  if (seconds <= 0) return 'no longer'
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1) return `${Math.floor(seconds)} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
