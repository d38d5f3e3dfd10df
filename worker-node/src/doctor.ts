import { networks } from '@cocoon/protocol'
import { parseAddress } from '@cocoon/protocol/money'
import type { BrokerFacts } from './broker-facts.ts'
import type { NodeSettings } from './config.ts'
import { AttestationError } from './attesters/attester.ts'
import { EngineError } from './engine/engine.ts'

/** What was looked at, and what came of it. `wrong`: this node would not earn. `note`: it may be meant so. */
export interface Finding {
  readonly check: string
  readonly level: 'ok' | 'note' | 'wrong'
  readonly what: string
  /** What to do about it. */
  readonly todo?: string
}

/** How the doctor looks at the world. Each may throw; what it throws is what is wrong. */
export interface Probes {
  /** Node's version, such as `22.23.3`. */
  readonly runtime: string
  /** Unix milliseconds. */
  readonly now: () => number
  readonly broker: (settings: NodeSettings) => Promise<BrokerFacts>
  /** Opens the node's socket and waits for the broker's first word; resolves to the network's id. */
  readonly link: (settings: NodeSettings) => Promise<number>
  /** Starts every engine and has each model say a word; milliseconds until it came, by model. */
  readonly answer: (settings: NodeSettings) => Promise<ReadonlyMap<string, number>>
  /** Makes evidence; its TEE's name. */
  readonly evidence: (settings: NodeSettings) => Promise<string>
  /** Bytes free where the state is, after a file was written there. */
  readonly freeBytes: (settings: NodeSettings) => Promise<number>
  /** True when a node runs with this state. */
  readonly running: (settings: NodeSettings) => Promise<boolean>
  /** True when the health port can be listened on. */
  readonly portFree: (settings: NodeSettings) => Promise<boolean>
}

/** A device refuses a statement from so far in the future; browsers' clocks are off by a little themselves. Milliseconds. */
const CLOCK_WRONG = 30_000
const CLOCK_NOTE = 3_000
const LEAST_FREE = 256 * 1024 * 1024
/** Where a global WebSocket first came without a flag. */
const LEAST_RUNTIME = 22

type Check = (settings: NodeSettings, probes: Probes) => Promise<Finding | Finding[] | undefined>

const runtime: Check = async (_settings, probes) => {
  const fits = Number(probes.runtime.split('.')[0]) >= LEAST_RUNTIME
  if (fits) return { check: 'runtime', level: 'ok', what: `Node ${probes.runtime}` }
  const todo = `install Node ${LEAST_RUNTIME} or later`
  return { check: 'runtime', level: 'wrong', what: `Node ${probes.runtime} is too old`, todo }
}

const disk: Check = async (settings, probes) => {
  const where = settings.state ?? 'this folder'
  try {
    const free = await probes.freeBytes(settings)
    const what = `${Math.floor(free / 1024 / 1024)} MiB free at ${where}`
    if (free >= LEAST_FREE) return { check: 'disk', level: 'ok', what }
    return { check: 'disk', level: 'wrong', what, todo: 'make room, or move --state to another disk' }
  } catch (error) {
    const todo = 'make the folder and give it to the user that the node runs as'
    return { check: 'disk', level: 'wrong', what: `nothing can be written at ${where}: ${said(error)}`, todo }
  }
}

const already: Check = async (settings, probes) => {
  if (settings.state === undefined) {
    const todo = 'name a folder with --state, so that status, reload and drain can reach the node'
    return { check: 'state', level: 'note', what: 'no folder of its own', todo }
  }
  const runs = await probes.running(settings)
  if (!runs) return { check: 'state', level: 'ok', what: settings.state }
  return {
    check: 'state',
    level: 'note',
    what: `a node runs with ${settings.state} now`,
    todo: 'see it with `worker-node status`',
  }
}

const port: Check = async (settings, probes) => {
  const { 'health-port': number } = settings
  if (number === undefined || number === 0) return undefined
  if (await probes.portFree(settings)) return { check: 'health', level: 'ok', what: `port ${number} is free` }
  if (settings.state !== undefined && (await probes.running(settings))) return undefined
  return { check: 'health', level: 'wrong', what: `port ${number} is taken`, todo: 'take another --health-port' }
}

const broker: Check = async (settings, probes) => {
  let facts: BrokerFacts
  const asked = probes.now()
  try {
    facts = await probes.broker(settings)
  } catch (error) {
    const todo = `look at --broker, DNS and firewall: curl ${settings.broker}/api/models`
    return { check: 'broker', level: 'wrong', what: `${settings.broker} does not answer: ${said(error)}`, todo }
  }
  const findings: Finding[] = [networkFinding(settings, facts.network), ...modelFindings(settings, facts)]
  if (facts.now === undefined) return [...findings, { check: 'clock', level: 'note', what: 'the broker says no time' }]
  const ahead = Math.round((asked + probes.now()) / 2 - facts.now)
  // The broker's clock is read to the second.
  const off = Math.max(0, Math.abs(ahead) - 1_000)
  const what =
    off === 0
      ? 'agrees with the broker’s'
      : `${Math.round(off / 1000)} s ${ahead > 0 ? 'ahead of' : 'behind'} the broker’s`
  const level = off >= CLOCK_WRONG ? 'wrong' : off >= CLOCK_NOTE ? 'note' : 'ok'
  const todo = 'switch on time synchronisation: timedatectl set-ntp true'
  return [...findings, { check: 'clock', level, what, ...(level === 'ok' ? {} : { todo }) }]
}

