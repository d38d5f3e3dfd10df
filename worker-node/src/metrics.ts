import type { Histogram, Meter } from './meter.ts'
import type { NodeStatus } from './status.ts'

type Labels = Readonly<Record<string, string>>
type Sample = readonly [labels: Labels, value: number]

/**
 * What Prometheus reads (text format 0.0.4). Names, times and numbers by model: nothing of a person, a job or a key, and
 * tokens only by the minute.
 */
export function metricsText(meter: Meter, status: NodeStatus): string {
  const now = meter.monotonic()
  const models = [...meter.models]
  for (const [, model] of models) model.publish(now)
  const perModel = (value: (model: (typeof models)[number][1]) => number): Sample[] =>
    models.map(([name, model]) => [{ model: name }, value(model)])
  const perKey = (
    label: string,
    counts: (model: (typeof models)[number][1]) => ReadonlyMap<string, number>,
  ): Sample[] =>
    models.flatMap(([name, model]) =>
      [...counts(model)].map(([key, count]): Sample => [{ model: name, [label]: key }, count]),
    )
  const events = (prefix: string, label: string): Sample[] =>
    [...meter.events].flatMap(([name, count]): Sample[] =>
      name.startsWith(prefix) ? [[{ [label]: name.slice(prefix.length) }, count]] : [],
    )
  const lines = [
    family('cocoon_node_up', 'gauge', 'The link to the broker stands.', [[{}, status.link === 'up' ? 1 : 0]]),
    family('cocoon_node_draining', 'gauge', 'The node takes no new job.', [[{}, status.draining ? 1 : 0]]),
    family('cocoon_node_uptime_seconds', 'gauge', 'Seconds since the node started.', [[{}, status.uptimeSeconds]]),
    family('cocoon_slots', 'gauge', 'Jobs that may run at a time.', [[{}, status.slots]]),
    family('cocoon_slots_free', 'gauge', 'Slots that are free.', [[{}, status.free]]),
    family(
      'cocoon_jobs_running',
      'gauge',
      'Jobs at the engine now.',
      perModel(({ running }) => running),
    ),
    family(
      'cocoon_jobs_total',
      'counter',
      'Jobs that ended at the engine, and how.',
      perKey('end', (m) => m.ended),
    ),
    family(
      'cocoon_engine_errors_total',
      'counter',
      'Errors of the engine.',
      perKey('code', (m) => m.failed),
    ),
    family('cocoon_jobs_refused_total', 'counter', 'Jobs refused before they were opened.', events('refused ', 'code')),
    family('cocoon_faults_total', 'counter', 'Faults of the node itself, by log event.', events('fault ', 'event')),
    family('cocoon_link_downs_total', 'counter', 'Times the link broke.', [[{}, meter.of('link.down')]]),
    family(
      'cocoon_tokens_total',
      'counter',
      'Tokens of jobs that ended; counted up once a minute.',
      models.flatMap(([name, { tokens }]) =>
        Object.entries(tokens).map(([kind, count]): Sample => [{ model: name, kind }, count as number]),
      ),
    ),
    family(
      'cocoon_tokens_per_second',
      'gauge',
      'Pieces of answers a second, lately.',
      perModel((m) => m.speed(now)),
    ),
    ...histogram('cocoon_first_token_seconds', 'Until the first word of an answer.', models, (m) => m.firstToken),
    ...histogram('cocoon_job_seconds', 'From the start of a job at the engine to its end.', models, (m) => m.duration),
    ...(status.evidence
      ? [
          family('cocoon_evidence_expires_timestamp_seconds', 'gauge', 'When the evidence in use is over.', [
            [{}, status.evidence.notAfter],
          ]),
        ]
      : []),
  ]
  return lines.join('')
}

function family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  return head(name, type, help) + samples.map(([labels, value]) => sample(name, labels, value)).join('')
}

function* histogram<Meters>(
  name: string,
  help: string,
  models: readonly (readonly [string, Meters])[],
  of: (model: Meters) => Histogram,
): Generator<string> {
  yield head(name, 'histogram', help)
  for (const [model, meters] of models) {
    const { bounds, counts, sum, count } = of(meters)
    let below = 0
    for (const [index, bound] of bounds.entries()) {
      below += counts[index] ?? 0
      yield sample(`${name}_bucket`, { model, le: String(bound) }, below)
    }
    yield sample(`${name}_bucket`, { model, le: '+Inf' }, count)
    yield sample(`${name}_sum`, { model }, sum)
    yield sample(`${name}_count`, { model }, count)
  }
}

function head(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

function sample(name: string, labels: Labels, value: number): string {
  const parts = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`)
  return `${name}${parts.length > 0 ? `{${parts.join(',')}}` : ''} ${value}\n`
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
