import { expect, test } from 'vitest'
import type { Engine, EngineEvent } from '../src/engine/engine.ts'
import { EngineError } from '../src/engine/engine.ts'
import { MeteredEngine } from '../src/engine/metered.ts'
import { countedLog } from '../src/log.ts'
import { Meter, TOKENS_EVERY } from '../src/meter.ts'
import { metricsText } from '../src/metrics.ts'
import { statusOf, statusText, type StatusFacts } from '../src/status.ts'

const usage = { prompt: 70, cached: 3, completion: 130, reasoning: 2 }
const facts: StatusFacts = {
  node: 'ab'.repeat(32),
  network: 'localnet',
  broker: 'http://127.0.0.1:1',
  link: 'up',
  draining: false,
  uptimeSeconds: 3700,
  slots: 4,
  free: 3,
  evidence: { tee: 'tdx', notAfter: 1_800_000_000 },
  payee: null,
  offers: [{ model: 'm', context: 10, maxOutput: 9, price: { prompt: 5n, cached: 1n, completion: 7n, reasoning: 7n } }],
}

class Scripted implements Engine {
  readonly kind = 'embedded'
  readonly slots = 1
  readonly #events: (EngineEvent | EngineError | (() => void))[]
  constructor(...events: (EngineEvent | EngineError | (() => void))[]) {
    this.#events = events
  }
  models = () => Promise.resolve([])
  close = () => Promise.resolve()
  async *chat(): AsyncGenerator<EngineEvent, void> {
    for (const event of this.#events) {
      if (event instanceof EngineError) throw event
      if (typeof event === 'function') event()
      else yield event
    }
  }
}

let now = 5_000_000
const meter = () => new Meter(['m'], () => now)
const word: EngineEvent = { type: 'delta', index: 0, delta: { content: 'secret-word' } }
const end: EngineEvent = { type: 'end', finishReason: 'stop', usage }
const later = (milliseconds: number) => () => void (now += milliseconds)
async function play(counts: Meter, ...events: ConstructorParameters<typeof Scripted>): Promise<void> {
  const request = { model: 'm', messages: [] }
  const { signal } = new AbortController()
  const heard = new MeteredEngine(new Scripted(...events), counts).chat(request, { signal })
  try {
    for await (const event of heard) expect(event.type).toMatch(/delta|end/)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
  }
}

test('what an engine does is counted, and passed on as it is', async () => {
  const counts = meter()
  await play(counts, later(300), word, later(1000), word, end)
  await play(counts, new EngineError('truncated', 'secret-word'))
  const text = metricsText(counts, statusOf(counts, facts))
  for (const line of [
    'cocoon_node_up 1',
    'cocoon_slots_free 3',
    'cocoon_jobs_total{model="m",end="stop"} 1',
    'cocoon_jobs_total{model="m",end="error"} 1',
    'cocoon_engine_errors_total{model="m",code="truncated"} 1',
    'cocoon_first_token_seconds_bucket{model="m",le="0.2"} 0',
    'cocoon_first_token_seconds_bucket{model="m",le="0.5"} 1',
    'cocoon_first_token_seconds_bucket{model="m",le="+Inf"} 1',
    'cocoon_first_token_seconds_count{model="m"} 1',
    'cocoon_job_seconds_sum{model="m"} 1.3',
    'cocoon_tokens_total{model="m",kind="completion"} 130',
    'cocoon_tokens_per_second{model="m"} 0.2',
    'cocoon_evidence_expires_timestamp_seconds 1800000000',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
  expect(text).not.toContain('secret-word')
})

test('is in the form that Prometheus reads: each family announced once, each sample a number', async () => {
  const counts = new Meter(['m', 'n'], () => now)
  await play(counts, word, end)
  const lines = metricsText(counts, statusOf(counts, facts)).trimEnd().split('\n')
  const types = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2] ?? '')
  expect(new Set(types).size).toBe(types.length)
  for (const line of lines.filter((text) => !text.startsWith('#'))) {
    expect(line).toMatch(/^[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?\d+(\.\d+)?(e-?\d+)?$/)
    const name = /^[a-z_]+/.exec(line)?.[0] ?? ''
    expect(types.some((type) => name === type || name.replace(/_(bucket|sum|count)$/, '') === type)).toBe(true)
  }
})

test('tokens of single jobs cannot be told from the counts of one minute', async () => {
  const counts = meter()
  await play(counts, end)
  const seen = () => counts.models.get('m')?.tokens.completion
  expect(seen()).toBe(130)
  await play(counts, end)
  await play(counts, end)
  expect(seen()).toBe(130)
  now += TOKENS_EVERY
  metricsText(counts, statusOf(counts, facts))
  expect(seen()).toBe(390)
})

test('speed is of the last seconds', async () => {
  const counts = meter()
  await play(counts, ...Array.from({ length: 50 }, () => word), end)
  expect(counts.models.get('m')?.speed(now)).toBe(5)
  expect(counts.models.get('m')?.speed(now + 20_000)).toBe(0)
})

test('a job whose reader left counts as one', async () => {
  const counts = meter()
  const signal = new AbortController().signal
  for await (const event of new MeteredEngine(new Scripted(word, word, end), counts).chat(
    { model: 'm', messages: [] },
    { signal },
  )) {
    expect(event.type).toBe('delta')
    break
  }
  expect([...(counts.models.get('m')?.ended ?? [])]).toEqual([['abandoned', 1]])
  expect(counts.models.get('m')?.running).toBe(0)
})

test('events of the log are counted by name, refusals by code', () => {
  const counts = meter()
  const lines: string[] = []
  const log = countedLog((event) => void lines.push(event), counts)
  log('job.refused', { job: 'a', code: 'busy' })
  log('job.refused', { job: 'b', code: 'busy' })
  log('jobs.refused', { count: 40 })
  log('job.fault', { why: 'TypeError' })
  log('link.down', { why: 'x' })
  expect(lines).toHaveLength(5)
  const text = metricsText(counts, statusOf(counts, facts))
  expect(text).toContain('cocoon_jobs_refused_total{code="busy"} 2\n')
  expect(text).toContain('cocoon_jobs_refused_total{code="unlogged"} 40\n')
  expect(text).toContain('cocoon_faults_total{event="job.fault"} 1\n')
  expect(text).toContain('cocoon_link_downs_total 1\n')
  expect(statusOf(counts, facts)).toMatchObject({ refused: 42, faults: 1 })
})

test('a status is worth looking at', async () => {
  const counts = meter()
  await play(counts, later(250), word, end)
  const text = statusText(statusOf(counts, facts), (1_800_000_000 - 7200) * 1000)
  expect(text).toContain('abababababababab  takes jobs, for 1 h 1 min')
  expect(text).toContain('1 of 4 busy  ■□□□')
  expect(text).toContain('tdx, good for 2 h 0 min')
  expect(text).toContain('works for free')
  expect(text).toMatch(/^m +0 +1 +0 +0 +0\.1 +0\.25 s +5\/7$/m)
  const expired = statusText(statusOf(counts, { ...facts, link: 'down' }), 1_900_000_000_000)
  expect(expired).toContain('not connected')
  expect(expired).toContain('good for no longer')
  expect(statusText(statusOf(counts, { ...facts, draining: true, free: 0 }), 0)).toContain('takes no new job')
})