function networkFinding(settings: NodeSettings, network: number): Finding {
  if (network === networks[settings.network]) {
    return { check: 'broker', level: 'ok', what: `${settings.broker} is on ${settings.network}` }
  }
  const name = Object.entries(networks).find(([, id]) => id === network)?.[0] ?? `network ${network}`
  const todo = `take --network ${name}, or a broker on ${settings.network}`
  return {
    check: 'broker',
    level: 'wrong',
    what: `${settings.broker} is on ${name}, this node on ${settings.network}`,
    todo,
  }
}

function modelFindings(settings: NodeSettings, facts: BrokerFacts): Finding[] {
  return settings.models.flatMap(({ model }): Finding[] => {
    if (facts.models.includes(model)) return []
    const what = `the broker does not list ${model}: nobody can ask for it`
    return [{ check: 'broker', level: 'wrong', what, todo: `name one of: ${facts.models.join(', ') || 'none'}` }]
  })
}

const link: Check = async (settings, probes) => {
  try {
    await probes.link(settings)
    return { check: 'link', level: 'ok', what: 'a WebSocket to the broker opens' }
  } catch (error) {
    const todo = 'a proxy or firewall may not let WebSockets through'
    return { check: 'link', level: 'wrong', what: `no WebSocket to the broker: ${said(error)}`, todo }
  }
}

const engine: Check = async (settings, probes) => {
  try {
    const times = await probes.answer(settings)
    return [...times].map(([model, milliseconds]) => {
      return { check: 'engine', level: 'ok', what: `${model} said a first word after ${Math.round(milliseconds)} ms` }
    })
  } catch (error) {
    const code = error instanceof EngineError ? error.code : undefined
    return { check: 'engine', level: 'wrong', what: said(error), todo: engineAdvice(code, settings) }
  }
}

function engineAdvice(code: string | undefined, settings: NodeSettings): string {
  const urls = [...new Set(settings.models.map((one) => one['engine-url']).filter((url) => url !== undefined))]
  switch (code) {
    case 'engine-unreachable':
      return `start the engine; then try: curl ${urls.map((url) => `${url.replace(/\/(v1\/?)?$/, '')}/v1/models`).join(' ')}`
    case 'unknown-model':
      return 'have the engine load the model, or name one that it has'
    case 'timeout':
      return 'the engine is still loading, or overloaded: look at its log'
    default:
      return urls.length > 0 ? 'look at the engine’s log' : 'look at --model-path: a GGUF in one file'
  }
}

const evidence: Check = async (settings, probes) => {
  if (settings.attester === 'none') {
    const what = 'an open node: it shows none, and is asked only by those who accept that'
    return { check: 'evidence', level: 'note', what, todo: 'on a TDX or SEV-SNP machine: --attester configfs' }
  }
  try {
    return { check: 'evidence', level: 'ok', what: `${await probes.evidence(settings)} evidence was made` }
  } catch (error) {
    const code = error instanceof AttestationError ? ` (${error.code})` : ''
    const todo = 'see “Attestation” in docs/running-a-node.md, or take --attester none'
    return { check: 'evidence', level: 'wrong', what: `none can be made${code}: ${said(error)}`, todo }
  }
}

const wallet: Check = async ({ payee, network }) => {
  if (payee === undefined) {
    return {
      check: 'wallet',
      level: 'note',
      what: 'no --payee: this node works for free',
      todo: 'give the address that is paid',
    }
  }
  const { testOnly } = parseAddress(payee)
  if (testOnly === null || testOnly === (network !== 'mainnet')) return { check: 'wallet', level: 'ok', what: payee }
  if (!testOnly) {
    const todo = 'keep test coins apart: take an address of a test wallet'
    return { check: 'wallet', level: 'note', what: `an address of mainnet, on ${network}`, todo }
  }
  const todo = 'copy the address from a wallet on mainnet'
  return { check: 'wallet', level: 'wrong', what: 'a test address, on mainnet: coins sent there may be lost', todo }
}

const checks: readonly Check[] = [runtime, disk, already, port, broker, link, engine, evidence, wallet]

/** Every check, one after another, each told as soon as it is done. One that breaks down is itself a finding. */
export async function* examine(settings: NodeSettings, probes: Probes): AsyncGenerator<Finding, void> {
  for (const check of checks) {
    const found = await check(settings, probes).catch((error: unknown): Finding => {
      return { check: check.name, level: 'wrong', what: said(error) }
    })
    if (found) yield* Array.isArray(found) ? found : [found]
  }
}

const marks = { ok: 'ok   ', note: 'note ', wrong: 'WRONG' } as const

export function findingText({ check, level, what, todo }: Finding): string {
  return `${marks[level]}  ${check.padEnd(9)} ${what}${todo === undefined ? '' : `\n${' '.repeat(17)}→ ${todo}`}`
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown reason'
}
