import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Meter } from '../src/meter.ts'
import { metricsText } from '../src/metrics.ts'
import { settingNames } from '../src/settings.ts'
import { statusOf } from '../src/status.ts'

const packaging = (name: string) => readFileSync(new URL(`../packaging/${name}`, import.meta.url), 'utf8')
const meter = new Meter(['m'], () => 0)
const status = statusOf(meter, {
  node: 'n',
  network: 'localnet',
  broker: 'b',
  link: 'up',
  draining: false,
  uptimeSeconds: 1,
  slots: 1,
  free: 1,
  evidence: { tee: 'tdx', notAfter: 1 },
  payee: null,
  offers: [],
})
const known = [...metricsText(meter, status).matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
)

test('the dashboard asks for metrics that there are, and shows every one', () => {
  const dashboard = JSON.parse(packaging('grafana-dashboard.json')) as { panels: { targets: { expr: string }[] }[] }
  const asked = new Set(
    dashboard.panels.flatMap(({ targets }) => targets).flatMap(({ expr }) => expr.match(/cocoon_\w+/g) ?? []),
  )
  for (const name of asked) expect(known).toContain(name)
  const family = (name: string) => name.replace(/_(bucket|sum|count)$/, '')
  const shown = new Set([...asked].map(family))
  // One says what another shows already.
  const left = new Set(known.map(family).filter((name) => !shown.has(name)))
  expect([...left]).toEqual(['cocoon_node_draining'])
})

test('every metric is described', () => {
  const page = readFileSync(new URL('../../docs/running-a-node.md', import.meta.url), 'utf8')
  for (const name of known) expect(page).toContain(name.replace(/_(bucket|sum|count)$/, ''))
})

test('unit and container file use flags that there are, and the exit code that no restart mends', () => {
  const text = packaging('cocoon-node.service') + packaging('Containerfile')
  const commands = text.split('\n').filter((line) => /worker-node (init|run)|^CMD \["run"/.test(line))
  expect(commands.length).toBeGreaterThan(2)
  const flags = commands.flatMap((line) => line.match(/--[a-z-]+/g) ?? [])
  for (const flag of flags) expect([...settingNames, 'config', 'enable', 'now']).toContain(flag.slice(2))
  expect(packaging('cocoon-node.service')).toMatch(/^RestartPreventExitStatus=2$/m)
})
